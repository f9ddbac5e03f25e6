//! What is said to people by chat without being asked, and to whom never; the presence that contacts get.

use super::*;
use bench::attr;
use neerc_xmpp::limits;

pub const GAJIM: &str = "https://gajim.org";
const SMACK: &str = "http://www.igniterealtime.org/projects/smack";

fn caps(node: &str) -> String {
    format!("<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='{node}' ver='v'/>")
}

/// People who come and go, and what is said to them.
pub trait Spoken {
    /// Somebody joins with a client of that kind.
    fn comes(&mut self, nick: &str, jid: &str, node: &str);
    fn goes(&mut self, nick: &str, jid: &str);
    fn line(&mut self, from: &str, text: &str);
    /// What was said by chat: to whom, and the text; but not to those who write from outside how they would be told.
    fn chats(&mut self) -> Vec<(String, String)>;
    /// The same after time has gone by.
    fn chats_within(&mut self, ms: i64) -> Vec<(String, String)>;
    /// An admin writes lines, whose answers nobody looks at.
    fn admin(&mut self, text: &str);
    fn admin_packets(&mut self, title: &str);
}

impl Spoken for Bench {
    fn comes(&mut self, nick: &str, jid: &str, node: &str) {
        let affiliation = if jid == ADMIN { "owner" } else { "member" };
        self.hear(format!(
            "<presence from='neerc@conference.localhost/{nick}' to='neerc.localhost'>{}\
             <x xmlns='http://jabber.org/protocol/muc#user'><item jid='{jid}' affiliation='{affiliation}' role='participant'/>\
             </x></presence>",
            caps(node)
        ));
    }

    fn goes(&mut self, nick: &str, jid: &str) {
        self.hear(format!(
            "<presence type='unavailable' from='neerc@conference.localhost/{nick}' to='neerc.localhost'>\
             <x xmlns='http://jabber.org/protocol/muc#user'><item jid='{jid}' affiliation='member' role='none'/>\
             </x></presence>"
        ));
    }

    fn line(&mut self, from: &str, text: &str) {
        self.hear(format!("<message type='chat' from='{from}' to='{ROOM}'><body>{text}</body></message>"));
    }

    fn chats(&mut self) -> Vec<(String, String)> {
        let said = self.said().into_iter().filter(|stanza| stanza.starts_with("<message type='chat'"));
        let parts = |stanza: String| {
            let body = stanza.split_once("<body>").unwrap().1.split("</body>").next().unwrap().to_owned();
            (attr(&stanza, "to").unwrap(), body)
        };
        said.map(parts).filter(|(_, body)| !body.starts_with("[not-here ")).collect()
    }

    fn chats_within(&mut self, ms: i64) -> Vec<(String, String)> {
        self.pass(ms);
        self.chats()
    }

    fn admin(&mut self, text: &str) {
        self.line(ADMIN, text);
        self.said();
    }

    fn admin_packets(&mut self, title: &str) {
        self.hear(iq("set", ADMIN, &task(&format!("title='{title}' type='todo'"), &["hall1"])));
        let said = self.next_said().unwrap();
        assert!(said.starts_with("<iq type='result'"), "{said}");
    }
}

fn open(id: u64, title: &str) -> String {
    format!("{id} · {title} · [kind-todo] · xmpp:neerc@neerc.localhost?message;body=done%20{id}")
}

fn new(id: u64, title: &str) -> String {
    format!(
        "[new-task task={id} title={title}]\n[reply-todo task={id}]\nxmpp:neerc@neerc.localhost?message;body=done%20{id}"
    )
}

#[test]
fn a_hall_with_a_chat_client_is_told_of_its_tasks_in_words() {
    let mut bench = ready(Flavour::Prosody);
    bench.admin("@todo hall1 One\n@todo hall2 Not theirs\n@todo hall1 Two\ndone 3");
    bench.comes("hall1", HALL1, GAJIM);
    assert_eq!(bench.chats_within(limits::CHAT_GRACE_MS - 1), [], "it may still ask as a NEERC client does");
    let reminder = format!(
        "[reminder count=2]\n{}\n{}\n[reply-several examples=[example-todo task=1]]",
        open(1, "One"),
        open(3, "Two")
    );
    assert_eq!(bench.chats_within(1), [(HALL1.into(), reminder)]);
    bench.admin("@todo hall1 Three\n@todo hall1,hall2 Four\nrename 1 First\nremove 3");
    let news = format!(
        "[task-changed task=1 title=First]\n[task-removed task=3 title=Two]\n{}\n{}",
        new(4, "Three"),
        new(5, "Four")
    );
    assert_eq!(bench.chats_within(2_000), [(HALL1.into(), news)], "several changes are one message");
    bench.line(HALL1, "done 5");
    assert_eq!(bench.chats(), [(HALL1.into(), "[said-answered task=5 status=[status-success]]".into())]);
    bench.line(HALL2, "done 5");
    bench.line(HALL1, "undo 5");
    bench.chats();
    assert_eq!(bench.chats_within(5_000), [], "nobody is told what they did themselves, nor what others answer");
    bench.line(HALL1, "done 5");
    bench.chats();
    bench.admin("reset 5 hall1\nunassign 4 hall1");
    let news = format!("[task-taken task=4 title=Three]\n{}", new(5, "Four"));
    assert_eq!(bench.chats_within(2_000), [(HALL1.into(), news)]);
}

