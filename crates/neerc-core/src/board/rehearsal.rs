//! A rehearsal: the clock of a room runs by hand, and faster, over a board that is empty when it begins. So all that is on the
//! board belongs to it: it is marked in its title, and thrown away at the end. Not how fast the clock runs: that is its own.

use super::{Board, Decision};
use crate::change::Change;
use crate::clock::hand::{ClockAct, ClockNow, SetClock};
use crate::clock::{Phase, Reading, Speed};
use crate::limits;
use crate::people::{Admin, Person};
use crate::plan::Plan;
use crate::refusal::Refusal;
use crate::task::{TaskId, Title};

/// What stands before the title of each task of a rehearsal. It is kept with the title, so that the deployed clients, which
/// show nothing else, show it too; what is kept is in one language.
pub const MARK: &str = "[rehearsal] ";

/// The rehearsal of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rehearsal {
    /// Who began it.
    pub by: Person,
    /// When, in ms since 1970.
    pub at_ms: i64,
    /// The number of its first task, whether there is one yet or not.
    pub first: TaskId,
    /// What the clock was set to by hand before, to which it goes back.
    pub before: Option<SetClock>,
}

impl Board {
    /// The same board with the rehearsal of a snapshot.
    pub fn with_rehearsal(self, rehearsal: Option<Rehearsal>) -> Board {
        Board { rehearsal, ..self }
    }

    /// The rehearsal that goes on.
    pub fn rehearsal(&self) -> Option<&Rehearsal> {
        self.rehearsal.as_ref()
    }

    /// How fast contest time passes, as far as anybody here has said.
    pub fn speed(&self) -> Speed {
        self.clock.as_ref().map_or(Speed::REAL, |set| set.speed)
    }

    /// A title as it is given to a task: marked in a rehearsal.
    pub(super) fn marked(&self, title: &Title) -> Title {
        if self.rehearsal.is_none() || title.as_str().starts_with(MARK) {
            return title.clone();
        }
        let kept: String = MARK.chars().chain(title.as_str().chars()).take(limits::TITLE_CHARS).collect();
        Title::parse(&kept).unwrap_or_else(|_| title.clone()) // it is one line, and not empty
    }

    pub(super) fn set_clock(
        &self,
        admin: Admin,
        clock: ClockNow,
        act: ClockAct,
        who: &Person,
        now_ms: i64,
    ) -> Result<Decision, Refusal> {
        match act {
            ClockAct::Rehearse { speed } => self.rehearse(admin, clock, speed, who, now_ms),
            ClockAct::EndRehearsal => self.end_rehearsal(admin),
            ClockAct::Follow if self.rehearsal.is_some() => Err(Refusal::Rehearses),
            _ => {
                let set = clock.after(act, who, now_ms)?;
                Ok(set.map_or_else(Decision::default, |set| Change::Clocked(set).into()))
            }
        }
    }

    /// Begins one, with the clock before the start; in one that goes on, the clock takes another speed.
    fn rehearse(
        &self,
        _: Admin,
        clock: ClockNow,
        speed: Speed,
        who: &Person,
        now_ms: i64,
    ) -> Result<Decision, Refusal> {
        let set = |reading| SetClock { by: who.clone(), at_ms: now_ms, reading, speed };
        let total_ms = clock.reading.map_or(limits::CONTEST_MS, |reading| reading.total_ms);
        match (&self.rehearsal, clock.reading) {
            (Some(_), Some(_)) if self.speed() == speed => Ok(Decision::default()),
            (Some(_), Some(reading)) => Ok(Change::Clocked(Some(set(reading))).into()),
            _ if matches!(clock.reading, Some(Reading { phase: Phase::Running | Phase::Paused, .. })) => {
                Err(Refusal::RehearsalInContest)
            }
            _ if !self.is_empty() || !self.plan.is_empty() => {
                Err(Refusal::RehearsalAmongTasks { tasks: self.len() + self.plan.len() })
            }
            _ => Ok(Change::Rehearsed(set(Reading { elapsed_ms: 0, total_ms, phase: Phase::Before })).into()),
        }
    }

    fn end_rehearsal(&self, _: Admin) -> Result<Decision, Refusal> {
        if self.rehearsal.is_none() {
            return Err(Refusal::NoRehearsal);
        }
        Ok(Change::RehearsalEnded { tasks: self.tasks.keys().copied().collect() }.into())
    }

    /// Whether a task is not of the rehearsal that goes on: none of those is thrown away.
    pub(super) fn is_before_rehearsal(&self, id: TaskId) -> bool {
        self.rehearsal.as_ref().is_some_and(|rehearsal| id < rehearsal.first)
    }

    pub(super) fn begin_rehearsal(&mut self, set: &SetClock) {
        let (by, at_ms, first) = (set.by.clone(), set.at_ms, TaskId(self.next_id));
        self.rehearsal = Some(Rehearsal { by, at_ms, first, before: self.clock.replace(set.clone()) });
    }

    /// Nothing is left of it but the numbers that it has used.
    pub(super) fn throw_away(&mut self, tasks: &[TaskId]) {
        let Some(rehearsal) = self.rehearsal.take() else { return };
        for task in tasks {
            self.tasks.remove(task);
            self.deadlines.remove(task);
            self.watches.forget(*task);
        }
        self.plan = Plan::restore([], self.plan.next());
        self.removed.forget_from(rehearsal.first);
        self.clock = rehearsal.before;
    }
}

#[cfg(test)]
mod tests;
