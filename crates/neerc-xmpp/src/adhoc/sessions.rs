//! Commands that are being filled in. A session belongs to the full JID that began it and to one command. Its id is a
//! number: nobody but its owner can use it, so it need not be hard to guess.

use super::command::Fault;
use crate::limits;
use crate::stanza::address::Address;
use neerc_core::change::Room;
use neerc_core::face::menu::Item;
use neerc_core::people::Rights;
use std::collections::BTreeMap;

/// What the forms of a command so far have said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// The command.
    pub item: &'static Item,
    /// The room it acts in.
    pub room: Option<Room>,
    /// Whether that was chosen by a form.
    pub room_chosen: bool,
    /// The task it is about, if that was chosen by a form of its own.
    pub task: Option<String>,
}

/// Number of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number(u64);

#[derive(Debug)]
struct Session {
    owner: Address,
    draft: Draft,
    /// When it is over, in ms.
    end_ms: i64,
}

/// The sessions of everybody.
#[derive(Debug)]
pub struct Sessions {
    /// Begins each id, so that those of an earlier run of the service are not taken for newer ones.
    run: String,
    next: u64,
    live: BTreeMap<Number, Session>,
}

impl Sessions {
    /// None, for a service that was started at that time.
    pub fn new(started_ms: i64) -> Sessions {
        Sessions { run: format!("{started_ms:x}"), next: 1, live: BTreeMap::new() }
    }

    /// The number of a new session.
    pub fn number(&mut self) -> Number {
        self.next += 1;
        Number(self.next - 1)
    }

    /// How a number is written.
    pub fn id(&self, number: Number) -> String {
        format!("{}-{}", self.run, number.0)
    }

    fn parse(&self, id: &str) -> Result<Number, Fault> {
        let (run, number) = id.split_once('-').ok_or(Fault::BadSession)?;
        let number = number.parse().map_err(|_| Fault::BadSession)?;
        let ours = i64::from_str_radix(run, 16).is_ok();
        match (run == self.run, ours) {
            (true, _) if number < self.next => Ok(Number(number)),
            (false, true) => Err(Fault::Expired), // of an earlier run
            _ => Err(Fault::BadSession),
        }
    }

    /// Takes a session out: whatever is done with its form is done once.
    pub fn take(
        &mut self,
        now_ms: i64,
        owner: &Address,
        id: &str,
        item: &'static Item,
    ) -> Result<(Number, Draft), Fault> {
        let number = self.parse(id)?;
        self.live.retain(|_, session| session.end_ms > now_ms);
        let session = self.live.get(&number).ok_or(Fault::Expired)?;
        if session.owner != *owner || session.draft.item != item {
            return Err(Fault::BadSession);
        }
        let session = self.live.remove(&number).ok_or(Fault::Expired)?;
        Ok((number, session.draft))
    }

    /// Keeps a session until its form comes back. Of one user with too many the oldest goes. Where there are too many of
    /// all, the oldest of whoever has most goes for somebody who would still have fewer. Only where all have as many is
    /// one refused who has no power; for others the oldest of all goes.
    pub fn put(
        &mut self,
        now_ms: i64,
        (owner, rights): (&Address, Rights),
        number: Number,
        draft: Draft,
    ) -> Result<(), Fault> {
        self.live.retain(|_, session| session.end_ms > now_ms);
        let own = || self.live.iter().filter(|(_, session)| session.owner.bare() == owner.bare());
        let held = own().count();
        if held >= limits::FORMS_PER_USER {
            let oldest = own().next().map(|(number, _)| *number);
            oldest.and_then(|oldest| self.live.remove(&oldest));
        }
        if self.live.len() >= limits::FORMS {
            let (most, oldest) = self.richest().ok_or(Fault::Crowded)?;
            if most <= held + 1 && rights == Rights::Ordinary {
                return Err(Fault::Crowded);
            }
            self.live.remove(&oldest);
        }
        let end_ms = now_ms + limits::FORM_MS;
        self.live.insert(number, Session { owner: owner.clone(), draft, end_ms });
        Ok(())
    }

