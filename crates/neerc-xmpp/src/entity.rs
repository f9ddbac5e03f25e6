//! What any XMPP client may ask of any entity: service discovery (XEP-0030), ping (XEP-0199), version (XEP-0092), last
//! activity (XEP-0012), time (XEP-0202). What is announced is generated from the handlers, so it cannot lie.

use crate::neerc;
use crate::stanza::attribute;
use crate::xml::Element;
use neerc_core::change::Room;

/// What these answers say of the program.
#[derive(Clone, Debug)]
pub struct Entity {
    /// Version of the program.
    pub version: String,
    /// When it started, in ms since 1970.
    pub started_ms: i64,
    /// The component's domain.
    pub component: String,
    /// The rooms served, the default one first.
    pub rooms: Vec<Room>,
}

/// What was asked: the service itself, or one of its rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place<'r> {
    /// `SVC`.
    Service,
    /// `ROOM@SVC`.
    Room(&'r Room),
}

type Handler = fn(&Entity, Place<'_>, i64, &mut Vec<u8>);

/// One kind of question with its answer; the namespace is announced as a feature.
struct Question {
    name: &'static str,
    ns: &'static str,
    handler: Handler,
}

const NS_INFO: &str = "http://jabber.org/protocol/disco#info";
const NS_ITEMS: &str = "http://jabber.org/protocol/disco#items";

const QUESTIONS: [Question; 6] = [
    Question { name: "query", ns: NS_INFO, handler: info },
    Question { name: "query", ns: NS_ITEMS, handler: items },
    Question { name: "ping", ns: "urn:xmpp:ping", handler: |_, _, _, _| {} },
    Question { name: "query", ns: "jabber:iq:version", handler: version },
    Question { name: "query", ns: "jabber:iq:last", handler: last },
    Question { name: "time", ns: "urn:xmpp:time", handler: time },
];

/// What comes of a question.
pub enum Answer<W> {
    /// The answer, as a function that writes it.
    Written(W),
    /// It asks about a node, and there are none.
    NoSuchNode,
    /// Nothing here answers it.
    Unknown,
}

impl Entity {
    /// The answer to a payload.
    pub fn answer<'e>(
        &'e self,
        place: Place<'e>,
        now_ms: i64,
        payload: &Element<'_>,
    ) -> Answer<impl FnOnce(&mut Vec<u8>) + 'e> {
        let Some(question) = QUESTIONS.iter().find(|question| payload.is(question.name, question.ns)) else {
            return Answer::Unknown;
        };
        if payload.attr("node").is_some() {
            return Answer::NoSuchNode;
        }
        Answer::Written(move |out: &mut Vec<u8>| (question.handler)(self, place, now_ms, out))
    }
}

fn info(_: &Entity, place: Place<'_>, _: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("<query xmlns='{NS_INFO}'><identity category='component' type='generic'").as_bytes());
    match place {
        Place::Service => attribute(out, "name", "NEERC service"),
        Place::Room(room) => attribute(out, "name", &format!("NEERC service, room {room}")),
    }
    out.extend_from_slice(b"/>");
    for feature in QUESTIONS.iter().map(|question| question.ns).chain(neerc::FEATURES) {
        out.extend_from_slice(b"<feature");
        attribute(out, "var", feature);
        out.extend_from_slice(b"/>");
    }
    out.extend_from_slice(b"</query>");
}

fn items(entity: &Entity, place: Place<'_>, _: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("<query xmlns='{NS_ITEMS}'>").as_bytes());
    let rooms: &[Room] = if place == Place::Service { &entity.rooms } else { &[] };
    for room in rooms {
        out.extend_from_slice(b"<item");
        attribute(out, "jid", &format!("{room}@{}", entity.component));
        attribute(out, "name", room);
        out.extend_from_slice(b"/>");
    }
    out.extend_from_slice(b"</query>");
}

fn version(entity: &Entity, _: Place<'_>, _: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(b"<query xmlns='jabber:iq:version'><name>neerc</name><version>");
    crate::xml::escape_text(out, &entity.version);
    out.extend_from_slice(b"</version></query>");
}

fn last(entity: &Entity, _: Place<'_>, now_ms: i64, out: &mut Vec<u8>) {
    let seconds = now_ms.saturating_sub(entity.started_ms).max(0) / 1_000;
    out.extend_from_slice(format!("<query xmlns='jabber:iq:last' seconds='{seconds}'/>").as_bytes());
}

fn time(_: &Entity, _: Place<'_>, now_ms: i64, out: &mut Vec<u8>) {
    let utc = jiff::Timestamp::from_millisecond(now_ms - now_ms.rem_euclid(1_000)).unwrap_or_default();
    out.extend_from_slice(format!("<time xmlns='urn:xmpp:time'><tzo>+00:00</tzo><utc>{utc}</utc></time>").as_bytes());
}
