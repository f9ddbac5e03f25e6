//! Detects that the server no longer delivers to us. A stream may be open, and the server may answer on it, while no
//! stanza reaches us any more, as after a reload of the server's component. So we ping our own address, which the
//! server has to route. A server that says nothing at all is noticed in front/link.rs.

use crate::limits;

/// Whether pings to our own address come back on this server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Way {
    /// None was sent yet.
    #[default]
    Untried,
    /// The first has not come back yet.
    Tried,
    /// They do.
    Open,
    /// The first did not, while the stream was fine: nothing follows from those that do not come back later.
    Closed,
}

/// What is to be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Wait,
    /// Ping our own address.
    Ping,
    /// The link has been deaf for so long (ms); it is to be opened again.
    Reopen(i64),
}

/// What is known of one connection.
#[derive(Debug, Default)]
pub struct Liveness {
    way: Way,
    next_ms: i64,
    /// When something last came that the server had to hand on, in ms.
    proved_ms: i64,
    /// Pings to our own address that have not come back since then.
    unanswered: u32,
    /// Self-pings in rooms: whether one was answered, and how many were not since anything came.
    room_answers: bool,
    room_silence: u32,
}

impl Liveness {
    /// A new connection.
    pub fn new(now_ms: i64) -> Liveness {
        Liveness { next_ms: now_ms + limits::ROUTED_PING_MS, proved_ms: now_ms, ..Liveness::default() }
    }

    /// Something has come that the server had to hand on.
    pub fn proved(&mut self, now_ms: i64) {
        self.proved_ms = now_ms;
        self.unanswered = 0;
        self.room_silence = 0;
    }

    /// A ping to our own address has come back.
    pub fn came_back(&mut self, now_ms: i64) {
        self.proved(now_ms);
        self.way = Way::Open;
        self.next_ms = self.next_ms.min(now_ms + limits::ROUTED_PING_MS);
    }

    /// A self-ping in a room was answered, by whatever.
    pub fn room_answered(&mut self) {
        self.room_answers = true;
        self.room_silence = 0;
    }

    /// A self-ping in a room was not answered in time.
    pub fn room_silent(&mut self) {
        self.room_silence += 1;
    }

    /// When there is something to do, in ms.
    pub fn next_timeout_ms(&self) -> i64 {
        self.deaf_at_ms().min(self.next_ms)
    }

    /// When the link counts as deaf if nothing comes until then, in ms.
    fn deaf_at_ms(&self) -> i64 {
        match self.way {
            Way::Open if self.unanswered >= limits::UNROUTED_PINGS => self.proved_ms + limits::DEAF_LINK_MS,
            Way::Tried | Way::Closed if self.room_answers && self.room_silence >= limits::UNROUTED_PINGS => {
                self.proved_ms + limits::SELF_PING_MS + limits::ANSWER_MS
            }
            _ => i64::MAX,
        }
    }

    /// What is to be done.
    pub fn timeout(&mut self, now_ms: i64) -> Step {
        if now_ms >= self.deaf_at_ms() {
            return Step::Reopen(now_ms - self.proved_ms);
        }
        if now_ms < self.next_ms {
            return Step::Wait;
        }
        self.way = match self.way {
            Way::Untried => Way::Tried,
            Way::Tried | Way::Closed => {
                self.next_ms = i64::MAX;
                self.way = Way::Closed;
                return Step::Wait;
            }
            Way::Open => Way::Open,
        };
        self.next_ms = now_ms + limits::ROUTED_PING_MS;
        self.unanswered += 1;
        Step::Ping
    }
}
