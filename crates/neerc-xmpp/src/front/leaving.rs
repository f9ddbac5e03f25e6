//! What came and was not decided by the time the service leaves. It is kept as it came, so that the next process on the same
//! store takes it as if it had come to it. Not where it is kept meanwhile.

use super::chat::as_message;
use super::stream::{StreamPhase, TREE};
use super::{Front, FrontEvent};
use crate::limits;
use crate::ns;
use crate::room::RoomWatch;
use crate::stanza::wire::{Purpose, ping};
use crate::stanza::{Condition, Shell, StanzaKind};
use crate::stream;
use crate::stream::frame::Frame;
use crate::xml::{self, Element};

/// A stanza that nobody has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undecided {
    /// The stanza as it came.
    pub bytes: Vec<u8>,
    /// When it came, in ms.
    pub at_ms: i64,
}

/// What is left behind, or was left behind by the process before.
#[derive(Debug, Default)]
pub(super) struct Leavings {
    stanzas: Vec<Undecided>,
    bytes: usize,
    dropped: usize,
    /// Something was kept since the server was pinged.
    has_new: bool,
    /// The server was pinged and has not answered.
    is_pinged: bool,
    /// How often it was pinged.
    pings: usize,
    /// The stream is ended by us.
    is_closed: bool,
}

impl Leavings {
    fn keep(&mut self, at_ms: i64, bytes: Vec<u8>) {
        self.has_new = true;
        let weight = bytes.len() + limits::HELD_ENTRY_BYTES;
        if self.stanzas.len() >= limits::LEFT_STANZAS || self.bytes + weight > limits::LEFT_BYTES {
            self.dropped += 1;
            return;
        }
        self.bytes += weight;
        self.stanzas.push(Undecided { bytes, at_ms });
    }
}

/// Whether somebody waits for an answer to it. Presences are not kept: the rooms are read anew.
fn is_asked(shell: &Shell<'_>, element: &Element<'_>) -> bool {
    match shell.kind {
        StanzaKind::Iq => shell.is_request(),
        StanzaKind::Message => {
            matches!(shell.type_, "" | "normal" | "chat" | "groupchat")
                && element.elements().any(|part| part.is("body", ns::COMPONENT))
        }
        StanzaKind::Presence => false,
    }
}

impl Front {
    /// Leaves the rooms. From now on nothing is decided: what comes is kept. The stream is to be ended once it
    /// [is quiet](Front::is_quiet).
    pub fn hush(&mut self) {
        if self.stream.is_online() {
            self.leave();
            self.leavings.has_new = true;
            self.ask_whether_quiet();
        }
    }

    fn leave(&mut self) {
        self.gather();
        self.hide_presence();
        self.change_rooms(RoomWatch::leave);
        self.stream.phase = StreamPhase::Leaving;
        self.receive_last(&[]);
    }

    /// Whether the server has nothing on its way, as far as can be told: it has answered a ping, and between the two nothing
    /// came, or something always does. A server may lose what is on its way when it reads that the stream has ended.
    pub fn is_quiet(&self) -> bool {
        self.stream.phase != StreamPhase::Leaving || !self.leavings.is_pinged
    }

    /// Ends the stream; the bytes of it are the last to be sent. What comes until the server has ended it as well is still to be
    /// given to [`Front::receive`].
    pub fn close(&mut self) {
        if self.stream.is_online() {
            self.leave();
        }
        match self.stream.phase {
            StreamPhase::Down => {}
            StreamPhase::Leaving if self.leavings.is_closed => {}
            StreamPhase::Leaving => {
                self.leavings.is_closed = true;
                self.wire.out.own().extend_from_slice(stream::CLOSE);
            }
            StreamPhase::Opening { .. } | StreamPhase::Online => {
                self.wire.out.own().extend_from_slice(stream::CLOSE);
                self.stream.phase = StreamPhase::Down;
            }
        }
    }

    /// Asks the server for a sign that it has handed on what it had, if it has handed on anything since the last one.
    fn ask_whether_quiet(&mut self) {
        let is_news = std::mem::take(&mut self.leavings.has_new);
        self.leavings.is_pinged = is_news && !self.leavings.is_closed && self.leavings.pings < limits::LEAVING_PINGS;
        if self.leavings.is_pinged {
            self.leavings.pings += 1;
            let (now_ms, host) = (self.stream.heard_ms, self.settings.host.clone());
            self.wire.request(now_ms, "get", &host, ping, Purpose::Leaving);
        }
    }

