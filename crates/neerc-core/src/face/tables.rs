//! What a view shows as tables: of tasks, people and plans. Not what is said in sentences: those are the lines.

use super::form::Report;
use super::lines::{Lines, short};
use super::menu::Item;
use super::words::Arg;
use crate::change::Entry;
use crate::checklist::Checklist;
use crate::clocks::Dial;
use crate::doors::{Doors, WebSession};
use crate::limits;
use crate::people::{Member, People, Person};
use crate::plan::Plan;
use crate::task::{Task, TaskId};
use crate::view::{Late, Shown};
use std::borrow::Cow;

/// The report of what is shown to somebody who asked by this row of the menu. Of its table about as many rows are made
/// as take `limit_bytes`.
pub fn report(lines: &Lines<'_>, item: &Item, shown: &Shown<'_>, limit_bytes: usize) -> Report {
    let page = &Page { lines, limit_bytes };
    let report = match shown {
        Shown::Users(people) => users(page, people),
        Shown::Tasks { of } => tasks(page, *of),
        Shown::Clock(dial) => clock(page, *dial),
        Shown::Task(task) => one_task(page, task),
        Shown::History { task, entries } => history(page, *task, entries),
        Shown::Late(tasks) => late(page, tasks),
        Shown::Plans(plan) => plans(page, plan),
        Shown::Checklists(all, plan) => checklists(page, all, plan),
        Shown::Sessions(all) => sessions(page, all),
        Shown::Tokens(doors) => tokens(page, doors),
    };
    Report { title: lines.item(item), ..report }
}

/// What a report is made with.
struct Page<'a> {
    lines: &'a Lines<'a>,
    limit_bytes: usize,
}

fn columns<const N: usize>(page: &Page<'_>, vars: [&'static str; N]) -> Vec<(&'static str, String)> {
    vars.map(|var| (var, page.lines.label(var))).into()
}

