//! The bounds of everything that is said over XMPP, in one table: stanzas, sessions, waiting, and how often what is asked
//! again. Those of tasks and of what is written in lines and forms are the core's.

/// What is repeated of a refused name or value of XML, in characters.
pub const EXCERPT_XML_CHARS: usize = 40;
/// What is repeated of an address, in characters.
pub const EXCERPT_ADDRESS_CHARS: usize = 128;
/// The same of the type of a stanza, in characters.
pub const EXCERPT_TYPE_CHARS: usize = 32;
/// Longest chat message that is read as commands, in bytes.
pub const TEXT_BYTES: usize = 16 * 1024;
/// How many bytes of answers go into one chat message, but for the last answer in it.
pub const CHAT_MESSAGE_BYTES: usize = 8 * 1024;
/// Most sessions whose chat messages wait for the disk at once.
pub const CHATS_WAITING: usize = 1_024;
/// Most chat messages of one session that wait for the one before.
pub const CHATS_PER_SESSION: usize = 32;
/// How long a session that came online may take to ask as a NEERC client does before it is spoken to, in ms.
pub const CHAT_GRACE_MS: i64 = 5_000;
/// How long changes are gathered before people are told of them in one chat message, in ms.
pub const CHAT_GATHER_MS: i64 = 1_000;
/// Least time between two messages of answers to whoever watches them, in ms.
pub const WATCH_REST_MS: i64 = 10_000;
/// How many people are asked for their presence at once after a connection is opened, and the pause between, in ms.
pub const PRESENCES_AT_ONCE: usize = 20;
/// See [`PRESENCES_AT_ONCE`].
pub const PRESENCE_PAUSE_MS: i64 = 100;
/// Least time between two reminders of one person, in ms; they come when somebody comes online.
pub const REMINDER_MS: i64 = 300_000;
/// Least time between two hints to one occupant who writes to the wrong place, in ms.
pub const HINT_MS: i64 = 600_000;
/// Most sessions in one room, or known of it, that may be spoken to.
pub const CONTACTS_PER_ROOM: usize = 20_000;
/// How often what is of no use any more is looked for, in ms.
pub const TIDY_MS: i64 = 10_000;

/// Largest stanza taken from the server, in bytes.
pub const STANZA_BYTES: usize = 256 * 1024;
/// Deepest nesting of a stanza taken from the server, in elements.
pub const STANZA_DEPTH: usize = 32;
/// How much of the start tag of an over-long stanza is kept to answer it, in bytes.
pub const HEAD_BYTES: usize = 8 * 1024;

/// Most elements and pieces of text in a stanza taken from the server.
pub const STANZA_NODES: usize = 10_000;
/// Largest answer to a request of the service that lists people, in bytes: a room may have 10,000 members.
pub const ANSWER_BYTES: usize = 4 * 1024 * 1024;
/// Most elements and pieces of text in such an answer.
pub const ANSWER_NODES: usize = 100_000;
/// Most namespace declarations in scope at one place of a stanza; they are looked up one by one.
pub const NAMESPACES_IN_SCOPE: usize = 64;
/// Longest namespace name that holds references or line breaks, in bytes: such a name is copied into each element.
pub const COPIED_NAMESPACE_BYTES: usize = 256;
/// Most attributes of one element in a stanza taken from the server; duplicates are found by comparing all pairs.
pub const STANZA_ATTRIBUTES: usize = 256;
/// What the start tag and the addresses of a stanza sent may take, in bytes.
pub const STANZA_HEAD_BYTES: usize = 4 * 1024;
/// What the answer to a command may take besides its form or table, in bytes.
pub const REPLY_BYTES: usize = 1024;
/// What a chat message takes besides its text, its addresses and its thread, in bytes.
pub const LETTER_BYTES: usize = 512;
/// Longest thread that is carried back, in bytes.
pub const THREAD_BYTES: usize = 256;
/// What the start tag of an answer takes besides its id and addresses, in bytes.
pub const ANSWER_HEAD_BYTES: usize = 64;
/// The longest that a part of a JID may be (RFC 7622 section 3.1), in bytes.
pub const ADDRESS_PART_BYTES: usize = 1_023;
/// The longest that a full JID can be (RFC 7622 section 3.1), in bytes.
pub const ADDRESS_BYTES: usize = 3 * 1024;

