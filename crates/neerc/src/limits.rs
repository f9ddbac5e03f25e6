//! Every bound that only the program itself knows: of the configuration, the command line, the link and what watches the
//! service. Those of the tasks are the core's, those of a crate stand in its own `limits.rs`.

use std::ops::RangeInclusive;
use std::time::Duration;

// The configuration

/// Least and most milliseconds between two updates of one task to one session.
pub const SPACING_MS: RangeInclusive<i64> = 0..=10_000;
/// Least and most requests each second of one session; 0 is without limit.
pub const PER_SECOND: RangeInclusive<i64> = 0..=100_000;
/// Least and most requests of one session at once.
pub const BURST: RangeInclusive<i64> = 1..=100_000;
/// Least and most KiB of answers each second to one account; 0 is without limit.
pub const ANSWERS_KIB: RangeInclusive<i64> = 0..=1_000_000;
/// Least and most minutes from one reminder of a deadline to the next.
pub const REMIND_MIN: RangeInclusive<i64> = 1..=1_440;
/// Least and most minutes until admins are asked no more whether a planned task is to be handed out; 0 is for ever.
pub const PLAN_LAPSES_MIN: RangeInclusive<i64> = 0..=10_080;
/// Least and most MiB that one person's changes may take in a day; 0 is without limit.
pub const STORED_MIB: RangeInclusive<i64> = 0..=1_000_000;
/// Least and most bytes of an outgoing stanza. Prosody closes the stream above 512 KiB.
pub const STANZA_BYTES: RangeInclusive<i64> = 16_384..=524_288;
/// Least and most seconds between two readings of the directory.
pub const DIRECTORY_POLL_S: RangeInclusive<i64> = 1..=86_400;
/// Longest domain, in bytes (the limit of DNS).
pub const DOMAIN_BYTES: usize = 255;
/// Longest nickname, group name, room name, member or JID of the configuration, in bytes.
pub const NAME_BYTES: usize = 255;

/// Longest file of checklists, in bytes.
pub const CHECKLIST_FILE_BYTES: usize = 256 * 1024;
/// How often it is looked whether that file has changed.
pub const CHECKLISTS_POLL: Duration = Duration::from_secs(1);
/// How deep lists and fields may stand in one another in it.
pub const YAML_DEPTH: usize = 8;
/// Most values in it.
pub const YAML_NODES: usize = 50_000;

// The link

/// With more bytes that the kernel has not sent, it is given no more.
pub const LINK_UNSENT_BYTES: usize = 128 * 1024;
/// Most pieces of memory that one call hands to the socket.
pub const LINK_SLICES: usize = 64;
/// Bytes read from the link at a time: small enough that the disk does not wait for more to be read.
pub const LINK_READ_BYTES: usize = 16 * 1024;
/// How long opening a TCP connection may take.
pub const CONNECT: Duration = Duration::from_secs(10);
/// How long after a loss the link is tried again at short pauses: who logs in meanwhile sees nothing.
pub const RECONNECT_QUICKLY: Duration = Duration::from_secs(60);
/// The shortest and the longest of these pauses, in ms.
pub const RECONNECT_QUICK_MS: RangeInclusive<u64> = 200..=500;
/// First pause before the link is connected again after that, or after a refusal, in ms; it doubles from there.
pub const RECONNECT_FIRST_MS: u64 = 500;
/// Longest pause before the link is connected again, in ms.
pub const RECONNECT_LONGEST_MS: u64 = 30_000;

// What was lost

/// How long it is told that changes were lost, in ms: a day.
pub const LOST_TOLD_MS: i64 = 24 * 60 * 60 * 1_000;
/// Most tasks of each room of which clients are told that they are gone, since they may have been made by changes that were lost.
pub const LOST_TASKS_TOLD: u64 = 200;

// A second machine that follows

/// The version of what the two machines say to each other.
pub const FOLLOW_VERSION: u32 = 1;
/// How many copies of a change there are at least before it is answered.
pub const COPIES: RangeInclusive<i64> = 1..=2;
/// Longest line that is read of the other side, in bytes: a change may be as long as its title, for all people of a room.
pub const FOLLOW_LINE_BYTES: u64 = 64 << 20;
/// So much of a copy of a store is taken at a time, in bytes.
pub const FOLLOW_COPY_BYTES: u64 = 1 << 20;
/// Most changes that are said, and stored at once, before it is looked who else has something to say.
pub const FOLLOW_CHANGES: usize = 256;
/// How often it is looked whether there is something new that no service tells of, and whether there is a service.
pub const FOLLOW_POLL: Duration = Duration::from_secs(1);
/// After that long without anything new, either side gives a sign of life.
pub const FOLLOW_BEAT: Duration = Duration::from_secs(3);
/// Whoever gives no sign of life for so long is gone.
pub const FOLLOW_SILENCE: Duration = Duration::from_secs(10);
/// The shortest and the longest pause before what joins the two is started again.
pub const FOLLOW_PAUSES: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(15);
/// Most followers at a time.
pub const FOLLOWERS: usize = 16;

