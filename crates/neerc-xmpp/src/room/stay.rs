//! Whether the service is in the room: the self-ping (XEP-0410), and the end of a stay that was another one's.

use super::{Phase, RoomWatch};
use crate::limits;
use crate::stanza::error_condition;
use crate::stanza::wire::{Response, Wire};

impl RoomWatch {
    /// Whether an end of the stay may be that of the service's last connection, or of a `neerc check`: a server may hear of
    /// it after it has let this connection in, and says no code then, as for whoever leaves (XEP-0045 section 7.14).
    pub(super) fn may_end_an_earlier_stay(&self, now_ms: i64, codes: &[&str]) -> bool {
        now_ms < self.connected_ms + limits::EARLIER_STAY_MS && codes.iter().all(|code| *code == "110")
    }

    /// Takes the answer to a self-ping: an error of the room means that the service is not in it.
    pub fn self_pinged(&mut self, now_ms: i64, response: Response<'_>, wire: &mut Wire) {
        let Response::Error(iq) = response else { return };
        if self.phase != Phase::In {
            return;
        }
        // XEP-0410 section 3.2: these say that somebody at our own nick answered, or nothing at all.
        let still_in =
            ["service-unavailable", "feature-not-implemented", "remote-server-not-found", "remote-server-timeout"];
        if !still_in.contains(&error_condition(iq)) {
            self.left(now_ms, now_ms);
            self.join(now_ms, wire);
        }
    }
}
