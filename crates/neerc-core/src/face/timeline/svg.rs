//! A timeline as a picture (SVG): bars of how much was answered when, and below them a row for each person with a mark for
//! each answer. Shapes tell the states apart, not colours alone; colours come by class from whoever shows the picture.

use super::{Bar, Timeline, TimelineAnswer};
use crate::clock::hand::{clock_face, time_of_day};
use crate::face::grid::{CellState, by_number};
use crate::face::lines::Lines;
use crate::face::words::Arg;
use crate::limits;
use crate::people::Person;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What times are counted from in the picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// They are times of day, so far ahead of UTC, in ms.
    Day {
        /// How far.
        zone_ms: i64,
    },
    /// They are times of the contest.
    Contest {
        /// When it began, in ms since 1970.
        begins_ms: i64,
    },
}

impl Scale {
    /// How a time in ms since 1970 is written.
    pub fn time(self, at_ms: i64) -> String {
        match self {
            Scale::Day { zone_ms } => time_of_day(at_ms, zone_ms),
            Scale::Contest { begins_ms } => {
                let gone_ms = at_ms.saturating_sub(begins_ms);
                let sign = if gone_ms < 0 { "−" } else { "" };
                let face = clock_face(gone_ms.saturating_abs());
                format!("{sign}{}", face.rsplit_once(':').map_or(&*face, |(minutes, _)| minutes))
            }
        }
    }
}

/// Sizes in units of the picture.
struct Sizes {
    width: f64,
    /// Where names end and times begin.
    names: f64,
    /// The space at an edge.
    edge: f64,
    /// Where bars begin, and how high they are.
    top: f64,
    bars: f64,
    /// Where the rows begin, and how high one is.
    rows: f64,
    row: f64,
}

const SIZES: Sizes = Sizes { width: 1_000.0, names: 150.0, edge: 24.0, top: 20.0, bars: 90.0, rows: 140.0, row: 20.0 };

/// The picture.
pub fn draw(timeline: &Timeline, lines: &Lines<'_>, scale: Scale) -> String {
    let Some((from_ms, until_ms)) = timeline.span_ms() else { return String::new() };
    let (bar_ms, bars) = timeline.bars();
    let from_ms = bars.first().map_or(from_ms, |bar| bar.from_ms.min(from_ms));
    let until_ms = bars.last().map_or(until_ms, |bar| bar.from_ms.saturating_add(bar_ms).max(until_ms));
    let paces = timeline.people();
    let mut people: Vec<&Person> = paces.into_keys().chain(timeline.answers().map(|answer| &answer.person)).collect();
    people.sort_by(|a, b| by_number(lines.scene.people.name(a), lines.scene.people.name(b)).then_with(|| a.cmp(b)));
    people.dedup();
    people.truncate(limits::TIMELINE_ROWS);
    let rows: BTreeMap<&Person, usize> = people.iter().copied().zip(0..).collect();
    let mut drawing = Drawing { lines, scale, from_ms, until_ms, rows, svg: String::new() };
    drawing.frame(timeline);
    drawing.bars(&bars, bar_ms);
    drawing.rows(timeline);
    drawing.svg.push_str("</svg>\n");
    drawing.svg
}

/// A text in XML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push(' '), // no character of XML
            c => escaped.push(c),
        }
    }
    escaped
}

/// A number as a fraction is drawn with it; counts and times are far below what it holds exactly.
#[allow(clippy::cast_precision_loss)]
fn fraction(number: i64) -> f64 {
    number as f64
}

fn count(number: usize) -> f64 {
    fraction(i64::try_from(number).unwrap_or(i64::MAX))
}

struct Drawing<'d> {
    lines: &'d Lines<'d>,
    scale: Scale,
    from_ms: i64,
    until_ms: i64,
    rows: BTreeMap<&'d Person, usize>,
    svg: String,
}

