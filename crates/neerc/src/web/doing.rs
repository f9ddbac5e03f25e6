//! Everything that can be done or asked, by forms that are drawn from the menu: one page for each of its rows. Not what is
//! allowed: that is decided by the core, on what is sent.

use super::asks::{ServiceGone, WebWish};
use super::board::form;
use super::door::fresh_secret;
use super::pages::{PageFrame, not_shown, note, page};
use super::picture::Position;
use super::told;
use super::visit::Visit;
use askama::Template;
use axum::extract::{Path, RawQuery};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use neerc_core::command::{Command, Query};
use neerc_core::face::begin;
use neerc_core::face::choices::{self, Choices};
use neerc_core::face::form::{FormField, Report, Sent, Shape, one};
use neerc_core::face::lines::Lines;
use neerc_core::face::login::login_by_form;
use neerc_core::face::menu::{self, Act, FieldKind, Item, MENU, Presence, Request};
use neerc_core::face::tables;
use neerc_core::refusal::Refusal;
use neerc_core::task::{Task, TaskId};
use neerc_core::trail::Trail;
use neerc_core::view::{RoomScene, Shown, View};

/// The field of a form that says which revision of the board it was drawn from.
const SEEN: &str = "seen";

/// A form, and what is to be read above it.
#[derive(Template)]
#[template(path = "form.html")]
struct FormPage<'a> {
    frame: PageFrame<'a>,
    visit: &'a Visit,
    clock: String,
    who: String,
    help: String,
    /// Why what was sent would not do.
    refusal: Option<String>,
    /// What happened to the task meanwhile.
    meanwhile: Vec<String>,
    fields: Vec<FormField>,
    /// What is sent along.
    hidden: Vec<(&'static str, String)>,
    method: &'static str,
    action: String,
    button: String,
    report: Option<Report>,
    left_out: Option<String>,
    text: Vec<String>,
    /// Why there is nothing to fill in.
    dead_end: Option<String>,
}

/// The fields of a form, each with all its values.
fn sent(text: &str) -> Sent {
    let mut sent: Sent = Vec::new();
    for (name, value) in form(text) {
        match sent.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.push(value),
            None => sent.push((name, vec![value])),
        }
    }
    // What was typed into several lines is as many values.
    for (_, values) in &mut sent {
        *values = values.iter().flat_map(|value| value.split('\n')).map(|value| value.trim().to_owned()).collect();
    }
    sent
}

/// The row of a verb, if it is offered.
fn item_of<'v>(verb: &str, view: &View<'v>) -> Result<&'static Item, StatusCode> {
    let item = MENU.iter().find(|item| item.verb == verb).map(|item| menu::by_act(item.act));
    let item = item.ok_or(StatusCode::NOT_FOUND)?;
    if item.is_offered(view) { Ok(item) } else { Err(StatusCode::FORBIDDEN) }
}

/// A page that is being made for a row of the menu.
struct Draft<'a> {
    visit: &'a Visit,
    view: &'a View<'a>,
    item: &'static Item,
    values: &'a Sent,
}

impl<'a> Draft<'a> {
    fn lines(&self) -> Lines<'a> {
        let scene = self.view.scene();
        let (words, language) = (self.visit.site.words(), self.visit.language);
        Lines { words, language, links: None, scene, who: &self.visit.who }
    }

    /// The task that the form is about, once that is known.
    fn task(&self) -> Option<&'a Task> {
        let task = one(self.values, "task").and_then(|task| TaskId::parse(task).ok())?;
        self.view.scene().board.task(task)
    }

    /// Whether the task has to be chosen first, since what else is offered depends on it.
    fn asks_task_first(&self) -> bool {
        self.item.fields.iter().any(|field| field.kind == FieldKind::Assigned) && self.task().is_none()
    }

    /// The page.
    fn draw(&self, status: StatusCode, shown: Drawn) -> Response {
        let (visit, item, lines) = (self.visit, self.item, self.lines());
        let choices = Choices { lines: &lines, view: self.view };
        let first = self.asks_task_first();
        let fields = item.fields.iter().filter(|field| !first || field.var == "task");
        let fields: Vec<FormField> = fields.map(|field| choices.field(field, self.task(), self.values)).collect();
        let is_asked = first || item.is_query();
        let room = &visit.picture.room;
        let dead_end = choices::dead_end(&fields, item).map(|key| lines.say(key, &[]));
        let seen = (SEEN, visit.picture.position(visit.picture.board.revision()));
        let page_of = FormPage {
            frame: PageFrame::new(&visit.site, visit.language, lines.item(item), format!("/r/{room}/do/{}", item.verb)),
            visit,
            clock: super::draw::clock(visit),
            who: visit.picture.people.shown(&visit.who).into_owned(),
            help: lines.form_help(item),
            refusal: shown.refusal.map(|refusal| lines.refusal_of(item, &refusal)),
            meanwhile: shown.meanwhile,
            hidden: if is_asked { Vec::new() } else { vec![seen] },
            method: if is_asked { "get" } else { "post" },
            action: format!("/r/{room}/do/{}", item.verb),
            button: if is_asked && !fields.is_empty() { visit.say("web-next") } else { lines.item(item) },
            fields: if dead_end.is_some() { Vec::new() } else { fields },
            left_out: shown
                .report
                .as_ref()
                .map(|report| report.not_made)
                .filter(|count| *count > 0)
                .map(|count| lines.count("and-more", count)),
            report: shown.report,
            text: shown.text,
            dead_end,
        };
        page(status, &page_of)
    }
}

