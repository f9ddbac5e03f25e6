//! What a form offers for each field of the menu: the choices of a list, which depend on who asks, and the value that is
//! filled in beforehand.

use super::form::{Choice, FormField, Sent, Shape, one};
use super::lines::{Lines, short};
use super::menu::{self, Act, Field, FieldKind, Item, Needs, Presence};
use crate::clock::hand::ClockAct;
use crate::doors::{TokenScope, WebSession};
use crate::face::login::Confirmation;
use crate::limits;
use crate::links::LinksWish;
use crate::people::Person;
use crate::plan::Planned;
use crate::task::{Kind, Task};
use crate::view::View;
use std::collections::BTreeMap;

/// What people may type as the moment of a plan, as a regular expression.
const SCHEDULE: &str = "[^-+−–]+([-+−–][0-9]+)?!?";
/// What people may type as a time for the contest clock, as a regular expression.
const TIME: &str = "[0-9]+:[0-9]{2}(:[0-9]{2})?|x?[0-9]+|off";
/// What people may type as a code, as a regular expression.
const CODE: &str = "[ 0-9-]+";
/// The value that stands for everybody's tasks, as in chat lines.
pub const EVERYBODY: &str = "all";
/// Name of the field for the room.
pub const ROOM: &str = "room";

/// What the menu is given of what somebody has filled in. Whose tasks are listed: one's own where that was left open, and
/// everybody's where that was chosen.
pub fn arguments<'v>(view: &View<'_>, item: &Item, values: &'v Sent) -> Vec<(&'v str, Vec<String>)> {
    let mut arguments: Vec<(&str, Vec<String>)> = values.iter().map(|(var, values)| (&**var, values.clone())).collect();
    if item.act == Act::Tasks {
        let of = one(values, "of");
        let everybody = of.is_some_and(|of| of.eq_ignore_ascii_case(EVERYBODY));
        arguments.retain(|(var, _)| *var != "of" || !everybody);
        if of.is_none() && !view.is_admin() {
            arguments.push(("of", vec![view.own_name().to_owned()]));
        }
    }
    arguments
}

/// What fields offer to somebody with this view of a room, in these words.
#[derive(Clone, Copy, Debug)]
pub struct Choices<'a> {
    /// The words.
    pub lines: &'a Lines<'a>,
    /// The view.
    pub view: &'a View<'a>,
}

