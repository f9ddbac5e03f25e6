//! Bursts of the service's own output through real servers, whose parser (libexpat since 2.6, and older ones with
//! security updates) looks at a tag that the end of a read has cut only once as much again has come.

use super::{NS, Stage, packet, shared};
use crate::raw::Raw;
use crate::said::Said;
use crate::servers::{Kind, unique};

on_both!(what_has_a_long_tag_near_its_end_is_not_held_back);

const PEOPLE: [(&str, &str); 3] = [("jury1", "owner"), ("hall1", "member"), ("hall2", "member")];
const BURSTS: usize = 50;
const LONGEST_CHARS: usize = 1_000;

/// Titles that are six times as long once they are escaped; answers and notifications are read where the server cuts
/// them. On the old way most bursts came at once, and some only with the next one.
fn what_has_a_long_tag_near_its_end_is_not_held_back(kind: Kind) {
    let stage = Stage::new(shared(kind), &PEOPLE, "");
    let mut jury = Raw::login(stage.server, "jury1", &unique("r"));
    let mut hall = Raw::login(stage.server, "hall1", &unique("r"));
    for (session, nick) in [(&mut jury, "jury1"), (&mut hall, "hall1")] {
        let room = format!("{}@{}/{nick}", stage.room, crate::servers::ROOMS);
        session.send(&format!("<presence to='{room}'><x xmlns='http://jabber.org/protocol/muc'/></presence>"));
        session.expect(|text| text.contains("110"));
        let ping = format!("<iq to='{}' type='get' id='in'><query xmlns='{NS}#ping'/></iq>", stage.at());
        session.send(&ping);
        session.expect(|text| Said::read(text).id == "in");
    }
    for burst in 0..BURSTS {
        let chars = LONGEST_CHARS - burst * LONGEST_CHARS / BURSTS / 2;
        let title = format!("{burst} {}", "'".repeat(chars - 3));
        let begins = format!("{burst} ");
        let id = format!("c{burst}");
        let task = packet(None, &title, "todo", &[("hall1", "none", "")]);
        jury.send(&format!("<iq to='{}' type='set' id='{id}'>{task}</iq>", stage.at()));
        jury.expect(|text| Said::read(text).id == id);
        let told = |text: &str| {
            Said::read(text)
                .tasks
                .iter()
                .any(|(_, task)| task.as_ref().is_some_and(|task| task.title.starts_with(&begins)))
        };
        jury.expect(told);
        hall.expect(told);
    }
}
