//! Whoever is unknown on a server that tells nothing of people who are not in the room: what they ask waits while the
//! lists are read once more, for they may have been given their place a moment ago. Not on servers that tell by themselves.

use super::Front;
use super::stream::TREE;
use crate::limits;
use crate::ns;
use crate::stanza::{Shell, StanzaKind};
use crate::xml;
use neerc_core::world::World;

/// What waits.
#[derive(Debug, Default)]
pub(super) struct Unknown {
    /// By the index of the room, as it came.
    waiting: Vec<(usize, Vec<u8>)>,
    /// It is being looked at again: now it counts.
    is_final: bool,
}

impl Front {
    /// Whether a stanza waits until the lists have been read. So many wait at once, and the lists are read so often, that
    /// strangers gain nothing by asking again.
    pub(super) fn waits_for_lists(&mut self, now_ms: i64, shell: &Shell<'_>, bytes: &[u8]) -> bool {
        let is_asked = match shell.kind {
            StanzaKind::Iq => matches!(shell.type_, "get" | "set"),
            StanzaKind::Message => matches!(shell.type_, "" | "normal" | "chat"),
            StanzaKind::Presence => false,
        };
        let is_small = bytes.len() <= limits::UNKNOWN_BYTES && self.unknown.waiting.len() < limits::UNKNOWN_WAITING;
        if !is_asked || !is_small || self.unknown.is_final {
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
        self.unknown.waiting.push((room, bytes.to_vec()));
        true
    }

    /// Looks again at what has waited for lists that are read now.
    pub(super) fn judge_unknown(&mut self, now_ms: i64, world: World<'_>) {
        if self.unknown.waiting.is_empty() || !self.stream.is_online() {
            return;
        }
        let waiting = std::mem::take(&mut self.unknown.waiting);
        let (still, judged): (Vec<_>, Vec<_>) =
            waiting.into_iter().partition(|(room, _)| self.halls[*room].watch().is_reading());
        self.unknown.waiting = still;
        self.unknown.is_final = true;
        for (_, bytes) in judged {
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
