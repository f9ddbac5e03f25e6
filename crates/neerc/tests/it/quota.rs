//! How much one person may store in a day, through a real server: whoever has used it up is told to wait until tomorrow, and
//! everybody else goes on. The counting itself is tested beside it, in neerc-core/quota.rs.

use crate::raw::Raw;
use crate::said::{NS, Said};
use crate::servers::{Kind, Server, unique};
use crate::service::Neerc;

on_both!(a_hall_that_toggles_long_answers_is_told_to_wait_until_tomorrow);

/// Bytes of the answers and titles that are written, with what the parser of a server waits for behind a long tag.
const LONG_BYTES: usize = 4_000;
/// Answers of that length that are in a MiB with all that is stored of each, as limits: nobody gets more, or much less.
const FITTING: std::ops::RangeInclusive<usize> = 200..=262;
/// Changes of somebody with power that take more than the 1 MiB of the others.
const OF_POWER: usize = 300;

struct Person {
    raw: Raw,
    to: String,
}

impl Person {
    fn new(server: &Server, neerc: &Neerc<'_>, room: &str, name: &str) -> Self {
        Self { raw: Raw::login(server, name, &unique("quota")), to: neerc.room_jid(room) }
    }

    fn ask(&mut self, kind: &str, payload: &str) -> Said {
        let id = unique("q");
        let behind = " ".repeat(payload.len());
        self.raw.send(&format!("<iq to='{}' type='{kind}' id='{id}'>{payload}</iq>{behind}", self.to));
        Said::read(&self.raw.expect(|text| Said::read(text).id == id))
    }

    fn answers(&mut self, number: usize) -> Said {
        let kind = if number.is_multiple_of(2) { "running" } else { "success" };
        let value = format!("{number} {}", "\u{1F4A7}".repeat(LONG_BYTES / 4 - 10));
        self.ask("set", &format!("<taskstatus xmlns='{NS}#taskstatus' id='1' type='{kind}' value='{value}'/>"))
    }

    fn titles(&mut self, number: usize) -> Said {
        let title = format!("{number} {}", "\u{1F4A7}".repeat(LONG_BYTES / 4 - 10));
        self.ask("set", &format!("<task xmlns='{NS}#task' id='1' title='{title}' type='todo'><status for='hall1'/><status for='hall2'/></task>"))
    }
}

/// The refusal of somebody who has used up what they may store.
#[track_caller]
fn assert_used_up(said: &Said) {
    let xml = said.xml.replace('"', "'");
    assert_eq!(said.condition, "resource-constraint", "{xml}");
    assert!(xml.contains("type='wait'"), "{xml}");
    assert!(xml.contains("your changes of today have taken 1 MiB of the disk; wait until tomorrow"), "{xml}");
}

fn a_hall_that_toggles_long_answers_is_told_to_wait_until_tomorrow(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[("jury1", "owner"), ("hall1", "member"), ("hall2", "member")]);
    let neerc = Neerc::start(server, &[&room], "[limits]\nstored_mib_per_day = 1");
    let [mut jury, mut hall, mut other] =
        ["jury1", "hall1", "hall2"].map(|name| Person::new(server, &neerc, &room, name));
    let created = jury.ask(
        "set",
        &format!("<task xmlns='{NS}#task' title='Water' type='todo'><status for='hall1'/><status for='hall2'/></task>"),
    );
    assert_eq!(created.kind, "result", "{}", created.xml);
    let refused =
        (0..=*FITTING.end()).map(|number| (number, hall.answers(number))).find(|(_, said)| said.kind == "error");
    let (taken, refusal) = refused.expect("more than a MiB is refused");
    assert_used_up(&refusal);
    assert!(FITTING.contains(&taken), "{taken} answers were taken");
    for number in 1..=3 {
        assert_used_up(&hall.answers(taken + number));
    }
    // Another session of the same person is no way round it, nor does the refusal keep anybody from reading.
    assert_used_up(&Person::new(server, &neerc, &room, "hall1").answers(taken));
    let tasks = hall.ask("get", &format!("<query xmlns='{NS}#tasks'/>")).listed();
    let value = &tasks[&1].statuses["hall1"].1;
    assert!(value.starts_with(&format!("{} ", taken - 1)), "the last answer that was taken is kept: {value:.20}");
    for number in 0..10 {
        assert_eq!(other.answers(number).kind, "result", "another hall");
    }
    for number in 0..OF_POWER {
        let said = jury.titles(number);
        assert_eq!(said.kind, "result", "{number}: {}", said.xml);
    }
    assert_used_up(&hall.answers(taken));
    println!(
        "{kind:?}: {taken} answers of {LONG_BYTES} bytes were taken from one hall, {OF_POWER} titles from the jury"
    );
}
