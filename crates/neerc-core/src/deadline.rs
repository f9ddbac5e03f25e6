//! By when a task is to be answered, and when whoever is late is reminded. What was said of it already is kept with the
//! deadline, so nothing is said twice. Not who is late, and not how people are told.

use crate::clock::Speed;
use crate::limits;
use crate::moment::{DueAt, ShownTime, TooFar, When};
use crate::people::Person;
use crate::refusal::{Refusal, excerpt};

/// What was said last to those who are late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// How often something was said by then.
    pub number: u32,
    /// When, in ms since 1970.
    pub at_ms: i64,
}

/// The deadline of a task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// Who set it.
    pub by: Person,
    /// When it is.
    pub due: DueAt,
    /// What was said last; `None` before anything was.
    pub last: Option<Round>,
}

/// What is said of a deadline that has passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoundStep {
    /// Whoever is late is reminded.
    Remind,
    /// The admins are told who is late. Nothing is said after that.
    Escalate,
}

impl RoundStep {
    /// Of the round of that number.
    pub fn of(number: u32) -> RoundStep {
        if number <= limits::REMINDERS { RoundStep::Remind } else { RoundStep::Escalate }
    }
}

impl Deadline {
    /// Reads when one is; `None` if the text is no moment. Refuses one that is too far away.
    pub fn parse(text: &str) -> Result<Option<When>, Refusal> {
        When::parse(text).map_err(|TooFar| Deadline::refused(text))
    }

    /// Reads a text that must be the moment of one.
    pub fn required(text: &str) -> Result<When, Refusal> {
        Deadline::parse(text)?.ok_or_else(|| Deadline::refused(text))
    }

    fn refused(text: &str) -> Refusal {
        Refusal::BadDeadline { deadline: excerpt(text) }
    }

    /// The deadline that somebody sets so at `wall_ms`, where contest time passes at that speed.
    pub fn set(when: When, who: &Person, wall_ms: i64, zone_ms: i64, speed: Speed) -> Deadline {
        Deadline { by: who.clone(), due: when.due(wall_ms, zone_ms, speed), last: None }
    }

    /// The number of the next round and what is said in it; `None` once all is said.
    pub fn next(&self) -> Option<(u32, RoundStep)> {
        let number = self.last.map_or(0, |last| last.number).saturating_add(1);
        (number <= limits::REMINDERS + 1).then(|| (number, RoundStep::of(number)))
    }

    /// Whether the admins were told who is late.
    pub fn is_escalated(&self) -> bool {
        self.last.is_some() && self.next().is_none()
    }

    /// How long it takes until the next round, in ms: not more than zero once it is time. `None` while nobody knows, and once
    /// all is said. `pause_ms`: from one round to the next, in contest
    /// time.
    pub fn left_ms(&self, now: ShownTime, pause_ms: i64) -> Option<i64> {
        self.next()?;
        let left_ms = self.due.left_ms(now)?;
        let pause_ms = now.speed.real_ms(pause_ms).max(limits::REHEARSAL_REMINDER_PAUSE_MS);
        // A clock that was set back makes nobody wait longer.
        let pause_ms = self.last.map_or(0, |last| {
            let next_ms = last.at_ms.saturating_add(pause_ms);
            next_ms.saturating_sub(now.wall_ms).min(pause_ms)
        });
        Some(left_ms.max(pause_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: i64 = 60_000;
    const PAUSE_MS: i64 = limits::REMINDER_PAUSE_MS;

    #[test]
    fn what_is_a_deadline() {
        assert_eq!(Deadline::required("20m"), Ok(When::Within { minutes: 20 }));
        assert_eq!((Deadline::parse("the way"), Deadline::parse("end-30!")), (Ok(None), Ok(None)));
        for text in ["0m", "end-10081"] {
            assert!(matches!(Deadline::parse(text), Err(Refusal::BadDeadline { .. })), "{text}");
        }
        assert!(matches!(Deadline::required("the way"), Err(Refusal::BadDeadline { .. })));
    }

    fn at(wall_ms: i64) -> ShownTime {
        ShownTime { wall_ms, reading: None, over_ms: 0, speed: Speed::REAL }
    }

    fn deadline(due: &str) -> Deadline {
        Deadline::set(Deadline::required(due).unwrap(), &Person::from_bare("admin@localhost"), 0, 0, Speed::REAL)
    }

    #[test]
    fn whoever_is_late_is_reminded_again_and_again_and_then_the_admins_are_told_once() {
        let (mut deadline, mut wall_ms, mut said) = (deadline("20m"), 0, Vec::new());
        while let Some((number, step)) = deadline.next() {
            wall_ms += deadline.left_ms(at(wall_ms), PAUSE_MS).unwrap();
            assert!(
                deadline.left_ms(at(wall_ms - 1), PAUSE_MS).unwrap() > 0
                    && deadline.left_ms(at(wall_ms), PAUSE_MS) == Some(0)
            );
            deadline.last = Some(Round { number, at_ms: wall_ms });
            said.push((wall_ms / MINUTE_MS, step));
        }
        let (last, reminders) = said.split_last().unwrap();
        assert_eq!(reminders.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [20, 25, 30, 35, 40, 45, 50, 55, 60]);
        assert!(reminders.iter().all(|(_, step)| *step == RoundStep::Remind));
        assert_eq!((*last, deadline.left_ms(at(i64::MAX), PAUSE_MS)), ((65, RoundStep::Escalate), None));
    }

    #[test]
    fn a_clock_of_the_machine_that_is_set_back_makes_nobody_wait_longer() {
        let last = Some(Round { number: 1, at_ms: 100 * MINUTE_MS });
        let deadline = Deadline { due: DueAt::Day { at_ms: 0 }, last, ..deadline("20m") };
        assert_eq!(deadline.left_ms(at(10 * MINUTE_MS), PAUSE_MS), Some(PAUSE_MS));
    }
}