/// Most sessions (full JIDs) that are told of changes in one room.
pub const SESSIONS_PER_ROOM: usize = 50_000;
/// Most sessions of one account that are told, or spoken to, in one room; of more those go of which nothing was heard for
/// longest. Nobody has so many devices, and foreign servers let anybody have any number.
pub const SESSIONS_PER_ACCOUNT: usize = 64;
/// Most accounts and rooms with too many sessions that are reported.
pub const CROWDS: usize = 1_000;
/// When a session that asked for the tasks for the first time is looked at once more, in ms: one client listens to the clock
/// only after it has drawn its list, and servers hand old messages to a new session.
pub const SECOND_LOOK_MS: i64 = 3_000;
/// Most tasks of one room of which is remembered when they were told last.
pub const TELLINGS_REMEMBERED: usize = 4_096;
/// Most accounts with sessions that have gone for whose next session is remembered what those were told.
pub const ABSENT_ACCOUNTS: usize = 20_000;
/// Most tasks of which is remembered that they changed while a session was told nothing because a message to it came back; of
/// more it is told of all.
pub const TASKS_HELD: usize = 256;
/// How long a server may keep a message for a session that it has lost, in ms: a resumption is waited for some minutes, and a
/// dead connection may go unnoticed for longer than that.
pub const KEPT_BY_SERVERS_MS: i64 = 3_600_000;
/// How long those who were in the room before the service may take to ask for the tasks before they are told of all, in ms.
pub const LATE_GRACE_MS: i64 = 1_000;
/// Pause between two tasks to one session that is told of many, in ms; one client loses its place where they come at once.
pub const LATE_BEAT_MS: i64 = 50;
/// Most messages to sessions that are told of many tasks, per pause.
pub const LATE_BEAT_TASKS: usize = 128;
/// About how many bytes of such messages go out per pause: 2.5 MB a second, which leaves room for news.
pub const LATE_BEAT_BYTES: usize = 128 * 1024;
/// About what a notification takes without the people of the task, and each of them, in bytes.
pub const NOTIFICATION_BYTES: usize = 400;
/// See [`NOTIFICATION_BYTES`].
pub const STATUS_BYTES: usize = 60;
/// Most tasks that all sessions together have still to be told of before others begin.
pub const LATE_TASKS: usize = 500_000;
/// How many lists of all tasks are made at once for sessions that are told of them.
pub const LATE_LISTS: usize = 16;
/// How long a session that only asked for the tasks is told of changes after its last request, in ms.
pub const ASKER_MS: i64 = 60_000;
/// Requests that one session may send each second in the long run, unless the configuration says otherwise.
pub const REQUESTS_PER_SECOND: u32 = 20;
/// Requests that one session may send at once after a pause, unless the configuration says otherwise.
pub const REQUESTS_BURST: u32 = 60;
/// Requests that one session of somebody with power may send at once after a pause, unless the configuration says
/// otherwise: a desktop sends one for each line that is pasted and each row that is removed.
pub const REQUESTS_BURST_OF_POWER: u32 = 1_000;
/// What all sessions of one account are answered each second in the long run, in KiB, unless the configuration says
/// otherwise.
pub const ANSWERS_KIB_PER_SECOND: u32 = 128;
/// What all sessions of one account are answered after a pause, in KiB, unless the configuration says otherwise: the
/// list of users and that of the tasks for some two hundred sessions.
pub const ANSWERS_BURST_KIB: u32 = 4_096;
/// How many times faster than in the long run a burst of long answers is handed out.
pub const PACE_OF_BURSTS: i64 = 4;
/// What all sessions of one account are answered before their long answers are handed out evenly, in bytes: what a slow
/// server takes in a twentieth of a second.
pub const ANSWERED_AT_ONCE_BYTES: usize = 64 * 1024;
/// Shorter answers count for nothing but the request, in bytes.
pub const SHORT_ANSWER_BYTES: usize = 1_024;
/// What a task that had to be looked at for an answer counts for, in bytes of that answer.
pub const LOOKED_AT_BYTES: usize = 16;
/// Most bytes of lists of single users' tasks that are kept for one room.
pub const OWN_LISTS_BYTES: usize = 8 * 1024 * 1024;
/// With more bytes of answers waiting for the link, requests for long ones wait, and are answered account by account.
pub const LINK_BUSY_BYTES: usize = 32 * 1024;
/// Most bytes of requests of one account that wait for their turn.
pub const HELD_PER_ACCOUNT_BYTES: usize = STANZA_BYTES;
/// Most bytes of requests of all accounts that wait for their turn.
pub const HELD_BYTES: usize = 8 * 1024 * 1024;
/// What each of them counts for besides its own bytes.
pub const HELD_ENTRY_BYTES: usize = 256;
/// Most sessions whose recent requests are counted, and most accounts whose answers are.
pub const THROTTLED_SESSIONS: usize = 20_000;
/// Bytes handed to the link at once; the newest state of a task is chosen no earlier than this many bytes before the
/// socket takes it.
pub const LINK_CHUNK_BYTES: usize = 256 * 1024;
/// Shorter texts are copied instead of shared, in bytes: a piece of its own costs about as much as copying this many.
pub const SHARED_BYTES: usize = 1_024;
/// Fewer bytes than this reach the server's parser in one piece, whatever lies between.
pub const WHOLE_BYTES: usize = 1_024;
/// A tag with a title or a text of an answer of the most characters, each escaped, is no longer, in bytes. Longer is only the
/// list of ids in an answer with differences; it is seen where it ends this close to the end of what is sent.
pub const LONG_TAG_BYTES: usize = 16 * 1024;
/// Most bytes of long answers waiting for the link before the reading of requests pauses. More would only leave the
/// processor's cache before it is written.
pub const LINK_QUEUE_BYTES: usize = 256 * 1024;
/// The same for short answers: a server that does not read for half a minute still has its changes stored.
pub const LINK_QUEUE_SHORT_BYTES: usize = 4 * 1024 * 1024;

