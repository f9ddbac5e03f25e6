//! Presences, messages and lists of a room into a front that is in it: no panic, nothing ill-formed, the service's own
//! addresses are never users, and nobody has rights whom the room has just put out.
//!
//! Each line of the input is one stanza: `p NICK TYPE CODES ITEMS`, `m ITEMS` (an affiliation changed of somebody who
//! is not in the room), `w MS`, or raw XML. An item is `JID=AFFILIATION`; several are separated by commas.

use super::bench::{self, Bench, ROOM, SVC, item, occupant};
use neerc_core::people::Person;
use neerc_xmpp::address::Address;
use neerc_xmpp::stanza::NS_COMPONENT;
use neerc_xmpp::xml::{self, TreeLimits};

/// Checks one input.
pub fn check(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut bench = Bench::joined();
    for line in text.lines().take(100) {
        if bench.ended {
            return;
        }
        let words: Vec<&str> = line.splitn(6, ' ').collect();
        match words[..] {
            ["p", nick, type_, codes, listed] => {
                let codes: Vec<&str> = codes.split(',').filter(|code| safe(code)).collect();
                if safe(nick) && safe(type_) {
                    let items = items(listed).into_iter().map(|(jid, affiliation)| item(jid, affiliation));
                    let stanza = occupant(nick, type_.trim_matches('-'), &items.collect::<Vec<_>>(), &codes);
                    bench.receive(stanza.as_bytes());
                }
            }
            ["m", listed] => message(&mut bench, &items(listed)),
            ["w", ms] => bench.wait(ms.parse::<i64>().unwrap_or(0).clamp(0, 400_000)),
            // What is not whole would swallow the lines after it.
            _ if xml::parse(line.as_bytes(), NS_COMPONENT, &TreeLimits::default()).is_ok() => {
                bench.receive(line.as_bytes());
            }
            _ => {}
        }
        users(&mut bench);
    }
}

/// The room says that affiliations of people who are not in it have changed; the last one said of each must count.
fn message(bench: &mut Bench, items: &[(&str, &str)]) {
    let payload: String = items.iter().map(|(jid, affiliation)| item(jid, affiliation)).collect();
    let stanza = format!(
        "<message from='{ROOM}' to='{SVC}'><x xmlns='http://jabber.org/protocol/muc#user'>{payload}</x></message>"
    );
    bench.receive(stanza.as_bytes());
    let Some((jid, affiliation)) = items.last() else { return };
    let Some(person) = Address::parse(jid).map(|jid| jid.person()) else { return };
    if bench.ended || person.domain() == bench::SVC || !person.bare().contains('@') {
        return;
    }
    let rights = bench.front.people("neerc").rights(&person);
    match *affiliation {
        "owner" | "admin" => assert!(rights.is_some_and(|rights| rights.is_power()), "{person:?} has no power"),
        "member" => assert!(rights.is_some_and(|rights| !rights.is_power()), "{person:?} is no ordinary user"),
        "outcast" | "none" => {
            // A whole domain may be listed, and gives its users rights until one of them is put out by name.
            let domain =
                bench.front.people("neerc").rights(&Person::from_bare(&format!("nobody0@{}", person.domain())));
            assert!(rights.is_none() || domain.is_some(), "{person:?} has rights");
        }
        _ => {}
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
