//! Every reason for "no". Each face turns a refusal into its own kind of error by one `match`; the words here are the
//! plain English of it.

use crate::limits;
use std::fmt;

/// The part of a user's text that a refusal repeats.
pub fn excerpt(text: &str) -> String {
    excerpt_within(text, limits::EXCERPT_CHARS)
}

/// The same with another length, in characters.
pub fn excerpt_within(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

/// Makes the refusals out of a table that says each of them once: the key of its words in every language, its variant, and
/// its plain English. A blank that is no field of the variant stands behind `with`.
macro_rules! refusals {
    ($(
        $(#[$doc:meta])+
        $key:literal = $name:ident $({ $( $(#[$field_doc:meta])+ $field:ident: $type:ty, )+ })?
        $(with $extra:ident = $value:expr)? => $english:literal $(, $blank:expr)?;
    )+) => {
        /// Why something was not done. Nothing has changed when one is returned.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Refusal {
            $( $(#[$doc])+ $name $({ $( $(#[$field_doc])+ $field: $type, )+ })?, )+
        }

        impl Refusal {
            /// The key of its words in every language.
            pub fn key(&self) -> &'static str {
                match self {
                    $( Refusal::$name { .. } => $key, )+
                }
            }

            /// What fills the blanks of its words, by name; where no command is near, that blank says `none`.
            pub fn args(&self) -> Vec<(&'static str, Blank)> {
                match self {
                    $( Refusal::$name $({ $($field),+ })? => vec![
                        $( $( (stringify!($field), $field.fill()), )+ )?
                        $( (stringify!($extra), $value.fill()), )?
                    ], )+
                }
            }

            /// One of each, for tests that go through all of them.
            pub fn examples() -> Vec<Refusal> {
                vec![ $( Refusal::$name $({ $( $field: FillsBlank::example(), )+ })?, )+ ]
            }
        }

        impl fmt::Display for Refusal {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $( Refusal::$name $({ $($field),+ })? => {
                        $( $( let $field = $field.fill(); )+ )?
                        $( let $extra = $value.fill(); )?
                        write!(f, $english $(, $blank)?)
                    } )+
                }
            }
        }
    };
}

refusals! {
    /// The asker is neither owner, admin nor member of the room.
    "not-in-room" = NotInRoom => "you are neither owner, admin nor member of this room";
    /// Only owners and admins of the room may do this.
    "admins-only" = AdminsOnly => "only owners and admins of the room may do this";
    /// The asker is not assigned to the task.
    "not-assigned" = NotAssigned {
        /// The task.
        task: String,
    } => "task {task} is not assigned to you";
    /// The configuration lets ordinary users see their own tasks only.
    "own-tasks-only" = OwnTasksOnly => "you may see your own tasks only";
    /// No task ever had this id.
    "unknown-task" = UnknownTask {
        /// The id as it was given.
        task: String,
    } => "there is no task '{task}'";
    /// The task was removed; its id never comes back.
    "removed-task" = RemovedTask {
        /// The id.
        task: String,
    } => "task {task} was removed";
    /// No user of the room has this name.
    "unknown-user" = UnknownUser {
        /// The name as it was given.
        name: String,
    } => "there is no user '{name}' in this room";
    /// Somebody was to be assigned who is no user, group or occupant.
    "unknown-name" = UnknownName {
        /// The name as it was given.
        name: String,
    } => "there is no user, group or occupant '{name}' in this room";
    /// There is no such room here.
    "unknown-room" = UnknownRoom {
        /// The address as it was given.
        room: String,
    } => "there is no room '{room}' here";
    /// No contest clock is configured, or it could not be read yet.
    "no-clock" = NoClock => "there is no contest clock";
    /// A contest that has begun was to be started.
    "clock-has-begun" = ClockHasBegun => "the contest has begun already; clock restart begins it anew";
    /// A clock that stands was to be paused.
    "clock-stands" = ClockStands => "the clock does not run";
    /// A clock that is not paused was to go on.
    "clock-not-paused" = ClockNotPaused => "the clock is not paused";
    /// A clock was to be set beyond the end of the contest.
    "beyond-clock" = BeyondClock {
        /// The time.
        time: String,
        /// The length of the contest.
        total: String,
    } => "{time} is beyond the end of the contest, which takes {total}; set its length first";
    /// A rehearsal was to begin while the contest runs.
    "rehearsal-in-contest" = RehearsalInContest => "the contest of this room has begun; rehearse in another room, or once it is over";
    /// A rehearsal was to begin where there are tasks, which it would throw away.
    "rehearsal-among-tasks" = RehearsalAmongTasks {
        /// How many tasks there are, planned ones among them.
        tasks: usize,
    } => "a rehearsal throws away all that there is, and the room has {tasks} tasks, planned ones among them; rehearse in a room of its own";
    /// There is no rehearsal that could end.
    "no-rehearsal" = NoRehearsal => "there is no rehearsal";
    /// Not in a rehearsal.
    "rehearses" = Rehearses => "this is a rehearsal, and what you ask for is not part of it; clock rehearse off ends it";
    /// Not a speed of a rehearsal.
    "bad-speed" = BadSpeed {
        /// The speed as it was given.
        speed: String,
    } with limit = usize::from(limits::REHEARSAL_SPEED) =>
        "'{speed}' is no speed of a rehearsal; write x60, at most x{limit}, or off to end it";
    /// Not a time that a clock can be set to.
    "bad-clock-time" = BadClockTime {
        /// The time as it was given.
        time: String,
    } => "'{time}' is no time of a clock; write 1:23 or 1:23:00";
    /// Nothing that can be done to a clock.
    "unknown-clock-act" = UnknownClockAct {
        /// The word.
        act: String,
    } => "a clock cannot be told '{act}'; try start, start at 10:30, pause, resume, set 1:23:00, length 5:00, over, restart, follow or rehearse x60";
    /// Neither with links nor without.
    "unknown-links-wish" = UnknownLinksWish {
        /// The word.
        text: String,
    } => "links are on or off, not '{text}'";
    /// A task needs a title.
    "empty-title" = EmptyTitle => "the title is empty; a task needs one";
    /// A text is over its limit.
    "too-long" = TooLong {
        /// Which text.
        what: &'static str,
        /// Its length in characters.
        chars: usize,
        /// The most there may be.
        limit: usize,
    } => "the {what} has {chars} characters; at most {limit} are allowed";
    /// A text holds a character that XML 1.0 cannot carry.
    "forbidden-character" = ForbiddenCharacter {
        /// Which text.
        what: &'static str,
        /// The character.
        character: char,
    } => "the {what} holds the character {character}, which XML does not allow";
    /// No such type of task.
    "unknown-kind" = UnknownKind {
        /// The type as it was given.
        kind: String,
    } => "there is no task type '{kind}'; allowed are todo, todofail, confirm, okfail, question";
    /// No such type of status.
    "unknown-status" = UnknownStatus {
        /// The type as it was given.
        status: String,
    } => "there is no status type '{status}'; allowed are none, running, success, fail, acknowledged";
    /// Something that the request needs is not in it.
    "missing" = Missing {
        /// What.
        what: &'static str,
    } => "{what} is missing";
    /// Something in the request is not of the form it should have.
    "malformed" = Malformed {
        /// What.
        what: &'static str,
        /// What it should be.
        wanted: &'static str,
    } => "{what} is not {wanted}";
    /// Too many of something.
    "too-many" = TooMany {
        /// Of what.
        what: &'static str,
        /// The most there may be.
        limit: usize,
    } => "too many {what}; at most {limit} are allowed";
    /// Somebody was to be unassigned or their answer undone who does not have the task.
    "not-theirs" = NotTheirs {
        /// The task.
        task: String,
        /// Their name as it was given.
        name: String,
    } => "task {task} is not assigned to '{name}'";
    /// No planned task has this number.
    "unknown-plan" = UnknownPlan {
        /// The number as it was given.
        plan: String,
    } => "there is no planned task '{plan}'";
    /// Not a deadline.
    "bad-deadline" = BadDeadline {
        /// The deadline as it was given.
        deadline: String,
    } with limit = limits::SCHEDULE_MIN =>
        "'{deadline}' is no deadline; write 20m, 10:45 or end-30, at most {limit} minutes";
    /// A planned task cannot have a deadline yet.
    "deadline-of-plan" = DeadlineOfPlan {
        /// The deadline as it was given.
        deadline: String,
    } => "a planned task takes no deadline ('{deadline}'); give it one once it is handed out";
    /// No checklist has this name.
    "unknown-checklist" = UnknownChecklist {
        /// The name as it was given.
        checklist: String,
    } => "there is no checklist '{checklist}'";
    /// A line of a checklist makes no task.
    "unclear-checklist" = UnclearChecklist {
        /// What the checklist is called.
        checklist: String,
        /// The number of the line in its file.
        line: usize,
        /// The line.
        text: String,
    } => "nothing of the checklist '{checklist}' was begun: its line {line}, '{text}', is not clear";
    /// A checklist was to be gone through that is already.
    "runs-already" = RunsAlready {
        /// What it is called.
        checklist: String,
    } => "the checklist '{checklist}' is under way already";
    /// A checklist was to be stopped that is not gone through.
    "runs-not" = RunsNot {
        /// What it is called.
        checklist: String,
    } => "the checklist '{checklist}' is not under way";
    /// Not a moment for which anything can be planned.
    "bad-schedule" = BadSchedule {
        /// The moment as it was given.
        schedule: String,
    } with limit = limits::SCHEDULE_MIN =>
        "'{schedule}' is no moment; write 10:30, in 20m, start+15 or end-60!, at most {limit} minutes";
    /// A field of a command that has to be filled in is not.
    "missing-field" = MissingField {
        /// Its name in the menu.
        field: &'static str,
    } => "the field '{field}' has to be filled in";
    /// A chat line begins with a word that is no command.
    "unknown-verb" = UnknownVerb {
        /// The word.
        verb: String,
        /// A command that is so close to it that it was most likely meant.
        nearest: Option<&'static str>,
    } => "there is no command '{verb}'; {}", proposal(&nearest);
    /// A chat line goes on after all that its command takes.
    "surplus" = Surplus {
        /// What it goes on with.
        text: String,
    } => "'{text}' is more than this command takes";
    /// A command was meant for the asker's open task, and there is none.
    "no-open-task" = NoOpenTask => "you have no open task";
    /// There is no web side.
    "no-web" = NoWeb => "the board is not in the web here: [web] listen is not set";
    /// No page shows this code.
    "unknown-code" = UnknownCode {
        /// The code as it was given.
        code: String,
    } => "no page shows the code '{code}'; it is good for five minutes";
    /// Whoever wrote a code has not said yet that the browser is theirs.
    "unconfirmed" = Unconfirmed {
        /// The code.
        code: String,
        /// What browser shows it, and from where.
        browser: String,
    } => "the code {code} is shown by {browser}; confirm it if that is yours";
    /// Whoever wrote a code says that the browser is not theirs.
    "not-let-in" = NotLetIn => "nobody is let in";
    /// Somebody else has confirmed the code.
    "used-code" = UsedCode => "somebody else has confirmed this code";
    /// Codes that no page shows were written too often.
    "too-many-tries" = TooManyTries {
        /// For how long none is taken.
        minutes: i64,
    } => "too many wrong codes; wait {minutes} minutes";
    /// A link that logs in is used, too old, or never was.
    "used-link" = UsedLink => "this link is used up or too old; ask for a new one";
    /// The asker has no session of this number.
    "unknown-session" = UnknownSession {
        /// The number as it was given.
        session: String,
    } => "you are not logged in with a browser '{session}'";
    /// No token has this number.
    "unknown-token" = UnknownToken {
        /// The number as it was given.
        token: String,
    } => "there is no token '{token}'";
    /// Nothing that a token can be good for.
    "unknown-token-scope" = UnknownTokenScope {
        /// The word.
        scope: String,
    } => "a token is for display, read or write, not '{scope}'";
    /// A request has the key of another one, which asked for something else.
    "used-key" = UsedKey {
        /// The key.
        key: String,
    } => "the key '{key}' belongs to another request, which asked for something else";
    /// What would be replaced has changed since the asker saw it.
    "outdated" = Outdated => "this has changed since you saw it; look at it, and send again what you still want";
    /// The change could not be made durable, so it was not made.
    "not-durable" = NotDurable => "the change could not be stored, so nothing was changed; try again later";
    /// Too many requests wait already.
    "busy" = Busy with limit = limits::WRITES_WAITING =>
        "too many changes wait to be stored ({limit} at most); try again later";
    /// The asker's changes have used up their share of the disk for today.
    "used-up" = UsedUp {
        /// How much that is, in MiB.
        mib: u64,
    } => "your changes of today have taken {mib} MiB of the disk; wait until tomorrow";
}

/// What stands in a blank of the words of a refusal or a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Blank {
    /// A text, as it is.
    Text(String),
    /// A number, which the words around it agree with.
    Number(i64),
}

impl From<usize> for Blank {
    fn from(count: usize) -> Blank {
        Blank::Number(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Blank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Blank::Text(text) => f.write_str(text),
            Blank::Number(number) => write!(f, "{number}"),
        }
    }
}

/// The fields of refusals, as they fill a blank.
trait FillsBlank {
    fn fill(&self) -> Blank;

    fn example() -> Self;
}

impl FillsBlank for String {
    fn fill(&self) -> Blank {
        Blank::Text(self.clone())
    }

    fn example() -> String {
        "x".to_owned()
    }
}

impl FillsBlank for &'static str {
    fn fill(&self) -> Blank {
        Blank::Text((*self).to_owned())
    }

    fn example() -> &'static str {
        "title"
    }
}

impl FillsBlank for usize {
    fn fill(&self) -> Blank {
        Blank::from(*self)
    }

    fn example() -> usize {
        1
    }
}

impl FillsBlank for u64 {
    fn fill(&self) -> Blank {
        Blank::Number(i64::try_from(*self).unwrap_or(i64::MAX))
    }

    fn example() -> u64 {
        64
    }
}

impl FillsBlank for i64 {
    fn fill(&self) -> Blank {
        Blank::Number(*self)
    }

    fn example() -> i64 {
        1
    }
}

impl FillsBlank for char {
    fn fill(&self) -> Blank {
        Blank::Text(format!("U+{:04X}", u32::from(*self)))
    }

    fn example() -> char {
        '\0'
    }
}

impl FillsBlank for Option<&'static str> {
    fn fill(&self) -> Blank {
        Blank::Text(self.unwrap_or(NONE).to_owned())
    }

    fn example() -> Option<&'static str> {
        Some("done")
    }
}