#[test]
fn what_is_told_is_not_kept_for_later_nor_copied_to_other_sessions() {
    let mut bench = ready(Flavour::Prosody);
    bench.admin("@todo hall1 One");
    bench.comes("hall1", HALL1, GAJIM);
    bench.pass(limits::CHAT_GRACE_MS);
    let said = bench.said();
    assert!(
        said[0].ends_with("<no-store xmlns='urn:xmpp:hints'/><no-copy xmlns='urn:xmpp:hints'/><private xmlns='urn:xmpp:carbons:2'/></message>"),
        "{said:?}"
    );
    assert_eq!(attr(&said[0], "from").as_deref(), Some(ROOM));
}

#[test]
fn a_neerc_client_is_never_spoken_to() {
    for (nth, node) in [SMACK, "https://stanza.io", "https://stanza.io/", GAJIM].into_iter().enumerate() {
        for first in [false, true] {
            let mut bench = ready(Flavour::Prosody);
            bench.admin("@todo hall1 One");
            let asks = iq("get", HALL1, &query(if nth % 2 == 0 { "users" } else { "tasks" }));
            if first {
                bench.hear(&asks);
            }
            bench.comes("hall1", HALL1, node);
            bench.pass(1_000);
            if !first && node == GAJIM {
                bench.hear(&asks);
            }
            bench.admin("@todo hall1 Two\nrename 1 Other\nremove 2");
            bench.line(HALL1, "done 1");
            bench.pass(60_000);
            let chats = bench.chats();
            assert_eq!(chats.len(), 1, "only the answer to its own line: {node} {chats:?}");
        }
    }
    let mut bench = ready(Flavour::Prosody);
    bench.admin("@todo hall1 One");
    bench.joins("hall1", HALL1);
    assert_eq!(bench.chats_within(60_000), [], "a client that shows nothing of itself may be an old one");
}

#[test]
fn who_is_spoken_to_is_not_told_by_notifications_until_it_asks_for_the_tasks() {
    let mut bench = ready(Flavour::Prosody);
    bench.comes("hall1", HALL1, GAJIM);
    bench.joins("hall2", HALL2);
    bench.pass(10_000);
    bench.admin_packets("One");
    let notified = |bench: &mut Bench| {
        bench.pass(2_000);
        let said = bench.said();
        let told = said.iter().filter(|stanza| stanza.contains("#tasks'"));
        told.filter_map(|stanza| attr(stanza, "to")).collect::<Vec<_>>()
    };
    assert_eq!(notified(&mut bench), [HALL2]);
    bench.hear(iq("get", HALL1, &query("tasks")));
    bench.said();
    bench.admin_packets("Two");
    assert_eq!(notified(&mut bench), [HALL1, HALL2]);
    bench.admin("@todo hall1 Three");
    assert_eq!(bench.chats_within(10_000), []);
}

#[test]
fn who_writes_a_line_is_told_from_then_on_and_not_reminded_of_what_they_just_saw() {
    let mut bench = ready(Flavour::Prosody);
    bench.admin("@todo hall1 One");
    bench.joins("hall1", HALL1);
    bench.line(HALL1, "tasks");
    assert_eq!(bench.chats().len(), 1);
    assert_eq!(bench.chats_within(60_000), []);
    bench.admin("@todo hall1 Two");
    assert_eq!(bench.chats_within(2_000), [(HALL1.into(), new(2, "Two"))]);
    bench.line(HALL2, "tasks"); // hall2 is not online as far as is known
    bench.chats();
    bench.admin("@todo hall2 Three");
    assert_eq!(bench.chats_within(10_000), []);
}

