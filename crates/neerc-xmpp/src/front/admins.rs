//! What admins are told by state: each of them once that something is so, when they are there to hear it, and at its end those who
//! were told. Not what that is.

use super::Front;
use neerc_core::change::Room;
use neerc_core::face::lines::Lines;
use neerc_core::people::Person;
use neerc_core::view::{DayTime, RoomScene};
use neerc_core::world::World;
use std::collections::BTreeSet;

/// Who is to hear it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AdminWord {
    /// All who were not told yet.
    IsSo,
    /// Those who were told that it is so.
    IsOver,
}

impl Front {
    /// Says something to the admins of these rooms, of all where none is named, who are to hear it and are there.
    pub(super) fn tell_admins(
        &mut self,
        rooms: &[Room],
        word: AdminWord,
        told: &mut BTreeSet<Person>,
        world: World<'_>,
        words: &dyn Fn(&Lines<'_>) -> String,
    ) {
        let before = if word == AdminWord::IsSo { BTreeSet::new() } else { std::mem::take(told) };
        for room in 0..self.halls.len() {
            let watch = self.halls[room].watch();
            if !rooms.is_empty() && !rooms.contains(&watch.room) {
                continue;
            }
            for person in watch.people().admins() {
                // Whoever is an admin of several rooms hears it in one of them.
                let is_for = word == AdminWord::IsSo || before.contains(&person);
                if is_for && !told.contains(&person) && self.tell_admin(room, &person, world, words) {
                    told.insert(person);
                }
            }
        }
        if word == AdminWord::IsOver {
            told.clear();
        }
    }

    /// Says it to one; tells whether somebody is there to hear it.
    fn tell_admin(
        &mut self,
        room: usize,
        person: &Person,
        world: World<'_>,
        words: &dyn Fn(&Lines<'_>) -> String,
    ) -> bool {
        let sessions = self.contacts.speaking(room, person);
        if sessions.is_empty() {
            return false;
        }
        let now = Some(DayTime { wall_ms: self.plan_words.wall_ms, zone_ms: world.zone_ms() });
        let said = self.answers_for(room, person, world, |answers| {
            words(&Lines { scene: RoomScene { now, ..answers.scene }, ..*answers })
        });
        let Some(said) = said else { return false };
        let mut out = std::mem::take(&mut self.wire.out);
        self.say(room, person, &sessions, &[said], out.own());
        self.wire.out = out;
        true
    }
}
