//! What a chat room and its server say to a front that is in it: presences with status codes, affiliations, and answers
//! to requests of the service - lists, configuration forms, self-pings, rosters, members of group rooms. No panic, nothing
//! ill-formed, the service's own addresses are never users, nobody has other rights by a message that anybody could have
//! made the room send, and whoever asks by service discovery is answered whatever the room has said.
//!
//! Each line of the input is one thing: `p NICK TYPE CODES ITEMS` (a presence), `m ITEMS` (a message from the room that
//! says whose affiliation has changed), `a TYPE XML` (how the next request that has no such line yet is answered:
//! `result`, `error` or `silence`), `d FROM` (service discovery), `w MS` (time goes by), or raw XML. An item is
//! `JID=AFFILIATION`; several are separated by commas.

use super::bench::{Answering, Bench, ROOM, SVC, item, occupant};
use neerc_xmpp::ns;
use neerc_xmpp::stanza::address::Address;
use neerc_xmpp::xml::{self, TreeLimits};

/// Checks one input.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut bench = Bench::joined();
    for line in text.lines().take(100) {
        if bench.ended {
            return;
        }
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb {
            "p" => presence(&mut bench, rest),
            "m" => message(&mut bench, &items(rest)),
            "a" => bench.answering.extend(answering(rest)),
            "d" => discovery(&mut bench, rest),
            "w" => bench.wait(rest.parse::<i64>().unwrap_or(0).clamp(0, 400_000)),
            // What is not whole would swallow the lines after it.
            _ if is_whole(line) => bench.receive(line.as_bytes()),
            _ => {}
        }
        users(&mut bench);
    }
}

/// `NICK TYPE CODES ITEMS`, each but the last a word; `-` is none.
fn presence(bench: &mut Bench, rest: &str) {
    let words: Vec<&str> = rest.splitn(4, ' ').collect();
    let [nick, type_, codes, listed] = words[..] else { return };
    if safe(nick) && safe(type_) {
        let codes: Vec<&str> = codes.split(',').filter(|code| safe(code)).collect();
        let items = items(listed).into_iter().map(|(jid, affiliation)| item(jid, affiliation));
        let stanza = occupant(nick, type_.trim_matches('-'), &items.collect::<Vec<_>>(), &codes);
        bench.receive(stanza.as_bytes());
    }
}

/// `TYPE XML`; what is not whole is left out.
fn answering(rest: &str) -> Option<Answering> {
    let (type_, xml) = rest.split_once(' ').unwrap_or((rest, ""));
    let inside = if is_whole(&format!("<iq>{xml}</iq>")) { xml.to_owned() } else { String::new() };
    match type_ {
        "silence" => Some(Answering::Silence),
        "error" => Some(Answering::Iq("error", inside)),
        "result" => Some(Answering::Iq("result", inside)),
        _ => None,
    }
}

/// Somebody asks what the service is; it answers, once.
fn discovery(bench: &mut Bench, from: &str) {
    let user = Address::parse(from).is_some_and(|from| from.domain() != SVC && from.domain() != "conference.localhost");
    if !safe(from) || !user {
        return;
    }
    let before = bench.answers;
    for ns in ["http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items"] {
        let iq = format!("<iq type='get' id='d' from='{from}' to='{SVC}'><query xmlns='{ns}'/></iq>");
        bench.receive(iq.as_bytes());
    }
    assert!(bench.ended || bench.answers == before + 2, "{} answers to {from:?}", bench.answers - before);
}

fn is_whole(stanza: &str) -> bool {
    xml::parse(stanza.as_bytes(), ns::COMPONENT, &TreeLimits::default()).is_ok()
}

/// A message from the room's address says that affiliations have changed. Strangers can make a room say so, so nobody's
/// rights are others by it until the lists are read, which are not answered here.
fn message(bench: &mut Bench, items: &[(&str, &str)]) {
    let payload: String = items.iter().map(|(jid, affiliation)| item(jid, affiliation)).collect();
    let stanza = format!(
        "<message from='{ROOM}' to='{SVC}'><x xmlns='http://jabber.org/protocol/muc#user'>{payload}</x></message>"
    );
    let named = items.iter().filter_map(|(jid, _)| Address::parse(jid).map(|jid| jid.person()));
    let before: Vec<_> = named.map(|person| (bench.front.people("neerc").rights(&person), person)).collect();
    for _ in 0..3 {
        bench.answering.push_front(Answering::Silence);
    }
    bench.receive(stanza.as_bytes());
    for (rights, person) in before {
        assert!(bench.ended || bench.front.people("neerc").rights(&person) == rights, "{person:?} by a forged message");
    }
}

fn users(bench: &mut Bench) {
    for room in ["neerc", "test"] {
        for (person, _) in bench.front.people(room).listed() {
            assert_ne!(person.domain(), SVC, "one of our own addresses is a user");
        }
    }
    assert!(bench.front.sessions(0) <= 10_000);
}

fn items(listed: &str) -> Vec<(&str, &str)> {
    listed.split(',').filter(|item| safe(item)).filter_map(|item| item.split_once('=')).collect()
}

/// Whether it can stand in an attribute as it is.
fn safe(text: &str) -> bool {
    !text.is_empty() && !text.contains(['\'', '<', '&']) && !text.contains(|c| !(' '..'\u{fffe}').contains(&c))
}
