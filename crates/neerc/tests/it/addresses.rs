//! Addresses as real servers hand them on: resources of any letters, accounts typed otherwise than they are kept, names in
//! decomposed letters and with escapes.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use neerc_xmpp::stream::handshake;
use neerc_xmpp::xml::escape_attr;

use crate::raw::Raw;
use crate::said::{NS, Said};
use crate::servers::{Kind, ROOMS, SECRET, Server};
use crate::service::Neerc;
use crate::wait::PATIENCE;

on_both!(
    a_session_of_any_resource_is_answered_and_told,
    a_session_from_elsewhere_is_answered_and_told_whatever_its_letters_are,
    an_account_typed_in_another_way_is_the_same_account,
    names_in_decomposed_letters_and_with_escapes_are_understood,
    something_is_answered_at_every_address,
);

/// The stanzas that a client sends to the service, and what it has to hear.
struct Talk<'a> {
    room: &'a str,
    at: String,
    /// As an attribute's value; empty if the server writes it.
    from: String,
}

impl Talk<'_> {
    fn stanza(&self, name: &str, attributes: &str, inside: &str) -> String {
        let from = if self.from.is_empty() { String::new() } else { format!(" from='{}'", self.from) };
        format!("<{name}{from} to='{}' {attributes}>{inside}</{name}>", self.at)
    }

    fn iq(&self, kind: &str, id: &str, payload: &str) -> String {
        self.stanza("iq", &format!("type='{kind}' id='{id}'"), payload)
    }

    fn line(&self, text: &str) -> String {
        self.stanza("message", "type='chat' id='line'", &format!("<body>{text}</body>"))
    }

    fn join(&self, nick: &str) -> String {
        let to = format!("{}@{ROOMS}/{nick}", self.room);
        let join = Talk { room: self.room, at: to, from: self.from.clone() };
        join.stanza("presence", "", "<x xmlns='http://jabber.org/protocol/muc'/>")
    }

    /// Asks everything that a client asks; `next` gives the next stanza that the client hears.
    fn asks_everything(&self, mut say: impl FnMut(&str, &dyn Fn(&Said) -> bool) -> Said) {
        let answered = |id: &'static str| move |said: &Said| said.name == "iq" && said.id == id;
        let who = &self.from;
        for what in ["ping", "tasks", "users"] {
            let said = say(&self.iq("get", what, &format!("<query xmlns='{NS}#{what}'/>")), &answered(what));
            assert_eq!(said.kind, "result", "{who} {what}: {}", said.xml);
        }
        let command = format!("<command xmlns='http://jabber.org/protocol/commands' node='{NS}/commands#tasks'/>");
        let said = say(&self.iq("set", "command", &command), &answered("command"));
        assert_eq!(said.kind, "result", "{who}: {}", said.xml);
        let heard = |said: &Said| said.name == "message" && said.kind == "chat" && said.from == self.at;
        say(&self.line("tasks"), &heard);
    }
}

fn attribute(text: &str) -> String {
    let mut out = Vec::new();
    escape_attr(&mut out, text);
    String::from_utf8(out).unwrap()
}

/// Sends and waits for what is wanted.
fn say(raw: &mut Raw, text: &str, wanted: &dyn Fn(&Said) -> bool) -> Said {
    raw.send(text);
    hear(raw, wanted)
}

fn hear(raw: &mut Raw, wanted: &dyn Fn(&Said) -> bool) -> Said {
    Said::read(&raw.expect(|stanza| wanted(&Said::read(stanza))))
}

fn is_told(title: &str) -> impl Fn(&Said) -> bool {
    move |said: &Said| said.name == "message" && said.xml.contains(&format!("title='{title}'"))
}

/// An admin of the room who hands out a task to somebody.
fn hands_out(jury: &mut Raw, talk: &Talk<'_>, name: &str, title: &str) {
    let task =
        format!("<task xmlns='{NS}#task' title='{title}' type='todo'><status for='{}'/></task>", attribute(name));
    let said = say(jury, &talk.iq("set", title, &task), &|said| said.name == "iq" && said.id == title);
    assert_eq!(said.kind, "result", "{name}: {}", said.xml);
}