/// As whoever tries the demo does, whose other session is a NEERC client under the same nick.
#[test]
fn who_writes_before_they_join_is_not_told_by_notifications_beside_their_neerc_client() {
    for flavour in bench::server::BOTH {
        let mut bench = ready(flavour);
        let phone = "hall1@localhost/Other";
        bench.hear(iq("get", HALL1, &query("tasks")));
        bench.joins("hall1", HALL1);
        bench.line(phone, "tasks");
        // One server tells of both sessions in the presence of each, the other of the one that came.
        bench.joins("hall1", phone);
        bench.comes("hall1", phone, GAJIM);
        bench.pass(8_000);
        bench.said();
        bench.admin_packets("One");
        bench.pass(2_000);
        let said = bench.said();
        let to = |kind: &str| -> Vec<_> {
            said.iter().filter(|stanza| stanza.contains(kind)).filter_map(|stanza| attr(stanza, "to")).collect()
        };
        assert_eq!((to("#tasks'"), to("[new-task")), (vec![HALL1.to_owned()], vec![phone.to_owned()]), "{flavour:?}");
    }
}

#[test]
fn a_person_is_reminded_once_however_many_sessions_come() {
    let mut bench = ready(Flavour::Prosody);
    bench.admin("@todo hall1 One");
    let second = "hall1@localhost/Second";
    bench.comes("hall1", HALL1, GAJIM);
    assert_eq!(bench.chats_within(10_000).len(), 1);
    bench.comes("other", second, GAJIM);
    assert_eq!(bench.chats_within(10_000), []);
    bench.admin("@todo hall1 Two");
    assert_eq!(bench.chats_within(2_000), [(HALL1.into(), new(2, "Two")), (second.into(), new(2, "Two"))]);
    // Away for a moment: only what is new is said; away for long: everything.
    bench.goes("hall1", HALL1);
    bench.goes("other", second);
    bench.admin("@todo hall1 Three");
    assert_eq!(bench.chats_within(60_000), []);
    bench.comes("hall1", HALL1, GAJIM);
    assert_eq!(bench.chats_within(10_000), [(HALL1.into(), new(3, "Three"))]);
    bench.goes("hall1", HALL1);
    bench.pass(limits::REMINDER_MS + 60_000);
    bench.comes("hall1", HALL1, GAJIM);
    let chats = bench.chats_within(10_000);
    assert!(chats.len() == 1 && chats[0].1.starts_with("[reminder count=3]"), "{chats:?}");
}

#[test]
fn a_second_session_that_is_reminded_keeps_no_news_from_the_first() {
    let mut bench = ready(Flavour::Prosody);
    let second = "hall1@localhost/Second";
    bench.comes("hall1", HALL1, GAJIM);
    bench.pass(limits::REMINDER_MS + 60_000);
    bench.comes("other", second, GAJIM);
    bench.pass(limits::CHAT_GRACE_MS - 500);
    bench.admin("@todo hall1 One");
    let told = bench.chats_within(5_000);
    assert!(told.contains(&(HALL1.into(), new(1, "One"))), "{told:?}");
    assert!(told.iter().any(|(to, _)| to == second), "{told:?}");
}

#[test]
fn nobody_is_told_after_they_have_lost_their_place_in_the_room() {
    let mut bench = ready(Flavour::Prosody);
    bench.comes("hall1", HALL1, GAJIM);
    bench.pass(10_000);
    bench.admin("@todo hall1 One");
    bench.server().list("neerc", "hall1@localhost", "none");
    bench.hear(format!(
        "<presence type='unavailable' from='neerc@conference.localhost/hall1' to='neerc.localhost'>\
         <x xmlns='http://jabber.org/protocol/muc#user'><item jid='{HALL1}' affiliation='none' role='none'/>\
         <status code='321'/></x></presence>"
    ));
    assert_eq!(bench.chats_within(10_000), []);
}

#[test]
fn after_the_link_was_down_everybody_is_known_anew() {
    let mut bench = ready(Flavour::Prosody);
    bench.admin("@todo hall1 One");
    bench.comes("hall1", HALL1, GAJIM);
    bench.check("(the connection is lost)");
    assert_eq!(bench.chats_within(60_000), []);
    bench.check("(the service connects)");
    assert_eq!(bench.chats_within(60_000), []);
    bench.comes("hall1", HALL1, GAJIM);
    assert_eq!(bench.chats_within(10_000).len(), 1);
}