/// What is told of tasks that were told lately waits for the next multiple of this time, in ms, and goes out together.
pub const TELL_BEAT_MS: i64 = 10;
/// Least time between two fences, in ms: what a crash may tell twice.
pub const FENCE_MS: i64 = 100;
/// How long opening the stream may take, from the connection to the accepted handshake, in ms.
pub const HANDSHAKE_MS: i64 = 10_000;
/// Silence of the server after which it is pinged, in ms.
pub const KEEPALIVE_MS: i64 = 15_000;
/// Silence of the server after a ping by which the link counts as dead, in ms.
pub const DEAD_PEER_MS: i64 = 20_000;
/// How often the service pings its own address, which the server has to hand on, in ms.
pub const ROUTED_PING_MS: i64 = 10_000;
/// Pings on the way in use that must be unanswered, in a row, before a link counts as deaf.
pub const UNROUTED_PINGS: u32 = 2;
/// How long nothing was handed on before a link counts as deaf, in ms.
pub const DEAF_LINK_MS: i64 = 25_000;
/// How many stanzas of each length measure the way through the server.
pub const PROBE_ROUNDS: usize = 5;
/// Length of a long one, in bytes: three pieces of the usual 8 KiB.
pub const PROBE_LONG_BYTES: usize = 20_000;
/// How long an answer of the server to one of our requests is waited for, in ms.
pub const ANSWER_MS: i64 = 15_000;
/// How often the lists of a room are read where the server tells nothing of people who are not in it, in ms.
pub const REREAD_UNTOLD_MS: i64 = 3_000;
/// Most stanzas of unknown people that wait for the lists at once.
pub const UNKNOWN_WAITING: usize = 64;
/// Most stanzas that wait after a start for a room to say who its people are, with those above.
pub const EARLY_WAITING: usize = 2_048;
/// How often a server is pinged at most before a service that leaves ends the stream.
pub const LEAVING_PINGS: usize = 16;
/// Most stanzas that are left to the next process.
pub const LEFT_STANZAS: usize = 1_024;
/// Most bytes of them.
pub const LEFT_BYTES: usize = 4 * 1024 * 1024;
/// How old they may be by the time they are taken up, in ms: whoever asked longer ago has given up.
pub const LEFT_MS: i64 = 30_000;
/// How far the time of day may have been set back meanwhile, in ms.
pub const LEFT_AHEAD_MS: i64 = 1_000;
/// Largest stanza of an unknown person that waits for the lists, in bytes.
pub const UNKNOWN_BYTES: usize = 16 * 1024;
/// Requests to come in that a room leaves unanswered before the service tries another nick.
pub const UNANSWERED_JOINS: u32 = 2;
/// Pings that the service sends to itself to see whether another connection of it is open: were there one, all of them
/// would come back once in 65,000 times.
pub const LOOK_PINGS: usize = 16;
/// How long the first of them is waited for, in ms.
pub const LOOK_MS: i64 = 2_000;
/// How long after one of them the next is waited for, in ms: they were sent together.
pub const LOOK_LAST_MS: i64 = 500;
/// How often a service that runs looks whether there is another connection of it, in ms.
pub const LOOK_AGAIN_MS: i64 = 600_000;
/// Pause before a request of ours that has no answer is sent again, in ms; it doubles from there.
pub const ASK_AGAIN_MS: i64 = 1_000;
/// How often a request of ours that has no answer is sent again.
pub const ASK_AGAIN_TIMES: u32 = 3;
/// Most requests of ours that may wait for the server's answer at once.
pub const ANSWERS_WAITING: usize = 1_024;

