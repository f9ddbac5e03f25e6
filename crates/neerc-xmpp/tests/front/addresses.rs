//! Addresses: who is who, however it is spelt; and something for whatever is sent to any address of the service.

use super::*;
use bench::attr;

/// Resources that some server lets in.
const RESOURCES: [&str; 9] = [
    "phone \u{1f4f1}",
    "\u{1f469}\u{200d}\u{1f4bb}",
    "\u{2c7c}\u{a7ae}",
    " a  b ",
    "<>&'\"/@",
    "\u{5e9}\u{5dc}\u{5d5}\u{5dd}b",
    "e\u{301}\u{a0}\u{212b}",
    "\u{200b}",
    "Res",
];

fn escaped(text: &str) -> String {
    let mut out = Vec::new();
    neerc_xmpp::xml::escape_attr(&mut out, text);
    String::from_utf8(out).unwrap()
}

#[test]
fn a_session_is_answered_and_told_whatever_its_resource_is() {
    let longest = "\u{436}".repeat(511) + "x";
    for flavour in bench::server::BOTH {
        for resource in RESOURCES.into_iter().chain([&*longest]) {
            let session = escaped(&format!("hall1@localhost/{resource}"));
            let mut bench = ready(flavour);
            for what in ["ping", "tasks", "users"] {
                let said = bench.on(&iq("get", &session, &query(what)));
                assert!(said[0].starts_with("<iq type='result'"), "{what} of {session}: {said:?}");
                assert_eq!(attr(&said[0], "to").as_deref(), Some(&*session));
            }
            let said =
                bench.on(&format!("<message type='chat' from='{session}' to='{ROOM}'><body>tasks</body></message>"));
            assert_eq!(attr(&said[0], "to").as_deref(), Some(&*session), "{said:?}");
            let command = "<command xmlns='http://jabber.org/protocol/commands' node='http://neerc.ifmo.ru/protocol/neerc/commands#tasks'/>";
            let said = bench.on(&iq("set", &session, command));
            assert!(said[0].starts_with("<iq ") && attr(&said[0], "to").as_deref() == Some(&*session), "{said:?}");
            bench.server_says(|server| server.join("neerc", "x", &session));
            bench.hear(iq("get", &session, &query("tasks")));
            bench.said();
            bench.hear(iq("set", ADMIN, &task("title='T' type='todo'", &["hall1"])));
            bench.pass(5_000);
            assert!(bench.recipients().contains(&session), "{session} is not told");
            // It has gone, which what comes back shows, so it hears nothing more.
            bench.server().lose("neerc", &session);
            bench.hear(format!(
                "<message type='error' from='{session}' to='neerc.localhost'><error type='cancel'/></message>"
            ));
            bench.hear(iq("set", ADMIN, &task("title='U' type='todo'", &["hall1"])));
            bench.pass(5_000);
            assert!(!bench.recipients().contains(&session), "{session} is gone");
        }
    }
}

#[test]
fn an_account_is_the_same_however_its_server_hands_it_on() {
    for (listed, typed) in [
        ("jos\u{e9}", "Jose\u{301}"),
        ("σιγμασ", "ΣΙΓΜΑς"),
        ("strasse", "Straße"),
        ("ж", "Ж"),
        ("hall9", "\u{ff48}ALL9"),
        ("ivan\\40mail.ru", "Ivan\\40mail.ru"),
    ] {
        for (listed, from) in [(listed, typed), (typed, listed)] {
            let mut bench = ready(Flavour::Ejabberd);
            bench.server_says(|server| server.affiliate("neerc", &format!("{listed}@localhost"), "member"));
            bench.pass(neerc_xmpp::limits::HINT_SPACING_MS);
            let from = format!("{from}@LocalHost/A");
            let said = bench.on(&iq("get", &from, &query("tasks")));
            assert!(said[0].starts_with("<iq type='result'"), "{listed} {from} {said:?}");
            assert_eq!(attr(&said[0], "to").as_deref(), Some(&*from), "as it came");
        }
    }
}

#[test]
fn letters_that_no_server_folds_make_nobody_an_admin() {
    for name in ["\u{1d2c}dmin", "\u{1f130}dmin", "a\u{1d48}min", "adm\u{2071}n"] {
        let mut bench = ready(Flavour::Prosody);
        let from = format!("{name}@localhost/A");
        let said = bench.on(&iq("set", &from, &task("title='T' type='todo'", &["hall1"])));
        let is_old = name == "adm\u{2071}n"; // in the tables since Unicode 3.2, so servers fold it
        assert_eq!(said[0].starts_with("<iq type='result'"), is_old, "{name} {said:?}");
        assert_eq!(attr(&said[0], "to").as_deref(), Some(&*from));
    }
}

