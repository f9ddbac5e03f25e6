//! What commands answer: tables of tasks, people and plans. Not what is said in sentences: those are the answers of
//! chat.

use super::View;
use crate::answers::short;
use crate::xep::form::Report;
use neerc_core::clock::Reading;
use neerc_core::command::Query;
use neerc_core::face::menu::Item;
use neerc_core::face::words::Arg;
use neerc_core::limits;
use neerc_core::people::{Member, People, Person};
use neerc_core::plan::Plan;
use neerc_core::refusal::Refusal;
use neerc_core::task::Task;
use neerc_core::view::{Late, Shown};
use std::borrow::Cow;

/// The answer to a question.
pub fn report(view: &View<'_>, item: &Item, query: &Query) -> Result<Report, Refusal> {
    let report = match view.sees.answer(query)? {
        Shown::Users(people) => users(view, people),
        Shown::Tasks { of } => tasks(view, of),
        Shown::Clock(reading) => clock(view, reading),
        Shown::Task(task) => show(view, task),
        Shown::Late(tasks) => late(view, tasks),
        Shown::Plans(plan) => plans(view, plan),
    };
    Ok(Report { title: view.item(item), ..report })
}

fn columns<const N: usize>(view: &View<'_>, vars: [&'static str; N]) -> Vec<(&'static str, String)> {
    vars.map(|var| (var, view.say(&format!("field-{var}"), &[]))).into()
}

/// A table, or if it is empty, what that means. Rows are made only as far as they can be shown.
fn table<const N: usize>(
    view: &View<'_>,
    vars: [&'static str; N],
    rows: impl ExactSizeIterator<Item = Vec<String>>,
    empty: &str,
) -> Report {
    if rows.len() == 0 {
        return Report { instructions: view.say(empty, &[]), ..Report::default() };
    }
    let (rows, not_made) = shown(view, rows);
    Report { columns: columns(view, vars), rows, not_made, ..Report::default() }
}

/// The rows that may be shown, and how many more there are.
fn shown(view: &View<'_>, rows: impl ExactSizeIterator<Item = Vec<String>>) -> (Vec<Vec<String>>, usize) {
    let all = rows.len();
    let mut bytes = 0;
    let rows: Vec<Vec<String>> = rows
        .take_while(|row| {
            let fits = bytes <= view.scene.limit;
            bytes += row.iter().map(String::len).sum::<usize>();
            fits
        })
        .collect();
    let not_made = all - rows.len();
    (rows, not_made)
}

fn users(view: &View<'_>, people: &People) -> Report {
    let row = |(person, member): (&Person, &Member)| {
        let mark = if member.power { view.say("admin-mark", &[]) } else { String::new() };
        vec![people.shown(person).into_owned(), member.groups.join(", "), mark]
    };
    table(view, ["user", "groups", "rights"], people.listed().into_iter().map(row), "nobody")
}

fn tasks(view: &View<'_>, of: Option<&Person>) -> Report {
    let head = |task: &Task| vec![task.id.to_string(), short(task.title.as_str()), view.answers.kind(task.kind)];
    let listed = view.answers.scene.board.listed().into_iter();
    match of {
        Some(of) => {
            let theirs: Vec<_> = listed.filter_map(|task| Some((task, task.statuses.get(of)?))).collect();
            let rows = theirs.into_iter();
            let rows = rows.map(|(task, status)| [head(task), vec![view.answers.status(status)]].concat());
            table(view, ["task", "title", "kind", "status"], rows, "no-tasks")
        }
        None => {
            let rows = listed.map(|task| [head(task), vec![answered(view, task)]].concat());
            table(view, ["task", "title", "kind", "answered"], rows, "no-tasks")
        }
    }
}

/// How many are done with a task.
fn answered(view: &View<'_>, task: &Task) -> String {
    let count = task.statuses.values().filter(|status| status.progress.is_final()).count();
    view.say("count-answered", &[("count", number(count)), ("total", number(task.statuses.len()))])
}

fn number(count: usize) -> Arg<'static> {
    Arg::Number(count.try_into().unwrap_or(i64::MAX))
}

fn show(view: &View<'_>, task: &Task) -> Report {
    let people = view.answers.scene.people;
    let rows = task
        .statuses
        .iter()
        .map(|(person, status)| vec![people.shown(person).into_owned(), view.answers.status(status)]);
    let value = |var, value| (var, view.say(&format!("field-{var}"), &[]), value);
    let values = vec![
        value("task", task.id.to_string()),
        value("title", task.title.as_str().to_owned()),
        value("kind", view.answers.kind(task.kind)),
        value("answered", answered(view, task)),
    ];
    let (rows, not_made) = shown(view, rows);
    Report { values, columns: columns(view, ["user", "status"]), rows, not_made, ..Report::default() }
}

fn late(view: &View<'_>, tasks: Vec<&Task>) -> Report {
    let rows = tasks.into_iter().map(|task| {
        let late = Late::of(task);
        let title = short(late.task.title.as_str());
        vec![late.task.id.to_string(), title, names(view, &late.silent), names(view, &late.unfinished)]
    });
    table(view, ["task", "title", "silent", "unfinished"], rows, "no-late")
}

fn names(view: &View<'_>, persons: &[&Person]) -> String {
    let names = persons.iter().take(limits::FORM_CHOICES).map(|person| view.answers.scene.people.shown(person));
    let mut names: Vec<String> = names.map(Cow::into_owned).collect();
    let more = persons.len() - names.len();
    if more > 0 {
        names.push(view.answers.count("and-more", more));
    }
    names.join(", ")
}

fn plans(view: &View<'_>, plan: &Plan) -> Report {
    let rows = plan.entries().collect::<Vec<_>>().into_iter().map(|planned| {
        let kind = view.answers.kind(planned.kind);
        let (id, schedule) = (planned.id.to_string(), planned.schedule.to_string());
        let shown = planned.names.iter().take(limits::FORM_CHOICES).cloned().collect::<Vec<_>>();
        vec![id, schedule, short(planned.title.as_str()), kind, shown.join(", ")]
    });
    table(view, ["plan", "schedule", "title", "kind", "names"], rows, "no-plans")
}

fn clock(view: &View<'_>, reading: Reading) -> Report {
    let values = vec![("clock", view.say("field-clock", &[]), view.answers.clock(reading))];
    Report { values, ..Report::default() }
}
