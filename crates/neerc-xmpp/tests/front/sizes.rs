//! Whatever people are called, write and ask: no stanza is longer than the limit, since a server ends the stream over it.

use super::*;
use neerc_core::people::GroupRule;
use neerc_xmpp::stanza::address::Address;

const LIMITS: [usize; 4] = [16_384, 20_000, 65_536, 262_144];

/// A service whose room has so many members with names of so many bytes, all in a group with a long name.
fn crowded(max_stanza_bytes: usize, members: usize, bytes: usize) -> (Bench, Vec<String>) {
    let mut settings = settings();
    settings.max_stanza_bytes = max_stanza_bytes;
    settings.groups.rules = vec![GroupRule { group: "&".repeat(200).as_str().into(), patterns: vec!["*".to_owned()] }];
    let mut server = Server::new(Flavour::Prosody);
    let names: Vec<String> = (0..members).map(|n| format!("{n:05}{}", "м".repeat(bytes / 2))).collect();
    for name in &names {
        server.list("neerc", &format!("{name}@localhost"), "member");
    }
    (Bench::served(settings, server), names)
}

#[track_caller]
fn fits(bench: &mut Bench, limit: usize, what: &str) -> Vec<String> {
    let said = bench.said();
    for stanza in &said {
        let start: String = stanza.chars().take(200).collect();
        assert!(stanza.len() <= limit, "{what}: {} bytes, and {limit} may be sent: {start}", stanza.len());
    }
    said
}

#[test]
fn a_list_of_users_that_is_too_long_keeps_power_and_the_asker_and_ends_no_stream() {
    for limit in LIMITS {
        let (mut bench, names) = crowded(limit, 230, 900);
        for asker in [ADMIN, HALL1, &format!("{}@localhost/x", names[229])] {
            bench.hear(iq("get", asker, &query("users")));
            let said = fits(&mut bench, limit, asker);
            let own = Address::parse(asker).unwrap().local().unwrap().to_owned();
            for name in ["admin", "tk", &own] {
                let entries = said[0].matches(&format!("name='{name}'")).count();
                assert_eq!(entries, 1, "{name} for {asker} within {limit}");
            }
            let listed = said[0].matches("<user ").count();
            assert!(listed >= 3 && said[0].len() > limit - 12_000, "{listed} users in {} bytes", said[0].len());
        }
        let troubles = bench.troubles();
        assert_eq!(troubles.len(), 1, "{troubles:?}");
        assert!(troubles[0].contains("users") && troubles[0].contains("tasks.max_stanza_bytes"), "{troubles:?}");
    }
}