impl Choices<'_> {
    /// The field for the room.
    pub fn room(&self, rooms: &[&str], values: &Sent) -> FormField {
        let choices = rooms.iter().map(|room| choice(*room, room)).collect();
        let chosen = one(values, ROOM).or(rooms.first().copied());
        let label = self.lines.label(ROOM);
        let values = chosen.map(str::to_owned).into_iter().collect();
        known(FormField {
            var: ROOM,
            label,
            hint: String::new(),
            need: Presence::Required,
            shape: Shape::One(choices),
            values,
        })
    }

    /// A field of the menu, with the values that were sent for it, or else what most likely belongs there. `task`: the
    /// task that the command is about, if that was chosen before.
    pub fn field(&self, field: &Field, task: Option<&Task>, sent: &Sent) -> FormField {
        let hint = match field.kind {
            FieldKind::Schedule => self.lines.say("hint-schedule", &[]),
            FieldKind::Names => self.lines.say("hint-names", &[]),
            FieldKind::Deadline => self.lines.say("hint-deadline", &[]),
            FieldKind::Time => self.lines.say("hint-time", &[]),
            FieldKind::Code => self.lines.say("hint-code", &[]),
            FieldKind::Confirmation => self.lines.say("hint-confirm", &[]),
            _ => String::new(),
        };
        let shape = self.shape(field.kind, task);
        let was_sent = sent.iter().any(|(name, _)| name == field.var);
        let values = if was_sent {
            let sent = sent.iter().filter(|(name, _)| name == field.var).flat_map(|(_, values)| values);
            sent.filter(|value| !value.trim().is_empty()).cloned().collect()
        } else {
            self.likely(field, &shape)
        };
        let label = self.lines.label(field.var);
        known(FormField { var: field.var, label, hint, need: field.presence, shape, values })
    }

    /// The likeliest value of a field that is not filled in yet.
    fn likely(&self, field: &Field, shape: &Shape) -> Vec<String> {
        let likely = match (field.kind, shape) {
            (FieldKind::User, _) if self.view.is_admin() => Some(EVERYBODY.to_owned()),
            (FieldKind::User, _) => Some(self.view.own_name().to_owned()),
            (FieldKind::Confirmation, _) => Some(Confirmation::NAMES[0].0.to_owned()), // no
            (FieldKind::Owner, _) => Some(self.view.own_name().to_owned()),
            (FieldKind::TaskKind, _) => Some(Kind::Todo.name().to_owned()),
            (FieldKind::Plan, Shape::One(choices)) if choices.len() > 1 => self.waiting_plan(),
            (_, Shape::One(choices)) if field.presence == Presence::Required => match &choices[..] {
                [only] => Some(only.value.clone()),
                _ => None,
            },
            _ => None,
        };
        likely.into_iter().collect()
    }

    fn shape(&self, kind: FieldKind, task: Option<&Task>) -> Shape {
        let board = self.view.scene().board;
        match kind {
            FieldKind::OwnOpenTask => one_of(tasks(board.open_tasks(self.view.who()))),
            FieldKind::OwnAnsweredTask => one_of(tasks(board.answered_tasks(self.view.who()))),
            FieldKind::Task => one_of(tasks(board.listed())),
            FieldKind::Plan => one_of(self.plans()),
            FieldKind::Checklist => one_of(self.checklists()),
            FieldKind::Running => one_of(self.running()),
            FieldKind::User => one_of(self.whose()),
            FieldKind::TaskKind => one_of(self.kinds()),
            FieldKind::Verb => one_of(self.verbs()),
            FieldKind::RemovedTask => one_of(self.removed()),
            FieldKind::Watched => one_of(self.watched()),
            FieldKind::LinksWish => one_of(self.links()),
            FieldKind::Confirmation => one_of(self.confirmations()),
            FieldKind::Session => one_of(self.sessions()),
            FieldKind::TokenScope => one_of(self.scopes()),
            FieldKind::Token => one_of(self.tokens()),
            FieldKind::Owner => one_of(self.users()),
            FieldKind::ClockAct => one_of(self.clock_acts()),
            FieldKind::Names => any_of(self.names(None)),
            FieldKind::Assigned => any_of(self.names(task)),
            FieldKind::Title | FieldKind::Text | FieldKind::Deadline => Shape::Line(None),
            FieldKind::Schedule => Shape::Line(Some(SCHEDULE)),
            FieldKind::Time => Shape::Line(Some(TIME)),
            FieldKind::Code => Shape::Line(Some(CODE)),
        }
    }

    /// What can be brought back, the latest first.
    fn removed(&self) -> Vec<Choice> {
        let mut removed: Vec<_> = self.view.scene().board.removed().all().collect();
        removed.sort_by_key(|(_, task)| std::cmp::Reverse(task.at_ms));
        let removed = removed.into_iter().take(limits::FORM_CHOICES);
        removed.map(|(id, task)| choice(id.to_string(), &format!("{id}: {}", task.title.as_str()))).collect()
    }

    /// What can be watched.
    fn watched(&self) -> Vec<Choice> {
        let answers = ["all", "failures"].map(|name| choice(name, &self.lines.say(&format!("watched-{name}"), &[])));
        answers.into_iter().chain(tasks(self.view.scene().board.listed())).collect()
    }

    /// The planned tasks: first those that wait for an admin's word.
    fn plans(&self) -> Vec<Choice> {
        let scene = self.view.scene();
        let (plan, now) = (scene.board.plan(), scene.shown_time());
        let waits = |planned: &Planned| now.is_some_and(|now| plan.waits(planned, now));
        let (first, others): (Vec<&Planned>, Vec<&Planned>) = plan.entries().partition(|planned| waits(planned));
        let label = |p: &Planned| {
            let schedule = self.lines.written_with_time(p.schedule).map(|schedule| format!(" {schedule}"));
            let (schedule, mark) = (schedule.unwrap_or_default(), self.lines.asked_of(p, plan));
            format!("{}{schedule}{mark}: {}", p.id, p.title.as_str())
        };
        first.into_iter().chain(others).map(|p| choice(p.id.to_string(), &label(p))).collect()
    }

    /// The only planned task that waits for an admin's word.
    fn waiting_plan(&self) -> Option<String> {
        let scene = self.view.scene();
        let (plan, now) = (scene.board.plan(), scene.shown_time()?);
        let mut waiting = plan.entries().filter(|planned| plan.waits(planned, now));
        waiting.next().filter(|_| waiting.next().is_none()).map(|planned| planned.id.to_string())
    }

    fn checklists(&self) -> Vec<Choice> {
        let all = self.view.scene().checklists.iter();
        all.map(|checklist| choice(&checklist.name, &self.lines.checklist(checklist))).collect()
    }

    /// The checklists that are gone through.
    fn running(&self) -> Vec<Choice> {
        let runs = self.view.scene().board.plan().runs().filter(|run| !run.is_over());
        runs.map(|run| choice(&run.name, &format!("{} · {}", run.name, self.lines.progress(run)))).collect()
    }

    fn kinds(&self) -> Vec<Choice> {
        let kinds = [Kind::Todo, Kind::TodoFail, Kind::Confirm, Kind::OkFail, Kind::Question];
        kinds.map(|kind| choice(kind.name(), &self.lines.kind(kind))).into()
    }

    fn verbs(&self) -> Vec<Choice> {
        let offered = menu::offered(Needs::Admin).filter(|item| item.is_offered(self.view));
        offered.map(|item| choice(item.verb, &self.lines.item(item))).collect()
    }

    fn links(&self) -> Vec<Choice> {
        LinksWish::NAMES.map(|(name, _)| choice(name, &self.lines.say(&format!("links-{name}"), &[]))).into()
    }

    fn confirmations(&self) -> Vec<Choice> {
        Confirmation::NAMES.map(|(name, _)| choice(name, &self.lines.say(&format!("confirm-{name}"), &[]))).into()
    }

    /// The browsers with which the asker is logged in, and all of them.
    fn sessions(&self) -> Vec<Choice> {
        let now_ms = self.view.scene().now.map_or(i64::MIN, |now| now.wall_ms);
        let sessions = self.view.scene().board.doors().sessions_of(self.view.who(), now_ms);
        let all = (sessions.len() > 1).then(|| choice(EVERYBODY, &self.lines.say("hint-every-browser", &[])));
        let one = |session: &&WebSession| choice(session.id.to_string(), &self.lines.session_row(session).join(" · "));
        sessions.iter().map(one).chain(all).collect()
    }

    fn scopes(&self) -> Vec<Choice> {
        let label = |scope: TokenScope| self.lines.say(&format!("scope-{}", scope.name()), &[]);
        TokenScope::ALL.map(|scope| choice(scope.name(), &label(scope))).into()
    }

    fn tokens(&self) -> Vec<Choice> {
        let tokens = self.view.scene().board.doors().tokens();
        tokens.map(|token| choice(token.id.to_string(), &self.lines.token_row(token).join(" · "))).collect()
    }

    fn users(&self) -> Vec<Choice> {
        self.view.scene().people.listed().into_iter().map(|(person, _)| self.user(person)).collect()
    }

    /// What can be done to the contest clock.
    fn clock_acts(&self) -> Vec<Choice> {
        ClockAct::WORDS.map(|(name, _)| choice(name, &self.lines.say(&format!("clock-act-{name}"), &[]))).into()
    }

    /// Whose tasks can be looked at.
    fn whose(&self) -> Vec<Choice> {
        if !self.view.sees_all() {
            return vec![self.user(self.view.who())];
        }
        let people = self.view.scene().people;
        let everybody = choice(EVERYBODY, &self.lines.say("hint-everybody", &[]));
        let users = people.listed().into_iter().map(|(person, _)| self.user(person));
        [everybody].into_iter().chain(users).collect()
    }

    /// A user, by the name in packets, which is exact, and as people know them.
    fn user(&self, person: &Person) -> Choice {
        let people = self.view.scene().people;
        choice(people.name(person), &people.shown(person))
    }

    /// Groups, then users: of the whole room, or those who have a task.
    fn names(&self, task: Option<&Task>) -> Vec<Choice> {
        let people = self.view.scene().people;
        let among = |person: &Person| task.is_none_or(|task| task.statuses.contains_key(person));
        let listed = || people.listed().into_iter().filter(|(person, _)| among(person));
        let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
        for group in listed().flat_map(|(_, member)| &member.groups) {
            *sizes.entry(group).or_default() += 1;
        }
        let groups = sizes
            .into_iter()
            .map(|(group, count)| choice(group, &format!("{group} ({})", self.lines.count("count-people", count))));
        let users = listed().map(|(person, _)| self.user(person));
        // Who has a task and has left the room can still lose it.
        let gone = task.into_iter().flat_map(|task| task.statuses.keys());
        let gone = gone.filter(|person| people.user(people.name(person)).is_none()).map(|person| self.user(person));
        groups.chain(users).chain(gone).collect()
    }
}

