//! Asks that are under way, and who waits for each: a table by number. Not what is answered: that is where each kind of
//! asker is.

use super::commands::Commanded;
use super::requests::Asked;
use super::{Front, FrontEvent};
use crate::stanza::address::Address;
use neerc_core::command::Command;
use neerc_core::ledger::{Ask, Face, Token};
use neerc_core::limits;
use neerc_core::people::Person;
use std::collections::VecDeque;

/// Who waits for an ask to be decided.
#[derive(Debug)]
pub(super) enum Asker {
    /// A request of a client.
    Request(Asked<'static>),
    /// An ad-hoc command.
    Command(Box<Commanded>),
    /// A chat line of that session.
    Line(Address),
}

/// The table. Asks are counted up, and they are answered in nearly the order in which they were made: a queue with
/// gaps, in which nothing has to be looked for.
#[derive(Debug, Default)]
pub(super) struct Asks {
    /// The number of the ask in the first place.
    first: u64,
    places: VecDeque<Option<Asker>>,
}

impl Asks {
    /// Whether no more can be taken now.
    pub fn is_full(&self) -> bool {
        self.places.len() >= limits::WRITES_WAITING
    }

    fn add(&mut self, asker: Asker) -> u64 {
        self.places.push_back(Some(asker));
        self.first + (self.places.len() - 1) as u64
    }

    /// Who waits for the ask of that number. Each is handed out once.
    pub fn take(&mut self, number: u64) -> Option<Asker> {
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let asker = self.places.get_mut(place)?.take();
        while let Some(None) = self.places.front() {
            self.places.pop_front();
            self.first += 1;
        }
        asker
    }
}

impl Front {
    /// Asks for a change; the answer goes to `asker`.
    pub(super) fn ask(&mut self, room: usize, who: Person, command: Command, asker: Asker) {
        let token = Token { face: Face::Xmpp, number: self.asks.add(asker) };
        let room = self.rooms[room].room.clone();
        self.events.push_back(FrontEvent::Ask(Ask { token, room, who, command }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_asker_is_handed_out_once_in_whatever_order() {
        let mut asks = Asks::default();
        let line = |n: u64| Asker::Line(Address::parse(&format!("a@b/{n}")).unwrap());
        let whose = |asker: Option<Asker>| match asker {
            Some(Asker::Line(session)) => session.resource().map(str::to_owned),
            _ => None,
        };
        let tokens: Vec<u64> = (0..4).map(|n| asks.add(line(n))).collect();
        assert_eq!(whose(asks.take(tokens[2])).as_deref(), Some("2"));
        assert_eq!((whose(asks.take(tokens[2])), asks.places.len()), (None, 4));
        assert_eq!(whose(asks.take(tokens[0])).as_deref(), Some("0"));
        assert_eq!((whose(asks.take(tokens[0])), asks.places.len()), (None, 3));
        assert_eq!(whose(asks.take(tokens[1])).as_deref(), Some("1"));
        assert_eq!(asks.places.len(), 1);
        let next = asks.add(line(4));
        assert_eq!((whose(asks.take(next)).as_deref(), whose(asks.take(next + 1))), (Some("4"), None));
        assert_eq!(whose(asks.take(tokens[3])).as_deref(), Some("3"));
        assert!(asks.places.is_empty() && !asks.is_full());
    }
}
