//! A room that was destroyed. The service comes back at once and creates it again, since on some servers the first to
//! come owns it. Where somebody else was first, nobody gets more rights from the new room than they had in the old one,
//! until nobody has power in it who had none before.

use super::{Phase, RoomEvent, RoomWatch};
use crate::limits;
use crate::stanza::wire::Wire;
use neerc_core::people::{Affiliation, Person};
use std::collections::BTreeMap;

/// What is remembered of the room before it was destroyed.
#[derive(Debug, Default)]
pub(super) struct Remade {
    /// Who was what; there is nothing to remember of a room that was not destroyed.
    before: Option<BTreeMap<Person, Affiliation>>,
    /// The room is there again, and the service has not made it.
    by_others: bool,
    /// When it was destroyed last, in ms, and how long the service waited then.
    at_ms: i64,
    pause_ms: i64,
    /// What was said of that.
    said: Option<String>,
    /// Tries to come in quickly that are left.
    pub(super) quick_joins: u32,
}

impl RoomWatch {
    /// The room was destroyed: comes back at once; where that goes on, after a pause that doubles.
    pub(super) fn destroyed(&mut self, now_ms: i64, wire: &mut Wire) {
        if self.remade.before.is_none() {
            self.remade.before = Some(self.known_affiliations());
        }
        let is_again = self.remade.at_ms > 0 && now_ms - self.remade.at_ms < limits::SELF_PING_MS;
        let longer_ms = (2 * self.remade.pause_ms).clamp(limits::REJOIN_MS, limits::RETRY_ROOM_MS);
        self.remade.pause_ms = if is_again { longer_ms } else { 0 };
        self.remade.at_ms = now_ms;
        self.remade.quick_joins = limits::QUICK_JOINS;
        self.left(now_ms, now_ms + self.remade.pause_ms);
        if self.remade.pause_ms == 0 {
            self.join(now_ms, wire);
        }
    }

    /// How long the request to come in may stay unanswered: the end of a room can swallow it.
    pub(super) fn join_patience_ms(&self) -> i64 {
        if self.remade.quick_joins > 0 { limits::REJOIN_MS } else { limits::ANSWER_MS }
    }

    /// The service is in the room, which it has made or found.
    pub(super) fn found(&mut self, is_new: bool) {
        self.remade.quick_joins = 0;
        if is_new {
            self.remade.before = None;
        }
        self.remade.by_others = self.remade.before.is_some();
        self.stale = true;
    }

    fn known_affiliations(&self) -> BTreeMap<Person, Affiliation> {
        let mut known = self.listed.clone();
        for (person, affiliation) in self.occupants.standings() {
            let highest = known.entry(person).or_insert(affiliation);
            *highest = (*highest).max(affiliation);
        }
        known
    }

    /// The lists have been read. Says who has power that they did not have in the room before it was destroyed.
    pub(super) fn judge_remade(&mut self) {
        let Some(before) = self.remade.before.as_ref().filter(|_| self.remade.by_others) else { return };
        let had_power = |person: &Person| before.get(person).is_some_and(|known| *known >= Affiliation::Admin);
        let is_new = |(person, affiliation): &(&Person, &Affiliation)| {
            **affiliation >= Affiliation::Admin && person.domain() != self.settings.component && !had_power(person)
        };
        let new: Vec<&str> = self.listed.iter().filter(is_new).map(|(person, _)| person.bare()).collect();
        if new.is_empty() {
            self.stale = true;
            self.remade = Remade { at_ms: self.remade.at_ms, pause_ms: self.remade.pause_ms, ..Remade::default() };
            return;
        }
        let text = format!(
            "{} was destroyed, and others made it anew before the service was back: {} has power in it and had none \
             before. Nobody has more rights than before the room was destroyed, until that is mended: take the room from \
             them in the server's administration and give the jury its place; or, if all is as it should be, start the \
             service again",
            self.jid.as_str(),
            new.join(", ")
        );
        if self.remade.said.as_ref() != Some(&text) {
            self.remade.said = Some(text.clone());
            self.events.push(RoomEvent::Trouble(text));
        }
    }

    /// Whether others have made the room anew, and somebody has power by that.
    pub(super) fn is_distrusted(&self) -> bool {
        self.remade.by_others
    }

    /// What an affiliation counts as, in a room that somebody may have made to have power in it.
    pub(super) fn trusted(&self, person: &Person, affiliation: Affiliation) -> Affiliation {
        match self.remade.before.as_ref().filter(|_| self.remade.by_others) {
            Some(before) => affiliation.min(before.get(person).copied().unwrap_or(Affiliation::None)),
            None => affiliation,
        }
    }

    /// The request to come in was not answered in time: says whether it was sent again.
    pub(super) fn joins_again_quickly(&mut self, now_ms: i64, wire: &mut Wire) -> bool {
        let is_quick = self.remade.quick_joins > 0 && matches!(self.phase, Phase::Joining { .. });
        if is_quick {
            self.remade.quick_joins -= 1;
            self.join(now_ms, wire);
        }
        is_quick
    }
}
