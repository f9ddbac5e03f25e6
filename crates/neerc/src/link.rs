//! The TCP connection to the server: connecting with pauses in between, reading, writing what the socket takes. Not
//! what the bytes mean.

use crate::limits;
use neerc_xmpp::stream::outgoing::Outgoing;
use std::future::{Future, pending, poll_fn};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};
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
    /// The server has accepted us on this connection.
    accepted: bool,
    back_off: BackOff,
    output: Outgoing,
    input: Box<[u8]>,
    received: usize,
}

impl Link {
    /// A link to `host:port`, which is being connected at once.
    pub fn open(server: String) -> Link {
        let state = State::Connecting(connecting(server.clone(), Duration::ZERO));
        let back_off = BackOff::new(Instant::now());
        let input = vec![0; limits::LINK_READ_BYTES].into_boxed_slice();
        Link { server, state, accepted: false, back_off, output: Outgoing::default(), input, received: 0 }
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

    /// The server has accepted us: the next pauses are short ones again.
    pub fn accepted(&mut self) {
        self.accepted = true;
        self.back_off.accepted();
    }

    /// Closes the connection and opens another one after a pause.
    pub fn reconnect(&mut self) {
        let is_refused = self.is_up() && !std::mem::take(&mut self.accepted);
        let pause = self.back_off.next(Instant::now(), if is_refused { Why::Refused } else { Why::Lost });
        self.output = Outgoing::default();
        self.state = State::Connecting(connecting(self.server.clone(), pause));
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
                        output.shrink_to(4 * neerc_xmpp::limits::LINK_CHUNK_BYTES);
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
        let connect = tokio::time::timeout(limits::CONNECT, TcpStream::connect(&server));
        let stream = connect.await.map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no answer in time"))??;
        stream.set_nodelay(true)?; // small stanzas must not wait for each other's acknowledgement
        bound_unsent(&stream);
        Ok(stream)
    })
}

/// What waits in the kernel is old by the time it goes, and everybody waits behind it. A system that refuses does without.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn bound_unsent(stream: &TcpStream) {
    let bytes = u32::try_from(limits::LINK_UNSENT_BYTES).unwrap_or(u32::MAX);
    _ = socket2::SockRef::from(stream).set_tcp_notsent_lowat(bytes);
}

/// Other systems cannot.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn bound_unsent(_: &TcpStream) {}

/// What it means that there is no connection to the server.
pub fn unreachable(server: &str, error: &io::Error) -> String {
    let what = format!("no connection to the server {server}: {error}");
    match error.kind() {
        io::ErrorKind::ConnectionRefused => format!(
            "{what}. Is the server running, and was it restarted after its configuration was changed? Prosody opens the \
             port for components (component_ports, 5347) only where there is a Component with a component_secret, ejabberd \
             where listen has an ejabberd_service, Openfire by itself (5275). Or correct component.server in neerc.toml"
        ),
        io::ErrorKind::TimedOut => {
            format!("{what}. Is the machine up, and no firewall between? Or correct component.server in neerc.toml")
        }
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => what,
        _ => format!("{what}. Correct component.server in neerc.toml"),
    }
}

/// Why the link is to be connected again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// There is no connection, or there is none any more.
    Lost,
    /// The server has ended one on which it had not accepted us.
    Refused,
}

/// How long to wait before the link is connected again: not long for a while after the start, and after a connection that was
/// of use, since whoever logs in meanwhile sees nothing. A server that refuses us is not asked so often.
#[derive(Debug)]
struct BackOff {
    /// Until when pauses are short; after the next loss, if nothing is said.
    quick_until: Option<Instant>,
    failures: u32,
}

impl BackOff {
    fn new(now: Instant) -> BackOff {
        BackOff { quick_until: Some(now + limits::RECONNECT_QUICKLY), failures: 0 }
    }

    /// The server has accepted us.
    fn accepted(&mut self) {
        *self = BackOff { quick_until: None, failures: 0 };
    }

    fn next(&mut self, now: Instant, why: Why) -> Duration {
        let quick_until = *self.quick_until.get_or_insert(now + limits::RECONNECT_QUICKLY);
        if why == Why::Lost && now < quick_until {
            return Duration::from_millis(fastrand::u64(limits::RECONNECT_QUICK_MS));
        }
        self.failures = self.failures.saturating_add(1);
        pause(self.failures - 1)
    }
}

/// The pause after so many failures in a row: doubled each time, and anything from half of it on, so that services that
/// lost one server do not come back in step.
fn pause(failures: u32) -> Duration {
    let doubled = limits::RECONNECT_FIRST_MS.saturating_mul(1 << failures.min(16));
    let longest = doubled.min(limits::RECONNECT_LONGEST_MS);
    Duration::from_millis(fastrand::u64(longest / 2..=longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The pauses that follow each other for so long while nobody listens, each try taking no time.
    fn pauses(back_off: &mut BackOff, end: Instant, why: Why) -> Vec<u64> {
        let mut now = end - Duration::from_secs(300);
        let mut pauses = Vec::new();
        while now < end {
            let pause = back_off.next(now, why);
            pauses.push(pause.as_millis() as u64);
            now += pause;
        }
        pauses
    }

    #[test]
    fn a_lost_server_is_tried_again_at_once_for_a_minute_and_then_less_and_less_often() {
        let lost = Instant::now();
        let mut back_off = BackOff::new(lost - Duration::from_secs(7_000));
        for _ in 0..3 {
            back_off.accepted();
            let pauses = pauses(&mut back_off, lost + Duration::from_secs(300), Why::Lost);
            let quick = pauses.iter().take_while(|pause| (200..=500).contains(*pause)).count();
            let took: u64 = pauses[..quick].iter().sum();
            assert!((60_000..61_500).contains(&took), "{took} ms in {quick} tries");
            assert!(pauses[quick..].iter().all(|pause| *pause >= 250), "{:?}", &pauses[quick..]);
            assert!(pauses[quick + 7..].iter().all(|pause| *pause >= 15_000), "{:?}", &pauses[quick..]);
        }
    }

    #[test]
    fn a_server_that_is_not_up_yet_is_awaited_and_one_that_refuses_us_is_not_asked_three_times_a_second() {
        let begun = Instant::now();
        let mut back_off = BackOff::new(begun);
        for _ in 0..100 {
            assert!(back_off.next(begun + Duration::from_secs(30), Why::Lost).as_millis() <= 500);
        }
        let refused: Vec<u128> = (0..8).map(|_| back_off.next(begun, Why::Refused).as_millis()).collect();
        assert!(refused[6] >= 15_000 && refused.windows(2).take(5).all(|two| two[1] >= two[0]), "{refused:?}");
    }

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
