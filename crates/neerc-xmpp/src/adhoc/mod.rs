//! The menu as ad-hoc commands (XEP-0050): each in one step, with the form filled in already, or by forms, one after
//! another where what the next one offers depends on the last. What is asked for is answered here; what is to be
//! changed goes out as a command of the core, and its answer comes back before the client hears of it.
//!
//! Not which commands there are, and not what they do: that is the core's menu and board.

pub mod command;
mod sessions;

use crate::stanza::address::Address;
use crate::xep::form::{self, Returned};
use crate::xml::Element;
use command::{Action, Fault, Invocation, Reply, Severity, Stage};
use neerc_core::board::{Board, Done};
use neerc_core::change::Room;
use neerc_core::command::{Command, Query};
use neerc_core::doors::LoginTries;
use neerc_core::face::begin::{self, NotBegun};
use neerc_core::face::choices::{self, Choices};
use neerc_core::face::form::{Form, Sent, one};
use neerc_core::face::lines::Lines;
use neerc_core::face::login::login_by_form;
use neerc_core::face::menu::{self, FieldKind, Item, Needs, Request};
use neerc_core::face::tables;
use neerc_core::face::words::{Language, Words};
use neerc_core::limits;
use neerc_core::people::Person;
use neerc_core::refusal::{Refusal, excerpt};
use neerc_core::task::{Task, TaskId};
use neerc_core::view::{RoomScene, View};
use sessions::{Draft, Number, Sessions};

/// Everything that commands are answered from.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The rooms that the asked address stands for, the default one first.
    pub rooms: &'a [RoomScene<'a>],
    /// The words for people.
    pub words: &'a dyn Words,
    /// The language of whoever does not ask for another.
    pub language: Language,
    /// Most bytes of a form or a table.
    pub limit: usize,
}

/// What comes of an invocation.
#[derive(Debug)]
pub enum Outcome {
    /// An answer.
    Reply(Reply),
    /// An error.
    Fault(Fault),
    /// Something is to be changed first; then [`Commands::decided`] makes the answer.
    Ask(Room, Command, Box<Pending>),
}

/// A command whose change is on its way to the disk.
#[derive(Debug)]
pub struct Pending {
    number: Number,
    draft: Draft,
    values: Sent,
    language: Language,
}

/// The commands that are under way.
#[derive(Debug)]
pub struct Commands {
    sessions: Sessions,
    /// Who has tried codes in vain, by forms or by chat.
    pub tries: LoginTries,
}

/// The rows of the menu that are offered to somebody in any of these rooms.
pub fn offered(rooms: &[RoomScene<'_>], who: &Person) -> impl Iterator<Item = &'static Item> {
    menu::offered(Needs::Admin).filter(|item| withheld(rooms, who, item).is_none())
}

/// Why a row of the menu is not offered to somebody in any of these rooms; nothing if it is.
pub fn withheld(rooms: &[RoomScene<'_>], who: &Person, item: &Item) -> Option<Refusal> {
    let mut withheld = Refusal::NotInRoom;
    for view in rooms.iter().filter_map(|room| View::of(*room, who).ok()) {
        withheld = item.withheld(&view)?;
    }
    Some(withheld)
}

/// Which form comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Room,
    Task,
    Fields,
}

impl Draft {
    fn step(&self) -> Step {
        match (&self.room, &self.task) {
            (None, _) => Step::Room,
            (_, None) if self.item.fields.iter().any(|field| field.kind == FieldKind::Assigned) => Step::Task,
            _ => Step::Fields,
        }
    }

    /// The fields of the form that comes next.
    fn fields(&self) -> impl Iterator<Item = &'static menu::Field> + use<> {
        let step = self.step();
        let asked = self.task.is_some();
        self.item.fields.iter().filter(move |field| match (step, field.var) {
            (Step::Room, _) => false,
            (Step::Task, var) => var == "task",
            (Step::Fields, var) => !(asked && var == "task"),
        })
    }

    /// What can be done with that form.
    fn actions(&self) -> Vec<Action> {
        let onward = match self.step() {
            Step::Room if self.item.fields.is_empty() => Action::Complete,
            Step::Room | Step::Task => Action::Next,
            Step::Fields => Action::Complete,
        };
        let back = (self.task.is_some() || self.room_chosen).then_some(Action::Prev);
        [onward].into_iter().chain(back).collect()
    }

    /// Goes back to the form before; whether there was one.
    fn back(&mut self) -> bool {
        if self.task.take().is_some() {
            return true;
        }
        let chosen = std::mem::take(&mut self.room_chosen);
        if chosen {
            self.room = None;
        }
        chosen
    }
}

/// One invocation with all that is known of it.
struct Turn<'a> {
    now_ms: i64,
    from: &'a Address,
    who: &'a Person,
    scene: &'a Scene<'a>,
    language: Language,
    /// The rooms in which the command is offered to the asker; never empty.
    open: Vec<RoomScene<'a>>,
    number: Number,
    draft: Draft,
}