/// What a page shows besides its form.
#[derive(Default)]
struct Drawn {
    refusal: Option<Refusal>,
    meanwhile: Vec<String>,
    report: Option<Report>,
    text: Vec<String>,
}

impl Drawn {
    fn refused(refusal: Refusal) -> Drawn {
        Drawn { refusal: Some(refusal), ..Drawn::default() }
    }
}

/// Draws the form of a row, or answers what it asks.
pub async fn draw(
    visit: Visit,
    Path((_, verb)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let values = sent(query.as_deref().unwrap_or_default());
    let trail = match one(&values, "task").and_then(|task| TaskId::parse(task).ok()) {
        Some(task) if verb == menu::by_act(Act::History).verb => {
            let mut entries = visit.site.bridge.trail(visit.picture.room.clone(), task).await.unwrap_or_default();
            entries.reverse();
            Some(Trail::restore(entries))
        }
        _ => None,
    };
    let scene = RoomScene { trail: trail.as_ref(), ..visit.picture.scene(visit.time) };
    let Ok(view) = View::of(scene, &visit.who) else {
        return not_shown(&visit.site, &headers, super::visit::NoVisit::Stranger);
    };
    let item = match item_of(&verb, &view) {
        Ok(item) => item,
        Err(status) => return no_row(&visit, status),
    };
    let draft = Draft { visit: &visit, view: &view, item, values: &values };
    let is_filled =
        item.fields.iter().all(|field| field.presence == Presence::Optional || one(&values, field.var).is_some());
    if !item.is_query() || !is_filled {
        return draft.draw(StatusCode::OK, Drawn::default());
    }
    match menu::build(item, &choices::arguments(&view, item, &values)) {
        Ok(Request::Query(query)) => answer(&draft, &query),
        Ok(Request::Help(topic)) => {
            draft.draw(StatusCode::OK, Drawn { text: draft.lines().help(topic), ..Drawn::default() })
        }
        Ok(Request::Command(_) | Request::Begin(_) | Request::Login(_)) => draft.draw(StatusCode::OK, Drawn::default()),
        Err(refusal) => draft.draw(StatusCode::UNPROCESSABLE_ENTITY, Drawn::refused(refusal)),
    }
}

fn answer(draft: &Draft<'_>, query: &Query) -> Response {
    match draft.view.answer(query) {
        Ok(shown) => {
            let report = tables::report(&draft.lines(), draft.item, &shown, super::limits::REPORT_BYTES);
            draft.draw(StatusCode::OK, Drawn { report: Some(report), ..Drawn::default() })
        }
        Err(refusal) => draft.draw(StatusCode::UNPROCESSABLE_ENTITY, Drawn::refused(refusal)),
    }
}

fn no_row(visit: &Visit, status: StatusCode) -> Response {
    let key = if status == StatusCode::FORBIDDEN { "web-admins-only" } else { "web-nowhere" };
    note(&visit.site, visit.language, status, key)
}

/// Does what a form asks.
pub async fn perform(
    visit: Visit,
    Path((_, verb)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let values = sent(&body);
    let (item, command) = match asked(&visit, &verb, &values) {
        Ok(asked) => asked,
        Err(NotAsked::NoRow(status)) => return no_row(&visit, status),
        Err(NotAsked::Refused(item, refusal)) => {
            return refused(&visit, &headers, item, &values, Drawn::refused(refusal));
        }
        Err(NotAsked::Unclear(item, said)) => {
            return refused(&visit, &headers, item, &values, Drawn { text: vec![said], ..Drawn::default() });
        }
    };
    let position = one(&values, SEEN).and_then(|seen| visit.picture.brought(seen));
    let seen = match position {
        Some(Position::Known(revision)) => Some(revision),
        Some(Position::Elsewhere) | None => None,
    };
    let task = command.task();
    let done = match position {
        Some(Position::Elsewhere) => Ok(Err(Refusal::Outdated)), // nobody has seen that of this log
        _ => change(&visit, command, seen).await,
    };
    match done {
        Ok(Ok(said)) => told::done(&visit, &headers, &said),
        Ok(Err(Refusal::Outdated)) => {
            let now = visit.again();
            let meanwhile = what_happened(&now, task, seen.unwrap_or_default()).await;
            refused(&now, &headers, item, &values, Drawn { meanwhile, ..Drawn::default() })
        }
        Ok(Err(refusal)) => refused(&visit.again(), &headers, item, &values, Drawn::refused(refusal)),
        Err(ServiceGone) => note(&visit.site, visit.language, StatusCode::SERVICE_UNAVAILABLE, "web-gone-away"),
    }
}

/// Why a form asks for no change.
enum NotAsked {
    NoRow(StatusCode),
    Refused(&'static Item, Refusal),
    /// What is to be mended elsewhere, in words.
    Unclear(&'static Item, String),
}

/// The change that a form asks for.
fn asked(visit: &Visit, verb: &str, values: &Sent) -> Result<(&'static Item, Command), NotAsked> {
    let view = visit.view().map_err(|_| NotAsked::NoRow(StatusCode::FORBIDDEN))?;
    let item = item_of(verb, &view).map_err(NotAsked::NoRow)?;
    let refused = |refusal| NotAsked::Refused(item, refusal);
    match menu::build(item, &choices::arguments(&view, item, values)).map_err(refused)? {
        Request::Command(command) => Ok((item, command)),
        Request::Begin(name) => {
            let unclear = |why| NotAsked::Unclear(item, visit.lines().not_begun(&why));
            begin::begin(&view, &name).map(|command| (item, command)).map_err(unclear)
        }
        Request::Login(request) => {
            let let_in = login_by_form(&view, request, &mut visit.site.tries(), visit.time.steady_ms);
            let_in.map(|command| (item, command)).map_err(refused)
        }
        Request::Query(_) | Request::Help(_) => Err(NotAsked::NoRow(StatusCode::METHOD_NOT_ALLOWED)),
    }
}

/// Has something changed by somebody who has seen that revision; what came of it in words.
pub async fn change(
    visit: &Visit,
    command: Command,
    seen: Option<u64>,
) -> Result<Result<String, Refusal>, ServiceGone> {
    let (room, who) = (visit.picture.room.clone(), visit.who.clone());
    let command = command.with_secret(fresh_secret);
    let done = visit.site.bridge.change(WebWish { seen, ..WebWish::new(room, who, command) }).await?;
    let now = visit.again();
    Ok(done.map(|done| now.lines().done(&done).join("\n")))
}

/// The form again, with what was sent and why that would not do.
fn refused(visit: &Visit, headers: &HeaderMap, item: &'static Item, values: &Sent, shown: Drawn) -> Response {
    let Ok(view) = visit.view() else { return not_shown(&visit.site, headers, super::visit::NoVisit::Stranger) };
    let draft = Draft { visit, view: &view, item, values };
    let status = match (&shown.refusal, shown.meanwhile.is_empty()) {
        (_, false) => StatusCode::CONFLICT,
        (Some(Refusal::AdminsOnly | Refusal::NotInRoom), _) => StatusCode::FORBIDDEN,
        (Some(Refusal::Busy), _) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    if told::is_script(headers) {
        let why = shown.refusal.map(|refusal| draft.lines().refusal_of(item, &refusal));
        let said = shown.meanwhile.into_iter().chain(why).chain(shown.text).collect::<Vec<_>>().join("\n");
        return told::to_script(&said, status);
    }
    draft.draw(status, shown)
}

/// What happened since somebody saw a revision, for them to read: to a task, or else to what their form shows.
async fn what_happened(visit: &Visit, task: Option<TaskId>, seen: u64) -> Vec<String> {
    let heading = visit.say("web-meanwhile");
    let Some(task) = task else { return vec![heading] };
    let entries = visit.site.bridge.trail(visit.picture.room.clone(), task).await.unwrap_or_default();
    let newer: Vec<_> = entries.iter().filter(|entry| entry.revision > seen).collect();
    let (lines, is_admin) = (visit.lines(), visit.view().is_ok_and(|view| view.is_admin()));
    let mut said = vec![heading];
    if is_admin && !newer.is_empty() {
        let shown = Shown::History { task, entries: newer };
        let report = tables::report(&lines, menu::by_act(Act::History), &shown, super::limits::REPORT_BYTES);
        said.extend(report.rows.iter().map(|row| Report::line(row)));
    } else if let Some((task, status)) =
        visit.picture.board.task(task).and_then(|task| Some((task, task.statuses.get(&visit.who)?)))
    {
        said.push(format!("{}: {}", task.title.as_str(), lines.status(task.kind, status)));
    }
    said
}