#[test]
fn the_language_of_the_last_line_is_that_of_what_is_told() {
    let mut bench = ready(Flavour::Prosody);
    bench.comes("hall1", HALL1, GAJIM);
    bench.line(HALL1, "задачи");
    bench.admin("@todo hall1 One");
    let chats = bench.chats_within(10_000);
    assert_eq!(chats.len(), 1);
    assert!(chats[0].1.starts_with("ru[new-task task=1 title=One]\nru[reply-todo task=1]"), "{chats:?}");
}

#[test]
fn the_service_can_be_put_in_a_contact_list() {
    for to in ["neerc.localhost", ROOM] {
        let mut bench = ready(Flavour::Prosody);
        let presence = |kind: &str, from: &str| format!("<presence type='{kind}' from='{from}' to='{to}'/>");
        let said = bench.on(&presence("subscribe", "hall1@localhost"));
        let expected = |kind: &str| format!("<presence type='{kind}' from='{to}' to='hall1@localhost'></presence>");
        let carried = match to {
            ROOM => bench::CAPS.replace("eS94ttgb4AyXkKlQNSNHfVbHxzI=", "9TebU028jSkq+mi5E6Uv+VmZC/0="),
            _ => bench::CAPS.to_owned(),
        };
        let here = |whom: &str| {
            format!("<presence from='{to}/neerc' to='{whom}'><status>[presence-status]</status>{carried}</presence>")
        };
        let wish = expected("subscribe").replace("><", "><status>[contact-wish]</status><");
        assert_eq!(said, [expected("subscribed"), here("hall1@localhost"), wish]);
        assert_eq!(bench.on(&presence("subscribed", "hall1@localhost")), Vec::<String>::new());
        assert_eq!(bench.on(&presence("probe", HALL1)), [here(HALL1)]);
        bench.admin("@todo hall1 One");
        bench.hear(format!("<presence from='{HALL1}' to='{to}'>{}</presence>", caps(GAJIM)));
        assert_eq!(bench.chats_within(10_000).len(), 1, "whoever has it there is told like an occupant");
        bench.hear(presence("unavailable", HALL1));
        bench.admin("@todo hall1 Two");
        assert_eq!(bench.chats_within(10_000), []);
        assert_eq!(
            bench.on(&presence("unsubscribe", "hall1@localhost")),
            [expected("unsubscribed"), expected("unavailable").replace(to, &format!("{to}/neerc"))]
        );
        for kind in ["subscribe", "probe"] {
            let refused = format!("<presence type='unsubscribed' from='{to}' to='stranger@localhost'></presence>");
            assert_eq!(bench.on(&presence(kind, "stranger@localhost")), [refused]);
        }
    }
}

#[test]
fn a_visitor_who_becomes_a_member_is_told_from_then_on() {
    let mut bench = ready(Flavour::Prosody);
    let visitor = "visitor@localhost/Gajim";
    let presence = |affiliation: &str| {
        format!(
            "<presence from='neerc@conference.localhost/visitor' to='neerc.localhost'>{}\
             <x xmlns='http://jabber.org/protocol/muc#user'><item jid='{visitor}' affiliation='{affiliation}' \
             role='participant'/></x></presence>",
            caps(GAJIM)
        )
    };
    bench.hear(presence("none"));
    assert_eq!(bench.chats_within(10_000), []);
    bench.hear(presence("member"));
    bench.admin("@todo visitor One");
    let chats = bench.chats_within(10_000);
    assert!(chats.len() == 1 && chats[0].1.starts_with("[reminder count=1]"), "{chats:?}");
}

#[test]
fn who_was_there_before_the_service_is_told_both_ways_until_they_write() {
    let mut bench = ready(Flavour::Prosody);
    bench.check("(the connection is lost)");
    bench.server = None; // the script is the server now
    bench.connect();
    bench
        .hear("<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='1'>");
    bench.hear("<handshake/>");
    bench.comes("hall1", HALL1, GAJIM);
    bench.hear(
        "<presence from='neerc@conference.localhost/neerc' to='neerc.localhost'>\
         <x xmlns='http://jabber.org/protocol/muc#user'><item jid='neerc.localhost' affiliation='owner' \
         role='moderator'/><status code='110'/></x></presence>",
    );
    bench.pass(10_000);
    bench.said();
    let told = |bench: &mut Bench, title: &str| {
        bench.line(ADMIN, &format!("@todo hall1 {title}"));
        bench.pass(2_000);
        let said = bench.said();
        let of_kind = |kind: &str| said.iter().filter(|stanza| stanza.contains(HALL1) && stanza.contains(kind)).count();
        (of_kind("[new-task"), of_kind("#tasks'"))
    };
    assert_eq!(told(&mut bench, "One"), (1, 1));
    bench.line(HALL1, "tasks");
    bench.said();
    assert_eq!(told(&mut bench, "Two"), (1, 0));
}