/// What each kind of stanza is answered at each form of an address, by the name of its element, type and condition.
#[test]
fn something_is_answered_to_every_kind_of_stanza_at_every_address_of_the_service() {
    let places = [
        "neerc.localhost",
        "neerc.localhost/x",
        ROOM,
        "neerc@neerc.localhost/x",
        "nobody@neerc.localhost",
        "nobody@neerc.localhost/x",
    ];
    let body = "<body>tasks</body>";
    let unknown = "message error item-not-found";
    let with_unknown = |all: &str| [all, all, all, all, unknown, unknown].map(str::to_owned);
    let all = |what: &str| [what; 6].map(str::to_owned);
    let of_iq = [
        "iq result",
        "iq error item-not-found",
        "iq result",
        "iq error item-not-found",
        "iq error item-not-found",
        "iq error item-not-found",
    ]
    .map(str::to_owned);
    let subscribed = ["presence subscribed, presence , presence subscribe"; 4];
    let refused = "presence unsubscribed";
    let [a, b, c, d] = subscribed;
    let subscribe = [a, b, c, d, refused, refused].map(str::to_owned);
    let probe = ["presence ", "presence ", "presence ", "presence ", refused, refused].map(str::to_owned);
    let gone = "presence unsubscribed, presence unavailable";
    let unsubscribe = [gone, gone, gone, gone, "", ""].map(str::to_owned);
    let ping = query("ping");
    let table: Vec<(&str, &str, &str, [String; 6])> = vec![
        ("iq", "get", &ping, of_iq.clone()),
        ("iq", "set", &ping, of_iq),
        ("iq", "result", &ping, all("")),
        ("iq", "error", &ping, all("")),
        ("iq", "weird", &ping, all("iq error bad-request")),
        ("message", "chat", body, with_unknown("message chat")),
        ("message", "normal", body, with_unknown("message chat")),
        ("message", "", body, with_unknown("message chat")),
        ("message", "weird", body, with_unknown("message chat")),
        ("message", "groupchat", body, all("message error service-unavailable")),
        ("message", "headline", body, all("")),
        ("message", "error", body, all("")),
        ("message", "chat", "<composing xmlns='http://jabber.org/protocol/chatstates'/>", all("")),
        ("presence", "", "", all("")),
        ("presence", "unavailable", "", all("")),
        ("presence", "subscribe", "", subscribe),
        ("presence", "probe", "", probe),
        ("presence", "unsubscribe", "", unsubscribe),
        ("presence", "subscribed", "", all("")),
        ("presence", "unsubscribed", "", all("")),
        ("presence", "error", "", all("")),
    ];
    for (kind, type_, inside, expected) in table {
        for (place, expected) in places.into_iter().zip(expected) {
            let mut bench = ready(Flavour::Prosody);
            let type_attr = if type_.is_empty() { String::new() } else { format!(" type='{type_}'") };
            let said = bench.on(&format!("<{kind}{type_attr} id='i' from='{HALL1}' to='{place}'>{inside}</{kind}>"));
            let short = |stanza: &String| {
                let name = stanza[1..].split([' ', '>']).next().unwrap();
                let condition = stanza.split_once("<error ").and_then(|(_, rest)| rest.split('<').nth(1));
                let condition = condition.and_then(|name| name.split(' ').next()).map(|name| format!(" {name}"));
                format!("{name} {}{}", attr(stanza, "type").unwrap_or_default(), condition.unwrap_or_default())
            };
            let answered = said.iter().map(short).collect::<Vec<_>>().join(", ");
            assert_eq!(answered, expected, "{kind} {type_} {inside} at {place}: {said:?}");
            // Our presence comes from a resource, what is said of subscriptions from the bare address, and everything else
            // from the one that was written to.
            let bare = place.split('/').next().unwrap();
            let from = |stanza: &String| match (kind, attr(stanza, "type").as_deref()) {
                ("presence", None | Some("unavailable")) => format!("{bare}/neerc"),
                ("presence", _) => bare.to_owned(),
                _ => place.to_owned(),
            };
            assert!(said.iter().all(|stanza| attr(stanza, "from") == Some(from(stanza))), "{said:?}");
        }
    }
}