// The service

/// Changes after which a snapshot of the boards is stored.
pub const CHANGES_PER_SNAPSHOT: u64 = 200_000;
/// How long the clean end of the service may take: so long a server is waited for that is slow to take the answers and to hand
/// on what it has.
pub const SHUTDOWN: Duration = Duration::from_secs(8);
/// How long of that people are told what is new, in ms; the next start tells the rest.
pub const SHUTDOWN_TELLING_MS: i64 = 250;
/// How long a server may be silent that has not handed on all it had, or has not ended the stream as the service has.
pub const SHUTDOWN_SILENCE: Duration = Duration::from_millis(1_000);
/// How much longer than that closing the store may take.
pub const SHUTDOWN_STORE: Duration = Duration::from_millis(400);
/// Most messages that wait for the loop from one of the tasks beside it.
pub const MESSAGES_WAITING: usize = 4;
/// The longest that the loop sleeps at a time, in ms: so long after a machine was suspended what came due is late.
pub const SLEEP_MS: u64 = 10_000;
/// Most troubles that are kept for questions about the health of the service.
pub const TROUBLES: usize = 32;
/// How long either side of a question to a running service waits for the other.
pub const STATUS_PATIENCE: Duration = Duration::from_secs(3);
/// How long a running service waits for the line of whoever connects, before it takes them for a program that writes none.
pub const STATUS_QUIET: Duration = Duration::from_millis(300);
/// How often somebody asks again whose line came later than that.
pub const STATUS_TRIES: u32 = 5;
/// Longest such line, in bytes.
pub const STATUS_REQUEST_BYTES: u64 = 4096;
/// Longest answer to such a question, in bytes.
pub const STATUS_BYTES: u64 = 1 << 20;
/// Least and most days that are kept in the store; 0 is all.
pub const KEEP_DAYS: RangeInclusive<i64> = 0..=36_500;
/// How long after a start it is looked first for what is older than that: what people do at a start comes first.
pub const COMPACT_FIRST: Duration = Duration::from_secs(600);
/// How often it is looked after that.
pub const COMPACT_POLL: Duration = Duration::from_secs(86_400);
/// Pause between two questions of a command about a compaction that it waits for.
pub const COMPACT_ASK: Duration = Duration::from_millis(200);
/// Less room than this on the file system of the store is said to be little, in bytes.
pub const LITTLE_SPACE_BYTES: u64 = 1 << 30;
/// How often that is looked at.
pub const SPACE_POLL: Duration = Duration::from_secs(60);

// Standing by

/// How often it is looked whether the store is free.
pub const STANDBY_LOOK: Duration = Duration::from_millis(200);
/// How often a machine that stands by reads what it shows.
pub const STANDBY_READ: Duration = Duration::from_millis(500);
/// How often whoever serves keeps for others who its people are, if that has changed; and how soon it tries again.
pub const BACKDROP_SPACING: Duration = Duration::from_millis(500);
/// By how much a clock may be off before those who stand by are told again, in ms.
pub const BACKDROP_CLOCK_MS: i64 = 1_000;
/// Changes that a machine that stands by reads at a time.
pub const STANDBY_PART: usize = 2_000;
/// How long reading the configuration again may hold up a process that takes over.
pub const STANDBY_REREAD: Duration = Duration::from_secs(1);
/// How soon a browser that came to a process that stands by is to ask again, in s.
pub const STANDBY_AGAIN_S: u32 = 5;

// Whoever supervises the service

/// How long a journal is waited for that takes nothing: less than a watchdog waits.
pub const JOURNAL_PATIENCE: Duration = Duration::from_secs(1);
/// How much longer it is asked to wait for the start at a time.
pub const SUPERVISOR_START: Duration = Duration::from_secs(60);
/// How often it is asked for that, in ms.
pub const SUPERVISOR_START_BEAT_MS: i64 = 20_000;
/// How many signs of life it is given while it waits for one, where that is shorter than it was set up for: a loop that is held up
/// for most of the time is not taken for one that is stuck.
pub const SUPERVISOR_CLOSE_BEATS: i64 = 4;
/// When it is told again what it did not take, in ms.
pub const SUPERVISOR_AGAIN_MS: i64 = 100;

// What is measured