/// What stands in place of the nearest command where there is none.
const NONE: &str = "none";

fn proposal(nearest: &Blank) -> String {
    let nearest = nearest.to_string();
    if nearest == NONE { "try help".to_owned() } else { format!("did you mean {nearest}?") }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_refusal_has_its_own_key_which_is_its_name() {
        let examples = Refusal::examples();
        let keys: BTreeSet<_> = examples.iter().map(Refusal::key).collect();
        assert_eq!(keys.len(), examples.len());
        for refusal in examples {
            let debug = format!("{refusal:?}");
            let name = debug.split(' ').next().unwrap_or_default();
            let kebab: String = name
                .chars()
                .map(|c| match c.is_uppercase() {
                    true => format!("-{}", c.to_lowercase()),
                    false => c.to_string(),
                })
                .collect();
            assert_eq!(kebab.trim_start_matches('-'), refusal.key());
        }
    }

    #[test]
    fn what_the_english_names_is_among_the_arguments() {
        for refusal in Refusal::examples() {
            let english = refusal.to_string();
            let named = refusal.args().into_iter().filter(|(_, value)| english.contains(&value.to_string())).count();
            assert_eq!(named, refusal.args().len(), "{refusal:?}");
        }
    }

    #[test]
    fn what_the_words_of_a_refusal_are_about() {
        let args = |refusal: Refusal| {
            let args = refusal.args().into_iter().map(|(name, value)| format!("{name}={value}"));
            args.collect::<Vec<_>>().join(" ")
        };
        let text = || "x y".to_owned();
        assert_eq!(args(Refusal::AdminsOnly), "");
        assert_eq!(args(Refusal::TooLong { what: "title", chars: 2, limit: 1 }), "what=title chars=2 limit=1");
        assert_eq!(
            args(Refusal::ForbiddenCharacter { what: "value", character: '\u{b}' }),
            "what=value character=U+000B"
        );
        assert_eq!(args(Refusal::NotTheirs { task: "3".to_owned(), name: text() }), "task=3 name=x y");
        assert_eq!(args(Refusal::UnknownVerb { verb: text(), nearest: None }), "verb=x y nearest=none");
        assert_eq!(args(Refusal::Busy), format!("limit={}", limits::WRITES_WAITING));
        // The plain English is about the same.
        for refusal in Refusal::examples() {
            let words = refusal.to_string();
            for (name, value) in refusal.args() {
                let value = value.to_string();
                assert!(value == NONE || words.contains(&value), "{words}: {name} is {value}");
            }
        }
    }
}