impl<'a> Turn<'a> {
    /// The room that was chosen, or the first.
    fn room(&self) -> Result<RoomScene<'a>, Fault> {
        let chosen = |scene: &&RoomScene<'_>| self.draft.room.as_ref().is_none_or(|room| room == scene.room);
        self.open.iter().find(chosen).copied().ok_or(Fault::BadSession)
    }

    fn lines(&self) -> Result<Lines<'a>, Fault> {
        let scene = self.room()?;
        Ok(Lines { words: self.scene.words, language: self.language, links: None, scene, who: self.who })
    }

    fn view(&self) -> Result<View<'a>, Fault> {
        View::of(self.room()?, self.who).map_err(Fault::Refused)
    }
}

impl Commands {
    /// Nothing under way, for a service that was started at that time.
    pub fn new(started_ms: i64) -> Commands {
        Commands { sessions: Sessions::new(started_ms), tries: LoginTries::default() }
    }

    /// Takes an invocation: the `<command/>` of a request.
    pub fn handle(&mut self, now_ms: i64, from: &Address, scene: &Scene<'_>, payload: &Element<'_>) -> Outcome {
        self.invoke(now_ms, from, scene, payload).unwrap_or_else(Outcome::Fault)
    }

    fn invoke(
        &mut self,
        now_ms: i64,
        from: &Address,
        scene: &Scene<'_>,
        payload: &Element<'_>,
    ) -> Result<Outcome, Fault> {
        let Invocation { node, session, action, language, form } = Invocation::read(payload)?;
        let item = menu::by_node(node).ok_or(Fault::UnknownNode)?;
        let who = &from.person();
        let open = open(scene, who, item)?;
        let language = language.unwrap_or(scene.language);
        let (number, draft) = match session {
            Some(id) => self.sessions.take(now_ms, from, id, item)?,
            None => {
                let room = if let [only] = &open[..] { Some(only.room.clone()) } else { None };
                (self.sessions.number(), Draft { item, room, room_chosen: false, task: None })
            }
        };
        let mut turn = Turn { now_ms, from, who, scene, language, open, number, draft };
        let (cancelled, values) = match form {
            Some(Returned::Cancelled) => (true, None),
            Some(Returned::Submitted(values)) => (action == Action::Cancel, Some(values)),
            None => (action == Action::Cancel, None),
        };
        match (session.is_some(), values) {
            (true, _) if cancelled => Ok(Outcome::Reply(self.reply(&turn, Stage::Canceled, Vec::new(), Vec::new()))),
            (true, _) if action == Action::Prev => {
                let went = turn.draft.back();
                let shown = self.show(turn, &Sent::new(), None)?;
                if went { Ok(shown) } else { Err(Fault::BadAction) }
            }
            (false, _) if cancelled || action == Action::Prev => Err(Fault::BadAction),
            (false, None) if item.fields.is_empty() && turn.draft.room.is_some() => self.perform(turn, Sent::new()),
            (false, None) => self.show(turn, &Sent::new(), None),
            (true, values) => {
                let asked = turn.draft.step();
                self.submit(turn, values.unwrap_or_default(), Some(asked))
            }
            (false, Some(values)) => self.submit(turn, values, None),
        }
    }

    /// Takes what was filled in. `asked`: which form it was; none if nothing was asked.
    fn submit(&mut self, mut turn: Turn<'_>, values: Sent, asked: Option<Step>) -> Result<Outcome, Fault> {
        if turn.draft.room.is_none() {
            match choose_room(&turn, &values, asked) {
                Ok(room) => (turn.draft.room, turn.draft.room_chosen) = (Some(room), true),
                Err(refusal) => return self.show(turn, &values, Some(refusal)),
            }
        }
        let first = turn.draft.item.fields.iter().any(|field| field.kind == FieldKind::Assigned);
        if let Some(task) = one(&values, "task").filter(|_| first) {
            match existing(turn.room()?.board, task) {
                Ok(task) => turn.draft.task = Some(task.id.to_string()),
                Err(refusal) => {
                    turn.draft.task = None;
                    return self.show(turn, &values, Some(refusal));
                }
            }
        }
        let sent = |field: &menu::Field| one(&values, field.var).is_some();
        let onward = asked.is_some_and(|asked| asked != turn.draft.step());
        if onward && turn.draft.fields().next().is_some() && !turn.draft.fields().any(sent) {
            return self.show(turn, &values, None);
        }
        self.perform(turn, values)
    }

