//! What is there, as JSON. What somebody may read of it is the view's to say.

use super::caller::Caller;
use super::problem::ApiProblem;
use super::put;
use crate::web::picture::{Picture, Position};
use neerc_core::command::Query;
use neerc_core::face::timeline::export::rfc3339;
use neerc_core::moment::DueAt;
use neerc_core::people::Person;
use neerc_core::plan::Planned;
use neerc_core::refusal::Refusal;
use neerc_core::task::Task;
use neerc_core::view::{Late, Shown, Sight, View};
use serde_json::{Value, json};

/// The parameters of an address.
pub type Parameters = Vec<(String, String)>;

/// The parameter of that name.
pub fn parameter<'p>(parameters: &'p Parameters, name: &str) -> Option<&'p str> {
    parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// A revision among the parameters.
pub fn revision(parameters: &Parameters, name: &'static str) -> Result<Option<u64>, ApiProblem> {
    let read = |text: &str| text.parse().map_err(|_| Refusal::Malformed { what: name, wanted: "a revision" });
    Ok(parameter(parameters, name).map(read).transpose()?)
}

/// A revision among the parameters that somebody has from here or from elsewhere.
pub fn position(
    picture: &Picture,
    parameters: &Parameters,
    name: &'static str,
) -> Result<Option<Position>, ApiProblem> {
    let unread = Refusal::Malformed { what: name, wanted: "a revision" };
    let read = |text: &str| picture.brought(text).ok_or(unread);
    Ok(parameter(parameters, name).map(read).transpose()?)
}

/// The users of a room.
pub fn users(caller: &Caller) -> Result<Value, ApiProblem> {
    let view = caller.view()?;
    let Shown::Users(people) = view.answer(&Query::Users)? else { return Err(ApiProblem::no_such_address()) };
    let user = |(person, member): (&Person, &neerc_core::people::Member)| {
        json!({
            "name": people.name(person),
            "display": member.display.as_deref(),
            "group": member.groups.first().map(ToString::to_string),
            "power": member.power,
            "online": caller.picture.online.contains(person),
        })
    };
    Ok(json!({"users": people.listed().into_iter().map(user).collect::<Vec<_>>()}))
}

/// The tasks of a room, or those of one user; since a revision only those that have changed, with the ids of all.
pub fn tasks(caller: &Caller, parameters: &Parameters) -> Result<Value, ApiProblem> {
    let view = caller.view()?;
    let since = position(&caller.picture, parameters, "since")?;
    let of = parameter(parameters, "for").map(str::to_owned);
    let Shown::Tasks { of } = view.answer(&Query::Tasks { of })? else { return Err(ApiProblem::no_such_address()) };
    let board = view.scene().board;
    let is_meant = |task: &&Task| of.is_none_or(|of| task.statuses.contains_key(of));
    let all: Vec<&Task> = board.listed().into_iter().filter(is_meant).collect();
    let is_new = |task: &&&Task| match since {
        // Whoever is ahead of the log, or of another one, is told everything.
        Some(Position::Known(since)) if since <= board.revision() => task.revision > since,
        _ => true,
    };
    let changed = all.iter().filter(is_new);
    let tasks: Vec<Value> = changed.map(|task| one(&view, &caller.picture, task, of)).collect();
    let history = caller.picture.history_name();
    let mut shown = json!({"generation": history, "revision": board.revision(), "tasks": tasks});
    if since.is_some() {
        // Whoever has them from before learns which are gone.
        put(&mut shown, "ids", all.iter().map(|task| task.id.wire_id()).collect());
    }
    Ok(shown)
}

/// A task as somebody sees it, with the status of one of its people or of all whom they see.
fn one(view: &View<'_>, picture: &Picture, task: &Task, of: Option<&Person>) -> Value {
    let of = of.or_else(|| (view.sight(task) != Sight::Whole).then(|| view.who()));
    let statuses = task.statuses.iter().filter(|(person, _)| of.is_none_or(|of| of == *person));
    let status = |(person, status): (&Person, &neerc_core::task::Status)| {
        let at = picture.times.as_ref().and_then(|times| times.of(task.id, person));
        json!({
            "for": picture.people.name(person),
            "status": status.progress.name(),
            "value": status.value(),
            "at": at.map(rfc3339),
        })
    };
    json!({
        "id": task.id.wire_id(),
        "title": task.title.as_str(),
        "kind": task.kind.name(),
        "timestamp": rfc3339(task.timestamp_ms),
        "revision": task.revision,
        "statuses": statuses.map(status).collect::<Vec<_>>(),
    })
}

/// A task as the caller sees it; nothing if they do not.
pub fn task(caller: &Caller, task: &Task) -> Option<Value> {
    let view = caller.view().ok()?;
    (view.sight(task) != Sight::Nothing).then(|| one(&view, &caller.picture, task, None))
}

/// Who has not answered what.
pub fn late(caller: &Caller) -> Result<Value, ApiProblem> {
    let view = caller.view()?;
    let Shown::Late(tasks) = view.answer(&Query::Late)? else { return Err(ApiProblem::no_such_address()) };
    let names = |people: &[&Person]| {
        let names = people.iter().map(|person| caller.picture.people.name(person).to_owned());
        names.collect::<Vec<_>>()
    };
    let late = |task: &Task| {
        let late = Late::of(task);
        json!({
            "id": task.id.wire_id(),
            "title": task.title.as_str(),
            "kind": task.kind.name(),
            "timestamp": rfc3339(task.timestamp_ms),
            "overdue": caller.picture.board.is_late(task.id),
            "silent": names(&late.silent),
            "unfinished": names(&late.unfinished),
        })
    };
    Ok(json!({"tasks": tasks.into_iter().map(late).collect::<Vec<_>>()}))
}

/// The contest clock.
pub fn clock(caller: &Caller) -> Result<Value, ApiProblem> {
    let view = caller.view()?;
    let Shown::Clock(dial) = view.answer(&Query::Clock)? else { return Err(ApiProblem::no_such_address()) };
    Ok(json!({
        "phase": dial.reading.phase.name(),
        "elapsed_ms": dial.reading.elapsed_ms,
        "total_ms": dial.reading.total_ms,
        "set_by": dial.set.map(|set| caller.picture.people.name(&set.by)),
        "silent_since": dial.silent_since_ms.map(rfc3339),
    }))
}

/// When something is due: a moment of the contest, or of a day.
fn moment(due: DueAt) -> String {
    match due {
        DueAt::Contest(moment) => moment.to_string(),
        DueAt::Day { at_ms } => rfc3339(at_ms),
    }
}

/// What is planned.
pub fn plans(view: &View<'_>) -> Result<Value, ApiProblem> {
    let Shown::Plans(plan) = view.answer(&Query::Plans)? else { return Err(ApiProblem::no_such_address()) };
    let people = view.scene().people;
    let planned = |planned: &Planned| {
        json!({
            "id": planned.id.to_string(),
            "title": planned.title.as_str(),
            "kind": planned.kind.name(),
            "for": planned.names,
            "schedule": planned.schedule.due.map(|due| format!("{}{}", moment(due), planned.schedule.consent.mark())),
            "by": people.name(&planned.by),
        })
    };
    Ok(json!({"plans": plan.entries().map(planned).collect::<Vec<_>>()}))
}