/// A table, or if it is empty, what that means. Rows are made only as far as they can be shown.
fn table<const N: usize>(
    page: &Page<'_>,
    vars: [&'static str; N],
    rows: impl ExactSizeIterator<Item = Vec<String>>,
    empty: &str,
) -> Report {
    if rows.len() == 0 {
        return Report { instructions: page.lines.say(empty, &[]), ..Report::default() };
    }
    let (rows, not_made) = shown(page, rows);
    Report { columns: columns(page, vars), rows, not_made, ..Report::default() }
}

/// The rows that may be shown, and how many more there are.
fn shown(page: &Page<'_>, rows: impl ExactSizeIterator<Item = Vec<String>>) -> (Vec<Vec<String>>, usize) {
    let all = rows.len();
    let mut bytes = 0;
    let rows: Vec<Vec<String>> = rows
        .take_while(|row| {
            let fits = bytes <= page.limit_bytes;
            bytes += row.iter().map(String::len).sum::<usize>();
            fits
        })
        .collect();
    let not_made = all - rows.len();
    (rows, not_made)
}

fn users(page: &Page<'_>, people: &People) -> Report {
    let row = |(person, member): (&Person, &Member)| {
        let mark = if member.power { page.lines.say("admin-mark", &[]) } else { String::new() };
        vec![people.shown(person).into_owned(), member.groups.join(", "), mark]
    };
    table(page, ["user", "groups", "rights"], people.listed().into_iter().map(row), "nobody")
}

fn tasks(page: &Page<'_>, of: Option<&Person>) -> Report {
    let head = |task: &Task| vec![task.id.to_string(), short(task.title.as_str()), page.lines.kind(task.kind)];
    let listed = page.lines.scene.board.listed().into_iter();
    match of {
        Some(of) => {
            let theirs: Vec<_> = listed.filter_map(|task| Some((task, task.statuses.get(of)?))).collect();
            let rows = theirs.into_iter();
            let rows = rows.map(|(task, status)| [head(task), vec![page.lines.status(task.kind, status)]].concat());
            table(page, ["task", "title", "kind", "status"], rows, "no-tasks")
        }
        None => {
            let rows = listed.map(|task| [head(task), vec![page.lines.answered(task)]].concat());
            table(page, ["task", "title", "kind", "answered"], rows, "no-tasks")
        }
    }
}

fn one_task(page: &Page<'_>, task: &Task) -> Report {
    let people = page.lines.scene.people;
    let rows = task
        .statuses
        .iter()
        .map(|(person, status)| vec![people.shown(person).into_owned(), page.lines.status(task.kind, status)]);
    let value = |var, value| (var, page.lines.label(var), value);
    let values = vec![
        value("task", task.id.to_string()),
        value("title", task.title.as_str().to_owned()),
        value("kind", page.lines.kind(task.kind)),
        value("answered", page.lines.answered(task)),
    ];
    let (rows, not_made) = shown(page, rows);
    Report { values, columns: columns(page, ["user", "status"]), rows, not_made, ..Report::default() }
}

fn history(page: &Page<'_>, task: TaskId, entries: &[&Entry]) -> Report {
    let rows = entries.iter().map(|entry| page.lines.happened(task, entry));
    let number = task.to_string();
    if entries.is_empty() {
        let instructions = page.lines.say("no-history", &[("task", Arg::Text(&number))]);
        return Report { instructions, ..Report::default() };
    }
    let values = vec![("task", page.lines.label("task"), number)];
    Report { values, ..table(page, ["time", "user", "happened"], rows, "nobody") }
}

fn late(page: &Page<'_>, tasks: &[&Task]) -> Report {
    let rows = tasks.iter().map(|task| {
        let late = Late::of(task);
        let title = short(late.task.title.as_str());
        let unfinished = match names(page, &late.unfinished) {
            nobody if nobody.is_empty() => nobody,
            people => format!("{}: {people}", page.lines.say("status-running", &[])),
        };
        vec![late.task.id.to_string(), title, names(page, &late.silent), unfinished]
    });
    table(page, ["task", "title", "silent", "unfinished"], rows, "no-late")
}

fn names(page: &Page<'_>, persons: &[&Person]) -> String {
    let names = persons.iter().take(limits::FORM_CHOICES).map(|person| page.lines.scene.people.shown(person));
    let mut names: Vec<String> = names.map(Cow::into_owned).collect();
    let more = persons.len() - names.len();
    if more > 0 {
        names.push(page.lines.count("and-more", more));
    }
    names.join(", ")
}

fn plans(page: &Page<'_>, plan: &Plan) -> Report {
    let rows = plan.entries().collect::<Vec<_>>().into_iter().map(|planned| {
        let kind = page.lines.kind(planned.kind);
        let id = planned.id.to_string();
        let written = page.lines.written_with_time(planned.schedule);
        let schedule = match written {
            Some(written) => written + &page.lines.asked_of(planned, plan),
            None => page.lines.when(planned, plan),
        };
        let shown = planned.names.iter().take(limits::FORM_CHOICES).cloned().collect::<Vec<_>>();
        vec![id, schedule, short(planned.title.as_str()), kind, shown.join(", ")]
    });
    table(page, ["plan", "schedule", "title", "kind", "names"], rows, "no-plans")
}

fn checklists(page: &Page<'_>, all: &[Checklist], plan: &Plan) -> Report {
    let rows =
        page.lines.checklist_rows(all, plan).into_iter().map(|(name, holds, progress)| vec![name, holds, progress]);
    table(page, ["checklist", "holds", "progress"], rows, "no-checklists")
}

fn sessions(page: &Page<'_>, all: &[&WebSession]) -> Report {
    let rows = all.iter().map(|session| page.lines.session_row(session).into());
    table(page, ["session", "browser", "time"], rows, "no-sessions")
}

fn tokens(page: &Page<'_>, doors: &Doors) -> Report {
    let rows = doors.tokens().map(|token| page.lines.token_row(token).into());
    table(page, ["token", "scope", "user", "giver", "time"], rows, "no-tokens")
}

fn clock(page: &Page<'_>, dial: Dial<'_>) -> Report {
    let values = vec![("clock", page.lines.label("clock"), page.lines.clock(dial))];
    Report { values, ..Report::default() }
}
