//! The forms of commands, drawn from the fields of the menu: what a list offers to whom, and what stands in it already.

use super::View;
use crate::answers::short;
use crate::xep::form::{Choice, Field, Form, Shape};
use neerc_core::face::menu::{self, FieldKind, Item, Needs, Presence};
use neerc_core::limits;
use neerc_core::people::Person;
use neerc_core::task::{Kind, Task};
use std::collections::BTreeMap;

/// What people may type as a moment of the contest, as a regular expression.
const SCHEDULE: &str = "[^-+−–]+([-+−–][0-9]+)?!?";
/// The value that stands for everybody's tasks, as in chat lines.
pub const EVERYBODY: &str = "all";
/// Name of the field for the room.
pub const ROOM: &str = "room";

/// Values of fields as they were sent.
pub type Values = Vec<(String, Vec<String>)>;

/// The first value of a field that is not blank.
pub fn one<'v>(values: &'v Values, var: &str) -> Option<&'v str> {
    let values = values.iter().filter(|(name, _)| name == var).flat_map(|(_, values)| values);
    values.map(|value| value.trim()).find(|value| !value.is_empty())
}

/// The field for the room.
pub fn room(view: &View<'_>, rooms: &[&str], values: &Values) -> Field {
    let choices = rooms.iter().map(|room| choice(*room, room)).collect();
    let chosen = one(values, ROOM).or(rooms.first().copied());
    let label = view.say("field-room", &[]);
    let values = chosen.map(str::to_owned).into_iter().collect();
    known(Field { var: ROOM, label, hint: String::new(), need: Presence::Required, shape: Shape::One(choices), values })
}

/// A field of the menu, with the values that were sent for it, or else what most likely belongs there. `task`: the
/// task that the command is about, if that was chosen before.
pub fn field(view: &View<'_>, field: &menu::Field, task: Option<&Task>, sent: &Values) -> Field {
    let hint = match field.kind {
        FieldKind::Schedule => view.say("hint-schedule", &[]),
        FieldKind::Names => view.say("hint-names", &[]),
        _ => String::new(),
    };
    let shape = shape(view, field.kind, task);
    let was_sent = sent.iter().any(|(name, _)| name == field.var);
    let values = if was_sent {
        let sent = sent.iter().filter(|(name, _)| name == field.var).flat_map(|(_, values)| values);
        sent.filter(|value| !value.trim().is_empty()).cloned().collect()
    } else {
        likely(view, field, &shape)
    };
    let label = view.say(&format!("field-{}", field.var), &[]);
    known(Field { var: field.var, label, hint, need: field.presence, shape, values })
}

/// What stands in a list is of the list, and in what holds one value there is one.
fn known(mut field: Field) -> Field {
    if let Shape::One(choices) | Shape::Any(choices) = &field.shape {
        field.values.retain(|value| choices.iter().any(|choice| choice.value == *value));
    }
    if matches!(field.shape, Shape::One(_) | Shape::Line(_)) {
        field.values.truncate(1);
    }
    field
}

/// What most likely belongs into a field that was not filled in yet.
fn likely(view: &View<'_>, field: &menu::Field, shape: &Shape) -> Vec<String> {
    let likely = match (field.kind, shape) {
        (FieldKind::User, _) if view.sees.is_admin() => Some(EVERYBODY.to_owned()),
        (FieldKind::User, _) => Some(view.sees.own_name().to_owned()),
        (FieldKind::TaskKind, _) => Some(Kind::Todo.name().to_owned()),
        (_, Shape::One(choices)) if field.presence == Presence::Required => match &choices[..] {
            [only] => Some(only.value.clone()),
            _ => None,
        },
        _ => None,
    };
    likely.into_iter().collect()
}

fn shape(view: &View<'_>, kind: FieldKind, task: Option<&Task>) -> Shape {
    let board = view.answers.scene.board;
    match kind {
        FieldKind::OwnOpenTask => one_of(tasks(board.open_tasks(view.answers.who))),
        FieldKind::OwnAnsweredTask => one_of(tasks(board.answered_tasks(view.answers.who))),
        FieldKind::Task => one_of(tasks(board.listed())),
        FieldKind::Plan => one_of(plans(view)),
        FieldKind::User => one_of(whose(view)),
        FieldKind::TaskKind => one_of(kinds(view)),
        FieldKind::Verb => one_of(verbs(view)),
        FieldKind::Names => any_of(names(view, None)),
        FieldKind::Assigned => any_of(names(view, task)),
        FieldKind::Title | FieldKind::Text => Shape::Line(None),
        FieldKind::Schedule => Shape::Line(Some(SCHEDULE)),
    }
}

/// A list, or where that would be too long, a line to type into.
fn one_of(choices: Vec<Choice>) -> Shape {
    if choices.len() > limits::FORM_CHOICES { Shape::Line(None) } else { Shape::One(choices) }
}