/// By which bounds it is counted how long something took, in µs.
pub const HISTOGRAM_BOUNDS_US: [u64; 9] = [100, 1_000, 5_000, 20_000, 50_000, 100_000, 500_000, 1_000_000, 5_000_000];
/// How long the file system of the store is waited for where somebody wants to know its room.
pub const SPACE_PATIENCE: Duration = Duration::from_secs(1);

// The log of the service

/// How often a trouble is said in a minute before it is counted instead.
pub const LOG_REPEATS: usize = 3;
/// That minute.
pub const LOG_REPEATS_WITHIN: Duration = Duration::from_secs(60);
/// Most troubles that are counted at a time; others are said.
pub const LOG_TROUBLES: usize = 256;

// `neerc log`

/// How many changes are read at a time.
pub const LOG_LINES: usize = 500;
/// How often it is looked whether there are more.
pub const LOG_FOLLOW: Duration = Duration::from_millis(300);

// Lists of people from outside

/// Longest list, in bytes.
pub const LIST_BYTES: usize = 1 << 20;
/// Most people on one.
pub const LISTED: usize = 10_000;
/// Longest name, name to be shown and name of a group, in characters.
pub const LISTED_CHARS: usize = 64;
/// Most groups of one person on a list.
pub const GROUPS_OF_LISTED: usize = 16;
/// How often a list may be read, in s.
pub const LIST_POLL_S: std::ops::RangeInclusive<i64> = 1..=86_400;
/// How often a file is looked at, in s, where nothing is said.
pub const LIST_FILE_POLL_S: i64 = 1;
/// How often a program is run or the volunteers service asked, in s, where nothing is said.
pub const LIST_OTHER_POLL_S: i64 = 60;
/// How long a program may take that prints one.
pub const LIST_PROGRAM: Duration = Duration::from_secs(30);

// Programs of the administrator's

/// How often it is looked whether a program has ended.
pub const PROGRAM_LOOK: Duration = Duration::from_millis(20);
/// How long one may take that ends whoever served on another machine.
pub const FENCE_PROGRAM: Duration = Duration::from_secs(5);

// The clock file

/// Largest clock file that is read, in bytes.
pub const CLOCK_FILE_BYTES: u64 = 64 * 1024;
/// How often the clock file is looked at.
pub const CLOCK_POLL: Duration = Duration::from_secs(1);

// `neerc check`

/// How long the server and the rooms are waited for: longer than for an answer, so that silence is seen for what it is.
pub const CHECK_PATIENCE: Duration = Duration::from_secs(20);
/// How long a refused connection is tried again.
pub const CHECK_REFUSED: Duration = Duration::from_secs(3);
/// How long rooms may still change once of each it is known how it is.
pub const CHECK_SETTLED: Duration = Duration::from_secs(3);
/// Pause between two looks at how the service is.
pub const CHECK_POLL: Duration = Duration::from_millis(20);
/// How old what a running service has said may be to count as still so, in ms, if all its rooms are well.
pub const CHECK_NEWS_MS: i64 = 60_000;
/// How much longer than a short stanza a long one may take, in ms: delayed acknowledgements take 40.
pub const CHECK_SLOW_MS: i64 = 25;

/// Longest answer that the command line reads from a service, in bytes.
pub const API_ANSWER_BYTES: u64 = 64 * 1024 * 1024;

// `neerc demo`

/// How long the server may take to listen.
pub const DEMO_SERVER_START: Duration = Duration::from_secs(20);
/// Pause between two looks whether it does.
pub const DEMO_SERVER_POLL: Duration = Duration::from_millis(10);
/// How much of the server's log is shown where it failed, in lines.
pub const DEMO_TAIL_LINES: usize = 15;
/// How long the service may take to join its room and to know its people.
pub const DEMO_SERVICE_START: Duration = Duration::from_secs(15);
/// Pause between two looks whether it does.
pub const DEMO_SERVICE_POLL: Duration = Duration::from_millis(100);
/// How long a client waits for what it expects.
pub const DEMO_ANSWER: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;
    use neerc_xmpp::limits::{ANSWER_MS, LINK_CHUNK_BYTES};

    #[test]
    fn bounds_that_depend_on_each_other() {
        assert!(CHECK_PATIENCE.as_millis() > u128::from(ANSWER_MS.unsigned_abs()), "silence is seen for what it is");
        const { assert!(LINK_UNSENT_BYTES < LINK_CHUNK_BYTES && LINK_READ_BYTES < LINK_UNSENT_BYTES) };
        const { assert!(RECONNECT_FIRST_MS < RECONNECT_LONGEST_MS && CLOCK_FILE_BYTES == 65_536) };
    }
}
