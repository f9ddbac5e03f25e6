//! The link and the time: bytes into stanzas, the stream, the deadlines. Not what stanzas mean.

use super::presences::Presences;
use super::stream::{Enters, StreamPhase, TREE, new_framer};
use super::{Front, FrontEvent};
use crate::limits;
use crate::ns;
use crate::room::RoomWatch;
use crate::server::liveness::{Liveness, Step};
use crate::server::look::{self, Look, Others};
use crate::server::probe::Probe;
use crate::stanza::address::Address;
use crate::stanza::wire::{Purpose, Response, Unanswered, ping};
use crate::stanza::{Condition, Shell, StanzaKind};
use crate::stream::frame::{Excess, Frame};
use crate::stream::{self, StreamError};
use crate::xml::{self, Element, TreeLimits};
use neerc_core::world::World;

impl Front {
    /// The connection to the server is open.
    pub fn connected(&mut self, now_ms: i64) {
        self.stream.opening(now_ms);
        self.wire.out.clear();
        self.wire.forget_requests();
        stream::open(self.wire.out.own(), &self.settings.component);
    }

    /// The connection to the server is gone. Asks that were taken are still decided; their answers go out if the
    /// server is back by then.
    pub fn disconnected(&mut self) {
        self.stream.disconnected();
        self.ready = false;
        self.forget_unknown();
        self.wire.out.clear();
        self.wire.forget_requests();
        self.outbox.disconnected();
        self.contacts.disconnected();
        self.presences = Presences::default();
        self.conversations.disconnected();
        self.lanes.clear();
        self.groups.disconnected();
        self.change_rooms(|room, _| room.disconnected()); // what is known of people is kept
        for hall in &mut self.halls {
            hall.take_events();
        }
    }

    /// Bytes from the server. What would be answered beyond the bound of waiting answers is kept for [`Front::resume`]:
    /// a few bytes can ask for many.
    pub fn receive(&mut self, now_ms: i64, bytes: &[u8], world: World<'_>) {
        if self.stream.phase == StreamPhase::Down {
            return;
        }
        self.stream.heard_ms = now_ms;
        self.stream.pinged = false;
        if self.stream.phase == StreamPhase::Leaving {
            return self.receive_last(bytes);
        }
        self.stream.framer.push(bytes);
        self.take_frames(now_ms, world);
    }

    /// Goes on with what was received, once the link has taken enough of the answers.
    pub fn resume(&mut self, now_ms: i64, world: World<'_>) {
        if self.stream.backlog && !self.is_full() && self.stream.phase != StreamPhase::Down {
            self.take_frames(now_ms, world);
        } else {
            self.judge_unknown(now_ms, world); // lists that are not answered are given up by time
        }
    }

    fn take_frames(&mut self, now_ms: i64, world: World<'_>) {
        let mut framer = std::mem::replace(&mut self.stream.framer, new_framer());
        self.stream.backlog = false;
        loop {
            if self.is_full() {
                self.stream.backlog = true;
                break;
            }
            match framer.next_frame_within(|head| self.longest(head)) {
                Ok(None) => break,
                Ok(Some(frame)) => {
                    self.frame(now_ms, frame, world);
                    self.settle(now_ms);
                }
                Err(broken) => {
                    self.end(format!("what the server sends cannot be read any more: {broken}"));
                    break;
                }
            }
            if self.stream.phase == StreamPhase::Down {
                break;
            }
        }
        self.stream.framer = framer;
        self.judge_unknown(now_ms, world);
    }

    pub(super) fn end(&mut self, why: String) {
        self.stream.phase = StreamPhase::Down;
        self.events.push_back(FrontEvent::Ended(why));
    }

