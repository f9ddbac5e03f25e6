//! The stanza shell: what every stanza has (kind, addresses, id), error replies, and the table that matches the
//! server's answers to our requests. Lenient: a stanza with odd parts is still a stanza. Not what it carries.

pub mod address;
pub mod names;
pub mod wire;

use crate::limits;
use crate::ns;
use crate::stanza::address::Address;
use crate::stream::outgoing::Outgoing;
use crate::xml::{Element, StartTag, WriteXml, escaped_len};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Writes what every message carries that is for one session and no other: each of a user's sessions is told by itself,
/// so servers are neither to keep it for later nor to copy it to the others (XEP-0334, XEP-0280).
pub fn for_one_session(out: &mut Vec<u8>) {
    out.open("no-store").xmlns(ns::HINTS).empty();
    out.open("no-copy").xmlns(ns::HINTS).empty();
    out.open("private").xmlns(ns::CARBONS).empty();
}

/// Why a stanza is answered with an error (RFC 6120 section 8.3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// The request is malformed.
    BadRequest,
    /// The asker may not do this.
    Forbidden,
    /// What is asked for does not exist.
    ItemNotFound,
    /// The asker may not do this now.
    NotAllowed,
    /// Nothing here serves such a request.
    ServiceUnavailable,
    /// The service failed; try again later.
    InternalServerError,
    /// Too much is going on; try again later.
    ResourceConstraint,
    /// The stanza is over a limit.
    PolicyViolation,
}

impl Condition {
    /// Element name, `type`, and the legacy code that old clients read (XEP-0086).
    fn parts(self) -> (&'static str, &'static str, u16) {
        match self {
            Condition::BadRequest => ("bad-request", "modify", 400),
            Condition::Forbidden => ("forbidden", "auth", 403),
            Condition::ItemNotFound => ("item-not-found", "cancel", 404),
            Condition::NotAllowed => ("not-allowed", "cancel", 405),
            Condition::ServiceUnavailable => ("service-unavailable", "cancel", 503),
            Condition::InternalServerError => ("internal-server-error", "wait", 500),
            Condition::ResourceConstraint => ("resource-constraint", "wait", 500),
            Condition::PolicyViolation => ("policy-violation", "modify", 406),
        }
    }
}

/// Which of the three kinds a stanza is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StanzaKind {
    /// A request or an answer.
    Iq,
    /// A message.
    Message,
    /// A presence.
    Presence,
}

impl StanzaKind {
    fn name(self) -> &'static str {
        match self {
            StanzaKind::Iq => "iq",
            StanzaKind::Message => "message",
            StanzaKind::Presence => "presence",
        }
    }
}

/// The outside of a stanza that came in.
#[derive(Debug)]
pub struct Shell<'s> {
    /// Which kind.
    pub kind: StanzaKind,
    /// The `type` attribute, empty if there is none.
    pub type_: &'s str,
    /// The `id` attribute.
    pub id: Option<&'s str>,
    /// Who sent it.
    pub from: Address,
    /// Whom it is for.
    pub to: Address,
    /// Whom it is for, as it came.
    pub to_text: &'s str,
}