    /// Does what a command with these values asks.
    fn perform(&mut self, turn: Turn<'_>, values: Sent) -> Result<Outcome, Fault> {
        let view = turn.view()?;
        let item = turn.draft.item;
        let request = match menu::build(item, &arguments(&view, &turn.draft, &values)) {
            Ok(request) => request,
            Err(refusal) => return self.show(turn, &values, Some(refusal)),
        };
        match request {
            Request::Help(about) => {
                let note = (Severity::Info, turn.lines()?.help(about).join("\n"));
                Ok(Outcome::Reply(self.reply(&turn, Stage::Completed, vec![note], Vec::new())))
            }
            Request::Query(query) => self.answer(turn, &view, &values, &query),
            Request::Command(command) => Ok(ask(turn, &view, values, command)),
            Request::Login(request) => match login_by_form(&view, request, &mut self.tries, turn.now_ms) {
                Ok(command) => Ok(ask(turn, &view, values, command)),
                Err(refusal) => self.show(turn, &values, Some(refusal)),
            },
            Request::Begin(name) => match begin::begin(&view, &name) {
                Ok(command) => Ok(ask(turn, &view, values, command)),
                Err(NotBegun { refusal, why: None }) => self.show(turn, &values, Some(refusal)),
                // No form mends the line of a file.
                Err(unclear) => {
                    let note = (Severity::Error, turn.lines()?.not_begun(&unclear));
                    Ok(Outcome::Reply(self.reply(&turn, Stage::Completed, vec![note], Vec::new())))
                }
            },
        }
    }

    fn answer(&mut self, turn: Turn<'_>, view: &View<'_>, values: &Sent, query: &Query) -> Result<Outcome, Fault> {
        let shown = match view.answer(query) {
            Ok(shown) => shown,
            Err(refusal) => return self.show(turn, values, Some(refusal)),
        };
        let (lines, limit) = (turn.lines()?, turn.scene.limit);
        let report = tables::report(&lines, turn.draft.item, &shown, limit);
        let mut out = Vec::new();
        let left_out = form::write_report(&report, &mut out, limit);
        let more = |count: usize| (Severity::Warn, lines.count("and-more", count));
        let mut in_words = Some(report.in_words()).filter(|words| !words.is_empty());
        let unsaid = report.rows.len().saturating_sub(limits::LISTED_IN_CHAT);
        if unsaid > 0
            && let Some(words) = &mut in_words
        {
            words.push('\n');
            words.push_str(&lines.count("and-more", unsaid + report.not_made));
        }
        let notes = in_words.map(|words| (Severity::Info, words)).into_iter();
        let notes = notes.chain(Some(left_out).filter(|count| *count > 0).map(more)).collect();
        Ok(Outcome::Reply(self.reply(&turn, Stage::Completed, notes, out)))
    }

    /// The answer once a change was made or refused.
    pub fn decided(
        &mut self,
        now_ms: i64,
        from: &Address,
        scene: &Scene<'_>,
        pending: Pending,
        outcome: Result<&Done, Refusal>,
    ) -> Outcome {
        self.conclude(now_ms, from, scene, pending, outcome).unwrap_or_else(Outcome::Fault)
    }

    fn conclude(
        &mut self,
        now_ms: i64,
        from: &Address,
        scene: &Scene<'_>,
        pending: Pending,
        outcome: Result<&Done, Refusal>,
    ) -> Result<Outcome, Fault> {
        let Pending { number, draft, values, language } = pending;
        let who = &from.person();
        let open = match (open(scene, who, draft.item), &outcome) {
            (Ok(open), _) => open,
            // Whoever has lost their rights since is told what was done all the same.
            (Err(_), Ok(_)) => scene.rooms.to_vec(),
            (Err(fault), Err(_)) => return Err(fault),
        };
        let turn = Turn { now_ms, from, who, scene, language, open, number, draft };
        match outcome {
            Ok(done) => {
                let said = turn.lines()?.done(done).into_iter();
                let severities = [Severity::Info].into_iter().chain(std::iter::repeat(Severity::Warn));
                let notes = severities.zip(said).collect();
                Ok(Outcome::Reply(self.reply(&turn, Stage::Completed, notes, Vec::new())))
            }
            Err(refusal @ (Refusal::NotInRoom | Refusal::AdminsOnly)) => Err(Fault::Refused(refusal)),
            Err(refusal) => self.show(turn, &values, Some(refusal)),
        }
    }