    fn frame(&mut self, now_ms: i64, frame: Frame<'_>, world: World<'_>) {
        match frame {
            Frame::Open(header) => {
                let header = xml::parse_head(header, "");
                let id = header.as_ref().and_then(|header| header.attr("id")).unwrap_or("");
                self.stream.has_bare_header = id.is_empty();
                stream::handshake(self.wire.out.own(), id, &self.settings.secret);
            }
            Frame::Close => {
                let refusal = self.silent_refusal();
                self.end(refusal.unwrap_or_else(|| "the server has closed the stream".to_owned()));
            }
            Frame::Stanza(bytes) => match xml::parse(bytes, ns::COMPONENT, &TREE) {
                Ok(element) => self.element(now_ms, &element, bytes, world),
                Err(_) if self.longest(bytes) > 0 => self.long_answer(now_ms, bytes, world),
                Err(refused) => self.unread(now_ms, bytes, Condition::BadRequest, &refused.to_string()),
            },
            Frame::Skipped { head, .. } if self.longest(head) > 0 => self.long_answer(now_ms, head, world),
            Frame::Skipped { head, why } => {
                let text = match why {
                    Excess::Bytes => format!("a stanza may have at most {} bytes", limits::STANZA_BYTES),
                    Excess::Depth => format!("elements may be nested at most {} deep", limits::STANZA_DEPTH),
                };
                self.unread(now_ms, head, Condition::PolicyViolation, &text);
            }
        }
    }

    /// How many bytes a stanza that begins so may have, if that is more than others. Only answers to requests of ours may,
    /// by the address that was asked, which the server stamps: no user can send one.
    fn longest(&self, head: &[u8]) -> usize {
        if !self.stream.is_online() {
            return 0;
        }
        let head = xml::parse_head(head, ns::COMPONENT);
        let Some(shell) = head.as_ref().and_then(Shell::of) else { return 0 };
        let purpose = self.wire.requests.purpose(shell.id, &shell.from);
        let is_list = (shell.kind, shell.type_) == (StanzaKind::Iq, "result") && purpose.is_some_and(Purpose::is_list);
        if is_list { limits::ANSWER_BYTES } else { 0 }
    }

    /// Takes an answer that lists more people than an ordinary stanza holds, or just its start tag if it is too long.
    fn long_answer(&mut self, now_ms: i64, bytes: &[u8], world: World<'_>) {
        let tree = TreeLimits { nodes: limits::ANSWER_NODES, ..TREE };
        if let Ok(element) = xml::parse(bytes, ns::COMPONENT, &tree) {
            return self.element(now_ms, &element, bytes, world);
        }
        let head = xml::parse_head(bytes, ns::COMPONENT);
        let Some(shell) = head.as_ref().and_then(Shell::of) else { return };
        if let Some(purpose) = self.wire.requests.take(shell.id, &shell.from) {
            self.answered(now_ms, purpose, Response::Nothing(Unanswered::TooLong));
        }
    }

    /// Answers a stanza of which only the start tag may be readable.
    pub(super) fn unread(&mut self, now_ms: i64, bytes: &[u8], condition: Condition, text: &str) {
        let Some(head) = xml::parse_head(bytes, ns::COMPONENT) else { return };
        let Some(shell) = Shell::of(&head) else { return };
        if !self.stream.is_online() {
            return;
        }
        if let Some(room) = self.room_at(shell.from.bare()) {
            self.change_room(room, |room, wire| room.unread(now_ms, &shell, wire));
        }
        let answered = match shell.kind {
            StanzaKind::Iq => shell.is_request(),
            StanzaKind::Message => {
                condition == Condition::PolicyViolation && !matches!(shell.type_, "error" | "groupchat")
            }
            StanzaKind::Presence => false,
        };
        if answered && shell.from.domain() != self.settings.component {
            shell.return_address().error(self.wire.out.own(), condition, text);
        }
    }

