//! What any XMPP client may ask of any entity: service discovery (XEP-0030) with contact addresses (XEP-0157), its
//! digest in presences (XEP-0115), ping (XEP-0199), version (XEP-0092), last activity (XEP-0012), time (XEP-0202), and
//! a vCard with a picture (XEP-0054, XEP-0153). What is announced is generated from the handlers, so it cannot lie.

use crate::neerc;
use crate::ns;
use crate::stanza::Condition;
use crate::xml::{Element, StartTag, WriteXml};
use base64::prelude::{BASE64_STANDARD, Engine};
use neerc_core::change::Room;
use sha1::{Digest, Sha1};

/// What these answers say of the program.
#[derive(Clone, Debug)]
pub struct Entity {
    /// Version of the program.
    pub version: String,
    /// When it started, by the time that never goes back, in ms since 1970.
    pub started_ms: i64,
    /// How far the time of day is ahead of that, in ms; it changes when the system's clock is set.
    pub wall_ahead_ms: i64,
    /// The component's domain.
    pub component: String,
    /// The rooms served, the default one first.
    pub rooms: Vec<Room>,
    /// URIs of whoever runs the service.
    pub contacts: Vec<String>,
}

/// What was asked: the service itself, or one of its rooms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'r> {
    /// `SVC`.
    Service,
    /// `ROOM@SVC`.
    Room(&'r Room),
}

impl Target<'_> {
    /// What it is, by category and type, in their order. What people chat with is a bot: they are not to take it for one of
    /// them.
    fn identities(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Target::Service => &[("component", "generic")],
            Target::Room(_) => &[("client", "bot"), ("component", "generic")],
        }
    }
}

/// How something is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// To know it.
    Get,
    /// To change it.
    Set,
}

/// A command that is offered to whoever asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// Its node.
    pub node: &'static str,
    /// What people call it.
    pub name: String,
}