    /// Shows the form that comes next, with what was sent for it and why that would not do.
    fn show(&mut self, turn: Turn<'_>, values: &Sent, refusal: Option<Refusal>) -> Result<Outcome, Fault> {
        let (view, lines) = (&turn.view()?, &turn.lines()?);
        let choices = Choices { lines, view };
        let item = turn.draft.item;
        let task = turn.draft.task.as_deref().and_then(|task| existing(view.scene().board, task).ok());
        let fields: Vec<_> = match turn.draft.step() {
            Step::Room => {
                let rooms: Vec<&str> = turn.open.iter().map(|scene| &**scene.room).collect();
                vec![choices.room(&rooms, values)]
            }
            Step::Task | Step::Fields => turn.draft.fields().map(|field| choices.field(field, task, values)).collect(),
        };
        let mut notes: Vec<_> =
            refusal.iter().map(|refusal| (Severity::Error, lines.refusal_of(item, refusal))).collect();
        let dead_end = choices::dead_end(&fields, item).map(|key| (Severity::Info, lines.say(key, &[])));
        if dead_end.is_some() || fields.is_empty() {
            notes.extend(dead_end.filter(|_| refusal.is_none()));
            return Ok(Outcome::Reply(self.reply(&turn, Stage::Completed, notes, Vec::new())));
        }
        // Some clients show the form of an answer and not its notes.
        let wrong = notes.iter().map(|(_, text)| text.clone());
        let help = lines.form_help(item);
        let instructions = wrong.chain([help]).chain(task.map(choices::titled)).collect::<Vec<_>>().join("\n");
        let form = form::write_within(Form { title: lines.item(item), instructions, fields }, turn.scene.limit);
        let reply = self.reply(&turn, Stage::Executing, notes, form);
        let rights = view.rights();
        let Turn { now_ms, from, number, draft, .. } = turn;
        self.sessions.put(now_ms, (from, rights), number, draft)?;
        Ok(Outcome::Reply(reply))
    }

    fn reply(&self, turn: &Turn<'_>, stage: Stage, notes: Vec<(Severity, String)>, form: Vec<u8>) -> Reply {
        let actions = if stage == Stage::Executing { turn.draft.actions() } else { Vec::new() };
        let session = self.sessions.id(turn.number);
        let said: Vec<&str> = notes.iter().map(|(_, text)| text.as_str()).collect();
        let form = match turn.lines() {
            Ok(lines) if stage == Stage::Completed && form.is_empty() && !said.is_empty() => {
                form::write_said(&lines.item(turn.draft.item), &said)
            }
            _ => form,
        };
        Reply { node: turn.draft.item.node, session, stage, actions, notes, language: turn.language, form }
    }
}

/// Has something changed first.
fn ask(turn: Turn<'_>, view: &View<'_>, values: Sent, command: Command) -> Outcome {
    let room = view.scene().room.clone();
    let Turn { number, draft, language, .. } = turn;
    Outcome::Ask(room, command, Box::new(Pending { number, draft, values, language }))
}

/// The rooms in which a command is offered to somebody.
fn open<'a>(scene: &Scene<'a>, who: &Person, item: &Item) -> Result<Vec<RoomScene<'a>>, Fault> {
    if let Some(refusal) = withheld(scene.rooms, who, item) {
        return Err(Fault::Refused(refusal));
    }
    let open = |room: &&RoomScene<'_>| View::of(**room, who).is_ok_and(|view| item.is_offered(&view));
    Ok(scene.rooms.iter().filter(open).copied().collect())
}

/// The room that was chosen; whoever was not asked for one means the first.
fn choose_room(turn: &Turn<'_>, values: &Sent, asked: Option<Step>) -> Result<Room, Refusal> {
    let chosen = one(values, choices::ROOM);
    let scene = match chosen {
        Some(name) => turn.open.iter().find(|scene| scene.room.to_lowercase() == name.to_lowercase()),
        None if asked.is_none() => turn.open.first(),
        None => return Err(Refusal::MissingField { field: choices::ROOM }),
    };
    let unknown = || Refusal::UnknownRoom { room: excerpt(chosen.unwrap_or("")) };
    scene.map(|scene| scene.room.clone()).ok_or_else(unknown)
}

/// The task of that number.
fn existing<'b>(board: &'b Board, text: &str) -> Result<&'b Task, Refusal> {
    board.existing(TaskId::parse(text)?)
}

/// The values that the menu is given: those sent, the task chosen before, and whose tasks somebody means who does not
/// say.
fn arguments<'v>(view: &View<'_>, draft: &Draft, values: &'v Sent) -> Vec<(&'v str, Vec<String>)> {
    let mut arguments = choices::arguments(view, draft.item, values);
    if let Some(task) = draft.task.clone() {
        arguments.retain(|(var, _)| *var != "task");
        arguments.push(("task", vec![task]));
    }
    arguments
}