impl Drawing<'_> {
    fn x(&self, at_ms: i64) -> f64 {
        let whole_ms = self.until_ms.saturating_sub(self.from_ms).max(1);
        let gone_ms = at_ms.saturating_sub(self.from_ms).clamp(0, whole_ms);
        SIZES.names + (SIZES.width - SIZES.names - SIZES.edge) * fraction(gone_ms) / fraction(whole_ms)
    }

    /// The middle of the row of somebody who has one.
    fn y(&self, person: &Person) -> Option<f64> {
        let row = self.rows.get(person)?;
        Some(SIZES.rows + (count(*row) + 0.5) * SIZES.row)
    }

    fn put(&mut self, element: std::fmt::Arguments<'_>) {
        _ = writeln!(self.svg, "{element}"); // a string takes everything
    }

    fn text(&mut self, class: &str, (x, y): (f64, f64), text: &str) {
        let text = escaped(text);
        self.put(format_args!("<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>"));
    }

    /// The beginning of the picture, its description for those who do not see it, and the times.
    fn frame(&mut self, timeline: &Timeline) {
        let height = SIZES.rows + count(self.rows.len()) * SIZES.row + SIZES.edge;
        let (title, all) = (self.lines.say("timeline-title", &[]), timeline.all());
        let [from, until] = [self.from_ms, self.until_ms].map(|at_ms| self.scale.time(at_ms));
        let args = [
            ("from", Arg::Text(&from)),
            ("until", Arg::Text(&until)),
            ("count", timeline.answers().len().into()),
            ("people", self.rows.len().into()),
            ("open", all.open.into()),
        ];
        let description = self.lines.say("timeline-description", &args);
        self.put(format_args!(
            "<svg class=\"timeline\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {height}\" role=\"img\" \
             aria-labelledby=\"timeline-title timeline-description\">",
            SIZES.width
        ));
        self.put(format_args!("<title id=\"timeline-title\">{}</title>", escaped(&title)));
        self.put(format_args!("<desc id=\"timeline-description\">{}</desc>", escaped(&description)));
        let (ticks, mut said) = (8, String::new());
        for tick in 0..=ticks {
            let at_ms = self.from_ms.saturating_add(self.until_ms.saturating_sub(self.from_ms) / ticks * tick);
            let (x, bottom) = (self.x(at_ms), height - SIZES.edge);
            self.put(format_args!(
                "<line class=\"tick\" x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{bottom:.1}\"/>",
                SIZES.top
            ));
            let time = self.scale.time(at_ms);
            if said != time {
                self.text("time", (x, SIZES.top + SIZES.bars + 18.0), &time);
                said = time;
            }
        }
    }

    fn bars(&mut self, bars: &[Bar], bar_ms: i64) {
        let most = bars.iter().map(|bar| bar.done + bar.failed + bar.other).max().unwrap_or_default().max(1);
        for bar in bars {
            let (left, right) = (self.x(bar.from_ms), self.x(bar.from_ms.saturating_add(bar_ms)));
            let mut bottom = SIZES.top + SIZES.bars;
            for (class, number) in [("done", bar.done), ("failed", bar.failed), ("other", bar.other)] {
                let height = SIZES.bars * count(number) / count(most);
                bottom -= height;
                if number > 0 {
                    let (x, width) = (left + 0.5, (right - left - 1.0).max(0.5));
                    self.put(format_args!(
                        "<rect class=\"bar {class}\" x=\"{x:.1}\" y=\"{bottom:.1}\" width=\"{width:.1}\" \
                         height=\"{height:.1}\"><title>{}: {number}</title></rect>",
                        escaped(&self.scale.time(bar.from_ms))
                    ));
                }
            }
        }
        self.text("most", (SIZES.names - 8.0, SIZES.top + 8.0), &most.to_string());
    }

    fn rows(&mut self, timeline: &Timeline) {
        for person in self.rows.keys().copied().collect::<Vec<_>>() {
            let Some(y) = self.y(person) else { continue };
            let name = self.lines.scene.people.shown(person).into_owned();
            let name: String =
                if name.chars().count() > 20 { name.chars().take(19).chain(['…']).collect() } else { name };
            self.text("name", (SIZES.names - 8.0, y + 4.0), &name);
            let (left, right) = (SIZES.names, SIZES.width - SIZES.edge);
            self.put(format_args!("<line class=\"row\" x1=\"{left}\" y1=\"{y:.1}\" x2=\"{right:.1}\" y2=\"{y:.1}\"/>"));
        }
        let waits: Vec<_> = timeline.waits().map(|(_, person, wait)| (person, *wait)).collect();
        for (person, wait) in waits.into_iter().rev().take(limits::TIMELINE_MARKS) {
            let Some(y) = self.y(person) else { continue };
            let (x1, x2) = (self.x(wait.from_ms), self.x(wait.answered_ms.unwrap_or(self.until_ms)));
            let class = if wait.answered_ms.is_some() { "wait" } else { "wait open" };
            self.put(format_args!(
                "<line class=\"{class}\" x1=\"{x1:.1}\" y1=\"{y:.1}\" x2=\"{x2:.1}\" y2=\"{y:.1}\"/>"
            ));
        }
        let skipped = timeline.answers().len().saturating_sub(limits::TIMELINE_MARKS);
        for answer in timeline.answers().skip(skipped) {
            self.mark(timeline, answer);
        }
    }

    /// One answer: a dot for done, a cross for failed, a triangle for begun, a ring for seen.
    fn mark(&mut self, timeline: &Timeline, answer: &TimelineAnswer) {
        let Some(y) = self.y(&answer.person) else { return };
        let (x, state) = (self.x(answer.at_ms), answer.state.name());
        let title = timeline.task(answer.task).map_or("", |task| &*task.title);
        let (time, person) = (self.scale.time(answer.at_ms), self.lines.scene.people.shown(&answer.person));
        let word = self.lines.say(&format!("state-{state}"), &[]);
        let title = escaped(&format!("{time} · {person} · {} {title} · {word}", answer.task));
        let shape = match answer.state {
            CellState::Done => format!("<circle class=\"done\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\">"),
            CellState::Failed => {
                let (left, top) = (x - 4.0, y - 4.0);
                format!("<path class=\"failed\" d=\"M{left:.1} {top:.1}l8 8m0 -8l-8 8\">")
            }
            CellState::Running => {
                let (left, bottom) = (x - 4.0, y + 4.0);
                format!("<path class=\"running\" d=\"M{left:.1} {bottom:.1}h8l-4 -8z\">")
            }
            _ => format!("<circle class=\"seen\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\">"),
        };
        let name = shape.trim_start_matches('<').split(' ').next().unwrap_or_default().to_owned();
        self.put(format_args!("{shape}<title>{title}</title></{name}>"));
    }
}