impl<'s> Shell<'s> {
    /// Reads the shell of an element. `None` if it is no stanza, or if its addresses are missing or none: the server
    /// stamps them, so nobody could be answered.
    pub fn of(element: &'s Element<'_>) -> Option<Shell<'s>> {
        let kind = match element.name {
            "iq" => StanzaKind::Iq,
            "message" => StanzaKind::Message,
            "presence" => StanzaKind::Presence,
            _ => return None,
        };
        let to_text = element.attr("to")?;
        Some(Shell {
            kind,
            type_: element.attr("type").unwrap_or(""),
            id: element.attr("id"),
            from: Address::parse(element.attr("from")?)?,
            to: Address::parse(to_text)?,
            to_text,
        })
    }

    /// Whether it asks something: only such an IQ is ever answered.
    pub fn is_request(&self) -> bool {
        self.kind == StanzaKind::Iq && !matches!(self.type_, "result" | "error")
    }

    /// How many bytes the start tag of an answer takes at most.
    pub fn answer_head_bytes(&self) -> usize {
        let texts = [self.id.unwrap_or(""), self.to_text, self.from.as_it_came()];
        let raw = texts.iter().map(|text| text.len()).sum::<usize>() + limits::ANSWER_HEAD_BYTES;
        // No character takes more than six times its bytes.
        if raw * 6 <= limits::STANZA_HEAD_BYTES {
            raw
        } else {
            texts.map(escaped_len).iter().sum::<usize>() + limits::ANSWER_HEAD_BYTES
        }
    }

    /// What an answer to it needs.
    pub fn return_address(&self) -> ReturnAddress<'s> {
        ReturnAddress {
            kind: self.kind,
            from: self.answering_address(),
            to: self.from.clone(),
            id: self.id.map(Cow::Borrowed),
        }
    }

    /// The address that was asked, to answer from: as it was typed, except for the domain, which goes out in prepared
    /// form: some servers end the stream over `from='NEERC.localhost'`.
    fn answering_address(&self) -> Cow<'s, str> {
        if self.to.as_str() == self.to_text {
            return Cow::Borrowed(self.to_text);
        }
        match self.to_text.split_once('@') {
            Some((node, _)) if self.to.local().is_some() => {
                let rest = self.to.resource().map(|resource| format!("/{resource}")).unwrap_or_default();
                Cow::Owned(format!("{node}@{}{rest}", self.to.domain()))
            }
            _ => Cow::Owned(self.to.as_str().to_owned()), // an `@` of the resource, or none
        }
    }
}

/// Where the answer to a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnAddress<'s> {
    kind: StanzaKind,
    /// The address that was asked; the answer comes from it.
    pub from: Cow<'s, str>,
    /// Who asked.
    pub to: Address,
    id: Option<Cow<'s, str>>,
}

impl ReturnAddress<'_> {
    /// The same, to be kept until the answer is known.
    pub fn into_owned(self) -> ReturnAddress<'static> {
        let ReturnAddress { kind, from, to, id } = self;
        ReturnAddress { kind, from: from.into_owned().into(), to, id: id.map(|id| id.into_owned().into()) }
    }

    fn open<'o, W: WriteXml>(&self, out: &'o mut W, type_: &str) -> StartTag<'o, 'static, W> {
        out.open(self.kind.name())
            .attr("type", type_)
            .attr_if("id", self.id.as_deref())
            .attr("from", &self.from)
            .attr("to", self.to.as_it_came())
    }

    /// Writes a result with the payload that `payload` writes.
    pub fn result(&self, out: &mut Vec<u8>, payload: impl FnOnce(&mut Vec<u8>)) {
        self.open(out, "result").inside_if_any(payload);
    }

    /// Writes a result with a payload that other answers may share; it is not empty.
    pub fn result_shared(&self, out: &mut Outgoing, payload: &Arc<Vec<u8>>) {
        self.open(out, "result").inside(|out| out.share(payload));
    }

    /// Writes an error. The request's child is not repeated: one deployed client misreads it.
    pub fn error(&self, out: &mut Vec<u8>, condition: Condition, text: &str) {
        self.error_of(out, condition, None, text);
    }

    /// Writes an error with the condition of a XEP: its element name and namespace.
    pub fn error_of(
        &self,
        out: &mut Vec<u8>,
        condition: Condition,
        specific: Option<(&'static str, &'static str)>,
        text: &str,
    ) {
        let (name, type_, code) = condition.parts();
        self.open(out, "error").inside(|out| {
            out.open("error").number("code", code).attr("type", type_).inside(|out| {
                out.open(name).xmlns(ns::STANZAS).empty();
                if !text.is_empty() {
                    out.open("text").xmlns(ns::STANZAS).attr("xml:lang", "en").text(text);
                }
                if let Some((name, ns)) = specific {
                    out.open(name).xmlns(ns).empty();
                }
            });
        });
    }
}

