//! The bounds of the rules and of what every face is drawn from, in one table; each crate has a table of its own. Not the
//! place for settings: what a user may choose is in the configuration, and these are the numbers that nobody should have
//! to think about.

/// Longest title of a task, in characters.
pub const TITLE_CHARS: usize = 1_000;
/// Longest text of an answer (the `value` of a status), in characters.
pub const VALUE_CHARS: usize = 1_000;
/// How much of a text that somebody gave a refusal repeats, in characters.
pub const EXCERPT_CHARS: usize = 64;
/// Most people assigned to one task.
pub const ASSIGNEES: usize = 10_000;
/// Most statuses named in one packet.
pub const NAMES_PER_PACKET: usize = 10_000;
/// Most live tasks in one room.
pub const TASKS_PER_ROOM: usize = 20_000;
/// How long a removed task may be brought back, in ms: a day.
pub const RESTORED_MS: i64 = 24 * 60 * 60 * 1_000;
/// Most removed tasks of one room that are kept for that.
pub const REMOVED_TASKS: usize = 1_000;
/// About how much of the newest changes of all rooms is kept in memory, in bytes: some 25,000 answers.
pub const TRAIL_BYTES: usize = 4 * 1024 * 1024;
/// How much of one task's history is kept to recognise old copies of it, in bytes: about 1,000 plain answers.
pub const HISTORY_BYTES: usize = 64 * 1024;
/// From which weight on steps of a task's history become a run that copies of the task share, in bytes.
pub const HISTORY_RUN_BYTES: usize = 4 * 1024;
/// What one person in one step of a task's history counts for besides the text of their answer, in bytes.
pub const HISTORY_ENTRY_BYTES: usize = 64;
/// Earlier titles of one task that are kept to recognise old copies of it.
pub const TITLES_PER_TASK: usize = 1_024;
/// Most planned tasks in one room.
pub const PLANS_PER_ROOM: usize = 1_000;
/// What the names of all planned tasks in one room may take, in bytes: some 100,000 names of halls.
pub const PLAN_NAMES_BYTES: usize = 4 * 1024 * 1024;
/// What one name of a planned task counts for besides its text, in bytes.
pub const PLAN_NAME_BYTES: usize = 32;
/// Most checklists that are gone through at the same time in one room, and of which is known that they were.
pub const RUNS_PER_ROOM: usize = 20;
/// Most checklists.
pub const CHECKLISTS: usize = 200;
/// Most steps of one checklist.
pub const STEPS_PER_CHECKLIST: usize = 100;
/// Most lines of one checklist.
pub const LINES_PER_CHECKLIST: usize = 200;
/// Longest name of a checklist, in characters.
pub const CHECKLIST_NAME_CHARS: usize = 64;
/// Furthest moment from the start or the end of a contest that a task can be planned for, in minutes: a week.
pub const SCHEDULE_MIN: i64 = 7 * 24 * 60;
/// Most words of a while from now, without the word before it: `half an hour`.
pub const WITHIN_WORDS: usize = 3;
/// Most lines of one chat message that are read as commands.
pub const LINES_PER_TEXT: usize = 50;
/// Most names written in one chat line.
pub const NAMES_PER_LINE: usize = 200;
/// Most tasks, people or plans that one answer in a chat lists.
pub const LISTED_IN_CHAT: usize = 12;
/// Longest number of a page of a list, in digits.
pub const PAGE_DIGITS: usize = 4;
/// How much of a title or a text is said in a list, in characters.
pub const LISTED_CHARS: usize = 120;
/// Most open tasks of one person of which is known that they have been told.
pub const TOLD_PER_PERSON: usize = 1_000;
/// Most tasks that one person watches by themselves.
pub const WATCHED_TASKS: usize = 100;
/// Most people of one room who watch something.
pub const WATCHERS_PER_ROOM: usize = 1_000;
/// Most people of one room whose wish for links is kept.
pub const LINKS_WISHES_PER_ROOM: usize = 10_000;
/// How long somebody stays logged in with a browser, in ms: two days, as a contest's weekend takes.
pub const WEB_SESSION_MS: i64 = 48 * 60 * 60 * 1_000;
/// Most browsers that one person is logged in with; then the oldest is logged out.
pub const WEB_SESSIONS_PER_PERSON: usize = 16;
/// Most browsers that are logged in to one room; then the oldest is logged out.
pub const WEB_SESSIONS_PER_ROOM: usize = 10_000;
/// How much is kept of what a browser and its address are called, in characters.
pub const BROWSER_CHARS: usize = 200;
/// How long a link logs somebody in, in ms.
pub const LOGIN_LINK_MS: i64 = 5 * 60_000;
/// Most such links of one person; then the oldest is void.
pub const LOGIN_LINKS_PER_PERSON: usize = 4;
/// Most tokens of one room.
pub const TOKENS_PER_ROOM: usize = 100;
/// How long a request is known by its key, in ms.
pub const REQUEST_KEY_MS: i64 = 24 * 60 * 60_000;
/// Most requests of one token that are known by their keys; of more, the newest.
pub const REQUEST_KEYS_PER_TOKEN: usize = 1_000;
/// Longest key of a request, in characters.
pub const REQUEST_KEY_CHARS: usize = 128;
/// How often somebody may write a code that no page shows, in that time in ms.
pub const LOGIN_TRIES: usize = 3;
/// See [`LOGIN_TRIES`].
pub const LOGIN_TRIES_MS: i64 = 10 * 60_000;
/// Most people of whom is known how often they did.
pub const LOGIN_TRIERS: usize = 10_000;
/// Pause before a planned task that could not be stored is tried again, in ms.
pub const RETRY_PLAN_MS: i64 = 10_000;
/// Longest word for which a near one is looked for, in characters.
pub const NEAR_CHARS: usize = 64;
/// Most unknown names of one line for which near ones are looked for.
pub const NEAR_NAMES: usize = 5;
/// Most proposals in one question about a chat line.
pub const PROPOSALS: usize = 20;

