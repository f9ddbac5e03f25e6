//! What is known of the connection to the server: one value, which a new connection begins anew in part. Not what comes
//! through it.

use crate::limits;
use crate::server::liveness::Liveness;
use crate::server::look::Look;
use crate::server::probe::Probe;
use crate::stream::frame::{FrameLimits, Framer};
use crate::xml::TreeLimits;

/// How far the stream is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum StreamPhase {
    /// There is no connection.
    Down,
    /// Header or handshake sent; given up at that time (ms).
    Opening { deadline_ms: i64 },
    /// The server has accepted the component.
    Online,
    /// We have ended it; what comes until the server has too is kept.
    Leaving,
}

/// The stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub phase: StreamPhase,
    pub framer: Framer,
    /// The framer may hold stanzas that were not taken because too many answers wait for the link.
    pub backlog: bool,
    /// The server's header had no id: one server refuses a component so, without a word.
    pub has_bare_header: bool,
    /// When something was read last, in ms.
    pub heard_ms: i64,
    /// The server was pinged because nothing was read for a while.
    pub pinged: bool,
    /// Whether the server still hands stanzas on.
    pub liveness: Liveness,
    pub enters: Enters,
    /// The look for another connection that is under way.
    pub look: Option<Look>,
    /// When to look again whether there is one, in ms.
    pub look_at_ms: i64,
    pub probe: Option<Probe>,
    /// No fence before that time, in ms.
    pub fence_ms: i64,
}

impl Default for Stream {
    fn default() -> Stream {
        Stream {
            phase: StreamPhase::Down,
            framer: new_framer(),
            backlog: false,
            has_bare_header: false,
            heard_ms: 0,
            pinged: false,
            liveness: Liveness::default(),
            enters: Enters::AtOnce,
            look: None,
            look_at_ms: i64::MAX,
            probe: None,
            fence_ms: 0,
        }
    }
}

impl Stream {
    /// The connection is open, and the header is sent.
    pub fn opening(&mut self, now_ms: i64) {
        self.framer = new_framer();
        self.backlog = false;
        self.phase = StreamPhase::Opening { deadline_ms: now_ms + limits::HANDSHAKE_MS };
        self.heard_ms = now_ms;
        self.pinged = false;
        self.has_bare_header = false;
    }

    /// The connection is gone.
    pub fn disconnected(&mut self) {
        self.phase = StreamPhase::Down;
        self.look = None;
        self.look_at_ms = i64::MAX;
        if self.enters == Enters::Looking || self.enters == Enters::Looked {
            self.enters = Enters::AfterALook;
        }
        self.backlog = false;
    }

    /// Whether the server has accepted the component.
    pub fn is_online(&self) -> bool {
        self.phase == StreamPhase::Online
    }
}

/// When the service enters its rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Enters {
    /// As soon as it is accepted.
    AtOnce,
    /// It will look whether there is another connection first.
    AfterALook,
    /// It is looking.
    Looking,
    /// It has looked, and entered.
    Looked,
}

/// Bounds of the tree of one stanza.
pub(super) const TREE: TreeLimits =
    TreeLimits { depth: limits::STANZA_DEPTH, nodes: limits::STANZA_NODES, attributes: limits::STANZA_ATTRIBUTES };

pub(super) fn new_framer() -> Framer {
    Framer::new(FrameLimits {
        bytes: limits::STANZA_BYTES,
        depth: limits::STANZA_DEPTH,
        head_bytes: limits::HEAD_BYTES,
    })
}