#[test]
fn a_line_to_a_full_address_is_answered_from_there_with_its_receipt() {
    let mut bench = ready(Flavour::Prosody);
    let said = bench.on(&format!(
        "<message type='chat' id='m' from='{ADMIN}' to='Neerc@NEERC.localhost/Phone \u{1f4f1}'><body>@todo hall1 T</body>\
         <request xmlns='urn:xmpp:receipts'/></message>"
    ));
    let from: Vec<_> = said.iter().map(|stanza| attr(stanza, "from").unwrap()).collect();
    assert_eq!(from, ["Neerc@neerc.localhost/Phone \u{1f4f1}"; 2], "{said:?}");
    assert!(said[0].contains("<received") && said[1].contains("said-created"), "{said:?}");
}

#[test]
fn a_rooms_own_messages_are_never_answered() {
    let mut bench = ready(Flavour::Prosody);
    for from in ["other@conference.localhost/x", "other@conference.localhost"] {
        let said = bench
            .on(&format!("<message type='groupchat' from='{from}' to='neerc.localhost'><body>tasks</body></message>"));
        assert_eq!(said, Vec::<String>::new());
    }
}

/// Whether a question can be asked with a `set` too.
#[test]
fn what_can_only_be_asked_for_is_not_set() {
    let questions = [
        ("query", "http://jabber.org/protocol/disco#info", "not-allowed"),
        ("query", "http://jabber.org/protocol/disco#items", "not-allowed"),
        ("ping", "urn:xmpp:ping", "not-allowed"),
        ("query", "jabber:iq:version", "not-allowed"),
        ("query", "jabber:iq:last", "not-allowed"),
        ("time", "urn:xmpp:time", "not-allowed"),
        ("vCard", "vcard-temp", "forbidden"),
    ];
    let mut bench = ready(Flavour::Prosody);
    let info = bench.on(&iq("get", HALL1, "<query xmlns='http://jabber.org/protocol/disco#info'/>")).concat();
    for place in ["neerc.localhost", ROOM] {
        for (name, ns, condition) in questions {
            assert!(info.contains(ns), "{ns} is announced");
            for inside in ["", "<FN>x</FN>"] {
                let ask = |kind: &str| {
                    format!(
                        "<iq type='{kind}' id='i' from='{HALL1}' to='{place}'><{name} xmlns='{ns}'>{inside}</{name}></iq>"
                    )
                };
                let said = bench.on(&ask("get"));
                assert!(said.len() == 1 && said[0].starts_with("<iq type='result'"), "{said:?}");
                let said = bench.on(&ask("set"));
                assert!(said.len() == 1 && said[0].starts_with("<iq type='error'"), "{ns}: {said:?}");
                assert!(said[0].contains(&format!("<{condition} ")) && !said[0].contains(ns), "{said:?}");
            }
        }
    }
    // A command is the other way round, and what is of the NEERC protocol may be asked either way.
    let command = "<command xmlns='http://jabber.org/protocol/commands' node='http://neerc.ifmo.ru/protocol/neerc/commands#tasks' action='execute'/>";
    assert!(bench.on(&iq("get", HALL1, command))[0].contains("<bad-request "));
    for kind in ["get", "set"] {
        for what in ["ping", "users", "tasks"] {
            assert!(bench.on(&iq(kind, HALL1, &query(what)))[0].starts_with("<iq type='result'"));
        }
    }
}

/// `й`, `ё` and `é` as two letters each, as some keyboards and file systems have them.
fn decomposed(text: &str) -> String {
    text.replace('й', "и\u{306}").replace('ё', "е\u{308}").replace('é', "e\u{301}")
}

#[test]
fn a_name_in_decomposed_letters_is_the_same_name() {
    for nfd in [false, true] {
        let spelt = |text: &str| if nfd { decomposed(text) } else { text.to_owned() };
        let mut settings = settings();
        settings.wiki_packet = false;
        let rule = |group: &str, pattern: &str| neerc_core::people::GroupRule {
            group: group.into(),
            patterns: vec![pattern.to_owned()],
        };
        settings.groups.rules = vec![rule("Зелёный", "й*"), rule("Cafés", "jos?")];
        let mut server = Server::new(Flavour::Ejabberd);
        for name in ["josé", "йод"] {
            server.list("neerc", &format!("{}@localhost", spelt(name)), "member");
        }
        let mut bench = Bench::served(settings, server);
        let users = bench.on(&iq("get", ADMIN, &query("users"))).concat();
        assert!(users.contains("name='josé' group='Cafés'") && users.contains("name='йод' group='Зелёный'"), "{users}");
        for line in ["@todo josé Fix", "@todo зелёный Fix", "создать задача йод,josé Fix", "@todo CAFÉS Fix"]
        {
            let said = bench
                .on(&format!("<message type='chat' from='{ADMIN}' to='{ROOM}'><body>{}</body></message>", spelt(line)));
            assert!(said[0].contains("[said-created "), "{line} {said:?}");
        }
        let said = bench
            .on(&format!("<message type='chat' from='{ADMIN}' to='{ROOM}'><body>{}</body></message>", spelt("ждём")));
        assert!(said[0].contains("[heading-late]"), "a verb: {said:?}");
        for name in ["josé", "йод", "Cafés", "JOSÉ@localhost"] {
            let said = bench.on(&iq("set", ADMIN, &task("title='T' type='todo'", &[&spelt(name)])));
            assert!(said[0].starts_with("<iq type='result'"), "{name} {said:?}");
        }
        let said =
            bench.on(&iq("get", ADMIN, &format!("<query xmlns='{NS}#tasks' for='{}'/>", spelt("josé")))).concat();
        assert!(said.contains("for='josé'"), "{said}");
        let form = format!(
            "<command xmlns='http://jabber.org/protocol/commands' node='{NS}/commands#create'><x xmlns='jabber:x:data' type='submit'>\
             <field var='kind'><value>todo</value></field><field var='title'><value>T</value></field>\
             <field var='names'><value>{}</value><value>{}</value></field></x></command>",
            spelt("josé"),
            spelt("Зелёный")
        );
        let said = bench.on(&iq("set", ADMIN, &form)).concat();
        assert!(said.contains("count=2"), "{said}");
    }
}