#[test]
fn any_request_of_the_protocol_brings_notifications_back_not_only_that_for_the_tasks() {
    let mut bench = ready(Flavour::Prosody);
    bench.comes("hall1", HALL1, GAJIM);
    bench.pass(10_000);
    bench.line(HALL1, "tasks");
    bench.hear(iq("get", HALL1, &query("users")));
    bench.said();
    bench.line(ADMIN, "@todo hall1 One");
    bench.pass(2_000);
    let said = bench.said();
    let to_hall1: Vec<_> = said.iter().filter(|stanza| attr(stanza, "to").as_deref() == Some(HALL1)).collect();
    assert!(to_hall1.len() == 1 && to_hall1[0].contains("#tasks'"), "{to_hall1:?}");
}

#[test]
fn whoever_watches_is_told_of_answers_together_and_not_often() {
    let mut bench = ready(Flavour::Prosody);
    bench.admin("@todo hall1,hall2 Water\n@okfail hall1,hall2 Seated?");
    bench.comes("admin", ADMIN, GAJIM);
    bench.chats_within(5_000);
    bench.line(ADMIN, "watch");
    assert_eq!(bench.chats(), [(ADMIN.to_owned(), "[said-watching-all]".to_owned())]);
    for (who, text) in [(HALL1, "done 1"), (HALL2, "no 2 broken"), (HALL2, "start 1")] {
        bench.line(who, text);
    }
    let to_admin = |chats: Vec<(String, String)>| -> Vec<String> {
        chats.into_iter().filter(|(to, _)| to == ADMIN).map(|(_, text)| text).collect()
    };
    assert_eq!(
        to_admin(bench.chats_within(limits::CHAT_GATHER_MS)),
        ["[heading-watched]\n\
          1 · Water · hall1 ([status-success]), hall2 ([status-running]) · [count-answered count=1 total=2]\n\
          2 · Seated? · hall2 ([status-fail]: broken) · [count-answered count=1 total=2]"]
    );
    bench.line(HALL2, "done 1");
    assert_eq!(to_admin(bench.chats_within(limits::WATCH_REST_MS - 2_000)), Vec::<String>::new(), "not often");
    assert_eq!(to_admin(bench.chats_within(2_000)).len(), 1);

    // Who was away hears of it when they come back; who watches failures, of nothing else.
    bench.line(ADMIN, "unwatch");
    bench.line(ADMIN, "watch failures");
    bench.goes("admin", ADMIN);
    bench.line(HALL1, "yes 2");
    bench.line(HALL2, "no 2 still broken");
    bench.chats_within(limits::WATCH_REST_MS);
    bench.comes("admin", ADMIN, GAJIM);
    let told = to_admin(bench.chats_within(limits::WATCH_REST_MS)).join("\n");
    assert!(told.contains("hall2 ([status-fail]: still broken)") && !told.contains("hall1 ("), "{told}");
}

#[test]
fn whoever_has_not_finished_a_task_is_reminded_when_an_admin_asks() {
    let mut bench = ready(Flavour::Prosody);
    bench.admin("@todo hall1,hall2 Water");
    bench.comes("hall1", HALL1, GAJIM);
    bench.comes("hall2", HALL2, GAJIM);
    bench.chats_within(limits::CHAT_GRACE_MS);
    bench.line(HALL2, "done 1");
    bench.chats_within(5_000);
    bench.line(ADMIN, "remind 1");
    let reminder = format!("[reminder-asked]\n{}\n[reply-todo task=1]", open(1, "Water"));
    let mut said = bench.chats_within(5_000);
    said.sort();
    assert_eq!(said, [(ADMIN.into(), "[said-reminded task=1 people=hall1]".into()), (HALL1.into(), reminder)]);
    bench.line(HALL1, "done 1");
    bench.chats();
    bench.line(ADMIN, "remind 1");
    assert_eq!(bench.chats_within(5_000), [(ADMIN.into(), "[said-unchanged]".into())]);
}

