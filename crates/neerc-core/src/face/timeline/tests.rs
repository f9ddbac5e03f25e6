//! A contest of three halls told as a timeline: what took how long, and the picture of it.

use super::svg::{Scale, draw};
use super::*;
use crate::board::Board;
use crate::face::lines::Lines;
use crate::face::words::{Arg, Language, Words};
use crate::people::{Affiliation, GroupBook, People, Standing};
use crate::task::Title;
use crate::view::{RoomScene, Visibility};
use std::collections::HashMap;

/// Says the keys themselves with what stands in the blanks.
#[derive(Debug)]
struct Keys;

impl Words for Keys {
    fn find(&self, _: Language, key: &str, args: &[(&str, Arg<'_>)]) -> Option<String> {
        let args = args.iter().map(|(name, value)| match value {
            Arg::Text(text) => format!(" {name}={text}"),
            Arg::Number(number) => format!(" {name}={number}"),
        });
        Some(format!("{key}{}", args.collect::<String>()))
    }
}

fn person(name: &str) -> Person {
    Person::named(name, "localhost")
}

fn status(progress: Progress) -> Status {
    Status::new(progress, "").unwrap()
}

/// A log that is noted as it is written.
#[derive(Default)]
struct Log {
    timeline: Timeline,
    revision: u64,
}

impl Log {
    fn note(&mut self, at_min: i64, change: Change) {
        self.revision += 1;
        let (room, by) = ("neerc".into(), person("admin"));
        self.timeline.note(&Entry {
            revision: self.revision,
            room,
            at_ms: at_min * MINUTE_MS,
            by,
            change,
            request: None,
        });
    }

    fn create(&mut self, at_min: i64, id: u64, title: &str, names: &[&str]) {
        let (task, title, kind) = (TaskId(id), Title::parse(title).unwrap(), Kind::Todo);
        let statuses = names.iter().map(|name| (person(name), Status::NONE)).collect();
        self.note(at_min, Change::Created { task, title, kind, timestamp_ms: 0, statuses, plan: None, deadline: None });
    }

    fn say(&mut self, at_min: i64, task: u64, name: &str, progress: Progress) {
        let (task, person, status) = (TaskId(task), person(name), status(progress));
        self.note(at_min, Change::Answered { task, person, status });
    }

    fn edit(&mut self, at_min: i64, task: u64, set: &[&str], unassigned: &[&str]) {
        let set = set.iter().map(|name| (person(name), Status::NONE)).collect();
        let unassigned = unassigned.iter().map(|name| person(name)).collect();
        let task = TaskId(task);
        self.note(at_min, Change::Edited { task, title: None, kind: None, timestamp_ms: None, set, unassigned });
    }

    fn pace(&self, name: &str) -> Pace {
        self.timeline.people().get(&person(name)).copied().unwrap_or_default()
    }
}

/// Hall 1 answers after 4 and 8 minutes, hall 2 sees a task after 1 and fails after 10, hall 3 never says a word.
fn contest() -> Log {
    let mut log = Log::default();
    log.create(600, 1, "Water & <bread>", &["hall1", "hall2", "hall3"]);
    log.say(601, 1, "hall2", Progress::Acknowledged);
    log.say(604, 1, "hall1", Progress::Success);
    log.create(605, 2, "Printer", &["hall1"]);
    log.say(610, 1, "hall2", Progress::Fail);
    log.say(611, 2, "hall1", Progress::Running);
    log.say(613, 2, "hall1", Progress::Success);
    log
}

#[test]
fn how_long_everybody_took() {
    let log = contest();
    let spread = |count, median_min: i64, p90_min: i64| Spread {
        count,
        median_ms: median_min * MINUTE_MS,
        p90_ms: p90_min * MINUTE_MS,
    };
    assert_eq!(log.pace("hall1"), Pace { given: 2, open: 0, first: spread(2, 4, 6), answered: spread(2, 4, 8) });
    assert_eq!(log.pace("hall2"), Pace { given: 1, open: 0, first: spread(1, 1, 1), answered: spread(1, 10, 10) });
    assert_eq!(log.pace("hall3"), Pace { given: 1, open: 1, ..Pace::default() });
    let all = log.timeline.all();
    assert_eq!((all.given, all.open, all.answered), (4, 1, spread(3, 8, 10)));
    assert_eq!(log.timeline.tasks()[&TaskId(1)].answered, spread(2, 4, 10));
    assert_eq!(log.timeline.span_ms(), Some((600 * MINUTE_MS, 613 * MINUTE_MS)));
}

#[test]
fn what_is_taken_back_or_asked_again_is_counted_anew() {
    let mut log = Log::default();
    log.create(0, 1, "T", &["a", "b"]);
    log.say(5, 1, "a", Progress::Success);
    log.say(6, 1, "a", Progress::None);
    assert_eq!((log.pace("a").open, log.pace("a").first.count), (1, 1), "its first word stays");
    log.say(9, 1, "a", Progress::Fail);
    log.say(10, 1, "a", Progress::Success);
    assert_eq!((log.pace("a").open, log.pace("a").answered.median_ms), (0, 9 * MINUTE_MS), "the first answer counts");
    log.edit(20, 1, &["a"], &["b"]);
    log.say(23, 1, "a", Progress::Success);
    assert_eq!((log.pace("a").given, log.pace("a").answered.median_ms), (2, 3 * MINUTE_MS));
    assert_eq!(log.pace("b"), Pace::default(), "nothing is expected of b any more");
    log.create(30, 2, "U", &["b"]);
    log.note(31, Change::Removed { task: TaskId(2), at_ms: None });
    assert_eq!(log.pace("b"), Pace::default(), "nor of a task that is gone");
    log.note(32, Change::Restored { task: TaskId(2), timestamp_ms: 0 });
    assert_eq!(log.pace("b").open, 1);
}

#[test]
fn answers_are_counted_in_bars() {
    let log = contest();
    let (bar_ms, bars) = log.timeline.bars();
    let counts: Vec<_> = bars.iter().map(|bar| (bar.done, bar.failed, bar.other)).collect();
    assert_eq!((bar_ms, bars[0].from_ms), (MINUTE_MS, 600 * MINUTE_MS));
    assert_eq!(counts.len(), 14);
    assert_eq!((counts[1], counts[4], counts[10], counts[11]), ((0, 0, 1), (1, 0, 0), (0, 1, 0), (0, 0, 1)));
    for (days, most) in [(1, 61), (30, 61), (40_000, 62)] {
        let mut log = contest();
        log.say(600 + days * 24 * 60, 1, "hall3", Progress::Success);
        let (_, bars) = log.timeline.bars();
        assert!((2..=most).contains(&bars.len()), "{days}: {}", bars.len());
        assert_eq!(bars.last().unwrap().done, 1);
    }
    assert_eq!(Timeline::default().bars().1, []);
}

#[test]
fn what_was_before_is_left_out_but_known() {
    let mut log = Log { timeline: Timeline::since(605 * MINUTE_MS), ..Log::default() };
    log.create(600, 1, "Water", &["hall1", "hall2"]);
    log.say(604, 1, "hall1", Progress::Success);
    log.say(610, 1, "hall2", Progress::Success);
    assert_eq!((log.pace("hall1"), log.pace("hall2").answered.median_ms), (Pace::default(), 10 * MINUTE_MS));
    assert_eq!(log.timeline.answers().len(), 1);
    assert_eq!(log.timeline.span_ms(), Some((610 * MINUTE_MS, 610 * MINUTE_MS)));
}

#[test]
fn only_the_newest_answers_are_kept_and_the_others_counted() {
    let mut log = Log::default();
    log.create(0, 1, "T", &["a"]);
    for at_min in 1..=i64::try_from(limits::TIMELINE_ANSWERS).unwrap() + 5 {
        log.say(at_min, 1, "a", Progress::Running);
    }
    assert_eq!((log.timeline.answers().len(), log.timeline.left_out()), (limits::TIMELINE_ANSWERS, 5));
}

#[test]
fn times_no_log_should_hold_do_no_harm() {
    let mut log = contest();
    for at_ms in [i64::MIN, i64::MAX, 0] {
        let (room, by) = ("neerc".into(), person("admin"));
        let change = Change::Answered { task: TaskId(1), person: person("hall3"), status: status(Progress::Success) };
        log.timeline.note(&Entry { revision: 100, room, at_ms, by, change, request: None });
    }
    assert!(log.timeline.bars().1.len() < 100);
    assert!(!drawn(&log.timeline, Scale::Contest { begins_ms: i64::MAX }).contains("NaN"));
}

fn drawn(timeline: &Timeline, scale: Scale) -> String {
    let standings =
        ["hall1", "hall2", "hall3"].map(|name| Standing { person: person(name), affiliation: Affiliation::Member });
    let people = People::build("localhost", "neerc", standings, HashMap::new(), &GroupBook::default());
    let (room, board) = ("neerc".into(), Board::default());
    let scene = RoomScene {
        room: &room,
        people: &people,
        board: &board,
        clock: None,
        visibility: Visibility::All,
        now: None,
        checklists: &[],
        trail: None,
        entrance: crate::doors::Entrance::closed(),
    };
    let who = person("hall1");
    draw(timeline, &Lines { words: &Keys, language: Language::English, links: None, scene, who: &who }, scale)
}

#[test]
fn the_picture_says_in_words_what_it_shows_and_holds_no_markup_of_others() {
    let log = contest();
    let svg = drawn(&log.timeline, Scale::Contest { begins_ms: 605 * MINUTE_MS });
    assert!(svg.contains("timeline-description from=−0:05 until=0:09 count=5 people=3 open=1</desc>"), "{svg}");
    assert!(svg.contains("<title>−0:01 · hall1 · 1 Water &amp; &lt;bread&gt; · state-done</title></circle>"), "{svg}");
    let counted = |part: &str| svg.matches(part).count();
    assert_eq!((counted("<circle class=\"done\""), counted("<path class=\"failed\"")), (2, 1));
    assert_eq!((counted("<path class=\"running\""), counted("<circle class=\"seen\"")), (1, 1));
    assert_eq!((counted("class=\"wait\""), counted("class=\"wait open\""), counted("class=\"name\"")), (3, 1, 3));
    assert!(!svg.contains("style=") && !svg.contains("<bread"), "no policy of a page lets it in");
    // Every element is closed: those with content by their names, the others by themselves.
    for name in ["svg", "title", "desc", "text", "rect", "circle", "path"] {
        assert_eq!(
            counted(&format!("<{name} ")) + counted(&format!("<{name}>")),
            counted(&format!("</{name}>")),
            "{name}"
        );
    }
    assert_eq!(counted("<line "), counted("/>"));
    assert!(drawn(&log.timeline, Scale::Day { zone_ms: 0 }).contains(">10:00</text>"));
    assert_eq!(drawn(&Timeline::default(), Scale::Day { zone_ms: 0 }), "");
}
