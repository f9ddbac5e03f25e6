//! What goes out on the component stream outside of answers to users: our own requests to the server, with their
//! purposes, and the buffer everything is written to.

use crate::address::Address;
use crate::outgoing::Outgoing;
use crate::stanza::{Requests, attribute};

/// What one of our requests was for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Hear whether the server still lives.
    KeepAlive,
    /// Hear that everything sent before has arrived at the server.
    Fence {
        /// Of the fence, as the outbox counts them.
        number: u64,
    },
    /// Read one list of a room's people.
    List {
        /// Index of the room.
        room: usize,
        /// Affiliation of the list.
        affiliation: &'static str,
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
    /// Read the members of a room that stands for a group.
    GroupRoom {
        /// Index of the group's room.
        group: usize,
    },
    /// Read the roster of the directory account.
    Directory,
    /// Hear how long a stanza takes through the server; it comes back as it was sent.
    Probe,
}

/// Buffer of the stream and the table of our requests.
#[derive(Debug)]
pub struct Wire {
    /// The component's JID.
    pub component: String,
    /// Bytes on their way to the link.
    pub out: Outgoing,
    /// What every available presence of the component carries, as XML.
    pub presence: String,
    /// Our requests that wait for an answer.
    pub requests: Requests<Purpose>,
}

impl Wire {
    /// An empty buffer for the component.
    pub fn new(component: &str) -> Wire {
        let presence = String::new();
        Wire { component: component.to_owned(), out: Outgoing::default(), presence, requests: Requests::default() }
    }

    /// Sends an IQ request. `payload` is XML. One that cannot be sent for want of room in the table is left out; all
    /// of ours are repeated in time.
    pub fn request(&mut self, now_ms: i64, type_: &str, to: &Address, payload: &str, purpose: Purpose) {
        let Some(id) = self.requests.add(now_ms, to.clone(), purpose) else { return };
        self.open("iq", Some(type_), to.as_str(), Some(&id));
        self.out.own().extend_from_slice(payload.as_bytes());
        self.out.own().extend_from_slice(b"</iq>");
    }

    /// Sends a presence. `payload` is XML.
    pub fn presence(&mut self, type_: Option<&str>, to: &str, payload: &str) {
        self.open("presence", type_, to, None);
        self.out.own().extend_from_slice(payload.as_bytes());
        if type_.is_none() {
            self.out.own().extend_from_slice(self.presence.as_bytes());
        }
        self.out.own().extend_from_slice(b"</presence>");
    }

    fn open(&mut self, name: &str, type_: Option<&str>, to: &str, id: Option<&str>) {
        let out = self.out.own();
        out.push(b'<');
        out.extend_from_slice(name.as_bytes());
        if let Some(type_) = type_ {
            attribute(out, "type", type_);
        }
        if let Some(id) = id {
            attribute(out, "id", id);
        }
        attribute(out, "from", &self.component);
        attribute(out, "to", to);
        out.push(b'>');
    }
}

/// Payload of a ping (XEP-0199).
pub const PING: &str = "<ping xmlns='urn:xmpp:ping'/>";
