//! The written form of the doors of a room: sessions, links and tokens, each by the hash of its secret in hexadecimal digits.

use super::RecordError;
use neerc_core::doors::{AccessToken, DoorChange, Doors, LoginLink, SecretHash, TokenId, TokenScope};
use neerc_core::doors::{WebSession, WebSessionId};
use neerc_core::people::Person;
use neerc_core::refusal::Refusal;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What happens to a door.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DoorRecord<'a> {
    Admitted {
        #[serde(flatten)]
        session: SessionRecord<'a>,
        /// The link that it was made with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link: Option<String>,
    },
    Ended {
        sessions: Vec<String>,
    },
    Offered {
        #[serde(flatten)]
        link: LinkRecord<'a>,
        at_ms: i64,
    },
    Given(TokenRecord<'a>),
    Revoked {
        token: u64,
    },
}

impl<'a> DoorRecord<'a> {
    pub(super) fn of(change: &'a DoorChange) -> DoorRecord<'a> {
        match change {
            DoorChange::Admitted { hash, session, link } => DoorRecord::Admitted {
                session: SessionRecord::of(hash, session),
                link: link.as_ref().map(SecretHash::to_string),
            },
            DoorChange::Ended { sessions } => {
                DoorRecord::Ended { sessions: sessions.iter().map(SecretHash::to_string).collect() }
            }
            DoorChange::Offered { hash, link, at_ms } => {
                DoorRecord::Offered { link: LinkRecord::of(hash, link), at_ms: *at_ms }
            }
            DoorChange::Given(token) => DoorRecord::Given(TokenRecord::of(token)),
            DoorChange::Revoked { token } => DoorRecord::Revoked { token: token.0 },
        }
    }

    pub(super) fn read(self) -> Result<DoorChange, RecordError> {
        Ok(match self {
            DoorRecord::Admitted { session, link } => {
                let (hash, session) = session.read()?;
                DoorChange::Admitted { hash, session, link: link.as_deref().map(hash_of).transpose()? }
            }
            DoorRecord::Ended { sessions } => {
                let sessions = sessions.iter().map(|hash| hash_of(hash)).collect::<Result<_, _>>()?;
                DoorChange::Ended { sessions }
            }
            DoorRecord::Offered { link, at_ms } => {
                let (hash, link) = link.read()?;
                DoorChange::Offered { hash, link, at_ms }
            }
            DoorRecord::Given(token) => DoorChange::Given(token.read()?),
            DoorRecord::Revoked { token } => DoorChange::Revoked { token: TokenId(token) },
        })
    }
}

fn hash_of(text: &str) -> Result<SecretHash, Refusal> {
    SecretHash::parse(text).ok_or(Refusal::Malformed { what: "the hash", wanted: "64 hexadecimal digits" })
}

/// Somebody is logged in with a browser.
#[derive(Serialize, Deserialize)]
pub(super) struct SessionRecord<'a> {
    hash: String,
    session: u64,
    person: Cow<'a, str>,
    since_ms: i64,
    browser: Cow<'a, str>,
}

impl<'a> SessionRecord<'a> {
    fn of(hash: &SecretHash, session: &'a WebSession) -> SessionRecord<'a> {
        SessionRecord {
            hash: hash.to_string(),
            session: session.id.0,
            person: session.person.bare().into(),
            since_ms: session.at_ms,
            browser: (&*session.browser).into(),
        }
    }

    fn read(self) -> Result<(SecretHash, WebSession), RecordError> {
        let (id, person) = (WebSessionId(self.session), Person::from_bare(&self.person));
        let session = WebSession { id, person, at_ms: self.since_ms, browser: (&*self.browser).into() };
        Ok((hash_of(&self.hash)?, session))
    }
}

/// A link that logs somebody in.
#[derive(Serialize, Deserialize)]
pub(super) struct LinkRecord<'a> {
    hash: String,
    person: Cow<'a, str>,
    until_ms: i64,
}

impl<'a> LinkRecord<'a> {
    fn of(hash: &SecretHash, link: &'a LoginLink) -> LinkRecord<'a> {
        LinkRecord { hash: hash.to_string(), person: link.person.bare().into(), until_ms: link.until_ms }
    }

    fn read(self) -> Result<(SecretHash, LoginLink), RecordError> {
        let link = LoginLink { person: Person::from_bare(&self.person), until_ms: self.until_ms };
        Ok((hash_of(&self.hash)?, link))
    }
}

/// A token.
#[derive(Serialize, Deserialize)]
pub(super) struct TokenRecord<'a> {
    token: u64,
    hash: String,
    /// `display`, `read`, `write`.
    scope: Cow<'a, str>,
    person: Cow<'a, str>,
    /// Absent where it was asked for on the machine of the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<Cow<'a, str>>,
    at_ms: i64,
}

impl<'a> TokenRecord<'a> {
    fn of(token: &'a AccessToken) -> TokenRecord<'a> {
        TokenRecord {
            token: token.id.0,
            hash: token.hash.to_string(),
            scope: token.scope.name().into(),
            person: token.person.bare().into(),
            by: token.by.as_ref().map(|by| by.bare().into()),
            at_ms: token.at_ms,
        }
    }

    fn read(self) -> Result<AccessToken, RecordError> {
        Ok(AccessToken {
            id: TokenId(self.token),
            hash: hash_of(&self.hash)?,
            scope: TokenScope::parse(&self.scope)?,
            person: Person::from_bare(&self.person),
            by: self.by.map(|by| Person::from_bare(&by)),
            at_ms: self.at_ms,
        })
    }
}

/// The doors of a room in a snapshot.
#[derive(Serialize, Deserialize)]
pub(super) struct DoorsRecord<'a> {
    /// The highest numbers ever given to a session and to a token.
    last: (u64, u64),
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    sessions: Vec<SessionRecord<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    links: Vec<LinkRecord<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tokens: Vec<TokenRecord<'a>>,
}

impl<'a> DoorsRecord<'a> {
    /// Nothing, if nobody has ever come in by a door.
    pub(super) fn of(doors: &'a Doors) -> Option<DoorsRecord<'a>> {
        (*doors != Doors::default()).then(|| DoorsRecord {
            last: doors.last(),
            sessions: doors.sessions().map(|(hash, session)| SessionRecord::of(hash, session)).collect(),
            links: doors.links().map(|(hash, link)| LinkRecord::of(hash, link)).collect(),
            tokens: doors.tokens().map(TokenRecord::of).collect(),
        })
    }

    pub(super) fn read(self) -> Result<Doors, RecordError> {
        let sessions = self.sessions.into_iter().map(SessionRecord::read).collect::<Result<Vec<_>, _>>()?;
        let links = self.links.into_iter().map(LinkRecord::read).collect::<Result<Vec<_>, _>>()?;
        let tokens = self.tokens.into_iter().map(TokenRecord::read).collect::<Result<Vec<_>, _>>()?;
        Ok(Doors::restore(sessions, links, tokens, self.last.0, self.last.1))
    }
}