type Handler = fn(&Entity, Target<'_>, i64, &mut Vec<u8>);

/// One kind of question with its answer; the namespace is announced as a feature.
struct Question {
    name: &'static str,
    ns: &'static str,
    handler: Handler,
}

/// FORM_TYPE of the contact addresses (XEP-0157 section 3).
const SERVER_INFO: &str = "http://jabber.org/network/serverinfo";
/// The picture, drawn by `scripts/avatar`.
const AVATAR: &[u8] = include_bytes!("assets/avatar.png");

const QUESTIONS: [Question; 7] = [
    Question { name: "query", ns: ns::DISCO_INFO, handler: |entity, target, _, out| entity.info(target, None, out) },
    Question { name: "query", ns: ns::DISCO_ITEMS, handler: items },
    Question { name: "ping", ns: ns::PING, handler: |_, _, _, _| {} },
    Question { name: "query", ns: ns::VERSION, handler: version },
    Question { name: "query", ns: ns::LAST, handler: last },
    Question { name: "time", ns: ns::TIME, handler: time },
    Question { name: "vCard", ns: ns::VCARD, handler: vcard },
];

/// What is understood besides questions: commands, what stands in presences, and what stands in messages.
const UNDERSTOOD: [&str; 4] = [ns::COMMANDS, ns::CAPS, ns::RECEIPTS, ns::CHAT_STATES];

impl Entity {
    /// Writes the answer to a payload into `out`. `offered`: the commands for whoever asks; they need be known only if
    /// the payload is about a node. An error says why nothing was written.
    pub fn answer(
        &self,
        (target, asking): (Target<'_>, Asking),
        now_ms: i64,
        payload: &Element<'_>,
        offered: &[Offer],
        out: &mut Vec<u8>,
    ) -> Result<(), Unanswerable> {
        let question = QUESTIONS.iter().find(|question| payload.is(question.name, question.ns));
        let question = question.ok_or(Unanswerable::Unknown)?;
        if asking == Asking::Set {
            // XEP-0054 names the condition for somebody else's vCard; of the others none can be set at all.
            let is_vcard = question.ns == ns::VCARD;
            return Err(Unanswerable::ReadOnly(if is_vcard { Condition::Forbidden } else { Condition::NotAllowed }));
        }
        let Some(node) = payload.attr("node") else {
            (question.handler)(self, target, now_ms, out);
            return Ok(());
        };
        let offer = offered.iter().find(|offer| offer.node == node);
        match (question.ns, offer) {
            (ns::DISCO_INFO, _) if node == self.caps_node(target) => self.info(target, Some(node), out),
            (ns::DISCO_INFO, _) if node == ns::COMMANDS => automation(node, "command-list", "", &[ns::COMMANDS], out),
            (ns::DISCO_INFO, Some(offer)) => {
                automation(node, "command-node", &offer.name, &[ns::COMMANDS, ns::DATA, ns::VALIDATE], out);
            }
            (ns::DISCO_ITEMS, _) if node == ns::COMMANDS => self.commands(target, offered, out),
            (ns::DISCO_ITEMS, Some(_)) => {
                open_query(ns::DISCO_ITEMS, Some(node), out).inside(|_| {});
            }
            _ => return Err(Unanswerable::NoSuchNode),
        }
        Ok(())
    }

    /// The name of a target.
    fn name(&self, target: Target<'_>) -> String {
        match target {
            Target::Service => "NEERC service".to_owned(),
            Target::Room(room) => format!("NEERC service, room {room}"),
        }
    }

    /// The address of a target.
    fn jid(&self, target: Target<'_>) -> String {
        match target {
            Target::Service => self.component.clone(),
            Target::Room(room) => format!("{room}@{}", self.component),
        }
    }

    fn contacts(&self, target: Target<'_>) -> &[String] {
        if target == Target::Service { &self.contacts } else { &[] }
    }

    fn info(&self, target: Target<'_>, node: Option<&str>, out: &mut Vec<u8>) {
        let contacts = self.contacts(target);
        open_query(ns::DISCO_INFO, node, out).inside(|out| {
            for (category, kind) in target.identities() {
                identity(category, kind, &self.name(target), out);
            }
            features().for_each(|feature| write_feature(feature, out));
            if !contacts.is_empty() {
                out.open("x").xmlns(ns::DATA).attr("type", "result").inside(|out| write_contacts(contacts, out));
            }
        });
    }

    /// The digest of what a target announces (XEP-0115 section 5.1).
    fn digest(&self, target: Target<'_>) -> String {
        let mut features: Vec<&str> = features().collect();
        features.sort_unstable();
        let name = self.name(target);
        let identities = target.identities().iter();
        let mut text: String = identities.map(|(category, kind)| format!("{category}/{kind}//{name}<")).collect();
        features.iter().for_each(|feature| text.push_str(&format!("{feature}<")));
        let mut contacts: Vec<&String> = self.contacts(target).iter().collect();
        contacts.sort_unstable();
        if !contacts.is_empty() {
            text.push_str(&format!("{SERVER_INFO}<admin-addresses<"));
            contacts.iter().for_each(|contact| text.push_str(&format!("{contact}<")));
        }
        BASE64_STANDARD.encode(Sha1::digest(text.as_bytes()))
    }

    fn caps_node(&self, target: Target<'_>) -> String {
        format!("{}#{}", ns::NEERC, self.digest(target))
    }

    /// What an available presence from a target carries besides its own payload: the digest of what it announces
    /// (XEP-0115) and of its picture (XEP-0153).
    pub fn presence(&self, target: Target<'_>) -> String {
        let picture: String = Sha1::digest(AVATAR).iter().map(|byte| format!("{byte:02x}")).collect();
        let mut out = Vec::new();
        let caps = out.open("c").xmlns(ns::CAPS).attr("hash", "sha-1");
        caps.attr("node", ns::NEERC).attr("ver", &self.digest(target)).empty();
        out.open("x").xmlns(ns::VCARD_UPDATE).inside(|out| out.open("photo").text(&picture));
        String::from_utf8(out).unwrap_or_default() // it is: only strings were written
    }

    fn commands(&self, target: Target<'_>, offered: &[Offer], out: &mut Vec<u8>) {
        let jid = self.jid(target);
        open_query(ns::DISCO_ITEMS, Some(ns::COMMANDS), out).inside(|out| {
            for Offer { node, name } in offered {
                out.open("item").attr("jid", &jid).attr("node", node).attr("name", name).empty();
            }
        });
    }
}

/// Why a question has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswerable {
    /// It asks about a node that is not there, or not for the asker.
    NoSuchNode,
    /// Nobody can change it; the condition of the error that says so.
    ReadOnly(Condition),
    /// Nothing here answers it.
    Unknown,
}

fn features() -> impl Iterator<Item = &'static str> {
    QUESTIONS.iter().map(|question| question.ns).chain(UNDERSTOOD).chain(neerc::FEATURES)
}

fn open_query<'o>(ns: &str, node: Option<&str>, out: &'o mut Vec<u8>) -> StartTag<'o, 'static, Vec<u8>> {
    out.open("query").xmlns(ns).attr_if("node", node)
}

fn identity(category: &str, kind: &str, name: &str, out: &mut Vec<u8>) {
    let name = Some(name).filter(|name| !name.is_empty());
    out.open("identity").attr("category", category).attr("type", kind).attr_if("name", name).empty();
}

fn write_feature(feature: &str, out: &mut Vec<u8>) {
    out.open("feature").attr("var", feature).empty();
}

fn write_contacts(contacts: &[String], out: &mut Vec<u8>) {
    let form_type = out.open("field").attr("var", "FORM_TYPE").attr("type", "hidden");
    form_type.inside(|out| out.open("value").text(SERVER_INFO));
    let addresses = out.open("field").attr("var", "admin-addresses").attr("type", "list-multi");
    addresses.inside(|out| contacts.iter().for_each(|contact| out.open("value").text(contact)));
}

/// What there is to know of the list of commands, or of one.
fn automation(node: &str, kind: &str, name: &str, features: &[&str], out: &mut Vec<u8>) {
    open_query(ns::DISCO_INFO, Some(node), out).inside(|out| {
        identity("automation", kind, name, out);
        features.iter().for_each(|feature| write_feature(feature, out));
    });
}