/// What stands in a list is of the list, and in what holds one value there is one.
fn known(mut field: FormField) -> FormField {
    if let Shape::One(choices) | Shape::Any(choices) = &field.shape {
        field.values.retain(|value| choices.iter().any(|choice| choice.value == *value));
    }
    if matches!(field.shape, Shape::One(_) | Shape::Line(_)) {
        field.values.truncate(1);
    }
    field
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

/// Why a form need not be shown: a list of it that has to be chosen from is empty. The key of the words for it.
pub fn dead_end(fields: &[FormField], item: &Item) -> Option<&'static str> {
    let empty = |field: &&FormField| {
        field.need == Presence::Required && matches!(&field.shape, Shape::One(c) | Shape::Any(c) if c.is_empty())
    };
    let var = fields.iter().find(empty)?.var;
    Some(match item.fields.iter().find(|field| field.var == var)?.kind {
        FieldKind::OwnOpenTask => "no-open-tasks",
        FieldKind::OwnAnsweredTask => "no-answered-tasks",
        FieldKind::Plan => "no-plans",
        FieldKind::Checklist => "no-checklists",
        FieldKind::Running => "no-runs",
        FieldKind::Session => "no-sessions",
        FieldKind::Token => "no-tokens",
        FieldKind::Assigned | FieldKind::Names => "nobody-assigned",
        _ => "no-tasks",
    })
}
