//! The board on a wall: large, without anything to press, for a token that stands in its address. It is kept true by a stream
//! as every board is. Not how its pages turn: that is its script's.

use super::WebSite;
use super::board::{filter, form};
use super::door::Pass;
use super::draw::{self, Pen};
use super::drawn::{self, PLACE, Part};
use super::limits;
use super::live;
use super::pages::{PageFrame, note};
use super::visit::{NoVisit, Visit, language};
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::REFRESH;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use neerc_core::refusal::Refusal;
use std::sync::Arc;

/// The page.
#[derive(Template)]
#[template(path = "wall.html")]
struct WallPage<'a> {
    frame: PageFrame<'a>,
    visit: &'a Visit,
    events: String,
    since: String,
    turn_s: u64,
    clock: String,
    /// Where table and list go.
    place: &'static str,
}

/// Shows the board of the room that a token is of.
pub async fn show(
    State(site): State<Arc<WebSite>>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    match Visit::by_token(&site, &token, &headers) {
        Ok(visit) => draw_page(&visit, &token, &query).unwrap_or_else(|_| dark(&site, &headers, NoVisit::Stranger)),
        Err(why) => dark(&site, &headers, why),
    }
}

/// What keeps such a page true.
pub async fn events(
    State(site): State<Arc<WebSite>>,
    Path(token): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match Visit::by_token(&site, &token, &headers) {
        Ok(visit) => live::stream(visit, &query.unwrap_or_default(), &headers),
        Err(why) => dark(&site, &headers, why),
    }
}

/// The page of a wall that is shown nothing. Nobody stands before it with a keyboard, so it looks again by itself.
fn dark(site: &WebSite, headers: &HeaderMap, why: NoVisit) -> Response {
    let (status, key, again_s) = match why {
        NoVisit::Starting => (StatusCode::SERVICE_UNAVAILABLE, "web-not-ready", limits::WALL_STARTING_S),
        NoVisit::LoggedOut | NoVisit::Stranger => (StatusCode::NOT_FOUND, "web-wall-gone", limits::WALL_GONE_S),
    };
    ([(REFRESH, again_s)], note(site, language(site, headers), status, key)).into_response()
}

/// For how long a part of the board stands there, in s.
fn turn_s(query: &str) -> u64 {
    let asked = form(query).into_iter().find(|(name, _)| name == "turn").and_then(|(_, value)| value.parse().ok());
    let [least, most] = [*limits::WALL_TURN_S.start(), *limits::WALL_TURN_S.end()];
    asked.map_or(limits::WALL_TURN_USUAL_S, |asked: u64| asked.clamp(least, most))
}

fn draw_page(visit: &Visit, token: &str, query: &str) -> Result<Response, Refusal> {
    let view = visit.board_view()?;
    visit.site.streams.note_shown(&visit.picture);
    let filter = filter(query);
    let pen = Pen { visit, is_admin: visit.is_admin(&view) };
    let room = &visit.picture.room;
    let shown = filter.query();
    let ask = if shown.is_empty() { "" } else { "?" };
    let page_of = WallPage {
        frame: PageFrame::new(
            &visit.site,
            visit.language,
            format!("{room} · neerc"),
            format!("/wall/{token}{ask}{shown}"),
        ),
        visit,
        events: format!("/wall/{token}/events{ask}{shown}"),
        since: live::id_of(&visit.picture),
        turn_s: turn_s(query),
        clock: draw::clock(visit),
        place: PLACE,
    };
    let board = visit.drawn(Part::Wall(visit.sight(&view, &filter)), || {
        let grid = visit.grid(&view, &filter);
        draw::table(pen, &grid) + "\n" + &draw::list(pen, &grid)
    });
    Ok(drawn::page(page_of.render().unwrap_or_default(), [board]))
}

impl Visit {
    /// A wall that shows a token.
    fn by_token(site: &Arc<WebSite>, token: &str, headers: &HeaderMap) -> Result<Visit, NoVisit> {
        let pass = Pass::Display(super::door::hash_of(token));
        let album = site.bridge.album();
        let has_token = |picture: &&Arc<super::picture::Picture>| pass.holder(picture, 0).is_some();
        let room = album.rooms.iter().find(has_token).map(|picture| picture.room.clone());
        match (album.time, room) {
            (None, _) => Err(NoVisit::Starting),
            (Some(_), None) => Err(NoVisit::LoggedOut),
            (Some(_), Some(room)) => Visit::with(site, &room, pass, headers),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_stands_as_long_as_the_address_says_within_bounds() {
        assert_eq!(
            ["", "turn=x", "turn=30&open=1"].map(turn_s),
            [limits::WALL_TURN_USUAL_S, limits::WALL_TURN_USUAL_S, 30]
        );
        assert_eq!(["turn=0", "turn=999999"].map(turn_s), [*limits::WALL_TURN_S.start(), *limits::WALL_TURN_S.end()]);
    }
}
