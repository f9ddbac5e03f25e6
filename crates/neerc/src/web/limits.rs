//! Every bound of the web.

use std::ops::RangeInclusive;
use std::time::Duration;

/// Most asks that wait for the loop.
pub const ASKS_WAITING: usize = 64;
/// Least time between two pictures of a room, in ms.
pub const PICTURE_SPACING_MS: i64 = 50;
/// How often the time is said again where nothing changes, in ms.
pub const PICTURE_BEAT_MS: i64 = 5_000;
/// For how long a service that takes over shows what was shown before, where its rooms cannot be read, in ms.
pub const TAKE_OVER_MS: i64 = 15_000;
/// Most connections at once.
pub const CONNECTIONS: usize = 8_192;
/// How long a request's head may take to arrive.
pub const HEAD_PATIENCE: Duration = Duration::from_secs(10);
/// How long a request's body may take to arrive.
pub const BODY_PATIENCE: Duration = Duration::from_secs(10);
/// Largest body of a request, in bytes.
pub const BODY_BYTES: usize = 64 * 1024;
/// Longest head of a request, in bytes.
pub const HEAD_BYTES: usize = 16 * 1024;
/// Most header fields of a request.
pub const HEADERS: usize = 64;
/// By how much the thread that serves browsers gives way to the loop: at 10 it gets a tenth of a processor that both want.
pub const NICENESS: i32 = 10;
/// How much the kernel buffers for one reader, in bytes.
pub const SEND_BUFFER_BYTES: usize = 64 * 1024;
/// How long a reader may take nothing before its connection is cut.
pub const STALLED: Duration = Duration::from_secs(30);
/// How long the clean end of the listener may take.
pub const END_PATIENCE: Duration = Duration::from_secs(3);
/// How often a stream says that it is there: within the 15 s after which proxies begin to give up.
pub const BEAT: Duration = Duration::from_secs(10);
/// After what time a browser opens a stream again that has broken, in ms.
pub const RETRY_MS: u64 = 2_000;
/// Most streams of one session: browsers open six connections to a host, and pages need some.
pub const STREAMS_PER_SESSION: usize = 4;
/// Most streams of one token: screens that show the same.
pub const STREAMS_PER_TOKEN: usize = 20;
/// For how long a wall may show a part of its board before it shows the next one, in s.
pub const WALL_TURN_S: RangeInclusive<u64> = 3..=600;
/// For how long it does, unless its address says otherwise, in s.
pub const WALL_TURN_USUAL_S: u64 = 15;
/// After how many seconds a wall looks again, while the service starts and where it is shown nothing.
pub const WALL_STARTING_S: &str = "5";
/// The same where its token is good for nothing.
pub const WALL_GONE_S: &str = "60";
/// Most pictures of a room that are kept for pages that show them: those of 6 s, where everything changes all the time. Each
/// holds what was changed by it.
pub const PICTURES_KEPT: usize = 128;
/// How much of what differs between pictures is kept for all who see the same, in bytes.
pub const TOLD_BYTES: usize = 8 * 1024 * 1024;
/// About what each of that takes besides, in bytes.
pub const TOLD_ENTRY_BYTES: usize = 512;
/// How much of what is drawn of a room is kept for all who see the same, in bytes.
pub const DRAWN_BYTES: usize = 8 * 1024 * 1024;
/// About what each part of that takes besides, in bytes.
pub const DRAWN_ENTRY_BYTES: usize = 512;
/// For how long a part is shown as it was drawn if nothing changes, in ms: ages may be as much behind, until a script counts them.
pub const DRAWN_MS: i64 = 10_000;
/// Most characters of what a board says once.
pub const SAID_CHARS: usize = 500;
/// About how many bytes of a table are shown on a page.
pub const REPORT_BYTES: usize = 256 * 1024;
/// Least time between two times that a stream is told who else looks.
pub const COMERS: Duration = Duration::from_secs(2);
/// Most names of people who are online, or who look, on a page.
pub const NAMES_SHOWN: usize = 60;
/// How long a code is good, in ms.
pub const LOGIN_CODE_MS: i64 = 5 * 60_000;
/// How long after that a page that was let in at the last moment still finds it out, in ms.
pub const LOGIN_GRACE_MS: i64 = 60_000;
/// Most pages that show a code at the same time; then the oldest shows it in vain.
pub const LOGIN_PAGES: usize = 512;
/// Most of them at one address.
pub const LOGIN_PAGES_PER_ADDRESS: usize = 8;
/// How often one address may ask for a code or try a link that is not good, in that time in ms.
pub const DOOR_TRIES: usize = 10;
/// See [`DOOR_TRIES`].
pub const DOOR_TRIES_MS: i64 = 60_000;
/// Most addresses of which that is counted at the same time.
pub const DOOR_ADDRESSES: usize = 16_384;
/// How long a session may be unused, in ms: 12 hours.
pub const SESSION_IDLE_MS: i64 = 12 * 60 * 60_000;
/// Most sessions of which it is known when they were used last.
pub const SESSIONS_USED: usize = 65_536;
/// Pause after a connection could not be taken, in ms.
pub const ACCEPT_PAUSE_MS: u64 = 50;
/// Most pages and files for which the log is read at the same time.
pub const LOG_READERS: usize = 2;
/// Changes that are read from the log at a time.
pub const LOG_PART: usize = 2_000;
/// Changes that one page of the history shows.
pub const HISTORY_PAGE: usize = 100;
/// Most changes that are looked at for it.
pub const HISTORY_SCANNED: usize = 50_000;
/// Most changes that a report lists; of more, the newest.
pub const REPORT_EVENTS: usize = 5_000;
/// The time that a history tells of unless another is asked for, in h.
pub const HISTORY_H: i64 = 24;
/// How many requests one token may make in a second, in the long run.
pub const API_REQUESTS_PER_S: f64 = 50.0;
/// How many it may make at once.
pub const API_BURST: f64 = 200.0;
/// Tokens whose requests are counted before those are forgotten that have not asked lately.
pub const API_TOKENS_COUNTED: usize = 1_000;
/// How much of what is wrong with a body is said, in characters.
pub const PROBLEM_CHARS: usize = 300;
/// After how long somebody may try again who has used up their share of a day, in s.
pub const USED_UP_RETRY_S: i64 = 3_600;
/// Most streams of events that one token may read at once.
pub const API_STREAMS_PER_TOKEN: usize = 16;