#[test]
fn nothing_that_is_sent_is_longer_than_a_server_takes() {
    let titles = ["&".repeat(1_000), "\u{1F4A7}".repeat(1_000), "&quot;".repeat(1_000)];
    let quotes = "&quot;".repeat(1_000);
    let long_id = "\"".repeat(60_000);
    for limit in [LIMITS[0], LIMITS[3]] {
        let (mut bench, names) = crowded(limit, 30, 900);
        let hostile = format!("hall1@localhost/{}", "&quot;".repeat(1_000));
        let plain = [ADMIN, HALL1, &format!("{}@localhost/x", names[7])].map(str::to_owned);
        for from in plain.iter().chain([&hostile]) {
            bench.hear(iq("get", from, &query("tasks")));
            bench.hear(iq("get", from, &format!("<query xmlns='{NS}#tasks' delta='1'/>")));
        }
        for (n, title) in titles.iter().cycle().take(20).enumerate() {
            let all: String = names.iter().map(|name| format!("<status for='{name}'/>")).collect();
            let own = format!("<status for='hall1' type='none'/><status for='admin'/>{all}");
            let said = format!("<task xmlns='{NS}#task' title='{title}' type='question'>{own}</task>");
            bench.hear(iq("set", ADMIN, &said));
            let answer =
                format!("<taskstatus xmlns='{NS}#taskstatus' id='{}' type='success' value='{quotes}'/>", n + 1);
            bench.hear(iq("set", HALL1, &answer));
            bench.pass(100);
            fits(&mut bench, limit, "told");
        }
        let unknown: String = (0..60).map(|n| format!("<status for='{n}{}'/>", "&amp;".repeat(500))).collect();
        let fresh = format!("<task xmlns='{NS}#task' title='x' type='todo'>{unknown}</task>");
        bench.hear(iq("get", ADMIN, &fresh));
        fits(&mut bench, limit, "names left out");
        let mut payloads: Vec<(String, String)> = ["users", "tasks", "clock", "ping"]
            .map(|what| ("get".to_owned(), query(what)))
            .into_iter()
            .chain([
                ("get".to_owned(), format!("<query xmlns='{NS}#tasks' delta='1' since='3'/>")),
                ("get".to_owned(), format!("<query xmlns='{NS}#tasks' for='hall1'/>")),
                ("get".to_owned(), format!("<query xmlns='{NS}#tasks' for='{quotes}'/>")),
                ("get".to_owned(), "<vCard xmlns='vcard-temp'/>".to_owned()),
                ("get".to_owned(), "<query xmlns='http://jabber.org/protocol/disco#items'/>".to_owned()),
                ("get".to_owned(), "<query xmlns='http://jabber.org/protocol/disco#info'/>".to_owned()),
                (
                    "get".to_owned(),
                    "<query xmlns='http://jabber.org/protocol/disco#items' \
                     node='http://jabber.org/protocol/commands'/>"
                        .to_owned(),
                ),
                (quotes.clone(), query("ping")),
            ])
            .collect();
        for item in neerc_core::face::menu::offered(neerc_core::face::menu::Needs::Admin) {
            for values in [String::new(), "1".to_owned(), "&amp;".repeat(20_000)] {
                let fields: String = item
                    .fields
                    .iter()
                    .map(|field| format!("<field var='{}'><value>{values}</value></field>", field.var))
                    .collect();
                let form = format!("<x xmlns='jabber:x:data' type='submit'>{fields}</x>");
                let form = if values.is_empty() { String::new() } else { form };
                let command = format!(
                    "<command xmlns='http://jabber.org/protocol/commands' node='{}'>{form}</command>",
                    item.node
                );
                payloads.push(("set".to_owned(), command));
            }
        }
        for (kind, payload) in &payloads {
            for from in [&plain[0], &plain[2], &hostile] {
                let asked = iq(kind, from, payload);
                let what: String = payload.chars().take(300).collect();
                bench.hear(&asked);
                bench.hear(asked.replace("id='i'", &format!("id='{long_id}'")));
                bench.hear(asked.replace("id='i'", "").replace("<iq ", "<iq xml:lang='ru' "));
                fits(&mut bench, limit, &what);
            }
        }
        let lines = ["tasks", "tasks all", "who", "help", "late", "show 1", "show 3"];
        let body = lines.iter().map(|line| format!("{line}\n")).collect::<String>().repeat(2);
        for (body, id) in [(body.as_str(), "i"), (&quotes, "i"), ("help", &long_id)] {
            for from in plain.iter().chain([&hostile]) {
                bench.hear(format!(
                    "<message type='chat' id='{id}' from='{from}' to='{ROOM}'><body>{body}</body>\
                     <thread>{}</thread><request xmlns='urn:xmpp:receipts'/></message>",
                    "&amp;".repeat(3_000)
                ));
                bench.hear(format!("<presence from='{from}' to='{ROOM}'/>"));
                bench.hear(format!("<presence type='subscribe' from='{from}' to='{ROOM}'/>"));
                bench.pass(10_000);
                fits(&mut bench, limit, "chat");
            }
        }
        for n in 1..=20 {
            bench.hear(iq("set", ADMIN, &task(&format!("id='{n}' type='remove'"), &[])));
            bench.pass(100);
        }
        bench.pass(10_000);
        fits(&mut bench, limit, "removed");
    }
}