/// Most writes waiting for the disk; above it a write is refused with `resource-constraint`.
pub const WRITES_WAITING: usize = 65_536;
/// MiB that one person's changes may add to the log in a day, unless the configuration says otherwise.
pub const STORED_MIB_PER_DAY: u64 = 64;
/// How many times as much whoever has power may add.
pub const QUOTA_OF_POWER: u64 = 16;
/// Most people whose changes are counted.
pub const QUOTA_PERSONS: usize = 20_000;
/// About what a change takes in the log besides its texts and people, in bytes.
pub const STORED_CHANGE_BYTES: usize = 128;
/// About what the request that it is made for takes besides its key, in bytes.
pub const STORED_REQUEST_BYTES: usize = 96;
/// About what a person or a name in it takes besides its text, in bytes.
pub const STORED_ENTRY_BYTES: usize = 32;
/// Most writes made durable by one transaction.
pub const WRITES_PER_BATCH: usize = 256;
/// Changes that never wait for others before they are stored, however fast the disk is: what a commit costs the processor.
pub const WRITES_WORTH_A_SYNC: usize = 32;
/// About what each change adds to a commit, in µs.
pub const CHANGE_US: i64 = 8;
/// Changes in one commit after which the next one may wait for others: several people at once.
pub const WRITES_OF_A_BUSY_COMMIT: usize = 4;
/// About the least time after which the loop can be woken up, in µs.
pub const WAKE_US: i64 = 1_000;
/// Longest time that the disk rests while changes wait for others, in µs.
pub const COMMIT_REST_US: i64 = 5_000;
/// What a commit is taken to take before one was measured, in µs.
pub const COMMIT_US: i64 = 1_000;
/// What it is taken to take at least and at most, in µs.
pub const COMMIT_BOUNDS_US: [i64; 2] = [50, 1_000_000];

/// How far a newer reading of a running clock may lie behind the earliest one before it counts as a real change, in ms.
pub const CLOCK_SMOOTHING_MS: i64 = 60_000;
/// By how much two readings of the start of a contest may differ and still be of the same, in ms.
pub const CLOCK_JITTER_MS: i64 = 900;
/// How long a contest system may be silent before people are told that it is, in ms.
pub const CLOCK_SILENCE_MS: i64 = 60_000;
/// How often people are told of the contest clock again, in ms.
pub const CLOCK_TICK_MS: i64 = 60_000;
/// Length of a contest whose clock is started by hand before anybody has said one, in ms.
pub const CONTEST_MS: i64 = 5 * 60 * 60_000;
/// How many times as fast as time itself contest time passes in a rehearsal at most.
pub const REHEARSAL_SPEED: u16 = 600;
/// How many times it is if nobody says that.
pub const REHEARSAL_SPEED_UNSAID: u16 = 60;
/// Least time between two tellings of the clock of a rehearsal, in ms.
pub const REHEARSAL_TICK_MS: i64 = 2_000;
/// Least time from one reminder to the next in a rehearsal, in ms.
pub const REHEARSAL_REMINDER_PAUSE_MS: i64 = 5_000;
/// Most hours of a time that a clock is set to by hand.
pub const CLOCK_H: i64 = 10_000;

/// How often whoever is late with a task is reminded before the admins are told.
pub const REMINDERS: u32 = 9;
/// Time from one reminder to the next, unless the configuration says otherwise, in ms.
pub const REMINDER_PAUSE_MS: i64 = 5 * 60_000;
/// How long admins are asked whether a planned task is to be handed out, unless the configuration says otherwise, in ms.
pub const PLAN_LAPSE_MS: i64 = 60 * 60_000;
/// Most time between two looks at the deadlines of a room, in ms: the time of day may be set.
pub const DEADLINE_LOOK_MS: i64 = 10_000;
/// Least time between two looks that only a change of some task brings about, in ms.
pub const DEADLINE_REST_MS: i64 = 1_000;

/// Most tasks that one table of a board shows; of more, the newest.
pub const GRID_COLUMNS: usize = 500;
/// Most cells of one table of a board: people of all its groups by tasks.
pub const GRID_CELLS: usize = 100_000;
/// Longest text that a board is searched for, in characters.
pub const GRID_TEXT_CHARS: usize = 200;
/// Most answers that one timeline holds; of more, the newest.
pub const TIMELINE_ANSWERS: usize = 100_000;
/// Most answers that are drawn by themselves in the picture of a timeline; of more, the newest.
pub const TIMELINE_MARKS: usize = 10_000;
/// Most people that are drawn in it.
pub const TIMELINE_ROWS: usize = 200;
/// Most bars that it has.
pub const TIMELINE_BARS: i64 = 60;

/// How long the second machine has to be away, or back, before admins are told of it, in ms.
pub const COPY_TOLD_AFTER_MS: i64 = 5_000;

/// Most values that a list in a form offers; above it they have to be typed.
pub const FORM_CHOICES: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_a_size_that_people_know() {
        assert_eq!(SCHEDULE_MIN, 10_080);
    }
}
