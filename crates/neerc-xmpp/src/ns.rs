//! The XML namespaces of all that is read or written, each in this one place. Not which elements they hold.

/// The stream itself (RFC 6120 section 4.8.1).
pub const STREAMS: &str = "http://etherx.jabber.org/streams";
/// Conditions of stream errors (RFC 6120 section 4.9.2).
pub const STREAM_ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-streams";
/// Stanzas on a component stream (XEP-0114).
pub const COMPONENT: &str = "jabber:component:accept";
/// Conditions of stanza errors (RFC 6120 section 8.3).
pub const STANZAS: &str = "urn:ietf:params:xml:ns:xmpp-stanzas";
/// What the prefix `xml` always means.
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// What the prefix `xmlns` means, and no other prefix may.
pub const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

macro_rules! neerc {
    ($part:literal) => {
        concat!("http://neerc.ifmo.ru/protocol/neerc", $part)
    };
}

/// The NEERC protocol; the `neerc::FEATURES` stand below it.
pub const NEERC: &str = neerc!("");
/// The list of a room's users.
pub const USERS: &str = neerc!("#users");
/// The list of a room's tasks.
pub const TASKS: &str = neerc!("#tasks");
/// One task, to be created, changed or removed.
pub const TASK: &str = neerc!("#task");
/// Somebody's answer to a task.
pub const TASK_STATUS: &str = neerc!("#taskstatus");
/// The contest clock.
pub const CLOCK: &str = neerc!("#clock");
/// The ping of the protocol's clients.
pub const NEERC_PING: &str = neerc!("#ping");
/// A stanza that the service sends to itself to see whether another connection of the component is open.
pub const LOOK: &str = "urn:neerc:look";
/// A stanza that the service sends to itself to measure how long the server takes.
pub const PROBE: &str = "urn:neerc:probe";

/// Data forms (XEP-0004).
pub const DATA: &str = "jabber:x:data";
/// Hints for checking what is typed into a data form (XEP-0122).
pub const VALIDATE: &str = "http://jabber.org/protocol/xdata-validate";
/// Service discovery: what an entity is (XEP-0030).
pub const DISCO_INFO: &str = "http://jabber.org/protocol/disco#info";
/// Service discovery: what belongs to an entity (XEP-0030).
pub const DISCO_ITEMS: &str = "http://jabber.org/protocol/disco#items";
/// The digest of what an entity announces (XEP-0115).
pub const CAPS: &str = "http://jabber.org/protocol/caps";
/// Ad-hoc commands, and the node that lists them (XEP-0050).
pub const COMMANDS: &str = "http://jabber.org/protocol/commands";
/// Last activity (XEP-0012).
pub const LAST: &str = "jabber:iq:last";
/// Ping (XEP-0199).
pub const PING: &str = "urn:xmpp:ping";
/// Software version (XEP-0092).
pub const VERSION: &str = "jabber:iq:version";
/// Time of day (XEP-0202).
pub const TIME: &str = "urn:xmpp:time";
/// vCard (XEP-0054).
pub const VCARD: &str = "vcard-temp";
/// The digest of a vCard's picture (XEP-0153).
pub const VCARD_UPDATE: &str = "vcard-temp:x:update";
/// The roster (RFC 6121 section 2).
pub const ROSTER: &str = "jabber:iq:roster";

/// Coming into a chat room (XEP-0045).
pub const MUC: &str = "http://jabber.org/protocol/muc";
/// What a room says of its occupants.
pub const MUC_USER: &str = "http://jabber.org/protocol/muc#user";
/// The lists of a room's people.
pub const MUC_ADMIN: &str = "http://jabber.org/protocol/muc#admin";
/// The configuration of a room.
pub const MUC_OWNER: &str = "http://jabber.org/protocol/muc#owner";

/// Hints for storing and copying messages (XEP-0334).
pub const HINTS: &str = "urn:xmpp:hints";
/// What stands in a body for clients that know no better (XEP-0428).
pub const FALLBACK: &str = "urn:xmpp:fallback:0";
/// The same as it was called before.
pub const LEGACY_FALLBACK: &str = "urn:xmpp:feature-fallback:0";
/// Reactions to a message (XEP-0444).
pub const REACTIONS: &str = "urn:xmpp:reactions:0";
/// Taking a message back (XEP-0424).
pub const RETRACTION: &str = "urn:xmpp:message-retract:1";
/// The same as it was done before, inside of [`FASTENING`].
pub const LEGACY_RETRACTION: &str = "urn:xmpp:message-retract:0";
/// What is fastened to a message (XEP-0422).
pub const FASTENING: &str = "urn:xmpp:fasten:0";
/// By what a message is encrypted (XEP-0380).
pub const ENCRYPTION: &str = "urn:xmpp:eme:0";
/// Chat states (XEP-0085).
pub const CHAT_STATES: &str = "http://jabber.org/protocol/chatstates";
/// Receipts (XEP-0184).
pub const RECEIPTS: &str = "urn:xmpp:receipts";
/// Copies of messages for a user's other sessions (XEP-0280).
pub const CARBONS: &str = "urn:xmpp:carbons:2";
/// Messages that are passed on (XEP-0297).
pub const FORWARD: &str = "urn:xmpp:forward:0";
/// Messages out of an archive (XEP-0313).
pub const ARCHIVE: &str = "urn:xmpp:mam:2";
/// When a message that comes late was sent (XEP-0203).
pub const DELAY: &str = "urn:xmpp:delay";
/// The same as it was said before (XEP-0091).
pub const LEGACY_DELAY: &str = "jabber:x:delay";
/// A message that replaces the one before (XEP-0308).
pub const CORRECTION: &str = "urn:xmpp:message-correct:0";
/// Encryption by OpenPGP (XEP-0373).
pub const OPENPGP: &str = "urn:xmpp:openpgp:0";
/// The same as it was done before (XEP-0027).
pub const LEGACY_OPENPGP: &str = "jabber:x:encrypted";
