//! How people come into a room by a browser, and programs by a token: who has a session, which links log somebody in, and
//! which tokens are good. All of them are kept by the hash of a secret, so nothing that is stored opens anything. What whoever
//! comes in may see and do is not decided here: that is the room's, and it is looked up each time.

mod entrance;
mod secret;
mod tries;

pub use self::entrance::{Entrance, LoginCode, digits};
pub use self::secret::{NewSecret, SecretHash};
pub use self::tries::LoginTries;

use crate::limits;
use crate::people::Person;
use crate::refusal::{Refusal, excerpt};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The number of a session in its room, by which people name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebSessionId(pub u64);

impl WebSessionId {
    /// Reads what people write for it.
    pub fn parse(text: &str) -> Result<WebSessionId, Refusal> {
        let digits = text.trim().trim_start_matches(['#', '№']).trim_end_matches(['.', '!', ',']);
        let number = digits.parse().ok().filter(|_| digits.bytes().all(|c| c.is_ascii_digit()));
        number.map(WebSessionId).ok_or_else(|| Refusal::UnknownSession { session: excerpt(text) })
    }
}

impl fmt::Display for WebSessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Somebody is logged in with a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebSession {
    /// Its number in the room.
    pub id: WebSessionId,
    /// Who.
    pub person: Person,
    /// Since when, in ms since 1970.
    pub at_ms: i64,
    /// With what browser and from where, in words.
    pub browser: Arc<str>,
}

impl WebSession {
    /// When it is over, in ms since 1970, if nobody ends it before.
    pub fn until_ms(&self) -> i64 {
        self.at_ms.saturating_add(limits::WEB_SESSION_MS)
    }
}

/// A link that logs somebody in, once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoginLink {
    /// Whom.
    pub person: Person,
    /// Until when, in ms since 1970.
    pub until_ms: i64,
}

/// The number of a token in its room, which people write as `k3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TokenId(pub u64);

impl TokenId {
    /// Reads what people write for it; on a Russian keyboard `к` stands for `k`.
    pub fn parse(text: &str) -> Result<TokenId, Refusal> {
        let word = text.trim().trim_start_matches('#').trim_end_matches(['.', '!', ',']);
        let digits = word.trim_start_matches(['k', 'K', 'к', 'К']);
        let is_number = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
        let number = digits.parse().ok().filter(|_| is_number);
        number.map(TokenId).ok_or_else(|| Refusal::UnknownToken { token: excerpt(text) })
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenScope {
    /// The board on a wall, and nothing else.
    Display,
    /// To read all that its person may read.
    Read,
    /// To do all that its person may do.
    Write,
}

/// The words for each scope; the first one is its name in the store and in forms.
const DISPLAY: [&str; 5] = ["display", "wall", "экран", "табло", "стена"];
const READ: [&str; 4] = ["read", "reading", "чтение", "читать"];
const WRITE: [&str; 4] = ["write", "writing", "запись", "писать"];

impl TokenScope {
    /// Each of them.
    pub const ALL: [TokenScope; 3] = [TokenScope::Display, TokenScope::Read, TokenScope::Write];

    /// Its name in the store, and in forms.
    pub fn name(self) -> &'static str {
        self.words()[0] // none of the lists is empty
    }

    fn words(self) -> &'static [&'static str] {
        match self {
            TokenScope::Display => &DISPLAY,
            TokenScope::Read => &READ,
            TokenScope::Write => &WRITE,
        }
    }

    /// Reads what people write for it.
    pub fn parse(text: &str) -> Result<TokenScope, Refusal> {
        let word = text.trim().trim_end_matches(['.', '!', ',']).to_lowercase();
        let scope = TokenScope::ALL.into_iter().find(|scope| scope.words().contains(&word.as_str()));
        scope.ok_or_else(|| Refusal::UnknownTokenScope { scope: excerpt(text) })
    }
}

/// A token with which a program or a wall comes in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessToken {
    /// Its number in the room.
    pub id: TokenId,
    /// Of its secret.
    pub hash: SecretHash,
    /// What it is good for.
    pub scope: TokenScope,
    /// In whose name, with whose rights.
    pub person: Person,
    /// Who gave it; nobody, where it was asked for on the machine of the service.
    pub by: Option<Person>,
    /// When, in ms since 1970.
    pub at_ms: i64,
}

