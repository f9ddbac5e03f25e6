//! Our own requests to the server, each with its purpose, and the buffer that everything is written to. Answers to
//! users are written by whoever answers.

use crate::limits;
use crate::ns;
use crate::stanza::address::Address;
use crate::stanza::{Requests, error_text};
use crate::stream::outgoing::Outgoing;
use crate::xml::{Element, WriteXml};
use std::collections::BTreeMap;
use std::fmt;

/// What one of our requests was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Hear whether the server still lives.
    KeepAlive,
    /// Hear whether the server still hands stanzas on to us; it comes back as it was sent.
    Routed,
    /// Hear that everything sent before has arrived at the server.
    Fence {
        /// Of the fence, as the outbox counts them.
        number: u64,
    },
    /// Hear that the server has handed on what it had, when the service leaves.
    Leaving,
    /// Read one list of a room's people.
    List {
        /// Index of the room.
        room: usize,
        /// Affiliation of the list.
        affiliation: &'static str,
        /// Number of the reading that it belongs to.
        reading: u64,
    },
    /// Read one role list of a room.
    Roles {
        /// Index of the room.
        room: usize,
        /// Of the reading, as the room counts them.
        reading: u64,
    },
    /// Hear whether the service is still in a room (XEP-0410).
    SelfPing {
        /// Index of the room.
        room: usize,
    },
    /// Read the configuration form of a room that was just created.
    ConfigForm {
        /// Index of the room.
        room: usize,
    },
    /// Submit that form.
    ConfigSubmit {
        /// Index of the room.
        room: usize,
    },
    /// Make people owners of a room where nobody has power.
    Owners {
        /// Index of the room.
        room: usize,
    },
    /// Hear which server this is.
    Server,
    /// Hear how a room is configured.
    RoomConfig {
        /// Index of the room.
        room: usize,
    },
    /// Put out whoever has the service's nick in a room.
    PutOut {
        /// Index of the room.
        room: usize,
    },
    /// Read the members of a room that stands for a group.
    GroupRoom {
        /// Index of the group's room.
        group: usize,
        /// By which settings it is one.
        settings: u64,
    },
    /// Read the roster of the directory account.
    Directory {
        /// By which settings it is that one.
        settings: u64,
    },
    /// See whether another connection of the component is open; it comes back as it was sent.
    Look,
    /// Hear how long a stanza takes through the server; it comes back as it was sent.
    Probe,
}

impl Purpose {
    /// Whether the request goes to a room, so from the address that the service has there.
    fn is_for_rooms(&self) -> bool {
        match self {
            Purpose::List { .. }
            | Purpose::Roles { .. }
            | Purpose::SelfPing { .. }
            | Purpose::ConfigForm { .. }
            | Purpose::ConfigSubmit { .. }
            | Purpose::Owners { .. }
            | Purpose::RoomConfig { .. }
            | Purpose::PutOut { .. }
            | Purpose::GroupRoom { .. } => true,
            Purpose::KeepAlive
            | Purpose::Routed
            | Purpose::Fence { .. }
            | Purpose::Leaving
            | Purpose::Server
            | Purpose::Directory { .. }
            | Purpose::Look
            | Purpose::Probe => false,
        }
    }

    /// Whether the answer lists people, so that it may be long.
    pub fn is_list(&self) -> bool {
        matches!(
            self,
            Purpose::List { .. } | Purpose::Roles { .. } | Purpose::GroupRoom { .. } | Purpose::Directory { .. }
        )
    }

    /// Whether it is asked again while there is no answer: not what is asked in time anyhow, or measures time.
    fn is_repeated(&self) -> bool {
        !matches!(
            self,
            Purpose::KeepAlive
                | Purpose::Routed
                | Purpose::Fence { .. }
                | Purpose::Leaving
                | Purpose::SelfPing { .. }
                | Purpose::Probe
                | Purpose::Look
        )
    }
}

/// Why one of our requests has no answer that could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// None came in time.
    InTime,
    /// It is longer than what is read.
    TooLong,
}

impl fmt::Display for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unanswered::InTime => f.write_str("no answer in time"),
            Unanswered::TooLong => {
                write!(f, "too long: over {} bytes, or over {} elements", limits::ANSWER_BYTES, limits::ANSWER_NODES)
            }
        }
    }
}

/// What became of one of our requests.
#[derive(Clone, Copy, Debug)]
pub enum Response<'e> {
    /// It was answered.
    Result(&'e Element<'e>),
    /// It was refused; the whole stanza.
    Error(&'e Element<'e>),
    /// Nothing that could be read came.
    Nothing(Unanswered),
}

impl<'e> Response<'e> {
    /// From the stanza that answers the request.
    pub fn of(iq: &'e Element<'e>) -> Response<'e> {
        if iq.attr("type") == Some("error") { Response::Error(iq) } else { Response::Result(iq) }
    }

    /// The stanza, if it is no error.
    pub fn result(self) -> Option<&'e Element<'e>> {
        if let Response::Result(iq) = self { Some(iq) } else { None }
    }

    /// Why there is no result, in words.
    pub fn failure(self) -> Option<String> {
        match self {
            Response::Result(_) => None,
            Response::Error(iq) => Some(error_text(iq)),
            Response::Nothing(unanswered) => Some(unanswered.to_string()),
        }
    }
}