fn a_session_of_any_resource_is_answered_and_told(kind: Kind) {
    let server = Server::shared(kind);
    let (admin, hall) = ("resjury", "reshall");
    let room = server.room(&[(admin, "owner"), (hall, "member")]);
    let neerc = Neerc::start(server, &[&room], "");
    let talk = Talk { room: &room, at: neerc.room_jid(&room), from: String::new() };
    let mut jury = Raw::login(server, admin, "desk");
    let longest = "\u{436}".repeat(511) + "x";
    let resources =
        ["a  b", "<>&'\"/@", "\u{5e9}\u{5dc}\u{5d5}\u{5dd}", "e\u{301}\u{a0}\u{212b}", "x\u{200b}y", &longest];
    for (nth, resource) in resources.into_iter().enumerate() {
        let mut session = Raw::login(server, hall, &attribute(resource));
        talk.asks_everything(|text, wanted| say(&mut session, text, wanted));
        session.send(&talk.join(&format!("nick{nth}")));
        hear(&mut session, &|said| said.name == "presence" && said.xml.contains("110"));
        let title = format!("Title{nth}");
        hands_out(&mut jury, &talk, hall, &title);
        hear(&mut session, &is_told(&title));
        let said = say(&mut session, &talk.line(&format!("done {}", nth + 1)), &|said| said.xml.contains("done."));
        assert_eq!(said.name, "message");
    }
}

/// A component beside the service, whose users have any addresses.
struct Elsewhere {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Elsewhere {
    fn connect(server: &Server, domain: &str) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.component_port)).unwrap();
        let mut elsewhere = Self { stream, heard: Vec::new() };
        elsewhere.say(&format!(
            "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='{domain}'>"
        ));
        let header = elsewhere
            .hear(|heard| heard.split_once("<stream:stream")?.1.split_once('>').map(|(head, _)| head.to_owned()));
        let id = header.split_once(" id='").map(|(_, rest)| rest.split('\'').next().unwrap().to_owned());
        let mut text = Vec::new();
        handshake(&mut text, &id.expect("an id"), SECRET);
        elsewhere.say(&String::from_utf8(text).unwrap());
        elsewhere.hear(|heard| heard.contains("<handshake").then_some(()));
        elsewhere
    }

    fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).unwrap();
    }

    /// Reads until something is found in all that came since the last find.
    #[track_caller]
    fn hear<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = String::from_utf8_lossy(&self.heard).into_owned();
            if let Some(found) = find(&text) {
                self.heard.clear();
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "only {text}");
            self.stream.set_read_timeout(Some(left.max(Duration::from_millis(1)))).unwrap();
            let mut chunk = [0; 4096];
            let count = self.stream.read(&mut chunk).unwrap_or(0);
            assert!(count > 0, "only {text}");
            self.heard.extend_from_slice(&chunk[..count]);
        }
    }

    /// Reads up to a stanza that is wanted.
    #[track_caller]
    fn expect(&mut self, wanted: &dyn Fn(&Said) -> bool) -> Said {
        self.hear(|heard| {
            let stanzas = heard.match_indices(['<']).filter(|(at, _)| heard[at + 1..].starts_with(['i', 'm', 'p']));
            let whole = stanzas.filter_map(|(at, _)| {
                let name = heard[at + 1..].split([' ', '>', '/']).next()?;
                let end = heard[at..].find(&format!("</{name}>")).map(|end| at + end + name.len() + 3);
                let empty =
                    heard[at..].find('>').filter(|end| heard[at..at + end].ends_with('/')).map(|end| at + end + 1);
                Some(Said::read(&heard[at..empty.or(end)?]))
            });
            whole.filter(|said| matches!(&*said.name, "iq" | "message" | "presence")).find(|said| wanted(said))
        })
    }
}

fn a_session_from_elsewhere_is_answered_and_told_whatever_its_letters_are(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[("farjury", "owner")]);
    let neerc = Neerc::start(server, &[&room], "");
    let domain = server.take_component();
    let mut elsewhere = Elsewhere::connect(server, &domain);
    let talk = Talk { room: &room, at: neerc.room_jid(&room), from: String::new() };
    let mut jury = Raw::login(server, "farjury", "desk");
    // One server drops joiners and lets in what its tables do not know; the other refuses it.
    let resources = match kind {
        Kind::Prosody => vec!["phone 📱", "👩\u{200d}💻", "\u{2c7c}\u{a7ae}", "שלום", "<&'\""],
        Kind::Ejabberd => vec!["phone", "שלום", "e\u{301}\u{a0}\u{212b}", "<&'\""],
    };
    for (nth, resource) in resources.into_iter().enumerate() {
        let name = format!("far{nth}@{domain}");
        server.set_affiliation(&room, &name, "member");
        let from = attribute(&format!("{name}/{resource}"));
        let talk_there = Talk { room: &room, at: neerc.room_jid(&room), from: from.clone() };
        elsewhere.say(&talk_there.join(&format!("nick{nth}")));
        elsewhere.expect(&|said| said.name == "presence" && said.xml.contains("110"));
        talk_there.asks_everything(|text, wanted| {
            elsewhere.say(text);
            elsewhere.expect(wanted)
        });
        let title = format!("Title{nth}");
        hands_out(&mut jury, &talk, &name, &title);
        let (told, full) = (is_told(&title), format!("{name}/{}", resource.replace('\u{200d}', "")));
        elsewhere.expect(&|said| told(said) && said.to == full);
    }
    server.give_component(domain);
}