fn items(entity: &Entity, target: Target<'_>, _: i64, out: &mut Vec<u8>) {
    let rooms: &[Room] = if target == Target::Service { &entity.rooms } else { &[] };
    open_query(ns::DISCO_ITEMS, None, out).inside(|out| {
        for room in rooms {
            out.open("item").attr("jid", &entity.jid(Target::Room(room))).attr("name", room).empty();
        }
    });
}

fn version(entity: &Entity, _: Target<'_>, _: i64, out: &mut Vec<u8>) {
    open_query(ns::VERSION, None, out).inside(|out| {
        out.open("name").text("neerc");
        out.open("version").text(&entity.version);
    });
}

fn last(entity: &Entity, _: Target<'_>, now_ms: i64, out: &mut Vec<u8>) {
    let seconds = now_ms.saturating_sub(entity.started_ms).max(0) / 1_000;
    open_query(ns::LAST, None, out).number("seconds", seconds).empty();
}

fn time(entity: &Entity, _: Target<'_>, now_ms: i64, out: &mut Vec<u8>) {
    let wall_ms = now_ms.saturating_add(entity.wall_ahead_ms);
    let utc = jiff::Timestamp::from_millisecond(wall_ms.saturating_sub(wall_ms.rem_euclid(1_000))).unwrap_or_default();
    out.open("time").xmlns(ns::TIME).inside(|out| {
        out.open("tzo").text("+00:00");
        out.open("utc").text(&utc.to_string());
    });
}

fn vcard(entity: &Entity, target: Target<'_>, _: i64, out: &mut Vec<u8>) {
    out.open("vCard").xmlns(ns::VCARD).inside(|out| {
        out.open("FN").text(&entity.name(target));
        out.open("JABBERID").text(&entity.jid(target));
        out.open("DESC").text("A service, not a person. Write: help");
        out.open("PHOTO").inside(|out| {
            out.open("TYPE").text("image/png");
            out.open("BINVAL").text(&BASE64_STANDARD.encode(AVATAR));
        });
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml::{self, TreeLimits};

    fn entity(contacts: &[&str]) -> Entity {
        Entity {
            version: "1".into(),
            started_ms: 0,
            wall_ahead_ms: 0,
            component: "neerc.localhost".into(),
            rooms: vec!["neerc".into()],
            contacts: contacts.iter().map(|contact| (*contact).to_owned()).collect(),
        }
    }

    /// The digest worked out from what is really answered, as a client does.
    fn digest_of_answer(entity: &Entity, target: Target<'_>) -> String {
        let mut out = Vec::new();
        entity.info(target, None, &mut out);
        let query = xml::parse(&out, "", &TreeLimits::default()).unwrap();
        let named = |name: &'static str| query.elements().filter(move |element| element.name == name);
        let of = |element: &Element<'_>, name| element.attr(name).unwrap_or("").to_owned();
        let mut text = String::new();
        for identity in named("identity") {
            let (category, kind, name) = (of(identity, "category"), of(identity, "type"), of(identity, "name"));
            text.push_str(&format!("{category}/{kind}//{name}<"));
        }
        let mut features: Vec<_> = named("feature").map(|feature| of(feature, "var")).collect();
        features.sort_unstable();
        features.iter().for_each(|feature| text.push_str(&format!("{feature}<")));
        for form in named("x") {
            let fields: Vec<_> = form.elements().collect();
            for (at, field) in fields.iter().enumerate() {
                if at > 0 {
                    text.push_str(&format!("{}<", of(field, "var")));
                }
                let mut values: Vec<_> = field.elements().map(Element::text).collect();
                values.sort_unstable();
                values.iter().for_each(|value| text.push_str(&format!("{value}<")));
            }
        }
        BASE64_STANDARD.encode(Sha1::digest(text.as_bytes()))
    }

    #[test]
    fn the_digest_is_that_of_what_is_answered() {
        let room: Room = "neerc".into();
        let mut digests = Vec::new();
        for contacts in [&[][..], &["xmpp:b@x", "mailto:a@x"]] {
            for target in [Target::Service, Target::Room(&room)] {
                let entity = entity(contacts);
                let presence = entity.presence(target);
                let digest = digest_of_answer(&entity, target);
                assert!(presence.contains(&format!("ver='{digest}'")), "{presence} {digest}");
                digests.push(digest);
            }
        }
        digests.dedup();
        assert_eq!(digests.len(), 4, "{digests:?}"); // the room's does not change, but its neighbours differ
        // The digest of the example of XEP-0115 section 5.2, to be sure of the method.
        let example = "client/pc//Exodus 0.9.1<http://jabber.org/protocol/caps<http://jabber.org/protocol/disco#info<\
                       http://jabber.org/protocol/disco#items<http://jabber.org/protocol/muc<";
        assert_eq!(BASE64_STANDARD.encode(Sha1::digest(example.as_bytes())), "QgayPKawpkPSDYmwT/WM94uAlu0=");
    }

    #[test]
    fn the_picture_is_a_small_png() {
        assert!(AVATAR.starts_with(b"\x89PNG") && AVATAR.len() < 4_096, "{}", AVATAR.len());
    }
}
