//! The TCP connection to the server: connecting with pauses in between, reading, writing what the socket takes. Not
//! what the bytes mean.

use neerc_core::limits;
use neerc_xmpp::outgoing::Outgoing;
use std::future::{Future, pending, poll_fn};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What happened on the link.
#[derive(Debug)]
pub enum LinkEvent {
    /// The connection is open.
    Connected,
    /// Bytes came in; they are in [`Link::input`].
    Received,
    /// Some of the output was written.
    Written,
    /// The connection is gone, or could not be opened; it is tried again by itself.
    Lost(io::Error),
}

type Connecting = Pin<Box<dyn Future<Output = io::Result<TcpStream>> + Send>>;

enum State {
    Connecting(Connecting),
    Up(TcpStream),
    Closed,
}

/// The link. [`Link::next`] drives it and may be dropped and called again at any time.
pub struct Link {
    server: String,
    state: State,
    failures: u32,
    output: Outgoing,
    input: Box<[u8]>,
    received: usize,
}

impl Link {
    /// A link to `host:port`, which is being connected at once.
    pub fn open(server: String) -> Link {
        let state = State::Connecting(connecting(server.clone(), Duration::ZERO));
        let input = vec![0; limits::LINK_READ_BYTES].into_boxed_slice();
        Link { server, state, failures: 0, output: Outgoing::default(), input, received: 0 }
    }

    /// The server's address, `host:port`.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Whether the connection is open.
    pub fn is_up(&self) -> bool {
        matches!(self.state, State::Up(_))
    }

    /// The bytes that the last [`LinkEvent::Received`] brought.
    pub fn input(&self) -> &[u8] {
        &self.input[..self.received]
    }

    /// The buffer to put output into, if all that was in it before is written.
    pub fn free_output(&mut self) -> Option<&mut Outgoing> {
        self.is_free().then_some(&mut self.output)
    }

    /// Whether the connection is open and all output is written.
    pub fn is_free(&self) -> bool {
        self.is_up() && self.output.is_empty()
    }

    /// The server has accepted us: the next pause is a short one again.
    pub fn accepted(&mut self) {
        self.failures = 0;
    }

    /// Closes the connection and opens another one after a pause.
    pub fn reconnect(&mut self) {
        self.output = Outgoing::default();
        self.state = State::Connecting(connecting(self.server.clone(), pause(self.failures)));
        self.failures = self.failures.saturating_add(1);
    }

    /// Closes the connection for good.
    pub fn close(&mut self) {
        self.state = State::Closed;
        self.output = Outgoing::default();
    }

    /// The next thing that happens. `reads`: whether input is wanted.
    pub async fn next(&mut self, reads: Reads) -> LinkEvent {
        match &mut self.state {
            State::Connecting(connecting) => match connecting.await {
                Ok(stream) => {
                    self.state = State::Up(stream);
                    LinkEvent::Connected
                }
                Err(error) => {
                    self.reconnect();
                    LinkEvent::Lost(error)
                }
            },
            State::Up(_) => match self.traffic(reads).await {
                Ok(event) => event,
                Err(error) => {
                    self.reconnect();
                    LinkEvent::Lost(error)
                }
            },
            State::Closed => pending().await,
        }
    }

    async fn traffic(&mut self, reads: Reads) -> io::Result<LinkEvent> {
        let Link { state: State::Up(stream), output, input, received, .. } = self else {
            return pending().await;
        };
        let mut stream = Pin::new(stream);
        poll_fn(|context| {
            if !output.is_empty() {
                let mut slices = [IoSlice::new(&[]); limits::LINK_SLICES];
                let pieces = output.slices(&mut slices);
                if let Poll::Ready(count) = stream.as_mut().poll_write_vectored(context, &slices[..pieces])? {
                    output.advance(count);
                    if output.is_empty() {
                        output.clear();
                        // A burst of answers must not hold its memory for ever.
                        output.shrink_to(4 * limits::LINK_CHUNK_BYTES);
                    }
                    return Poll::Ready(Ok(LinkEvent::Written));
                }
            }
            let mut buffer = ReadBuf::new(input);
            if reads == Reads::Wanted && stream.as_mut().poll_read(context, &mut buffer)?.is_ready() {
                *received = buffer.filled().len();
                if *received == 0 {
                    let why = "the server has closed the connection";
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, why)));
                }
                return Poll::Ready(Ok(LinkEvent::Received));
            }
            Poll::Pending
        })
        .await
    }
}

/// Whether input is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reads {
    /// It is.
    Wanted,
    /// There is more to do than to take more work.
    Paused,
}

fn connecting(server: String, after: Duration) -> Connecting {
    Box::pin(async move {
        tokio::time::sleep(after).await;
        let connect = tokio::time::timeout(Duration::from_millis(limits::CONNECT_MS), TcpStream::connect(&server));
        let stream = connect.await.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no answer in time"))??;
        stream.set_nodelay(true)?; // small stanzas must not wait for each other's acknowledgement
        bound_unsent(&stream);
        Ok(stream)
    })
}

/// What waits in the kernel is old by the time it goes, and everybody waits behind it. A system that refuses does without.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn bound_unsent(stream: &TcpStream) {
    let bytes = u32::try_from(limits::LINK_CHUNK_BYTES).unwrap_or(u32::MAX);
    _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(bytes);
}

/// Other systems cannot.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn bound_unsent(_: &TcpStream) {}

/// The pause after so many failures in a row: doubled each time, and anything from half of it on, so that services that
/// lost one server do not come back in step.
fn pause(failures: u32) -> Duration {
    let doubled = limits::RECONNECT_FIRST_MS.saturating_mul(1 << failures.min(16));
    let longest = doubled.min(limits::RECONNECT_LONGEST_MS).unsigned_abs();
    Duration::from_millis(fastrand::u64(longest / 2..=longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_from_half_a_second_to_half_a_minute() {
        for _ in 0..1_000 {
            for (failures, least, most) in
                [(0, 250, 500), (1, 500, 1_000), (5, 8_000, 16_000), (6, 15_000, 30_000), (99, 15_000, 30_000)]
            {
                let ms = pause(failures).as_millis();
                assert!((least..=most).contains(&ms), "{failures} failures: {ms} ms");
            }
        }
    }
}