/// What happens to the doors of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DoorChange {
    /// Somebody logged in.
    Admitted {
        /// Of the secret of the session.
        hash: SecretHash,
        /// The session.
        session: WebSession,
        /// The link with which it was, which is used up.
        link: Option<SecretHash>,
    },
    /// Sessions are over.
    Ended {
        /// Which.
        sessions: Vec<SecretHash>,
    },
    /// Somebody was given a link.
    Offered {
        /// Of the secret of the link.
        hash: SecretHash,
        /// Whom it logs in, and until when.
        link: LoginLink,
        /// When, in ms since 1970.
        at_ms: i64,
    },
    /// Somebody was given a token.
    Given(AccessToken),
    /// A token is good for nothing any more.
    Revoked {
        /// Which.
        token: TokenId,
    },
}

/// Which sessions somebody ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// Their session of this number.
    One(WebSessionId),
    /// All that they have.
    All,
    /// The one with this secret, as its browser asks.
    This(SecretHash),
}

/// The words for [`Leaving::All`].
const ALL: [&str; 5] = ["all", "everywhere", "все", "всё", "везде"];

impl Leaving {
    /// Reads what people write for it.
    pub fn parse(text: &str) -> Result<Leaving, Refusal> {
        let word = text.trim().trim_end_matches(['.', '!', ',']).to_lowercase();
        if ALL.contains(&word.as_str()) { Ok(Leaving::All) } else { WebSessionId::parse(text).map(Leaving::One) }
    }
}

/// What is asked of the doors of a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DoorCommand {
    /// Let a browser in, whose code the asker has confirmed.
    Admit {
        /// Of the secret that the browser is given.
        session: SecretHash,
        /// What browser, and from where, in words.
        browser: Arc<str>,
    },
    /// Let a browser in that came with a link of the asker.
    Redeem {
        /// Of the secret of the link.
        link: SecretHash,
        /// Of the secret that the browser is given.
        session: SecretHash,
        /// What browser, and from where, in words.
        browser: Arc<str>,
    },
    /// End sessions of the asker.
    Leave(Leaving),
    /// Make a link that logs the asker in. Whoever passes it on puts the secret in; it comes back with the answer.
    OfferLink {
        /// Of the link.
        secret: Option<NewSecret>,
    },
    /// Make a token. For admins.
    Give {
        /// What it is good for.
        scope: TokenScope,
        /// The user in whose name; the asker, if nobody is named.
        name: Option<String>,
        /// Of the token; put in as that of a link is.
        secret: Option<NewSecret>,
    },
    /// Make a token in the name of the asker. Only whoever works on the machine of the service asks so.
    Issue {
        /// What it is good for.
        scope: TokenScope,
        /// Of the token.
        secret: Option<NewSecret>,
    },
    /// Have a token be good for nothing any more. For admins.
    Revoke {
        /// Which.
        token: TokenId,
    },
}

impl DoorCommand {
    /// The same with the secret that it needs, if it needs one and has none yet.
    pub fn with_secret(mut self, make: impl FnOnce() -> Option<NewSecret>) -> DoorCommand {
        match &mut self {
            DoorCommand::OfferLink { secret }
            | DoorCommand::Give { secret, .. }
            | DoorCommand::Issue { secret, .. } => *secret = secret.take().or_else(make),
            DoorCommand::Admit { .. }
            | DoorCommand::Redeem { .. }
            | DoorCommand::Leave(_)
            | DoorCommand::Revoke { .. } => {}
        }
        self
    }
}

/// The doors of a room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Doors {
    sessions: BTreeMap<SecretHash, WebSession>,
    links: BTreeMap<SecretHash, LoginLink>,
    tokens: BTreeMap<TokenId, AccessToken>,
    last_session: u64,
    last_token: u64,
}

impl Doors {
    /// Those of a snapshot, with the highest numbers ever given.
    pub fn restore(
        sessions: impl IntoIterator<Item = (SecretHash, WebSession)>,
        links: impl IntoIterator<Item = (SecretHash, LoginLink)>,
        tokens: impl IntoIterator<Item = AccessToken>,
        last_session: u64,
        last_token: u64,
    ) -> Doors {
        Doors {
            sessions: sessions.into_iter().collect(),
            links: links.into_iter().collect(),
            tokens: tokens.into_iter().map(|token| (token.id, token)).collect(),
            last_session,
            last_token,
        }
    }

    /// The highest numbers ever given to a session and to a token.
    pub fn last(&self) -> (u64, u64) {
        (self.last_session, self.last_token)
    }

    /// The session with that secret, unless it is over.
    pub fn session(&self, hash: &SecretHash, now_ms: i64) -> Option<&WebSession> {
        self.sessions.get(hash).filter(|session| now_ms < session.until_ms())
    }

    /// All sessions, by their hashes.
    pub fn sessions(&self) -> impl Iterator<Item = (&SecretHash, &WebSession)> {
        self.sessions.iter()
    }

