//! What happened in a room, for its admins: a page with a timeline, a report that can be kept, files for other programs, and
//! the present state on paper. All but the last are drawn from the log, which holds more than what is in memory.

use super::WebSite;
use super::draw;
use super::log::{self, Unreadable};
use super::pages::{PageFrame, not_shown, note, page};
use super::report::{ReportLog, TimelinePart, local};
use super::visit::{NoVisit, Visit};
use super::{board, limits};
use askama::Template;
use axum::Router;
use axum::extract::{FromRequestParts, RawQuery};
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use neerc_core::change::Entry;
use neerc_core::clock::hand::time_of_day;
use neerc_core::face::grid::{CellState, Grid, GridCell, GridFilter, GridRow};
use neerc_core::face::history::HistoryEvent;
use neerc_core::face::timeline::{Timeline, export};
use neerc_core::face::words::Arg;
use neerc_core::moment::DueAt;
use neerc_core::people::{People, Person};
use neerc_core::task::{Kind, TaskId};
use neerc_store::{LogFloor, LogPart, LogReader};
use std::sync::Arc;

const HOUR_MS: i64 = 3_600_000;

/// The pages of this file.
pub fn routes() -> Router<Arc<WebSite>> {
    Router::new()
        .route("/r/{room}/history", get(history))
        .route("/r/{room}/report", get(report))
        .route("/r/{room}/print", get(print))
        .route("/r/{room}/export.csv", get(export_csv))
        .route("/r/{room}/export.jsonl", get(export_json))
}

/// Which part of a history somebody wants to see.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct HistoryFilter {
    /// What happened to this task only.
    task: Option<TaskId>,
    /// What this person did only.
    by: Option<String>,
    /// Before this revision only.
    before: Option<u64>,
    /// The last so many hours; 0 for all.
    hours: i64,
}

impl HistoryFilter {
    fn parse(query: &str) -> HistoryFilter {
        let mut filter = HistoryFilter { hours: limits::HISTORY_H, ..HistoryFilter::default() };
        for (name, value) in board::form(query) {
            let value = value.trim();
            match &*name {
                "task" => filter.task = TaskId::parse(value).ok(),
                "by" => filter.by = Some(value.to_owned()).filter(|by| !by.is_empty()),
                "before" => filter.before = value.parse().ok(),
                "hours" => filter.hours = value.parse().unwrap_or(limits::HISTORY_H).max(0),
                _ => {}
            }
        }
        filter
    }

    /// Since when, in ms since 1970; `None` for all.
    fn since_ms(&self, wall_ms: i64) -> Option<i64> {
        (self.hours > 0).then(|| wall_ms.saturating_sub(self.hours.saturating_mul(HOUR_MS)))
    }
}

/// An admin of the room, who may look at what happened there.
struct AdminVisit(Visit);

impl FromRequestParts<Arc<WebSite>> for AdminVisit {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<WebSite>) -> Result<AdminVisit, Response> {
        let visit = Visit::from_request_parts(parts, site).await?;
        let is_admin = visit.view().is_ok_and(|view| view.is_admin());
        match is_admin {
            true => Ok(AdminVisit(visit)),
            false => Err(note(site, visit.language, StatusCode::FORBIDDEN, "web-admins-see")),
        }
    }
}

fn unreadable(visit: &Visit) -> Response {
    note(&visit.site, visit.language, StatusCode::INTERNAL_SERVER_ERROR, "web-unreadable")
}

/// The page.
#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage<'a> {
    frame: PageFrame<'a>,
    visit: &'a Visit,
    who: String,
    clock: String,
    told: TimelinePart,
    events: Vec<HistoryEvent>,
    filter: &'a HistoryFilter,
    /// The revision before which older events are.
    older: Option<u64>,
}

async fn history(AdminVisit(visit): AdminVisit, RawQuery(query): RawQuery) -> Response {
    let filter = HistoryFilter::parse(query.as_deref().unwrap_or_default());
    let by = filter.by.as_ref().map(|by| person(&visit.picture.people, by));
    let (since_ms, wanted) = (filter.since_ms(visit.time.wall_ms), (filter.task, by, filter.before));
    let name = visit.picture.room.clone();
    let read = visit.site.library.read(move |reader| {
        let mut timeline = since_ms.map_or_else(Timeline::default, Timeline::since);
        each(reader, &name, |entry| timeline.note(entry))?;
        Ok((timeline, newest(reader, &name, wanted)?, log::floor(reader)?))
    });
    let Ok((timeline, (entries, older), floor)) = read.await else { return unreadable(&visit) };
    let lines = visit.lines();
    let title = format!("{} · {}", visit.say("web-history"), visit.picture.room);
    let shown = HistoryPage {
        frame: PageFrame::new(&visit.site, visit.language, title, format!("/r/{}/history", visit.picture.room)),
        visit: &visit,
        who: visit.picture.people.shown(&visit.who).into_owned(),
        clock: draw::clock(&visit),
        // The events go back further than the timeline, a page at a time.
        told: TimelinePart::of(&lines, &timeline).beginning(&lines, floor, since_ms.filter(|_| older.is_some())),
        events: entries.iter().map(|entry| lines.event(entry)).collect(),
        filter: &filter,
        older,
    };
    page(StatusCode::OK, &shown)
}

/// The person of that name, whether or not they are in the room.
pub fn person(people: &People, name: &str) -> Person {
    let known = people.user(name).or_else(|| people.shown_as(name)).cloned();
    known.unwrap_or_else(|| Person::named(name, people.host()))
}

