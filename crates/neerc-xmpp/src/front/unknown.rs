//! Who cannot be judged yet. After a start that is everybody, until the room has said who its people are. On a server that tells
//! nothing of people who are not in the room it is whoever is unknown: what they ask waits while the lists are read once more,
//! for they may have been given their place a moment ago.

use super::Front;
use super::stream::{Enters, TREE};
use crate::limits;
use crate::ns;
use crate::stanza::{Shell, StanzaKind};
use crate::xml::{self, Element};
use neerc_core::world::World;

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Unknown {
    waiting: Vec<Waiting>,
    /// It is being looked at again: now it counts.
    is_final: bool,
}

/// A stanza that waits.
#[derive(Debug)]
struct Waiting {
    /// The index of the room.
    room: usize,
    /// As it came.
    bytes: Vec<u8>,
    /// When it came, in ms.
    at_ms: i64,
    /// It came before the room had said who its people are.
    is_early: bool,
}

/// Whether somebody asks for what only people of the room may have.
fn needs_rights(shell: &Shell<'_>, element: &Element<'_>) -> bool {
    match shell.kind {
        StanzaKind::Iq => element.elements().any(|payload| {
            *payload.ns == *ns::COMMANDS || *payload.ns != *ns::NEERC_PING && payload.ns.starts_with(ns::NEERC)
        }),
        StanzaKind::Message => element.elements().any(|part| part.is("body", ns::COMPONENT)),
        StanzaKind::Presence => false,
    }
}

impl Front {
    /// Whether a stanza waits until the room has said for the first time who its people are, since nothing is known of whoever
    /// sent it. What comes behind one that waits waits as well, so that the order stays.
    fn waits_for_the_start(&mut self, now_ms: i64, shell: &Shell<'_>, element: &Element<'_>, bytes: &[u8]) -> bool {
        if self.stream.enters == Enters::Looking {
            return false; // it may turn out that another connection serves
        }
        let Some(room) = self.room_of(&shell.to) else { return false };
        let (watch, waiting) = (self.halls[room].watch(), &self.unknown.waiting);
        let is_unknown = watch.people().rights_of(shell.from.bare()).is_none();
        let is_early = is_unknown && !watch.is_known() && watch.trouble().is_none();
        let is_behind = || waiting.iter().any(|one| one.is_early && one.room == room);
        if !(is_early || is_behind()) || waiting.len() >= limits::EARLY_WAITING || !needs_rights(shell, element) {
            return false;
        }
        self.wait_early(now_ms, room, bytes.to_vec());
        true
    }

    /// Has a stanza wait for the room of that index to say who its people are.
    pub(super) fn wait_early(&mut self, at_ms: i64, room: usize, bytes: Vec<u8>) {
        self.unknown.waiting.push(Waiting { room, bytes, at_ms, is_early: true });
    }

    /// All that waits, with when it came.
    pub(super) fn take_waiting(&mut self) -> impl Iterator<Item = (i64, Vec<u8>)> + use<> {
        std::mem::take(&mut self.unknown.waiting).into_iter().map(|one| (one.at_ms, one.bytes))
    }

    /// Whether a stanza waits until the lists have been read. So many wait at once, and the lists are read so often, that
    /// strangers gain nothing by asking again.
    pub(super) fn waits_for_lists(
        &mut self,
        now_ms: i64,
        shell: &Shell<'_>,
        element: &Element<'_>,
        bytes: &[u8],
    ) -> bool {
        let is_asked = match shell.kind {
            StanzaKind::Iq => matches!(shell.type_, "get" | "set"),
            StanzaKind::Message => matches!(shell.type_, "" | "normal" | "chat"),
            StanzaKind::Presence => false,
        };
        if !is_asked || bytes.len() > limits::UNKNOWN_BYTES || self.unknown.is_final {
            return false;
        }
        if self.waits_for_the_start(now_ms, shell, element, bytes) {
            return true;
        }
        if self.unknown.waiting.len() >= limits::UNKNOWN_WAITING {
            return false;
        }
        let Some(room) = self.room_of(&shell.to).filter(|room| self.halls[*room].watch().is_untold()) else {
            return false;
        };
        let is_known = self.halls[room].watch().people().rights_of(shell.from.bare()).is_some();
        let Front { halls, groups, wire, .. } = self;
        if is_known || !halls[room].change(groups.book(), |room| room.reads_for_unknown(now_ms, wire)) {
            return false;
        }
        self.unknown.waiting.push(Waiting { room, bytes: bytes.to_vec(), at_ms: now_ms, is_early: false });
        true
    }

    /// Looks again at what has waited for lists that are read now.
    pub(super) fn judge_unknown(&mut self, now_ms: i64, world: World<'_>) {
        if self.unknown.waiting.is_empty() || !self.stream.is_online() {
            return;
        }
        let waiting = std::mem::take(&mut self.unknown.waiting);
        let (still, judged): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|one| {
            let watch = self.halls[one.room].watch();
            if one.is_early { !watch.is_known() && watch.trouble().is_none() } else { watch.is_reading() }
        });
        self.unknown.waiting = still;
        self.unknown.is_final = true;
        for Waiting { bytes, .. } in judged {
            if let Ok(element) = xml::parse(&bytes, ns::COMPONENT, &TREE) {
                self.element(now_ms, &element, &bytes, world);
            }
        }
        self.unknown.is_final = false;
    }

    /// The connection is gone, and with it whoever asked.
    pub(super) fn forget_unknown(&mut self) {
        self.unknown.waiting.clear();
    }
}
