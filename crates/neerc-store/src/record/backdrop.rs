//! The written form of what a board is shown before: people, and a clock that somebody else reads.

use super::RecordError;
use crate::backdrop::{Backdrop, RoomBackdrop};
use neerc_core::clock::{Phase, Reading};
use neerc_core::clocks::LastHeard;
use neerc_core::people::{Affiliation, Member, People, Person};
use neerc_core::refusal::Refusal;
use neerc_core::view::Visibility;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

#[derive(Serialize, Deserialize)]
struct BackdropRecord<'a> {
    /// Under which address browsers find whoever wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    url: Option<Cow<'a, str>>,
    rooms: Vec<RoomRecord<'a>>,
}

#[derive(Serialize, Deserialize)]
struct RoomRecord<'a> {
    room: Cow<'a, str>,
    /// Whose users go by their local part.
    host: Cow<'a, str>,
    /// Absent if everybody sees every task.
    #[serde(default, skip_serializing_if = "is_false")]
    own_only: bool,
    people: Vec<PersonRecord<'a>>,
    /// With the affiliation of all their users.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    domains: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    outcasts: Vec<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clock: Option<ReadingRecord<'a>>,
}

#[derive(Serialize, Deserialize)]
struct PersonRecord<'a> {
    jid: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "is_false")]
    power: bool,
    groups: Vec<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    display: Option<Cow<'a, str>>,
}

#[derive(Serialize, Deserialize)]
struct ReadingRecord<'a> {
    at_ms: i64,
    elapsed_ms: i64,
    total_ms: i64,
    phase: Cow<'a, str>,
    over_ms: i64,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// As text.
pub fn write_backdrop(Backdrop { url, rooms }: &Backdrop) -> Result<String, RecordError> {
    let rooms = rooms.iter().map(|room| RoomRecord {
        room: Cow::Borrowed(&*room.room),
        host: room.people.host().into(),
        own_only: room.visibility == Visibility::Own,
        people: room.people.listed().into_iter().map(person_record).collect(),
        domains: room.people.domains().map(|(domain, known)| (domain.into(), known.name().into())).collect(),
        outcasts: room.people.outcasts().map(|person| person.bare().into()).collect(),
        clock: room.clock.map(|LastHeard { reading: Reading { elapsed_ms, total_ms, phase }, heard_ms, over_ms }| {
            ReadingRecord { at_ms: heard_ms, elapsed_ms, total_ms, phase: phase.name().into(), over_ms }
        }),
    });
    let record = BackdropRecord { url: url.as_deref().map(Cow::Borrowed), rooms: rooms.collect() };
    Ok(serde_json::to_string(&record)?)
}

fn person_record<'a>((person, member): (&'a Person, &'a Member)) -> PersonRecord<'a> {
    PersonRecord {
        jid: person.bare().into(),
        power: member.power,
        groups: member.groups.iter().map(|group| Cow::Borrowed(&**group)).collect(),
        display: member.display.as_deref().map(Cow::Borrowed),
    }
}

/// What such a text says.
pub fn read_backdrop(text: &str) -> Result<Backdrop, RecordError> {
    let BackdropRecord { url, rooms } = serde_json::from_str(text)?;
    let rooms = rooms.into_iter().map(read_room).collect::<Result<_, RecordError>>()?;
    Ok(Backdrop { url: url.map(|url| url.into()), rooms })
}

fn read_room(room: RoomRecord<'_>) -> Result<RoomBackdrop, RecordError> {
    let members = room.people.into_iter().map(|PersonRecord { jid, power, groups, display }| {
        let groups = groups.into_iter().map(Into::into).collect();
        (Person::from_bare(&jid), Member { power, groups, display: display.map(Into::into) })
    });
    let unknown = Refusal::Malformed { what: "the affiliation of a domain", wanted: "known" };
    let domains = room.domains.into_iter().map(|(domain, known)| {
        Affiliation::parse(&known).map(|known| (domain.into_owned(), known)).ok_or_else(|| unknown.clone())
    });
    let domains = domains.collect::<Result<Vec<_>, Refusal>>()?;
    let outcasts = room.outcasts.iter().map(|jid| Person::from_bare(jid));
    let people = People::restore(&room.host, members, domains, outcasts);
    let clock = room.clock.map(|ReadingRecord { at_ms, elapsed_ms, total_ms, phase, over_ms }| {
        let reading = Reading { elapsed_ms, total_ms, phase: Phase::named(&phase)? };
        Ok::<_, Refusal>(LastHeard { reading, heard_ms: at_ms, over_ms })
    });
    let visibility = if room.own_only { Visibility::Own } else { Visibility::All };
    Ok(RoomBackdrop { room: room.room.into(), people: people.into(), visibility, clock: clock.transpose()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As it was written once; a later version reads it.
    const RECORDED: &str = r#"{"url":"https://board.example.org","rooms":[{"room":"neerc","host":"localhost","own_only":true,"people":[{"jid":"jury1@localhost","power":true,"groups":["Admins"]},{"jid":"hall1@localhost","groups":["Halls","North"],"display":"Hall 1"}],"domains":[["guests.org","member"]],"outcasts":["bad@guests.org"],"clock":{"at_ms":1700000000000,"elapsed_ms":5000,"total_ms":18000000,"phase":"running","over_ms":0}},{"room":"empty","host":"localhost","people":[]}]}"#;

    #[test]
    fn it_is_written_and_read_as_ever() {
        let read = read_backdrop(RECORDED).unwrap();
        assert_eq!(write_backdrop(&read).unwrap(), RECORDED);
        let [room, empty] = &read.rooms[..] else { panic!("{read:?}") };
        assert!(room.people.is_admin("jury1@localhost") && !room.people.is_admin("hall1@localhost"));
        assert!(
            room.people.rights_of("some@guests.org").is_some() && room.people.rights_of("bad@guests.org").is_none()
        );
        assert_eq!((room.visibility, empty.visibility), (Visibility::Own, Visibility::All));
        assert!(read_backdrop("{}").is_err() && read_backdrop(&RECORDED.replace("\"member\"", "\"?\"")).is_err());
        assert!(read_backdrop(&RECORDED.replace("\"running\"", "\"?\"")).is_err());
    }
}