    /// The sessions of somebody that are not over, the oldest first.
    pub fn sessions_of(&self, person: &Person, now_ms: i64) -> Vec<&WebSession> {
        let theirs = |session: &&WebSession| session.person == *person && now_ms < session.until_ms();
        let mut sessions: Vec<_> = self.sessions.values().filter(theirs).collect();
        sessions.sort_by_key(|session| session.id);
        sessions
    }

    /// The link with that secret, unless it is used or over.
    pub fn link(&self, hash: &SecretHash, now_ms: i64) -> Option<&LoginLink> {
        self.links.get(hash).filter(|link| now_ms < link.until_ms)
    }

    /// All links, by their hashes.
    pub fn links(&self) -> impl Iterator<Item = (&SecretHash, &LoginLink)> {
        self.links.iter()
    }

    /// The token with that secret.
    pub fn token(&self, hash: &SecretHash) -> Option<&AccessToken> {
        self.tokens.values().find(|token| token.hash == *hash)
    }

    /// The token of that number.
    pub fn token_numbered(&self, id: TokenId) -> Option<&AccessToken> {
        self.tokens.get(&id)
    }

    /// All tokens, the oldest first.
    pub fn tokens(&self) -> impl ExactSizeIterator<Item = &AccessToken> {
        self.tokens.values()
    }

    /// The number of the next session.
    pub(crate) fn next_session(&self) -> WebSessionId {
        WebSessionId(self.last_session.saturating_add(1))
    }

    /// The number of the next token.
    pub(crate) fn next_token(&self) -> TokenId {
        TokenId(self.last_token.saturating_add(1))
    }

    /// Whether a secret is known, of whatever it is.
    pub(crate) fn knows(&self, hash: &SecretHash) -> bool {
        self.sessions.contains_key(hash) || self.links.contains_key(hash) || self.token(hash).is_some()
    }

    /// The hashes of the sessions that somebody means.
    pub(crate) fn meant(&self, person: &Person, leaving: Leaving) -> Vec<SecretHash> {
        let is_meant = |(hash, session): &(&SecretHash, &WebSession)| {
            session.person == *person
                && match leaving {
                    Leaving::All => true,
                    Leaving::One(id) => session.id == id,
                    Leaving::This(this) => **hash == this,
                }
        };
        self.sessions.iter().filter(is_meant).map(|(hash, _)| *hash).collect()
    }

    /// Has a change happen. What is over by then falls out.
    pub(crate) fn apply(&mut self, change: &DoorChange) {
        match change {
            DoorChange::Admitted { hash, session, link } => {
                self.sweep(session.at_ms);
                if let Some(link) = link {
                    self.links.remove(link);
                }
                while self.sessions.values().filter(|known| known.person == session.person).count()
                    >= limits::WEB_SESSIONS_PER_PERSON
                    && self.evict(Some(&session.person))
                {}
                while self.sessions.len() >= limits::WEB_SESSIONS_PER_ROOM && self.evict(None) {}
                self.last_session = self.last_session.max(session.id.0);
                self.sessions.insert(*hash, session.clone());
            }
            DoorChange::Ended { sessions } => sessions.iter().for_each(|hash| _ = self.sessions.remove(hash)),
            DoorChange::Offered { hash, link, at_ms } => {
                self.sweep(*at_ms);
                let theirs = |links: &BTreeMap<SecretHash, LoginLink>| {
                    let theirs = links.iter().filter(|(_, known)| known.person == link.person);
                    let oldest = theirs.clone().min_by_key(|(_, known)| known.until_ms).map(|(hash, _)| *hash);
                    (theirs.count(), oldest)
                };
                while let (limits::LOGIN_LINKS_PER_PERSON.., Some(oldest)) = theirs(&self.links) {
                    self.links.remove(&oldest);
                }
                self.links.insert(*hash, link.clone());
            }
            DoorChange::Given(token) => {
                self.sweep(token.at_ms);
                self.last_token = self.last_token.max(token.id.0);
                self.tokens.insert(token.id, token.clone());
            }
            DoorChange::Revoked { token } => _ = self.tokens.remove(token),
        }
    }

    /// Forgets sessions and links that are over.
    fn sweep(&mut self, now_ms: i64) {
        self.sessions.retain(|_, session| now_ms < session.until_ms());
        self.links.retain(|_, link| now_ms < link.until_ms);
    }

    /// Ends the oldest session, of somebody or of all; says whether there was one.
    fn evict(&mut self, person: Option<&Person>) -> bool {
        let among = self.sessions.iter().filter(|(_, session)| person.is_none_or(|person| session.person == *person));
        let oldest = among.min_by_key(|(_, session)| session.id).map(|(hash, _)| *hash);
        oldest.is_some_and(|hash| self.sessions.remove(&hash).is_some())
    }
}

#[cfg(test)]
mod tests;