#[test]
fn a_client_in_which_links_cannot_be_tapped_is_sent_none() {
    for (node, links) in [(GAJIM, 1), ("https://dino.im", 0), ("http://profanity-im.github.io", 0)] {
        let mut bench = ready(Flavour::Prosody);
        bench.admin("@todo hall1 Water");
        bench.comes("hall1", HALL1, node);
        let said = bench.chats_within(limits::CHAT_GRACE_MS);
        assert_eq!(said[0].1.matches("xmpp:").count(), links, "{node}: {said:?}");
        bench.line(HALL1, "tasks");
        assert_eq!(bench.chats()[0].1.matches("xmpp:").count(), links, "{node}");
    }
}

#[test]
fn who_wants_links_is_sent_them_and_who_does_not_is_not_whatever_the_client() {
    let mut bench = ready(Flavour::Prosody);
    bench.admin("@todo hall1,hall2 Water");
    let links = |bench: &mut Bench, who: &str| {
        bench.line(who, "tasks");
        bench.chats()[0].1.matches("xmpp:").count()
    };
    for (nick, who, node, wish) in [("hall1", HALL1, GAJIM, "off"), ("hall2", HALL2, "https://dino.im", "on")] {
        bench.comes(nick, who, node);
        bench.chats_within(limits::CHAT_GRACE_MS);
        let before = links(&mut bench, who);
        bench.line(who, &format!("links {wish}"));
        assert_eq!(bench.chats(), [(who.to_owned(), format!("[said-links-{wish}]"))]);
        assert_eq!((before, links(&mut bench, who)), if wish == "on" { (0, 1) } else { (1, 0) });
        bench.line(who, &format!("links {wish}"));
        assert_eq!(bench.chats(), [(who.to_owned(), "[said-unchanged]".to_owned())]);
    }
}

#[test]
fn the_history_of_a_task_says_who_did_what_to_it_and_when() {
    let mut bench = ready(Flavour::Prosody);
    let lines = [
        (ADMIN, "@okfail hall1,hall2 Water"),
        (HALL1, "start 1"),
        (HALL1, "no 1 none left"),
        (HALL2, "yes 1"),
        (HALL2, "undo 1"),
        (ADMIN, "assign 1 hall3"),
        (ADMIN, "reset 1 hall1"),
        (ADMIN, "unassign 1 hall1"),
        (ADMIN, "rename 1 Juice"),
        (ADMIN, "remind 1"),
        (ADMIN, "remove 1"),
        (ADMIN, "restore 1"),
    ];
    for (who, text) in lines {
        bench.line(who, text);
    }
    bench.admin("@todo hall2 Another");
    bench.chats_within(2_000);
    bench.line(ADMIN, "history 1");
    let expected = "[heading-history task=1]\n\
                    02:26 · admin · [history-restored]\n\
                    02:26 · admin · [history-removed]\n\
                    02:26 · admin · [history-reminded]\n\
                    02:26 · admin · [history-renamed title=Juice]\n\
                    02:26 · admin · [history-unassigned people=hall1]\n\
                    02:26 · admin · [history-reset people=hall1]\n\
                    02:26 · admin · [history-assigned people=hall3]\n\
                    02:26 · hall2 · [history-taken-back people=hall2]\n\
                    02:26 · hall2 · [status-success]\n\
                    02:26 · hall1 · [status-fail]: none left\n\
                    02:26 · hall1 · [status-running]\n\
                    02:26 · admin · [history-created title=Water people=hall1, hall2]";
    assert_eq!(bench.chats(), [(ADMIN.to_owned(), expected.to_owned())]);

    // Longer ones in pages; of a task that is gone as well, and not by those who may not read all.
    (0..3).for_each(|_| ["start 1", "undo 1"].into_iter().for_each(|text| bench.line(HALL2, text)));
    bench.line(ADMIN, "remove 1");
    bench.chats_within(2_000);
    let told = |bench: &mut Bench, who: &str, text: &str| {
        bench.line(who, text);
        bench.chats().into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n")
    };
    let first = told(&mut bench, ADMIN, "history 1");
    assert!(first.contains("[history-removed]") && first.ends_with("[and-more-pages count=7]"), "{first}");
    let second = told(&mut bench, ADMIN, "more");
    assert!(second.ends_with("[history-created title=Water people=hall1, hall2]"), "{second}");
    assert_eq!(told(&mut bench, ADMIN, "history 1 2"), second);
    assert_eq!(told(&mut bench, HALL2, "history 1"), "[refusal-admins-only]");
    assert_eq!(told(&mut bench, ADMIN, "history 7"), "[refusal-unknown-task task=7]");
}
