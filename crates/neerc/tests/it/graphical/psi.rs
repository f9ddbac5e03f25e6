//! Psi+ 1.4.554, whose menus cannot be used reliably from a test. What it sends was recorded once, when a person's steps
//! were gone through on Debian 12 (contact list, Execute Command, the list, the form with a wrong time and with a right
//! one), and is played here. Not tried here is what it shows: of a form that it is answered with, it shows the
//! instructions, labels and values, as was seen then; so the words have to stand in these, and not only in a note.

use crate::raw::{Raw, between};
use crate::servers::{Kind, Server};
use crate::service::Neerc;

/// Which commands there are; asked of the resource that is in the contact list.
const COMMANDS: &str = r#"<iq xmlns="jabber:client" to="SERVICE/neerc" id="aac4a" type="get">
<query xmlns="http://jabber.org/protocol/disco#items" node="http://jabber.org/protocol/commands"/>
</iq>"#;

const LATE: &str = r#"<iq xmlns="jabber:client" to="SERVICE" id="aac7a" type="set">
<command xmlns="http://jabber.org/protocol/commands" node="http://neerc.ifmo.ru/protocol/neerc/commands#late"/>
</iq>"#;

const CREATE: &str = r#"<iq xmlns="jabber:client" to="SERVICE" id="aac9a" type="set">
<command xmlns="http://jabber.org/protocol/commands" node="http://neerc.ifmo.ru/protocol/neerc/commands#create"/>
</iq>"#;

/// The form of a new task, by the button Finish, with nobody chosen.
const FORM: &str = r#"<iq xmlns="jabber:client" to="SERVICE" id="ID" type="set">
<command xmlns="http://jabber.org/protocol/commands" sessionid="SESSION" node="http://neerc.ifmo.ru/protocol/neerc/commands#create">
<x xmlns="jabber:x:data" type="submit">
<field var="kind" type="list-single">
<value>todo</value>
</field>
<field var="title" type="text-single">
<value>Bring water</value>
</field>
<field var="names" type="list-multi"/>
<field var="schedule" type="text-single">
<value>WHEN</value>
</field>
</x>
</command>
</iq>"#;

/// Sends a recorded request; the answer, with one kind of quotes.
#[track_caller]
fn play(psi: &mut Raw, request: &str, id: &str) -> String {
    psi.send(request);
    let wanted = format!("id='{id}'");
    let answer = psi.expect(|stanza| stanza.replace('"', "'").contains(&wanted)).replace('"', "'");
    assert!(answer.contains("type='result'"), "{request}\n{answer}");
    answer
}

/// What Psi+ shows of an answer: its form.
#[track_caller]
fn form(answer: &str) -> &str {
    between(answer, "<x ", "</x>").unwrap_or_else(|| panic!("no form in {answer}"))
}

fn psi_shows_lists_refusals_and_results_in_forms(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[("psijury", "admin"), ("psihall", "member")]);
    let neerc = Neerc::start(server, &[&room], "");
    let to = neerc.room_jid(&room);
    let mut psi = Raw::login(server, "psijury", "psi");
    psi.send(&format!("<message to='{to}' type='chat'><body>@okfail psihall Wallpapers set?</body></message>"));
    psi.expect(|stanza| stanza.contains("Task 1 is handed out"));
    let recorded = |stanza: &str| stanza.replace("SERVICE", &to);

    let commands = play(&mut psi, &recorded(COMMANDS), "aac4a");
    for name in ["Tasks", "New task", "Who is late"] {
        assert!(commands.contains(&format!("name='{name}'")), "{commands}");
    }
    let late = play(&mut psi, &recorded(LATE), "aac7a");
    assert!(form(&late).contains("1 · Wallpapers set? · psihall"), "{late}");

    let asked = play(&mut psi, &recorded(CREATE), "aac9a");
    let session = between(&asked, "sessionid='", "'").expect("a session");
    let filled =
        |id: &str, when: &str| recorded(FORM).replace("SESSION", session).replace("WHEN", when).replace("ID", id);
    let refused = play(&mut psi, &filled("aacaa", "noon"), "aacaa");
    assert!(refused.contains("status='executing'"), "{refused}");
    let instructions = between(form(&refused), "<instructions>", "</instructions>").expect("instructions");
    assert!(instructions.contains("noon") && instructions.contains("is no moment."), "{refused}");
    assert!(form(&refused).contains("<value>Bring water</value>"), "what was filled in stays: {refused}");
    let planned = play(&mut psi, &filled("aacba", "start+15!"), "aacba");
    assert!(planned.contains("status='completed'"), "{planned}");
    assert!(form(&planned).contains("Planned as s1 for start+15!"), "{planned}");
    // Psi+ takes the end of a line in a field for a space.
    assert!(form(&planned).contains("<value>There is no contest clock now"), "{planned}");
}

on_both!(psi_shows_lists_refusals_and_results_in_forms);
