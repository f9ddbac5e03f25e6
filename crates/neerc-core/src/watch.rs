//! Who of a room is told of which answers by chat. Not who may be told - that is decided when it is told - and not how.

use crate::limits;
use crate::people::Person;
use crate::refusal::Refusal;
use crate::task::{Progress, Status, TaskId};
use std::collections::{BTreeMap, BTreeSet};

/// Of which answers to any task somebody is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WatchedAnswers {
    /// Of none.
    #[default]
    None,
    /// Of those that say that something did not work.
    Failures,
    /// Of all.
    All,
}

impl WatchedAnswers {
    const NAMES: [(&str, WatchedAnswers); 3] =
        [("none", WatchedAnswers::None), ("failures", WatchedAnswers::Failures), ("all", WatchedAnswers::All)];

    /// Its name in the store.
    pub fn name(self) -> &'static str {
        match self {
            WatchedAnswers::None => "none",
            WatchedAnswers::Failures => "failures",
            WatchedAnswers::All => "all",
        }
    }

    /// The one of that name.
    pub fn named(name: &str) -> Option<WatchedAnswers> {
        Self::NAMES.into_iter().find(|(known, _)| *known == name).map(|(_, answers)| answers)
    }
}

/// What one person watches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watch {
    /// Of any task.
    pub answers: WatchedAnswers,
    /// Tasks of which they are told all answers.
    pub tasks: BTreeSet<TaskId>,
}

impl Watch {
    /// Whether whoever watches so is told of this answer.
    pub fn holds(&self, task: TaskId, status: &Status) -> bool {
        let by_answer = match self.answers {
            WatchedAnswers::None => false,
            WatchedAnswers::Failures => status.progress == Progress::Fail,
            WatchedAnswers::All => true,
        };
        status.progress != Progress::None && (by_answer || self.tasks.contains(&task))
    }
}

/// What somebody asks to watch, or not to watch any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watched {
    /// All answers.
    All,
    /// What did not work.
    Failures,
    /// All answers to one task.
    Task(TaskId),
}

/// The words for [`Watched::All`], and those for [`Watched::Failures`].
const ALL: [&str; 5] = ["all", "everything", "все", "всё", "всех"];
const FAILURES: [&str; 9] =
    ["failures", "failure", "failed", "fails", "fail", "неудачи", "ошибки", "провалы", "отказы"];

impl Watched {
    /// Reads what people write for it.
    pub fn parse(text: &str) -> Result<Watched, Refusal> {
        let word = text.trim().trim_end_matches(['.', '!', ',']);
        let lower = word.to_lowercase();
        if ALL.contains(&lower.as_str()) {
            return Ok(Watched::All);
        }
        if FAILURES.contains(&lower.as_str()) {
            return Ok(Watched::Failures);
        }
        TaskId::parse(word).map(Watched::Task)
    }
}

/// What everybody in a room watches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Watches(BTreeMap<Person, Watch>);

impl Watches {
    /// Those of a snapshot.
    pub fn restore(watches: impl IntoIterator<Item = (Person, Watch)>) -> Watches {
        let mut restored = Watches::default();
        watches.into_iter().for_each(|(person, watch)| restored.set(&person, &watch));
        restored
    }

    /// What somebody watches, if anything.
    pub fn of(&self, person: &Person) -> Option<&Watch> {
        self.0.get(person)
    }

    /// Everybody who watches something.
    pub fn all(&self) -> impl Iterator<Item = (&Person, &Watch)> {
        self.0.iter()
    }

    /// What somebody watches once they watch this as well.
    pub(crate) fn with(&self, who: &Person, wanted: Watched) -> Result<Watch, Refusal> {
        let mut watch = self.of(who).cloned().unwrap_or_default();
        match wanted {
            Watched::All => watch.answers = WatchedAnswers::All,
            Watched::Failures => watch.answers = WatchedAnswers::Failures,
            Watched::Task(task) => _ = watch.tasks.insert(task),
        }
        if watch.tasks.len() > limits::WATCHED_TASKS {
            return Err(Refusal::TooMany { what: "watched tasks", limit: limits::WATCHED_TASKS });
        }
        if self.of(who).is_none() && self.0.len() >= limits::WATCHERS_PER_ROOM {
            return Err(Refusal::TooMany { what: "people who watch", limit: limits::WATCHERS_PER_ROOM });
        }
        Ok(watch)
    }

    /// What somebody watches once they do not watch this any more; `None`: nothing at all.
    pub(crate) fn without(&self, who: &Person, wanted: Option<Watched>) -> Watch {
        let mut watch = self.of(who).cloned().unwrap_or_default();
        match wanted {
            None | Some(Watched::All) => watch = Watch::default(),
            Some(Watched::Failures) => watch.answers = WatchedAnswers::None,
            Some(Watched::Task(task)) => _ = watch.tasks.remove(&task),
        }
        watch
    }

    /// Somebody watches this, and nothing else.
    pub(crate) fn set(&mut self, person: &Person, watch: &Watch) {
        if *watch == Watch::default() {
            self.0.remove(person);
        } else {
            self.0.insert(person.clone(), watch.clone());
        }
    }

    /// A task is removed.
    pub(crate) fn forget(&mut self, task: TaskId) {
        self.0.values_mut().for_each(|watch| _ = watch.tasks.remove(&task));
        self.0.retain(|_, watch| *watch != Watch::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_watched_in_the_words_of_people() {
        for (text, expected) in [
            ("all", Watched::All),
            ("Все", Watched::All),
            (" failures ", Watched::Failures),
            ("ошибки", Watched::Failures),
            ("3", Watched::Task(TaskId(3))),
            ("#3", Watched::Task(TaskId(3))),
        ] {
            assert_eq!(Watched::parse(text), Ok(expected), "{text}");
        }
        assert!(matches!(Watched::parse("hall1"), Err(Refusal::UnknownTask { .. })));
        for (name, answers) in WatchedAnswers::NAMES {
            assert_eq!((answers.name(), WatchedAnswers::named(name)), (name, Some(answers)));
        }
    }

    #[test]
    fn watching_adds_up_and_is_bounded() {
        let (mut watches, who) = (Watches::default(), Person::named("admin", "localhost"));
        for wanted in [Watched::Failures, Watched::Task(TaskId(1)), Watched::Task(TaskId(2))] {
            let watch = watches.with(&who, wanted).unwrap();
            watches.set(&who, &watch);
        }
        let watch = watches.of(&who).unwrap();
        let fail = Status::new(Progress::Fail, "").unwrap();
        let done = Status::new(Progress::Success, "").unwrap();
        let holds = [(1, &done), (3, &done), (3, &fail)].map(|(task, status)| watch.holds(TaskId(task), status));
        assert_eq!(holds, [true, false, true]);
        assert!(!watch.holds(TaskId(1), &Status::NONE), "nothing is said");
        for task in 3..=limits::WATCHED_TASKS as u64 {
            let watch = watches.with(&who, Watched::Task(TaskId(task))).unwrap();
            watches.set(&who, &watch);
        }
        let refused = watches.with(&who, Watched::Task(TaskId(1_000_000)));
        assert!(matches!(refused, Err(Refusal::TooMany { .. })), "{refused:?}");
        let left = watches.without(&who, Some(Watched::Failures));
        watches.set(&who, &left);
        (1..=limits::WATCHED_TASKS as u64).for_each(|task| watches.forget(TaskId(task)));
        assert_eq!(watches, Watches::default(), "who watches nothing is forgotten");
    }
}
