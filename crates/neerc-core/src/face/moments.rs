//! What is said of moments: of the contest, of a day, and what the clock on the wall shows then. Not when they come.

use super::line::TaskLine;
use super::lines::Lines;
use super::words::Arg;
use crate::clock::hand::{clock_face, time_of_day};
use crate::moment::{Anchor, ContestMoment, DueAt, When};
use crate::plan::{Consent, Plan, Planned, Schedule, Timing};
use crate::units::{DAY_MS, MINUTE_MS};

impl Lines<'_> {
    /// How far the time of day here is ahead of UTC, in ms.
    pub(super) fn zone_ms(&self) -> i64 {
        let scene = &self.scene;
        scene.now.map(|now| now.zone_ms).or(scene.clock.map(|dial| dial.zone_ms)).unwrap_or_default()
    }

    /// A time of day, with the date unless it is today.
    pub fn day_time(&self, at_ms: i64) -> String {
        let zone_ms = self.zone_ms();
        let time = time_of_day(at_ms, zone_ms);
        let day = |ms: i64| ms.saturating_add(zone_ms).div_euclid(DAY_MS);
        let key = match self.scene.now.map(|now| day(at_ms).saturating_sub(day(now.wall_ms))) {
            None | Some(0) => return time,
            Some(1) => "day-tomorrow",
            Some(_) => "day-other",
        };
        let (year, month, date) = date(day(at_ms));
        let [year, month, date] = [format!("{year}"), format!("{month:02}"), format!("{date:02}")];
        let args = [("time", &time), ("year", &year), ("month", &month), ("date", &date)];
        self.say(key, &args.map(|(name, value)| (name, Arg::Text(value))))
    }

    /// When a deadline is, in words: a time of day, where that is known.
    pub fn due(&self, due: DueAt) -> String {
        match due {
            DueAt::Day { at_ms } => self.say("due-time", &[("time", Arg::Text(&self.day_time(at_ms)))]),
            DueAt::Contest(moment) => self.contest_moment(moment),
        }
    }

    /// When a planned task is to be handed out, in words, and what the clocks show then, once that is known.
    pub fn moment(&self, schedule: Schedule) -> String {
        let mut said = match schedule.due {
            None => return self.say("moment-turn", &[]),
            Some(DueAt::Day { at_ms }) => self.say("moment-day", &[("time", Arg::Text(&self.day_time(at_ms)))]),
            Some(DueAt::Contest(moment)) => self.contest_moment(moment),
        };
        if schedule.consent == Consent::Required {
            said.push_str(&self.say("moment-asked", &[]));
        }
        said
    }

    fn contest_moment(&self, moment: ContestMoment) -> String {
        let anchor = match moment.anchor {
            Anchor::Start => "start",
            Anchor::End => "end",
        };
        let side = match moment.offset_min {
            0 => "at",
            1.. => "after",
            _ => "before",
        };
        let minutes = moment.offset_min.unsigned_abs();
        let count = Arg::Number(i64::try_from(minutes).unwrap_or(i64::MAX));
        let said = self.say(&format!("moment-{side}-{anchor}"), &[("count", count)]);
        said + &self.clocks_then(moment)
    }

    /// What the contest clock and the one on the wall show at a moment, as far as that is known.
    fn clocks_then(&self, moment: ContestMoment) -> String {
        let Some(clock) = self.scene.clock.map(|dial| dial.reading).filter(|clock| clock.total_ms > 0) else {
            return String::new();
        };
        let at_ms = moment.contest_ms(clock.total_ms);
        let contest = Some(clock_face(at_ms)).filter(|_| at_ms > 0);
        match (contest, self.time_then(moment)) {
            (None, None) => String::new(),
            (Some(time), None) => self.say("moment-clock", &[("time", Arg::Text(&time))]),
            (None, Some(day)) => self.say("moment-wall", &[("day", Arg::Text(&day))]),
            (Some(time), Some(day)) => {
                self.say("moment-clock-wall", &[("time", Arg::Text(&time)), ("day", Arg::Text(&day))])
            }
        }
    }

    /// The time of day of a moment of the contest, if nobody touches its clock.
    fn time_then(&self, moment: ContestMoment) -> Option<String> {
        let (now, due) = (self.scene.shown_time()?, DueAt::Contest(moment));
        let ticks = now.reading.is_some_and(|reading| reading.phase.ticks());
        due.wall_ms(now).filter(|at_ms| ticks || *at_ms > now.wall_ms).map(|at_ms| self.day_time(at_ms))
    }

    /// When a planned task is to be handed out, as it is written.
    pub(super) fn written(&self, schedule: Schedule) -> Option<Timing> {
        let when = match schedule.due? {
            DueAt::Day { at_ms } => {
                let of_day_ms = at_ms.saturating_add(self.zone_ms()).rem_euclid(DAY_MS);
                When::TimeOfDay { of_day_min: of_day_ms / MINUTE_MS }
            }
            DueAt::Contest(moment) => When::Contest(moment),
        };
        Some(Timing { when: Some(when), consent: schedule.consent })
    }

    /// The same with the time of day, where that is known and not what is written.
    pub(super) fn written_with_time(&self, schedule: Schedule) -> Option<String> {
        let written = self.written(schedule)?.to_string();
        let time = match schedule.due? {
            DueAt::Day { at_ms } => {
                Some(self.day_time(at_ms)).filter(|time| *time != time_of_day(at_ms, self.zone_ms()))
            }
            DueAt::Contest(moment) => self.time_then(moment),
        };
        Some(time.map_or_else(|| written.clone(), |time| format!("{written} · {time}")))
    }

    /// Whether a planned task waits for an admin's word, or did so for too long.
    pub(super) fn asked_of(&self, planned: &Planned, plan: &Plan) -> String {
        if plan.is_lapsed(planned.id) {
            return self.say("plan-mark-lapsed", &[]);
        }
        let waits = self.scene.shown_time().is_some_and(|now| plan.waits(planned, now));
        if waits { self.say("plan-mark-waits", &[]) } else { String::new() }
    }

    /// The line that plans a task.
    pub(super) fn planning(&self, planned: &Planned) -> TaskLine {
        TaskLine {
            kind: planned.kind,
            assignees: planned.names.clone(),
            deadline: None,
            timing: self.written(planned.schedule),
            title: planned.title.as_str().to_owned(),
        }
    }
}

/// Year, month and date of a day, in days since 1970 (the Gregorian calendar, whose years begin in March for the sum).
fn date(day: i64) -> (i64, i64, i64) {
    let era_days = 146_097;
    let day = day.saturating_add(719_468);
    let (era, of_era) = (day.div_euclid(era_days), day.rem_euclid(era_days));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = (year_of_era + era * 400, if month < 10 { month + 3 } else { month - 9 });
    (year + i64::from(month <= 2), month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_their_dates() {
        for (day, expected) in [
            (0, (1970, 1, 1)),
            (-1, (1969, 12, 31)),
            (59, (1970, 3, 1)),
            (11_016, (2000, 2, 29)),
            (20_783, (2026, 11, 26)),
            (47_540, (2100, 2, 28)),
            (47_541, (2100, 3, 1)),
        ] {
            assert_eq!(date(day), expected, "{day}");
        }
    }
}