    /// How many sessions somebody has of whom nobody has more, and the oldest of them.
    fn richest(&self) -> Option<(usize, Number)> {
        let mut held: BTreeMap<&str, (usize, Number)> = BTreeMap::new();
        for (number, session) in &self.live {
            held.entry(session.owner.bare()).or_insert((0, *number)).0 += 1;
        }
        held.into_values().max_by_key(|(count, oldest)| (*count, std::cmp::Reverse(*oldest)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use neerc_core::face::menu::{Act, by_act};
    use neerc_core::people::{Affiliation, GroupBook, People, Person, Standing};
    use std::collections::HashMap;

    fn draft(act: Act) -> Draft {
        Draft { item: by_act(act), room: None, room_chosen: false, task: None }
    }

    fn jid(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn a_session_is_its_owners_and_used_once() {
        let mut sessions = Sessions::new(255);
        let number = sessions.number();
        let (owner, item) = (jid("a@b/c"), by_act(Act::Done));
        sessions.put(0, (&owner, Rights::Ordinary), number, draft(Act::Done)).unwrap();
        let id = sessions.id(number);
        assert_eq!(id, "ff-1");
        for wrong in ["a@b/d", "a@b", "x@b/c"] {
            assert_eq!(sessions.take(1, &jid(wrong), &id, item), Err(Fault::BadSession), "{wrong}");
        }
        assert_eq!(sessions.take(1, &owner, &id, by_act(Act::Start)), Err(Fault::BadSession));
        for (wrong, fault) in [
            ("ff-2", Fault::BadSession),
            ("ff-0", Fault::Expired),
            ("fe-1", Fault::Expired),
            ("ff", Fault::BadSession),
            ("xx-1", Fault::BadSession),
            ("ff-99999999999999999999", Fault::BadSession),
            ("", Fault::BadSession),
        ] {
            assert_eq!(sessions.take(1, &owner, wrong, item), Err(fault), "{wrong}");
        }
        assert_eq!(sessions.take(1, &owner, &id, item), Ok((number, draft(Act::Done))));
        assert_eq!(sessions.take(1, &owner, &id, item), Err(Fault::Expired));
    }

    #[test]
    fn a_session_ends() {
        let mut sessions = Sessions::new(0);
        let owner = jid("a@b/c");
        for (later_ms, alive) in [(limits::FORM_MS - 1, true), (limits::FORM_MS, false)] {
            let number = sessions.number();
            sessions.put(0, (&owner, Rights::Ordinary), number, draft(Act::Done)).unwrap();
            let id = sessions.id(number);
            assert_eq!(sessions.take(later_ms, &owner, &id, by_act(Act::Done)).is_ok(), alive);
        }
    }

    fn begin(sessions: &mut Sessions, who: &str, rights: Rights) -> Result<String, Fault> {
        let number = sessions.number();
        sessions.put(0, (&jid(who), rights), number, draft(Act::Done)).map(|()| sessions.id(number))
    }

    fn power() -> Rights {
        let people = People::build(
            "b",
            "neerc",
            [Standing { person: Person::from_bare("admin@b"), affiliation: Affiliation::Owner }],
            HashMap::new(),
            &GroupBook::default(),
        );
        people.rights_of("admin@b").unwrap()
    }

    #[test]
    fn of_one_user_the_oldest_goes() {
        let mut sessions = Sessions::new(0);
        let own: Vec<_> = (0..=limits::FORMS_PER_USER)
            .map(|n| begin(&mut sessions, &format!("a@b/{n}"), Rights::Ordinary).unwrap())
            .collect();
        let item = by_act(Act::Done);
        assert_eq!(sessions.take(1, &jid("a@b/0"), &own[0], item), Err(Fault::Expired));
        assert!(sessions.take(1, &jid("a@b/1"), &own[1], item).is_ok());
    }

    #[test]
    fn members_with_four_open_forms_each_keep_nobody_out() {
        let mut sessions = Sessions::new(0);
        let own: Vec<Vec<String>> = (0..limits::FORMS / limits::FORMS_PER_USER)
            .map(|user| {
                let who = |n: usize| format!("u{user}@b/{n}");
                (0..limits::FORMS_PER_USER).map(|n| begin(&mut sessions, &who(n), Rights::Ordinary).unwrap()).collect()
            })
            .collect();
        let item = by_act(Act::Done);
        let admin = begin(&mut sessions, "admin@b/x", power()).unwrap();
        let late = begin(&mut sessions, "late@b/x", Rights::Ordinary).unwrap();
        assert!(sessions.take(1, &jid("admin@b/x"), &admin, item).is_ok());
        assert!(sessions.take(1, &jid("late@b/x"), &late, item).is_ok());
        let gone = own.iter().flatten().filter(|id| {
            let number = sessions.parse(id).unwrap();
            !sessions.live.contains_key(&number)
        });
        assert_eq!(gone.collect::<Vec<_>>(), [&own[0][0], &own[1][0]], "the oldest of those who have most");
    }

    #[test]
    fn where_all_have_as_many_only_power_finds_room() {
        let mut sessions = Sessions::new(0);
        for user in 0..limits::FORMS {
            begin(&mut sessions, &format!("u{user}@b/x"), Rights::Ordinary).unwrap();
        }
        assert_eq!(begin(&mut sessions, "late@b/x", Rights::Ordinary), Err(Fault::Crowded));
        assert_eq!(begin(&mut sessions, "u1@b/y", Rights::Ordinary), Err(Fault::Crowded));
        begin(&mut sessions, "admin@b/x", power()).unwrap();
        assert_eq!(sessions.live.len(), limits::FORMS);
        assert!(!sessions.live.contains_key(&Number(1)), "the oldest of all");
    }
}