/// The condition of an error stanza, by its element name.
pub fn error_condition<'e>(stanza: &'e Element<'_>) -> &'e str {
    let error = stanza.elements().find(|e| e.name == "error");
    let condition = error.and_then(|e| e.elements().find(|c| &*c.ns == ns::STANZAS && c.name != "text"));
    condition.map_or("undefined-condition", |c| c.name)
}

/// The condition of an error stanza with the server's words.
pub fn error_text(stanza: &Element<'_>) -> String {
    let error = stanza.elements().find(|e| e.name == "error");
    let text = error.and_then(|e| e.child("text", ns::STANZAS)).map(|t| t.text()).unwrap_or_default();
    let condition = error_condition(stanza);
    if text.is_empty() { condition.to_owned() } else { format!("{condition}: {text}") }
}

/// Our requests that wait for an answer of the server. An answer counts only if kind, sender and id fit: anybody can
/// send a result.
#[derive(Debug)]
pub struct Requests<P> {
    next: u64,
    waiting: HashMap<u64, Waiting<P>>,
    deadlines: BTreeMap<(i64, u64), ()>,
}

#[derive(Debug)]
struct Waiting<P> {
    to: Address,
    purpose: P,
    deadline_ms: i64,
}

impl<P> Default for Requests<P> {
    fn default() -> Self {
        Requests { next: 1, waiting: HashMap::new(), deadlines: BTreeMap::new() }
    }
}

impl<P> Requests<P> {
    /// Registers a request to `to`, under the next number or that given, which is below all others, and returns it: `n`
    /// makes the id of it. `None` if too many wait already.
    pub fn add(&mut self, now_ms: i64, number: Option<u64>, to: Address, purpose: P) -> Option<u64> {
        if self.waiting.len() >= limits::ANSWERS_WAITING {
            return None;
        }
        let number = number.unwrap_or(self.next);
        self.next = self.next.max(number + 1);
        let deadline_ms = now_ms + limits::ANSWER_MS;
        self.deadlines.insert((deadline_ms, number), ());
        self.waiting.insert(number, Waiting { to, purpose, deadline_ms });
        Some(number)
    }

    /// Whether the request of that number has no answer yet.
    pub fn is_waiting(&self, number: u64) -> bool {
        self.waiting.contains_key(&number)
    }

    /// The purpose of the request that an answer with that id and sender belongs to; it still waits.
    pub fn purpose(&self, id: Option<&str>, from: &Address) -> Option<&P> {
        let number: u64 = id?.strip_prefix('n')?.parse().ok()?;
        self.waiting.get(&number).filter(|waiting| waiting.to == *from).map(|waiting| &waiting.purpose)
    }

    /// The purpose of the request that this answer belongs to.
    pub fn take(&mut self, id: Option<&str>, from: &Address) -> Option<P> {
        let number: u64 = id?.strip_prefix('n')?.parse().ok()?;
        if self.waiting.get(&number)?.to != *from {
            return None;
        }
        let waiting = self.waiting.remove(&number)?;
        self.deadlines.remove(&(waiting.deadline_ms, number));
        Some(waiting.purpose)
    }

    /// The purposes of the requests that have waited too long.
    pub fn overdue(&mut self, now_ms: i64) -> Vec<P> {
        let mut overdue = Vec::new();
        while let Some((&(deadline_ms, number), ())) = self.deadlines.first_key_value() {
            if deadline_ms > now_ms {
                break;
            }
            self.deadlines.remove(&(deadline_ms, number));
            overdue.extend(self.waiting.remove(&number).map(|waiting| waiting.purpose));
        }
        overdue
    }

    /// When the next request will have waited too long.
    pub fn next_deadline_ms(&self) -> Option<i64> {
        self.deadlines.first_key_value().map(|(&(deadline_ms, _), ())| deadline_ms)
    }

    /// Forgets all of them; their answers will not be recognised.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.deadlines.clear();
    }
}