/// A request that is sent once more while it is not answered.
#[derive(Debug)]
struct Repeat {
    text: Vec<u8>,
    pause_ms: i64,
    left: u32,
}

/// Buffer of the stream and the table of our requests.
#[derive(Debug)]
pub struct Wire {
    /// The component's JID.
    pub component: String,
    /// The service's address towards the rooms.
    pub rooms_jid: String,
    /// Bytes on their way to the link.
    pub out: Outgoing,
    /// What every available presence of the component carries, as XML.
    pub presence: String,
    /// Our requests that wait for an answer.
    pub requests: Requests<Purpose>,
    /// Whether any request was answered since the stream was opened.
    pub is_answered: bool,
    /// By when they are due, and the numbers of the requests.
    repeats: BTreeMap<(i64, u64), Repeat>,
}

impl Wire {
    /// An empty buffer for the component.
    pub fn new(component: &str) -> Wire {
        let presence = String::new();
        Wire {
            component: component.to_owned(),
            rooms_jid: component.to_owned(),
            out: Outgoing::default(),
            presence,
            requests: Requests::default(),
            is_answered: false,
            repeats: BTreeMap::new(),
        }
    }

    /// Sends an IQ request, and sends it again while there is no answer: some servers drop what comes in the first
    /// moments of a connection. `payload` writes what it asks. One that cannot be sent for want of room in the table is left out;
    /// all of ours are repeated in time.
    pub fn request(
        &mut self,
        now_ms: i64,
        type_: &str,
        to: &Address,
        payload: impl FnOnce(&mut Vec<u8>),
        purpose: Purpose,
    ) {
        self.numbered(now_ms, None, type_, to, payload, purpose);
    }

    /// Asks the server what it is. The id is that of no other request.
    pub fn ask_server(&mut self, now_ms: i64, host: &Address) {
        self.numbered(
            now_ms,
            Some(0),
            "get",
            host,
            |out| out.open("query").xmlns(ns::DISCO_INFO).empty(),
            Purpose::Server,
        );
    }

    fn numbered(
        &mut self,
        now_ms: i64,
        number: Option<u64>,
        type_: &str,
        to: &Address,
        payload: impl FnOnce(&mut Vec<u8>),
        purpose: Purpose,
    ) {
        let (for_rooms, repeated) = (purpose.is_for_rooms(), purpose.is_repeated());
        let Some(number) = self.requests.add(now_ms, number, to.clone(), purpose) else { return };
        let mut text = Vec::new();
        let from = if for_rooms { &self.rooms_jid } else { &self.component };
        let tag = text.open("iq").attr("type", type_).attr("id", &format!("n{number}"));
        tag.attr("from", from).attr("to", to.as_str()).inside(payload);
        self.out.own().extend_from_slice(&text);
        if repeated {
            let (pause_ms, left) = (limits::ASK_AGAIN_MS, limits::ASK_AGAIN_TIMES);
            self.repeats.insert((now_ms + pause_ms, number), Repeat { text, pause_ms, left });
        }
    }

    /// Sends what is due once more. The id is the same: whichever answer comes first counts.
    pub fn ask_again(&mut self, now_ms: i64) {
        while let Some(entry) = self.repeats.first_entry().filter(|entry| entry.key().0 <= now_ms) {
            let ((_, number), mut repeat) = entry.remove_entry();
            if !self.requests.is_waiting(number) {
                continue;
            }
            self.out.own().extend_from_slice(&repeat.text);
            repeat.pause_ms *= 2;
            repeat.left -= 1;
            if repeat.left > 0 {
                self.repeats.insert((now_ms + repeat.pause_ms, number), repeat);
            }
        }
    }

    /// When a request is to be sent again, or has waited too long.
    pub fn next_timeout_ms(&self) -> i64 {
        let repeat = self.repeats.first_key_value().map_or(i64::MAX, |(&(at_ms, _), _)| at_ms);
        self.requests.next_deadline_ms().unwrap_or(i64::MAX).min(repeat)
    }

    /// The stream is another one: no answer will come.
    pub fn forget_requests(&mut self) {
        self.requests.clear();
        self.repeats.clear();
        self.is_answered = false;
    }

    /// Sends a presence to a room.
    pub fn presence(&mut self, type_: Option<&str>, to: &str, payload: impl FnOnce(&mut Vec<u8>)) {
        let carried = if type_.is_none() { self.presence.as_str() } else { "" };
        presence(self.out.own(), type_, &self.rooms_jid, to, |out| {
            payload(out);
            out.extend_from_slice(carried.as_bytes());
        });
    }
}

/// Writes a presence of ours to somebody.
pub fn presence(out: &mut Vec<u8>, type_: Option<&str>, from: &str, to: &str, payload: impl FnOnce(&mut Vec<u8>)) {
    out.open("presence").attr_if("type", type_).attr("from", from).attr("to", to).inside(payload);
}

/// The payload of a ping (XEP-0199).
pub fn ping(out: &mut Vec<u8>) {
    out.open("ping").xmlns(ns::PING).empty();
}