fn any_of(choices: Vec<Choice>) -> Shape {
    if choices.len() > limits::FORM_CHOICES { Shape::Lines } else { Shape::Any(choices) }
}

fn choice(value: impl Into<String>, label: &str) -> Choice {
    Choice { value: value.into(), label: short(label) }
}

fn tasks(tasks: Vec<&Task>) -> Vec<Choice> {
    tasks.into_iter().map(|task| choice(task.id.to_string(), &titled(task))).collect()
}

/// A task as it stands in lists.
pub fn titled(task: &Task) -> String {
    format!("{}: {}", task.id, task.title.as_str())
}

fn plans(view: &View<'_>) -> Vec<Choice> {
    let label = |id, schedule, title: &str| format!("{id} {schedule}: {title}");
    let entries = view.answers.scene.board.plan().entries();
    entries.map(|p| choice(p.id.to_string(), &label(p.id, p.schedule, p.title.as_str()))).collect()
}

fn kinds(view: &View<'_>) -> Vec<Choice> {
    let kinds = [Kind::Todo, Kind::TodoFail, Kind::Confirm, Kind::OkFail, Kind::Question];
    kinds.map(|kind| choice(kind.name(), &view.answers.kind(kind))).into()
}

fn verbs(view: &View<'_>) -> Vec<Choice> {
    let offered = menu::offered(Needs::Admin).filter(|item| item.is_offered(&view.sees));
    offered.map(|item| choice(item.verb, &view.item(item))).collect()
}

/// Whose tasks can be looked at.
fn whose(view: &View<'_>) -> Vec<Choice> {
    if !view.sees.sees_all() {
        return vec![user(view, view.answers.who)];
    }
    let people = view.answers.scene.people;
    let everybody = choice(EVERYBODY, &view.say("hint-everybody", &[]));
    let users = people.listed().into_iter().map(|(person, _)| user(view, person));
    [everybody].into_iter().chain(users).collect()
}

/// A user, by the name in packets, which is exact, and as people know them.
fn user(view: &View<'_>, person: &Person) -> Choice {
    let people = view.answers.scene.people;
    choice(people.name(person), &people.shown(person))
}

/// Groups, then users: of the whole room, or those who have a task.
fn names(view: &View<'_>, task: Option<&Task>) -> Vec<Choice> {
    let people = view.answers.scene.people;
    let among = |person: &Person| task.is_none_or(|task| task.statuses.contains_key(person));
    let listed = || people.listed().into_iter().filter(|(person, _)| among(person));
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for group in listed().flat_map(|(_, member)| &member.groups) {
        *sizes.entry(group).or_default() += 1;
    }
    let groups = sizes
        .into_iter()
        .map(|(group, count)| choice(group, &format!("{group} ({})", view.answers.count("count-people", count))));
    let users = listed().map(|(person, _)| user(view, person));
    // Who has a task and has left the room can still lose it.
    let gone = task.into_iter().flat_map(|task| task.statuses.keys());
    let gone = gone.filter(|person| people.user(people.name(person)).is_none()).map(|person| user(view, person));
    groups.chain(users).chain(gone).collect()
}

/// Why a form need not be shown: a list of it that has to be chosen from is empty. The key of the words for it.
pub fn dead_end(fields: &[Field], item: &Item) -> Option<&'static str> {
    let empty = |field: &&Field| {
        field.need == Presence::Required && matches!(&field.shape, Shape::One(c) | Shape::Any(c) if c.is_empty())
    };
    let var = fields.iter().find(empty)?.var;
    Some(match item.fields.iter().find(|field| field.var == var)?.kind {
        FieldKind::OwnOpenTask => "no-open-tasks",
        FieldKind::OwnAnsweredTask => "no-answered-tasks",
        FieldKind::Plan => "no-plans",
        FieldKind::Assigned | FieldKind::Names => "nobody-assigned",
        _ => "no-tasks",
    })
}

/// Writes a form in no more than `limit` bytes: where it does not fit, lists become lines to type into, and then what
/// was typed is forgotten.
pub fn write(mut form: Form, limit: usize) -> Vec<u8> {
    let written = |form: &Form| {
        let mut out = Vec::new();
        form.write(&mut out);
        out
    };
    let out = written(&form);
    if out.len() <= limit {
        return out;
    }
    for field in &mut form.fields {
        field.shape = match &field.shape {
            Shape::One(_) => Shape::Line(None),
            Shape::Any(_) => Shape::Lines,
            other => other.clone(),
        };
    }
    let out = written(&form);
    if out.len() <= limit {
        return out;
    }
    form.fields.iter_mut().for_each(|field| field.values.clear());
    written(&form)
}