/// Shows all changes of a room, oldest first.
fn each(reader: &LogReader, room: &str, mut look: impl FnMut(&Entry)) -> Result<(), Unreadable> {
    log::each(reader, room, |entries| {
        entries.iter().for_each(&mut look);
        Ok(())
    })
}

/// The newest changes that are wanted, the newest first, and before which revision there may be more.
pub fn newest(
    reader: &LogReader,
    room: &str,
    (task, by, before): (Option<TaskId>, Option<Person>, Option<u64>),
) -> Result<(Vec<Entry>, Option<u64>), Unreadable> {
    let (mut found, mut before, mut scanned) = (Vec::new(), before.unwrap_or(u64::MAX), 0);
    loop {
        let entries = log::part(reader, room, LogPart::Before(before))?;
        let Some(oldest) = entries.last() else { return Ok((found, None)) };
        let oldest = oldest.revision;
        scanned += entries.len();
        for entry in entries {
            let revision = entry.revision;
            if task.is_none_or(|task| entry.change.task() == Some(task)) && by.as_ref().is_none_or(|by| *by == entry.by)
            {
                found.push(entry);
            }
            if found.len() == limits::HISTORY_PAGE {
                return Ok((found, Some(revision)));
            }
        }
        if scanned >= limits::HISTORY_SCANNED {
            return Ok((found, Some(oldest)));
        }
        before = oldest;
    }
}

async fn report(AdminVisit(visit): AdminVisit, RawQuery(query): RawQuery) -> Response {
    let since_ms = HistoryFilter::parse(query.as_deref().unwrap_or_default()).since_ms(visit.time.wall_ms);
    let name = visit.picture.room.clone();
    let read = visit.site.library.read(move |reader| {
        let mut told = ReportLog::since(since_ms);
        each(reader, &name, |entry| told.note(entry))?;
        Ok((told, log::floor(reader)?))
    });
    let Ok((told, floor)) = read.await else { return unreadable(&visit) };
    let kept = attachment(&visit, LogFloor::default(), "html");
    ([(CONTENT_DISPOSITION, kept)], Html(told.page(&visit.lines(), floor))).into_response()
}

/// Has a browser keep an answer as a file, whose name says since when it is if not since the beginning.
fn attachment(visit: &Visit, floor: LogFloor, ending: &str) -> String {
    let day = |ms| local(ms, visit.time.zone_ms).chars().take(10).collect::<String>();
    let since = if floor.revision > 0 { format!("{}-to-", day(floor.at_ms)) } else { String::new() };
    let (room, day) = (draw::slug(&visit.picture.room), day(visit.time.wall_ms));
    format!("attachment; filename=\"neerc-{room}-{since}{day}.{ending}\"")
}

async fn export_csv(AdminVisit(visit): AdminVisit) -> Response {
    // Spreadsheets take a file for UTF-8 that begins with this mark.
    let head = format!("\u{feff}{}", export::csv_head());
    export_as(&visit, ("csv", "text/csv; charset=utf-8"), head, export::ExportRow::csv).await
}

async fn export_json(AdminVisit(visit): AdminVisit) -> Response {
    let kind = ("jsonl", "application/jsonl; charset=utf-8");
    export_as(&visit, kind, String::new(), export::ExportRow::json).await
}

async fn export_as(
    visit: &Visit,
    (ending, kind): (&str, &'static str),
    head: String,
    line: fn(&export::ExportRow) -> String,
) -> Response {
    let site = &visit.site;
    let Ok(floor) = site.library.read(log::floor).await else { return unreadable(visit) };
    let people = visit.picture.people.clone();
    let lines = move |entry: &Entry| export::rows(&people, entry).iter().map(line).collect::<String>();
    match site.library.stream(visit.picture.room.clone(), head, lines).await {
        Ok(body) => {
            let headers = [(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, attachment(visit, floor, ending))];
            (headers, body).into_response()
        }
        Err(Unreadable) => unreadable(visit),
    }
}

/// The present state, for paper.
#[derive(Template)]
#[template(path = "print.html")]
struct PrintPage<'a> {
    frame: PageFrame<'a>,
    visit: &'a Visit,
    made: String,
    clock: String,
    grid: &'a Grid<'a>,
}

impl PrintPage<'_> {
    fn due(&self, due: &DueAt) -> String {
        self.visit.lines().due(*due)
    }

    fn kind(&self, kind: &Kind) -> String {
        self.visit.lines().kind(*kind)
    }

    /// Everybody who has a task, with what they say of it.
    fn people(&self, task: &TaskId) -> Vec<(&GridRow<'_>, &GridCell<'_>)> {
        let at = self.grid.columns.iter().position(|column| column.task == *task);
        let cells = self.grid.rows().filter_map(|row| Some((row, row.cells.get(at?)?)));
        cells.filter(|(_, cell)| cell.state != CellState::NotAssigned).collect()
    }
}

async fn print(visit: Visit, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let filter: GridFilter = board::filter(query.as_deref().unwrap_or_default());
    let Ok(view) = visit.view() else { return not_shown(&visit.site, &headers, NoVisit::Stranger) };
    let grid = visit.grid(&view, &filter);
    let title = format!("{} · {}", visit.say("web-print"), visit.picture.room);
    let time = time_of_day(visit.time.wall_ms, visit.time.zone_ms);
    let made = visit.lines().say("web-state-at", &[("time", Arg::Text(&time))]);
    let clock = visit.lines().scene.clock.map_or_else(String::new, |dial| visit.lines().clock(dial));
    let frame = PageFrame::new(&visit.site, visit.language, title, format!("/r/{}/print", visit.picture.room));
    page(StatusCode::OK, &PrintPage { frame, visit: &visit, made, clock, grid: &grid })
}

#[cfg(test)]
mod tests;