#[test]
fn an_account_with_an_at_sign_in_its_name_is_shown_and_named_as_people_know_it() {
    let (wire, shown) = ("ivan\\40mail.ru", "ivan@mail.ru");
    let mut server = Server::new(Flavour::Prosody);
    server.list("neerc", &format!("{wire}@localhost"), "member");
    let mut settings = settings();
    settings.wiki_packet = false;
    let mut bench = Bench::served(settings, server);
    let line = |text: &str| format!("<message type='chat' from='{ADMIN}' to='{ROOM}'><body>{text}</body></message>");
    // In packets it stays what it is in the JID, and is taken in both forms.
    assert!(bench.on(&iq("get", ADMIN, &query("users"))).concat().contains(&format!("name='{wire}'")));
    for name in [wire, shown] {
        let said = bench.on(&iq("set", ADMIN, &task("title='T' type='todo'", &[name])));
        assert!(said[0].starts_with("<iq type='result'"), "{said:?}");
        let said = bench.on(&iq("get", ADMIN, &format!("<query xmlns='{NS}#tasks' for='{name}'/>"))).concat();
        assert!(said.contains(&format!("for='{wire}'")) && !said.contains(shown), "{said}");
    }
    for name in [wire, shown, "Ivan@Mail.ru"] {
        let said = bench.on(&line(&format!("@todo {name} Mail")));
        assert!(said[0].contains("[said-created ") && said[0].contains("count=1 title=Mail"), "{said:?}");
    }
    for asked in ["who", "late", "show 1", &format!("tasks {shown}"), "@todo ivan@mail.r Mail"] {
        let said = bench.on(&line(asked)).concat();
        assert!(said.contains(shown) && !said.contains(wire), "{asked}: {said}");
    }
    let said = bench
        .on(&iq(
            "set",
            ADMIN,
            &format!("<command xmlns='http://jabber.org/protocol/commands' node='{NS}/commands#create'/>"),
        ))
        .concat();
    assert!(said.contains(&format!("label='{shown}'><value>{wire}</value>")), "{said}");
    // Whoever has that very address is who is meant.
    bench.server_says(|server| server.affiliate("neerc", shown, "member"));
    bench.pass(5_000); // the lists are read again
    bench.said();
    let said = bench.on(&line("@todo ivan@mail.ru Mail")).concat();
    assert!(said.contains("[said-created "), "{said}");
    let said = bench.on(&iq("get", ADMIN, &format!("<query xmlns='{NS}#tasks' for='{shown}'/>"))).concat();
    assert!(said.contains(&format!("for='{shown}'")) && !said.contains(wire), "{said}");
    assert_eq!(bench.on(&line("who")).concat().matches(wire).count(), 1, "two who would look the same are told apart");
}

#[test]
fn an_address_of_nobody_is_asked_back() {
    let mut bench = ready(Flavour::Prosody);
    for line in ["@todo ivan@mail.ru Mail", "@todo hall1,ivan@mail.ru Mail", "@todo ivan\\40mail.ru@elsewhere Mail"] {
        let said = bench
            .on(&format!("<message type='chat' from='{ADMIN}' to='{ROOM}'><body>{line}</body></message>"))
            .concat();
        assert!(said.contains("[question-nobody-called ") || said.contains("nobody-called"), "{line}: {said}");
    }
    assert_eq!(bench.boards().values().map(|board| board.len()).sum::<usize>(), 0);
}
