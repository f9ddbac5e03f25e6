//! The board of a room as a page: the table, the tasks of whoever looks, and what they can do from there.

use super::draw::{self, Pen};
use super::drawn::{self, PLACE, Part, SharedSight};
use super::live;
use super::pages::{PageFrame, not_shown};
use super::told;
use super::visit::{NoVisit, Visit};
use askama::Template;
use axum::body::Bytes;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::http::header::SET_COOKIE;
use axum::response::{IntoResponse, Response};
use neerc_core::face::grid::{Grid, GridFilter, GridMaker};
use neerc_core::refusal::Refusal;
use neerc_core::view::View;

/// The page.
#[derive(Template)]
#[template(path = "board.html")]
struct BoardPage<'a> {
    frame: PageFrame<'a>,
    visit: &'a Visit,
    who: String,
    is_admin: bool,
    /// Where changes are told, and from which picture on.
    events: String,
    since: String,
    said: String,
    clock: String,
    /// What is wrong with how changes are kept.
    keeping: String,
    /// Where its parts go.
    place: &'static str,
}

/// The filter that stands in an address.
pub fn filter(query: &str) -> GridFilter {
    let pairs = form(query);
    GridFilter::parse(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// The parameters of an address or the fields of a form, as they were sent; nothing if they cannot be read.
pub fn form(text: &str) -> Vec<(String, String)> {
    let uri: Result<axum::http::Uri, _> = format!("/?{text}").parse();
    let pairs = uri.ok().and_then(|uri| axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&uri).ok());
    pairs.map(|axum::extract::Query(pairs)| pairs).unwrap_or_default()
}

impl Visit {
    /// Under what it is kept what they see.
    pub fn sight(&self, view: &View<'_>, filter: &GridFilter) -> SharedSight {
        let is_own = !view.sees_all() || filter.mine;
        let (is_admin, person) = (self.is_admin(view), is_own.then(|| self.who.clone()));
        SharedSight { language: self.language, is_admin, person, filter: filter.clone() }
    }

    /// A part of a page, drawn unless it was just before.
    pub fn drawn(&self, part: Part, draw: impl FnOnce() -> String) -> Bytes {
        self.site.drawn.part(&self.picture, self.time.wall_ms, part, draw)
    }

    /// Who is there.
    pub fn online(&self) -> Bytes {
        let (comings, looking) = self.site.streams.looking_after(&self.picture.room);
        let pen = Pen { visit: self, is_admin: false };
        self.drawn(Part::Online(self.language, comings), || draw::online(pen, &looking))
    }

    /// What they see of the board.
    pub fn grid<'a>(&'a self, view: &View<'a>, filter: &GridFilter) -> Grid<'a> {
        let maker = GridMaker { words: self.site.words(), language: self.language, times: self.picture.times.as_ref() };
        maker.grid(view, filter)
    }
}

/// Shows a board.
pub async fn show(visit: Visit, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let filter = filter(query.as_deref().unwrap_or_default());
    let said = told::said(&headers);
    let has_said = !said.is_empty();
    match draw_page(&visit, &filter, said) {
        Ok(page) if has_said => ([(SET_COOKIE, told::nothing_said(&visit))], page).into_response(),
        Ok(page) => page,
        Err(_) => not_shown(&visit.site, &headers, NoVisit::Stranger),
    }
}

fn draw_page(visit: &Visit, filter: &GridFilter, said: String) -> Result<Response, Refusal> {
    let view = visit.board_view()?;
    let streams = &visit.site.streams;
    streams.note_shown(&visit.picture);
    let pen = Pen { visit, is_admin: view.is_admin() };
    let room = &visit.picture.room;
    let query = filter.query();
    let path = |tail: &str| {
        let ask = if query.is_empty() { "" } else { "?" };
        format!("/r/{room}{tail}{ask}{query}")
    };
    let sight = visit.sight(&view, filter);
    let own = GridFilter { mine: true, ..GridFilter::default() };
    let own_sight = SharedSight { person: Some(visit.who.clone()), filter: own.clone(), ..sight.clone() };
    let parts = [
        visit.drawn(Part::Own(own_sight), || draw::mine(pen, &visit.grid(&view, &own))),
        visit.drawn(Part::Board(sight), || draw::board(pen, &view, &visit.grid(&view, filter))),
        visit.online(),
    ];
    let page_of = BoardPage {
        frame: PageFrame::new(&visit.site, visit.language, format!("{room} · neerc"), path("")),
        visit,
        who: visit.picture.people.shown(&visit.who).into_owned(),
        is_admin: pen.is_admin,
        events: path("/events"),
        since: live::id_of(&visit.picture),
        said,
        clock: draw::clock(visit),
        keeping: draw::keeping(pen),
        place: PLACE,
    };
    Ok(drawn::page(page_of.render().unwrap_or_default(), parts))
}
