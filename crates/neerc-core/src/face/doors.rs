//! What is said of the doors of a room: who is logged in with which browser, links to log in with, and tokens.

use super::lines::{Lines, short};
use super::words::Arg;
use crate::board::Done;
use crate::change::Effect;
use crate::doors::{NewSecret, TokenId, TokenScope};
use crate::limits;

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
