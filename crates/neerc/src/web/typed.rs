//! The box that takes a line as the chat does, and says while it is typed what it will do: what is said of it once it is done,
//! were it done on the board as it is.

use super::asks::ServiceGone;
use super::board::form;
use super::doing::change;
use super::pages::{PageFrame, note, page};
use super::told;
use super::visit::Visit;
use askama::Template;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use neerc_core::board::Board;
use neerc_core::clock::hand::ClockNow;
use neerc_core::command::{Command, Query};
use neerc_core::face::begin;
use neerc_core::face::line::{self, Filled};
use neerc_core::face::lines::{Lines, ListPage};
use neerc_core::face::login::login;
use neerc_core::face::menu::Request;
use neerc_core::trail::Trail;
use neerc_core::view::{RoomScene, View};
use std::collections::BTreeSet;

/// What came of a line that is not said on the board.
#[derive(Template)]
#[template(path = "typed.html")]
struct TypedPage<'a> {
    frame: PageFrame<'a>,
    visit: &'a Visit,
    clock: String,
    who: String,
    line: &'a str,
    said: &'a str,
}

/// What a line asks.
enum Asked {
    Change(Command),
    /// What is to be told.
    Query(Query, usize),
    /// What is said of it at once.
    Said(String),
    /// The same, where nothing can be done.
    Refused(String),
}

/// Takes a line; with `dry=1`, only says what it would do.
pub async fn take(visit: Visit, RawQuery(query): RawQuery, headers: HeaderMap, body: String) -> Response {
    let text = form(&body).into_iter().find(|(name, _)| name == "line").map(|(_, line)| line).unwrap_or_default();
    let is_dry = form(query.as_deref().unwrap_or_default()).iter().any(|(name, value)| name == "dry" && value == "1");
    let asked = asked(&visit, &text, is_dry);
    if is_dry {
        return told::to_script(&foreseen(&visit, &asked), StatusCode::OK);
    }
    match asked {
        Asked::Change(command) => match change(&visit, command, None).await {
            Ok(Ok(said)) => told::done(&visit, &headers, &said),
            Ok(Err(refusal)) => {
                show(&visit, &headers, &text, &visit.lines().refusal(&refusal), StatusCode::UNPROCESSABLE_ENTITY)
            }
            Err(ServiceGone) => note(&visit.site, visit.language, StatusCode::SERVICE_UNAVAILABLE, "web-gone-away"),
        },
        Asked::Query(query, number) => {
            let said = answer(&visit, &query, number).await;
            show(&visit, &headers, &text, &said, StatusCode::OK)
        }
        Asked::Said(said) => show(&visit, &headers, &text, &said, StatusCode::OK),
        Asked::Refused(said) => show(&visit, &headers, &text, &said, StatusCode::UNPROCESSABLE_ENTITY),
    }
}

fn show(visit: &Visit, headers: &HeaderMap, line: &str, said: &str, status: StatusCode) -> Response {
    if told::is_script(headers) {
        return told::to_script(said, status);
    }
    let here = format!("/r/{}/line", visit.picture.room);
    let page_of = TypedPage {
        frame: PageFrame::new(&visit.site, visit.language, visit.say("web-line"), here),
        visit,
        clock: super::draw::clock(visit),
        who: visit.picture.people.shown(&visit.who).into_owned(),
        line,
        said,
    };
    page(status, &page_of)
}

/// What the first line of a text asks.
fn asked(visit: &Visit, text: &str, is_dry: bool) -> Asked {
    let lines = visit.lines();
    let view = match visit.view() {
        Ok(view) => view,
        Err(refusal) => return Asked::Refused(lines.refusal(&refusal)),
    };
    let Some(read) = line::read(text, &view).into_iter().next() else { return Asked::Refused(String::new()) };
    let filled: Filled = match read.asked {
        Ok(filled) => filled,
        Err(unclear) => return Asked::Refused(lines.unclear(&unclear)),
    };
    match filled.build() {
        Err(refusal) => Asked::Refused(lines.lacking(&filled, &refusal)),
        Ok(Request::Help(topic)) => Asked::Said(lines.help(topic).join("\n")),
        Ok(Request::Query(query)) => Asked::Query(query, filled.page),
        Ok(Request::Command(command)) => Asked::Change(command),
        // To look at a code is a try.
        Ok(Request::Login(_)) if is_dry => Asked::Said(String::new()),
        Ok(Request::Login(request)) => match login(&view, &request, &mut visit.site.tries(), visit.time.steady_ms) {
            Ok(command) => Asked::Change(command),
            Err(unclear) => Asked::Refused(lines.unclear(&unclear)),
        },
        Ok(Request::Begin(name)) => match begin::begin(&view, &name) {
            Ok(command) => Asked::Change(command),
            Err(why) => Asked::Refused(lines.not_begun(&why)),
        },
    }
}

/// What will be said of it, were it asked now.
fn foreseen(visit: &Visit, asked: &Asked) -> String {
    let command = match asked {
        Asked::Change(command) => command,
        Asked::Refused(said) => return said.clone(),
        Asked::Query(..) | Asked::Said(_) => return String::new(),
    };
    let picture = &visit.picture;
    let scene = picture.scene(visit.time);
    let reading = scene.clock.map(|dial| dial.reading);
    let (board, zone_ms) = (&picture.board, visit.time.zone_ms);
    let clock = ClockNow { reading, is_by_hand: board.clock().is_some(), speed: board.speed(), zone_ms };
    let (who, people) = (&visit.who, &picture.people);
    match picture.board.decide_by(clock, visit.time.wall_ms, who, people, command) {
        Ok(decision) => {
            let mut board: Board = (*picture.board).clone();
            if let Some(change) = &decision.change {
                board.apply(board.revision() + 1, change);
            }
            let lines = Lines { scene: RoomScene { board: &board, ..scene }, ..visit.lines() };
            let said = lines.done(&decision.done()).join("\n");
            format!("{} {said}", visit.say("web-will"))
        }
        Err(refusal) => visit.lines().refusal(&refusal),
    }
}

/// What is told of a query, as in the chat.
async fn answer(visit: &Visit, query: &Query, number: usize) -> String {
    let trail = match query {
        Query::History { task } => {
            let mut entries = visit.site.bridge.trail(visit.picture.room.clone(), *task).await.unwrap_or_default();
            entries.reverse();
            Some(Trail::restore(entries))
        }
        _ => None,
    };
    let scene = RoomScene { trail: trail.as_ref(), ..visit.picture.scene(visit.time) };
    let lines = Lines { scene, ..visit.lines() };
    let online: BTreeSet<&str> = visit.picture.online.iter().map(|person| person.bare()).collect();
    let shown = View::of(scene, &visit.who).and_then(|view| view.answer(query));
    match shown {
        Ok(shown) => lines.shown(&shown, &online, &mut ListPage { number, is_last: true }).join("\n"),
        Err(refusal) => lines.refusal(&refusal),
    }
}
