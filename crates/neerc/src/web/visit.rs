//! Somebody who looks at a room: who they are, what they see of it, and in which language. Not what a page shows.

use super::WebSite;
use super::door::{self, Pass, cookie, cookie_name};
use super::limits::SESSION_IDLE_MS;
use super::picture::{Elsewhere, Picture, Timepiece};
use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use neerc_core::face::lines::Lines;
use neerc_core::face::words::Language;
use neerc_core::limits::WEB_SESSION_MS;
use neerc_core::people::Person;
use neerc_core::refusal::Refusal;
use neerc_core::view::View;
use std::sync::Arc;

/// The name of the cookie for the language.
pub const LANGUAGE_COOKIE: &str = "neerc-language";

/// Somebody who looks at a room.
#[derive(Debug, Clone)]
pub struct Visit {
    /// The site.
    pub site: Arc<WebSite>,
    /// The room.
    pub picture: Arc<Picture>,
    /// The time.
    pub time: Timepiece,
    /// Who.
    pub who: Person,
    /// By what they came in.
    pub pass: Pass,
    /// What they are spoken to in.
    pub language: Language,
    /// Who serves, where this machine only shows.
    pub elsewhere: Option<Arc<Elsewhere>>,
}

/// Why somebody does not see a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoVisit {
    /// They have no session there, or there is no such room: nobody is told which.
    LoggedOut,
    /// They do not belong to the room any more.
    Stranger,
    /// The service has not looked at its rooms yet.
    Starting,
}

/// The language of a request: the one that was chosen, or the first of the browser's that there is.
pub fn language(site: &WebSite, headers: &HeaderMap) -> Language {
    if let Some(chosen) = cookie(headers, LANGUAGE_COOKIE).and_then(Language::parse) {
        return chosen;
    }
    let wanted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let tags = wanted.split(',').map(|tag| tag.split(';').next().unwrap_or_default().trim());
    tags.filter_map(Language::parse).next().unwrap_or(site.language())
}

impl Visit {
    /// Who asks for a room, as it is now.
    pub fn of(site: &Arc<WebSite>, room: &str, headers: &HeaderMap) -> Result<Visit, NoVisit> {
        if site.bridge.album().time.is_none() {
            return Err(NoVisit::Starting);
        }
        let session = door::shown(headers, site.url.is_secure, room).ok_or(NoVisit::LoggedOut)?;
        Visit::with(site, room, Pass::Session(session), headers)
    }

    /// Somebody who came in by that.
    pub fn with(site: &Arc<WebSite>, room: &str, pass: Pass, headers: &HeaderMap) -> Result<Visit, NoVisit> {
        let album = site.bridge.album();
        let Some(time) = album.time else { return Err(NoVisit::Starting) };
        let picture = album.room(room).ok_or(NoVisit::LoggedOut)?;
        let time = time.now();
        let who = pass.holder(picture, time.wall_ms).ok_or(NoVisit::LoggedOut)?;
        // When a session was used elsewhere is not known here: one that is younger than that has been.
        let is_idle = |session| {
            let session = picture.board.doors().session(session, time.wall_ms);
            session.is_none_or(|session| time.wall_ms.saturating_sub(session.at_ms) >= SESSION_IDLE_MS)
        };
        if let (Some(_), Pass::Session(session)) = (&album.elsewhere, &pass)
            && is_idle(session)
        {
            return Err(NoVisit::LoggedOut);
        }
        if let Pass::Session(session) = pass
            && !site.porch.uses(session, time.steady_ms)
        {
            return Err(NoVisit::LoggedOut);
        }
        if picture.people.is_empty() {
            return Err(NoVisit::Starting); // the room was not read yet
        }
        if picture.people.rights(&who).is_none() {
            return Err(NoVisit::Stranger);
        }
        let (site, picture) = (site.clone(), picture.clone());
        let language = language(&site, headers);
        Ok(Visit { site, picture, time, who, pass, language, elsewhere: album.elsewhere.clone() })
    }

    /// The same with the room as it is now.
    pub fn again(&self) -> Visit {
        let album = self.site.bridge.album();
        let picture = album.room(&self.picture.room).unwrap_or(&self.picture).clone();
        let time = album.time.unwrap_or(self.time).now();
        if let Pass::Session(session) = self.pass {
            self.site.porch.uses(session, time.steady_ms); // whoever looks on uses it
        }
        Visit { picture, time, elsewhere: album.elsewhere.clone(), ..self.clone() }
    }

    /// Whether nothing can be done here, since another machine serves.
    pub fn only_looks(&self) -> bool {
        self.elsewhere.is_some()
    }

    /// What they see.
    pub fn view(&self) -> Result<View<'_>, Refusal> {
        View::of(self.picture.scene(self.time), &self.who)
    }

    /// What they see of the board as it was when the picture was taken: then the same picture is always the same board.
    pub fn board_view(&self) -> Result<View<'_>, Refusal> {
        View::of(self.picture.scene(self.picture.taken), &self.who)
    }

    /// Whether they are offered what admins can do. A wall is not, whoever it was made for.
    pub fn is_admin(&self, view: &View<'_>) -> bool {
        view.is_admin() && !self.pass.is_wall()
    }

    /// The words of what they are told.
    pub fn lines(&self) -> Lines<'_> {
        let scene = self.picture.scene(self.time);
        Lines { words: self.site.words(), language: self.language, links: None, scene, who: &self.who }
    }

    /// A text that stands on pages.
    pub fn say(&self, key: &str) -> String {
        self.site.words().say(self.language, key, &[])
    }
}

/// The cookie that keeps somebody logged in to a room, for as long as a session is good at most.
pub fn session_cookie(site: &WebSite, room: &str, session: &str) -> String {
    let secure = if site.url.is_secure { "; Secure" } else { "" };
    let (name, age_s) = (cookie_name(site.url.is_secure, room), WEB_SESSION_MS / 1_000);
    format!("{name}={session}; Path=/; HttpOnly; SameSite=Lax; Max-Age={age_s}{secure}")
}
