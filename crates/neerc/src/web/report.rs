//! The report of a room: one page that needs nothing else, made from its log. The board gives it away, and so does
//! `neerc export`. Not where the changes are read from, nor who may read it.

use super::limits;
use askama::Template;
use neerc_core::change::Entry;
use neerc_core::clock::Phase;
use neerc_core::clock::hand::clock_face;
use neerc_core::face::history::HistoryEvent;
use neerc_core::face::lines::Lines;
use neerc_core::face::timeline::svg::{Scale, draw};
use neerc_core::face::timeline::{Pace, Spread, Timeline, export};
use neerc_core::face::words::Arg;
use neerc_core::people::Person;
use neerc_core::task::TaskId;
use neerc_core::view::DayTime;
use neerc_store::LogFloor;
use std::collections::VecDeque;

/// What a report is made of, change by change.
#[derive(Debug)]
pub struct ReportLog {
    since_ms: Option<i64>,
    timeline: Timeline,
    newest: VecDeque<Entry>,
    left_out: usize,
}

impl ReportLog {
    /// Of what was from that time on, in ms since 1970; `None` for all.
    pub fn since(since_ms: Option<i64>) -> ReportLog {
        let timeline = since_ms.map_or_else(Timeline::default, Timeline::since);
        ReportLog { since_ms, timeline, newest: VecDeque::new(), left_out: 0 }
    }

    /// The next change of the room.
    pub fn note(&mut self, entry: &Entry) {
        self.timeline.note(entry);
        if self.since_ms.is_none_or(|since_ms| entry.at_ms >= since_ms) {
            self.newest.push_back(entry.clone());
        }
        if self.newest.len() > limits::REPORT_EVENTS {
            self.newest.pop_front();
            self.left_out += 1;
        }
    }

    /// The page, in the words of those lines; the log was read from that floor on.
    pub fn page(&self, lines: &Lines<'_>, floor: LogFloor) -> String {
        let at = lines.scene.now.unwrap_or(DayTime { wall_ms: 0, zone_ms: 0 });
        let page = ReportPage {
            frame: Words(lines),
            title: format!("{} · {}", lines.say("web-report", &[]), lines.scene.room),
            language: lines.language.tag(),
            style: concat!(include_str!("assets/timeline.css"), include_str!("assets/report.css")),
            made: export::rfc3339(at.wall_ms),
            told: TimelinePart::of(lines, &self.timeline).beginning(lines, floor, self.since_ms),
            events: self.newest.iter().map(|entry| lines.event(entry)).collect(),
            events_left_out: self.left_out,
        };
        page.render().unwrap_or_default() // it writes what it is given into a string
    }
}

/// The texts of a report.
struct Words<'a>(&'a Lines<'a>);

impl Words<'_> {
    fn say(&self, key: &str) -> String {
        self.0.say(key, &[])
    }

    fn count(&self, key: &str, count: &usize) -> String {
        self.0.count(key, *count)
    }
}

/// The report.
#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage<'a> {
    frame: Words<'a>,
    title: String,
    language: &'static str,
    style: &'static str,
    made: String,
    told: TimelinePart,
    events: Vec<HistoryEvent>,
    events_left_out: usize,
}

/// How fast somebody was, or everybody with a task, in words.
pub struct PaceRow {
    /// Who, or which task.
    pub name: String,
    /// How fast.
    pub pace: Pace,
}

impl PaceRow {
    /// The two times of a spread: the one that half did not exceed, and the one that nine of ten did not.
    pub fn times(&self, spread: &Spread) -> [String; 2] {
        if spread.count == 0 {
            return [String::new(), String::new()];
        }
        [spread.median_ms, spread.p90_ms].map(|ms| {
            let face = clock_face(ms);
            face.strip_prefix("0:").map_or(face.clone(), str::to_owned)
        })
    }
}

/// A table of paces.
pub struct PaceTable {
    /// What it is called by links.
    pub id: &'static str,
    /// The key of what stands above it.
    pub heading: &'static str,
    /// Its rows.
    pub rows: Vec<PaceRow>,
}

/// What the page of a history and the report have in common.
pub struct TimelinePart {
    /// The picture; empty if nothing was answered.
    pub svg: String,
    /// How fast people were, and tasks were answered.
    pub tables: [PaceTable; 2],
    /// How many answers are not in the picture.
    pub left_out: usize,
    /// That something of it is not in the log any more.
    pub archived: Option<String>,
}

impl TimelinePart {
    /// What a timeline tells.
    pub fn of(lines: &Lines<'_>, timeline: &Timeline) -> TimelinePart {
        let at = lines.scene.now;
        let scale = match lines.scene.clock.map(|dial| dial.reading) {
            Some(reading) if reading.phase == Phase::Running => {
                Scale::Contest { begins_ms: at.map_or(0, |at| at.wall_ms).saturating_sub(reading.elapsed_ms) }
            }
            _ => Scale::Day { zone_ms: at.map_or(0, |at| at.zone_ms) },
        };
        let shown = |person: &Person| lines.scene.people.shown(person).into_owned();
        let mut people: Vec<PaceRow> =
            timeline.people().into_iter().map(|(person, pace)| PaceRow { name: shown(person), pace }).collect();
        people.push(PaceRow { name: lines.say("web-everybody", &[]), pace: timeline.all() });
        let title = |task: TaskId| timeline.task(task).map_or("", |task| &task.title);
        let tasks = timeline.tasks().into_iter();
        let tasks = tasks.map(|(task, pace)| PaceRow { name: format!("{task} {}", title(task)), pace }).collect();
        let people = PaceTable { id: "paces-people", heading: "web-paces", rows: people };
        let tasks = PaceTable { id: "paces-tasks", heading: "web-task-paces", rows: tasks };
        let left_out = timeline.left_out();
        TimelinePart { svg: draw(timeline, lines, scale), tables: [people, tasks], left_out, archived: None }
    }

    /// The same, of a log that begins there: says so if that is after what was asked for.
    pub fn beginning(self, lines: &Lines<'_>, floor: LogFloor, since_ms: Option<i64>) -> TimelinePart {
        let is_short = floor.revision > 0 && since_ms.is_none_or(|since_ms| since_ms <= floor.at_ms);
        let time = local(floor.at_ms, lines.scene.now.map_or(0, |now| now.zone_ms)).replace('T', " ");
        let said = || lines.say("web-archived", &[("time", Arg::Text(&time))]);
        TimelinePart { archived: is_short.then(said), ..self }
    }
}

/// A time as it is where clocks are so far ahead of UTC, to the minute.
pub fn local(at_ms: i64, zone_ms: i64) -> String {
    export::rfc3339(at_ms.saturating_add(zone_ms)).chars().take(16).collect()
}