    pub(super) fn element(&mut self, now_ms: i64, element: &Element<'_>, bytes: &[u8], world: World<'_>) {
        if let Some(error) = StreamError::read(element) {
            return self.end(error.advice(&self.settings.component));
        }
        if !self.stream.is_online() {
            if element.is("handshake", ns::COMPONENT) {
                self.online(now_ms);
            }
            return;
        }
        let Some(shell) = Shell::of(element) else { return };
        if shell.from.domain() == self.settings.component && shell.kind != StanzaKind::Iq {
            return; // our own words, come back
        }
        // Answers and errors may be the server's own, which it writes into the stream without handing anything on.
        let is_handed_on = shell.from.domain() != self.settings.component
            && shell.from.domain() != self.settings.host.domain()
            || shell.from.local().is_some();
        if is_handed_on && !matches!(shell.type_, "result" | "error") {
            self.stream.liveness.proved(now_ms);
        }
        if shell.kind != StanzaKind::Presence && shell.answer_head_bytes() > limits::STANZA_HEAD_BYTES {
            return self.refuse_long_head(&shell);
        }
        if self.waits_for_lists(now_ms, &shell, element, bytes) {
            return;
        }
        let before = self.wire.out.len();
        match shell.kind {
            StanzaKind::Iq => self.iq(now_ms, &shell, element, bytes, world),
            StanzaKind::Presence => return self.presence(now_ms, &shell, element),
            StanzaKind::Message => self.message(now_ms, &shell, element, bytes, world),
        }
        self.charge(now_ms, shell.from.bare(), before);
    }

    /// Refuses what could only be answered by a stanza with much in its start tag, where that still fits; nobody has
    /// such an address, and no client such ids.
    fn refuse_long_head(&mut self, shell: &Shell<'_>) {
        let fits = shell.answer_head_bytes() + limits::STANZA_HEAD_BYTES <= self.settings.max_stanza_bytes;
        let is_ours = shell.from.domain() == self.settings.component;
        if shell.is_request() && fits && !is_ours {
            let text = format!("the id and the addresses may take {} bytes", limits::STANZA_HEAD_BYTES);
            shell.return_address().error(self.wire.out.own(), Condition::PolicyViolation, &text);
        }
    }

    fn online(&mut self, now_ms: i64) {
        self.stream.phase = StreamPhase::Online;
        self.stream.liveness = Liveness::new(now_ms);
        self.events.push_back(FrontEvent::Online);
        if self.stream.enters == Enters::AfterALook {
            self.stream.enters = Enters::Looking;
            return self.look_around(now_ms);
        }
        self.enter(now_ms);
    }

    fn enter(&mut self, now_ms: i64) {
        self.wire.ask_server(now_ms, &self.settings.host);
        self.change_rooms(|room, wire| room.connected(now_ms, wire));
        self.groups.connected(now_ms, &mut self.wire);
        self.await_rooms(now_ms);
    }

    /// When [`Front::timeout`] has something to do, in ms.
    pub fn next_timeout_ms(&self) -> i64 {
        match self.stream.phase {
            StreamPhase::Down | StreamPhase::Leaving => i64::MAX,
            StreamPhase::Opening { deadline_ms } => deadline_ms,
            StreamPhase::Online => {
                let silence = self.stream.heard_ms
                    + if self.stream.pinged {
                        limits::KEEPALIVE_MS + limits::DEAD_PEER_MS
                    } else {
                        limits::KEEPALIVE_MS
                    };
                let rooms = self.rooms().map(RoomWatch::next_timeout_ms).min().unwrap_or(i64::MAX);
                let requests = self.wire.next_timeout_ms();
                let groups = self.groups.next_timeout_ms();
                let look = self.stream.look.as_ref().map_or(self.stream.look_at_ms, Look::deadline_ms);
                silence
                    .min(look)
                    .min(rooms)
                    .min(requests)
                    .min(groups)
                    .min(self.stream.liveness.next_timeout_ms().min(self.presences.next_timeout_ms()))
            }
        }
    }

