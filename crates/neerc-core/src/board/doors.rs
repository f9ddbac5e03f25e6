//! Who may open, use and close the doors of a room.

use super::{Board, Decision, admin};
use crate::change::Change;
use crate::doors::{AccessToken, DoorChange, DoorCommand, Doors, Leaving, LoginLink, NewSecret, SecretHash};
use crate::doors::{TokenScope, WebSession};
use crate::limits;
use crate::people::{People, Person, Rights};
use crate::refusal::{Refusal, excerpt_within};
use std::sync::Arc;

impl Board {
    /// Who is logged in by a browser, and what else opens the doors of the room.
    pub fn doors(&self) -> &Doors {
        &self.doors
    }

    /// The same board with the doors of a snapshot.
    pub fn with_doors(self, doors: Doors) -> Board {
        Board { doors: Arc::new(doors), ..self }
    }

    pub(super) fn decide_door(
        &self,
        rights: Rights,
        now_ms: i64,
        who: &Person,
        people: &People,
        command: &DoorCommand,
    ) -> Result<Decision, Refusal> {
        match command {
            DoorCommand::Admit { session, browser } => self.admit(now_ms, who, *session, browser),
            DoorCommand::Redeem { link, session, browser } => self.redeem(now_ms, who, *link, *session, browser),
            DoorCommand::Leave(leaving) => self.leave(who, *leaving),
            DoorCommand::OfferLink { secret } => {
                let secret = self.unused(secret.as_ref())?;
                let link = LoginLink { person: who.clone(), until_ms: now_ms.saturating_add(limits::LOGIN_LINK_MS) };
                Ok(opened(DoorChange::Offered { hash: secret.hash(), link, at_ms: now_ms }, secret))
            }
            DoorCommand::Give { scope, name, secret } => {
                admin(rights)?;
                let unknown = |name: &str| Refusal::UnknownUser { name: crate::refusal::excerpt(name) };
                let user = |name: &String| {
                    let found = people.user(name).or_else(|| people.shown_as(name));
                    found.cloned().ok_or_else(|| unknown(name))
                };
                let person = name.as_ref().map_or_else(|| Ok(who.clone()), user)?;
                self.give(now_ms, *scope, person, Some(who.clone()), secret.as_ref())
            }
            DoorCommand::Issue { scope, secret } => self.give(now_ms, *scope, who.clone(), None, secret.as_ref()),
            DoorCommand::Revoke { token } => {
                admin(rights)?;
                let known = self.doors.token_numbered(*token);
                known.ok_or_else(|| Refusal::UnknownToken { token: token.to_string() })?;
                Ok(Change::Door(DoorChange::Revoked { token: *token }).into())
            }
        }
    }

    pub(super) fn change_door(&mut self, change: &DoorChange) {
        Arc::make_mut(&mut self.doors).apply(change);
        if let DoorChange::Revoked { token } = change {
            self.requests.forget(*token);
        }
    }

    fn admit(&self, now_ms: i64, who: &Person, hash: SecretHash, browser: &str) -> Result<Decision, Refusal> {
        match self.doors.session(&hash, now_ms) {
            Some(known) if known.person == *who => Ok(Decision::default()), // confirmed twice
            Some(_) => Err(Refusal::UsedCode),
            None => Ok(self.admitted(now_ms, who, hash, browser, None)),
        }
    }

    fn redeem(
        &self,
        now_ms: i64,
        who: &Person,
        link: SecretHash,
        session: SecretHash,
        browser: &str,
    ) -> Result<Decision, Refusal> {
        let known = self.doors.link(&link, now_ms).filter(|known| known.person == *who);
        if known.is_none() || self.doors.knows(&session) {
            return Err(Refusal::UsedLink);
        }
        Ok(self.admitted(now_ms, who, session, browser, Some(link)))
    }

    fn admitted(
        &self,
        now_ms: i64,
        who: &Person,
        hash: SecretHash,
        browser: &str,
        link: Option<SecretHash>,
    ) -> Decision {
        let browser = excerpt_within(browser, limits::BROWSER_CHARS).into();
        let session = WebSession { id: self.doors.next_session(), person: who.clone(), at_ms: now_ms, browser };
        Change::Door(DoorChange::Admitted { hash, session, link }).into()
    }

    fn leave(&self, who: &Person, leaving: Leaving) -> Result<Decision, Refusal> {
        let sessions = self.doors.meant(who, leaving);
        match leaving {
            Leaving::One(id) if sessions.is_empty() => Err(Refusal::UnknownSession { session: id.to_string() }),
            _ if sessions.is_empty() => Ok(Decision::default()),
            _ => Ok(Change::Door(DoorChange::Ended { sessions }).into()),
        }
    }

    fn give(
        &self,
        now_ms: i64,
        scope: TokenScope,
        person: Person,
        by: Option<Person>,
        secret: Option<&NewSecret>,
    ) -> Result<Decision, Refusal> {
        let secret = self.unused(secret)?;
        // A wall that hangs somewhere is not to go dark because somebody makes another token.
        if self.doors.tokens().len() >= limits::TOKENS_PER_ROOM {
            return Err(Refusal::TooMany { what: "tokens", limit: limits::TOKENS_PER_ROOM });
        }
        let id = self.doors.next_token();
        let token = AccessToken { id, hash: secret.hash(), scope, person, by, at_ms: now_ms };
        Ok(opened(DoorChange::Given(token), secret))
    }

    /// The secret that was put in; there is none where there is no web side.
    fn unused<'s>(&self, secret: Option<&'s NewSecret>) -> Result<&'s NewSecret, Refusal> {
        let secret = secret.ok_or(Refusal::NoWeb)?;
        if self.doors.knows(&secret.hash()) { Err(Refusal::NoWeb) } else { Ok(secret) } // it cannot be known: it is random
    }
}

/// A change with the secret that goes back to the asker.
fn opened(change: DoorChange, secret: &NewSecret) -> Decision {
    Decision { secret: Some(secret.clone()), ..Change::Door(change).into() }
}