/// How often the lists of a room's people are read again, in ms.
pub const REREAD_ROOM_MS: i64 = 300_000;
/// How often the lists of a room are read again while the service is not in it and hears of no change, in ms.
pub const REREAD_OUTSIDE_MS: i64 = 3_000;
/// Least time between two readings of a room's lists for which a hint was the reason, in ms: anybody can send hints, and
/// rights have to follow a true one within a second.
pub const HINT_SPACING_MS: i64 = 250;
/// The next reading for a hint is put off by one ms more for so many people on the lists.
pub const HINT_SPACING_PEOPLE: i64 = 20;
/// Most by which the number of people puts off a reading for a hint, in ms.
pub const HINT_SPACING_PEOPLE_MS: i64 = 250;
/// A reading that took longer, in ms, is followed by a rest as long as itself before the next one for a hint.
pub const LONG_READING_MS: i64 = 1_000;
/// Pause before the service comes back into a room that has put it out, in ms.
pub const REENTER_MS: i64 = 1_000;

/// How long after the stream was opened a room may still say that the service's last stay has ended (ms).
pub const EARLIER_STAY_MS: i64 = 10_000;
/// How long the first requests to come into a room that was just destroyed may stay unanswered, in ms; also the first
/// pause where a room is destroyed again and again.
pub const REJOIN_MS: i64 = 500;
/// How many such requests there are before the usual patience.
pub const QUICK_JOINS: u32 = 6;
/// Nicks tried one after the other without a pause where each is taken.
pub const NICKS_AT_ONCE: u32 = 5;
/// Pause after those, in ms.
pub const RETRY_NICK_MS: i64 = 1_000;
/// How often the service tries to have its own nick where somebody else holds it, in ms.
pub const RECLAIM_NICK_MS: i64 = 60_000;
/// How often the service makes sure that it is still in its rooms (XEP-0410), in ms.
pub const SELF_PING_MS: i64 = 60_000;
/// Least time from one reading of a room's role lists to the next, in ms.
pub const ROLES_SPACING_MS: i64 = 1_000;
/// The same for each session that they named, in ms, if that is more: long lists cost the server more.
pub const ROLES_SPACING_PER_SESSION_MS: i64 = 1;
/// How often a room's role lists are read while nicks have several sessions, in ms: one server does not say that one of
/// several has gone.
pub const REREAD_ROLES_MS: i64 = 30_000;
/// How long a server that refuses role lists is not asked for them, in ms.
pub const ROLES_REFUSED_MS: i64 = 60_000;
/// Pause before a room that could not be joined or read is tried again, in ms.
pub const RETRY_ROOM_MS: i64 = 10_000;
/// How often the members of a group's room are read again, in ms.
pub const REREAD_GROUP_MS: i64 = 60_000;