fn an_account_typed_in_another_way_is_the_same_account(kind: Kind) {
    let server = Server::shared(kind);
    let accounts = [
        ("josé", "JOSE\u{301}"),
        ("σιγμασ", "ΣΙΓΜΑς"),
        ("strasse", "Straße"),
        ("ж", "Ж"),
        ("wide1", "\u{ff37}ide\u{ff11}"),
        ("ivan\\40mail.ru", "Ivan\\40mail.ru"),
    ];
    let people: Vec<_> =
        accounts.iter().map(|(account, _)| (*account, "member")).chain([("typejury", "owner")]).collect();
    let room = server.room(&people);
    let neerc = Neerc::start(server, &[&room], "");
    let talk = Talk { room: &room, at: neerc.room_jid(&room), from: String::new() };
    let mut jury = Raw::login(server, "typejury", "desk");
    for (nth, (account, typed)) in accounts.into_iter().enumerate() {
        let mut session = Raw::login(server, typed, "desk");
        session.send(&talk.join(&format!("nick{nth}")));
        hear(&mut session, &|said| said.name == "presence" && said.xml.contains("110"));
        talk.asks_everything(|text, wanted| say(&mut session, text, wanted));
        let title = format!("Title{nth}");
        hands_out(&mut jury, &talk, account, &title);
        let told = hear(&mut session, &is_told(&title));
        assert!(told.xml.contains(&format!("for='{account}'")), "{}", told.xml);
        hands_out(&mut jury, &talk, typed, &format!("Again{nth}"));
        hear(&mut session, &is_told(&format!("Again{nth}")));
    }
    let users =
        say(&mut jury, &talk.iq("get", "u", &format!("<query xmlns='{NS}#users'/>")), &|said| said.id == "u").users;
    let names: Vec<_> = users.iter().map(|[name, ..]| name.as_str()).collect();
    assert_eq!(names.len(), people.len(), "nobody twice: {names:?}");
    assert!(accounts.iter().all(|(account, _)| names.contains(account)), "{names:?}");
}

fn names_in_decomposed_letters_and_with_escapes_are_understood(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[("namejury", "owner"), ("rené", "member"), ("anna\\40mail.ru", "member")]);
    let groups = "[[groups]]\nname = \"Зеле\u{308}ный\"\nmembers = [\"rene\u{301}\"]\n";
    let neerc = Neerc::start(server, &[&room], groups);
    let talk = Talk { room: &room, at: neerc.room_jid(&room), from: String::new() };
    let mut jury = Raw::login(server, "namejury", "desk");
    for (line, answer) in [
        ("@todo rene\u{301} Fix", "1 person: Fix"),
        ("@todo René Fix", "1 person: Fix"),
        ("@todo зелёный Fix", "1 person: Fix"),
        ("@todo зеле\u{308}ный Fix", "1 person: Fix"),
        ("@todo anna@mail.ru Mail", "1 person: Mail"),
        ("@todo anna\\40mail.ru Mail", "1 person: Mail"),
        ("@todo anna@mail.r Mail", "anna@mail.ru"),
        ("@todo bob@nowhere.org Mail", "There is nobody called"),
        ("who", "anna@mail.ru"),
    ] {
        say(&mut jury, &talk.line(line), &|said| said.name == "message" && said.xml.contains(answer));
    }
}

fn something_is_answered_at_every_address(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[("anyjury", "owner")]);
    let neerc = Neerc::start(server, &[&room], "");
    let mut jury = Raw::login(server, "anyjury", "desk");
    let svc = &neerc.jid;
    for (at, is_known) in [
        (svc.clone(), true),
        (format!("{svc}/x"), true),
        (format!("{room}@{svc}"), true),
        (format!("{room}@{svc}/Phone"), true),
        (format!("nobody@{svc}"), false),
        (format!("nobody@{svc}/x"), false),
    ] {
        let talk = Talk { room: &room, at: at.clone(), from: String::new() };
        let said = say(&mut jury, &talk.line("tasks"), &|said| said.name == "message" && said.from == at);
        assert_eq!(said.kind == "chat", is_known, "{}", said.xml);
        let said = say(&mut jury, &talk.iq("get", "p", &format!("<query xmlns='{NS}#ping'/>")), &|said| {
            said.id == "p" && said.from == at
        });
        assert_eq!(said.kind == "result", is_known && !at.contains('/'), "{}", said.xml);
        let card = "<vCard xmlns='vcard-temp'><FN>x</FN></vCard>";
        let said = say(&mut jury, &talk.iq("set", "v", card), &|said| said.id == "v" && said.from == at);
        let condition = if is_known && !at.contains('/') { "forbidden" } else { "item-not-found" };
        assert_eq!(said.condition, condition, "{}", said.xml);
    }
}
