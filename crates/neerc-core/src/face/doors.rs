//! What is said of the doors of a room: who is logged in with which browser, links to log in with, and tokens.

use super::lines::{Lines, ListPage, short};
use super::words::Arg;
use crate::board::Done;
use crate::change::Effect;
use crate::clock::hand::time_of_day;
use crate::doors::{AccessToken, Doors, NewSecret, TokenId, TokenScope, WebSession};
use crate::limits;
use crate::people::Person;
use crate::units::DAY_MS;

impl Lines<'_> {
    /// What came of something that was asked of the doors and is on disk.
    pub(super) fn door(&self, done: &Done) -> String {
        match done.effect {
            Effect::Admitted => self.say("said-admitted", &[]),
            Effect::LoggedOut { sessions } => self.say("said-logged-out", &[("count", sessions.into())]),
            Effect::LinkOffered => self.login_link(done.secret.as_ref()),
            Effect::TokenGiven { token, scope } => self.new_token(token, scope, done.secret.as_ref()),
            Effect::TokenRevoked { token } => {
                self.say("said-token-revoked", &[("token", Arg::Text(&token.to_string()))])
            }
            _ => String::new(), // said elsewhere
        }
    }

    /// The address of something on the web side.
    fn address(&self, path: &str, secret: Option<&NewSecret>) -> String {
        let url = self.scene.entrance.url.as_deref().unwrap_or_default();
        format!("{url}/{path}/{}", secret.map_or("", NewSecret::reveal))
    }

    fn login_link(&self, secret: Option<&NewSecret>) -> String {
        let minutes = Arg::Number(limits::LOGIN_LINK_MS / 60_000);
        self.say("said-login-link", &[("url", Arg::Text(&self.address("l", secret))), ("minutes", minutes)])
    }

    fn new_token(&self, token: TokenId, scope: TokenScope, secret: Option<&NewSecret>) -> String {
        let known = self.scene.board.doors().token_numbered(token);
        let name = known.map(|token| short(&self.scene.people.shown(&token.person))).unwrap_or_default();
        let secret = match scope {
            TokenScope::Display => self.address("wall", secret),
            TokenScope::Read | TokenScope::Write => secret.map_or("", NewSecret::reveal).to_owned(),
        };
        let args =
            [("token", Arg::Text(&token.to_string())), ("secret", Arg::Text(&secret)), ("name", Arg::Text(&name))];
        self.say(&format!("said-token-{}", scope.name()), &args)
    }
}

impl Lines<'_> {
    /// Since when, in words.
    fn time_of(&self, at_ms: i64) -> String {
        let zone_ms = self.scene.now.map_or(0, |now| now.zone_ms);
        let days = self.scene.now.map_or(0, |now| now.wall_ms.saturating_sub(at_ms) / DAY_MS);
        let time = time_of_day(at_ms, zone_ms);
        if days > 0 {
            self.say("history-days", &[("count", Arg::Number(days)), ("time", Arg::Text(&time))])
        } else {
            time
        }
    }

    /// A browser with which the asker is logged in: its number, what it is, and since when.
    pub(super) fn session_row(&self, session: &WebSession) -> [String; 3] {
        [session.id.to_string(), short(&session.browser), self.time_of(session.at_ms)]
    }

    /// A token: its number, what it is good for, in whose name, who gave it, and when.
    pub(super) fn token_row(&self, token: &AccessToken) -> [String; 5] {
        let name = |person: &Person| short(&self.scene.people.shown(person));
        let by = token.by.as_ref().map_or_else(|| self.say("by-machine", &[]), name);
        let scope = self.say(&format!("scope-{}", token.scope.name()), &[]);
        [token.id.to_string(), scope, name(&token.person), by, self.time_of(token.at_ms)]
    }

    /// A page of the browsers with which the asker is logged in.
    pub(super) fn sessions(&self, sessions: &[&WebSession], page: &mut ListPage) -> Vec<String> {
        let rows = sessions.iter().map(|session| self.session_row(session).join(" · "));
        self.door_list(["no-sessions", "heading-sessions"], sessions.len(), rows, page)
    }

    /// A page of the tokens of the room.
    pub(super) fn tokens(&self, doors: &Doors, page: &mut ListPage) -> Vec<String> {
        let rows = doors.tokens().map(|token| self.token_row(token).join(" · "));
        self.door_list(["no-tokens", "heading-tokens"], doors.tokens().len(), rows, page)
    }

    fn door_list(
        &self,
        [empty, heading]: [&str; 2],
        all: usize,
        rows: impl Iterator<Item = String>,
        page: &mut ListPage,
    ) -> Vec<String> {
        if all == 0 {
            return vec![self.say(empty, &[])];
        }
        let mut said = vec![self.say(heading, &[])];
        said.extend(self.page(page, all, rows));
        said
    }
}