    /// Whether nothing can come any more.
    pub fn has_left(&self) -> bool {
        self.stream.phase == StreamPhase::Down
    }

    /// What came and was not decided, the oldest first, and how many of them were more than is kept.
    pub fn take_undecided(&mut self) -> (Vec<Undecided>, usize) {
        let Leavings { stanzas, dropped, .. } = &mut self.leavings;
        (std::mem::take(stanzas), std::mem::take(dropped))
    }

    /// Takes what the process before has left undecided, as soon as the server has accepted the component and before all that
    /// comes then. What is too old by that time is not done: whoever asked has given up.
    pub fn take_up(&mut self, undecided: Vec<Undecided>) {
        undecided.into_iter().for_each(|Undecided { bytes, at_ms }| self.leavings.keep(at_ms, bytes));
    }

    /// Has what was left behind wait for its rooms to say who their people are.
    pub(super) fn await_rooms(&mut self, now_ms: i64) {
        let Leavings { stanzas, dropped, .. } = std::mem::take(&mut self.leavings);
        let (young, old): (Vec<_>, Vec<_>) = stanzas
            .into_iter()
            .partition(|one| (-limits::LEFT_AHEAD_MS..=limits::LEFT_MS).contains(&(now_ms - one.at_ms)));
        if young.is_empty() && old.is_empty() {
            return;
        }
        self.events.push_back(FrontEvent::TakenUp { young: young.len(), old: old.len() + dropped });
        for Undecided { bytes, at_ms } in young {
            let Ok(element) = xml::parse(&bytes, ns::COMPONENT, &TREE) else {
                self.unread(now_ms, &bytes, Condition::BadRequest, "this cannot be read");
                continue;
            };
            let Some(shell) = Shell::of(&element) else { continue };
            let room = self.room_at(shell.from.bare()).or_else(|| self.room_of(&shell.to)).unwrap_or(0);
            self.wait_early(at_ms, room, bytes.clone());
        }
    }

    /// All that waits in here, in the order in which it came as far as that is known.
    fn gather(&mut self) {
        let now_ms = self.stream.heard_ms;
        for (at_ms, bytes) in self.take_waiting() {
            self.leavings.keep(at_ms, bytes);
        }
        for (session, mut chat) in self.conversations.take_all() {
            self.flush_answers(&mut chat);
            let is_room = self.room_at(session.bare()).is_some();
            if !chat.lines.is_empty() {
                self.leavings.keep(now_ms, as_message(&session, is_room, &chat));
            }
        }
        for bytes in self.lanes.take_all() {
            self.leavings.keep(now_ms, bytes);
        }
    }

    /// Bytes of the server while the service leaves.
    pub(super) fn receive_last(&mut self, bytes: &[u8]) {
        let now_ms = self.stream.heard_ms;
        self.stream.framer.push(bytes);
        while self.stream.phase == StreamPhase::Leaving {
            let mut is_pong = false;
            let stanza = match self.stream.framer.next_frame() {
                Ok(None) => return,
                Ok(Some(Frame::Open(_))) => continue,
                Ok(Some(Frame::Stanza(bytes))) => match xml::parse(bytes, ns::COMPONENT, &TREE) {
                    Ok(element) => {
                        let shell = Shell::of(&element);
                        let request = |shell: &Shell<'_>| self.wire.requests.take(shell.id, &shell.from);
                        is_pong |= shell.as_ref().and_then(request) == Some(Purpose::Leaving);
                        shell.filter(|shell| is_asked(shell, &element)).map(|_| bytes)
                    }
                    Err(_) => Some(bytes),
                },
                Ok(Some(Frame::Skipped { head, .. })) => Some(head),
                Ok(Some(Frame::Close)) | Err(_) => {
                    self.stream.phase = StreamPhase::Down;
                    return;
                }
            };
            if let Some(stanza) = stanza.map(<[u8]>::to_vec) {
                self.leavings.keep(now_ms, stanza);
            }
            if is_pong {
                self.ask_whether_quiet();
            }
        }
    }
}