/// Ad-hoc commands that one user may be filling in at once; of more the oldest is dropped.
pub const FORMS_PER_USER: usize = 4;
/// Ad-hoc commands that all users together may be filling in at once; for more the oldest of whoever has most goes.
pub const FORMS: usize = 1_024;
/// How long a form is waited for, in ms.
pub const FORM_MS: i64 = 600_000;

#[cfg(test)]
mod tests {
    use super::*;
    use neerc_core::limits::*;

    /// The numbers of PROTOCOL.md, section 9, which clients rely on.
    #[test]
    fn the_protocol_says_these_limits() {
        const KIB: usize = 1_024;
        let protocol = include_str!("../../../PROTOCOL.md");
        let (_, section) = protocol.split_once("## 9. Limits").expect("the section on limits");
        for (what, number, unit) in [
            ("title of a task", TITLE_CHARS, " characters"),
            ("value of a status", VALUE_CHARS, " characters"),
            ("people assigned to one task", ASSIGNEES, ""),
            ("names in one packet", NAMES_PER_PACKET, ""),
            ("live tasks in one room", TASKS_PER_ROOM, ""),
            ("history of one task that old copies are compared with", HISTORY_BYTES / KIB, " KiB"),
            ("earlier titles of one task that are remembered", TITLES_PER_TASK, ""),
            ("writes that wait to be stored", WRITES_WAITING, ""),
            ("size of a stanza taken", STANZA_BYTES / KIB, " KiB"),
            ("nesting of elements in a stanza taken", STANZA_DEPTH, ""),
            ("start tag of an over-long stanza that is still answered", HEAD_BYTES / KIB, " KiB"),
            ("sessions of one account in a room that are told", SESSIONS_PER_ACCOUNT, ""),
            ("time from the first `#tasks` to the second clock message", SECOND_LOOK_MS as usize / 1_000, " s"),
            ("time that a session is told of changes after `#tasks`", ASKER_MS as usize / 1_000, " s"),
            ("time between two clock messages", CLOCK_TICK_MS as usize / 1_000, " s"),
        ] {
            let digits = number.to_string();
            let number = match digits.split_at(digits.len().saturating_sub(3)) {
                ("", number) => number.to_owned(),
                (thousands, rest) => format!("{thousands},{rest}"),
            };
            let row = format!("| {what} | {number}{unit} |");
            assert!(section.contains(&row), "PROTOCOL.md does not say: {row}");
        }
        assert_eq!([HISTORY_BYTES % KIB, STANZA_BYTES % KIB, HEAD_BYTES % KIB], [0; 3]);
    }

    /// What no page promises, but other bounds are made of.
    #[test]
    fn bounds_that_depend_on_each_other() {
        assert_eq!(ADDRESS_BYTES, 1_023 * 3 + 3, "three parts of 1,023 bytes and what stands between them");
        const { assert!(ADDRESS_BYTES < STANZA_HEAD_BYTES && STANZA_HEAD_BYTES < HEAD_BYTES) };
        assert_eq!((LINK_CHUNK_BYTES, LINK_QUEUE_BYTES), (STANZA_BYTES, STANZA_BYTES));
        assert_eq!(STANZA_HEAD_BYTES, 4_096);
    }
}