    /// Does what is due.
    pub fn timeout(&mut self, now_ms: i64) {
        match self.stream.phase {
            StreamPhase::Down | StreamPhase::Leaving => return,
            StreamPhase::Opening { deadline_ms } => {
                if deadline_ms <= now_ms {
                    self.end(format!(
                        "the server did not accept the component within {} s",
                        limits::HANDSHAKE_MS / 1_000
                    ));
                }
                return;
            }
            StreamPhase::Online => {}
        }
        let silent_ms = now_ms - self.stream.heard_ms;
        if self.stream.pinged && silent_ms >= limits::KEEPALIVE_MS + limits::DEAD_PEER_MS {
            return self.end(format!("the server has been silent for {} s", silent_ms / 1_000));
        }
        if !self.stream.pinged && silent_ms >= limits::KEEPALIVE_MS {
            self.stream.pinged = true;
            let host = self.settings.host.clone();
            self.wire.request(now_ms, "get", &host, ping, Purpose::KeepAlive);
        }
        if !self.may_hear(now_ms) {
            return;
        }
        self.look_timeout(now_ms);
        self.wire.ask_again(now_ms);
        for purpose in self.wire.requests.overdue(now_ms) {
            self.answered(now_ms, purpose, Response::Nothing(Unanswered::InTime));
        }
        self.change_rooms(|room, wire| room.timeout(now_ms, wire));
        self.groups.timeout(now_ms, &mut self.wire);
        self.ask_presences(now_ms);
        self.outbox.tidy(now_ms);
        self.contacts.tidy(now_ms);
        self.settle(now_ms);
    }

    /// Pings our own address where that is due; says whether the link is still of use.
    fn may_hear(&mut self, now_ms: i64) -> bool {
        if self.is_congested() {
            self.stream.liveness.proved(now_ms); // what came waits to be read
        }
        match self.stream.liveness.timeout(now_ms) {
            Step::Wait => {}
            Step::Ping => {
                if let Some(own) = Address::parse(&self.settings.component) {
                    self.wire.request(now_ms, "get", &own, ping, Purpose::Routed);
                }
            }
            Step::Reopen(deaf_ms) => {
                self.end(format!(
                    "the server has handed nothing on to {} for {} s, although the connection is open",
                    self.settings.component,
                    deaf_ms / 1_000
                ));
                return false;
            }
        }
        true
    }

    /// From the next connection on, looks whether there is another connection of the component before it enters its
    /// rooms; if there is, the stream ends.
    pub fn look_first(&mut self) {
        self.stream.enters = Enters::AfterALook;
    }

    pub(super) fn look_around(&mut self, now_ms: i64) {
        self.stream.look_at_ms = now_ms + limits::LOOK_AGAIN_MS;
        if let Some(own) = Address::parse(&self.settings.component) {
            self.stream.look = Some(Look::start(now_ms, &own, &mut self.wire));
        }
    }

    pub(super) fn looked(&mut self, now_ms: i64) {
        if let Some(look) = &mut self.stream.look {
            look.came_back(now_ms);
        }
        self.look_timeout(now_ms);
    }

    fn look_timeout(&mut self, now_ms: i64) {
        if self.stream.look.is_none() && self.stream.look_at_ms <= now_ms {
            return self.look_around(now_ms);
        }
        let Some(look) = self.stream.look.take_if(|look| look.deadline_ms() <= now_ms) else { return };
        match look.seen() {
            Others::Nobody => {
                self.troubles.remove(look::ANOTHER);
                if self.stream.enters == Enters::Looking {
                    self.stream.enters = Enters::Looked;
                    self.stream.look_at_ms = i64::MAX;
                    self.enter(now_ms);
                }
            }
            Others::Another => {
                let advice = look::advice(&self.settings.component);
                if self.stream.enters == Enters::Looking {
                    self.end(advice)
                } else {
                    self.trouble(look::ANOTHER, advice)
                }
            }
        }
    }

    /// Why the server closed the connection without a word, as far as can be told.
    pub fn silent_refusal(&self) -> Option<String> {
        let is_opening = matches!(self.stream.phase, StreamPhase::Opening { .. });
        (is_opening && self.stream.has_bare_header).then(|| stream::silent_refusal(&self.settings.component))
    }

    /// Measures how long the server takes to hand stanzas on; ends with [`FrontEvent::Probed`].
    pub fn probe(&mut self, now_ms: i64) {
        if let Some(own) = Address::parse(&self.settings.component) {
            self.stream.probe = Some(Probe::start(now_ms, own, &mut self.wire));
        }
    }

    pub(super) fn probed(&mut self, now_ms: i64) {
        let Some(probe) = &mut self.stream.probe else { return };
        if let Some(round_trips) = probe.came_back(now_ms, &mut self.wire) {
            self.stream.probe = None;
            self.events.push_back(FrontEvent::Probed(round_trips));
        }
    }
}
