//! Conversations with the whole front: bytes in, bytes out, on the bench.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod addresses;
mod adhoc;
mod budget;
mod chat;
mod checklists;
mod checks;
mod clock;
mod costs;
mod deadlines;
mod doors;
mod endpoints;
mod forged;
mod garbage;
mod keeping;
mod late;
mod leaving;
mod link;
mod openfire;
mod owners;
mod people;
mod plans;
mod presences;
mod rehearsal;
mod requests;
mod rights;
mod rooms;
mod sessions;
mod sizes;
mod speaking;
mod telling;
mod untold;

use bench::server::{ChatServer, Flavour, Server};
use bench::{Bench, settings};
use neerc_testing::{bench, rights as table, trust};

const NS: &str = "http://neerc.ifmo.ru/protocol/neerc";
const ROOM: &str = "neerc@neerc.localhost";
const ADMIN: &str = "admin@localhost/Desk";
const HALL1: &str = "hall1@localhost/Phone";
const HALL2: &str = "hall2@localhost/Phone";

/// A service in its room on a server of that kind, without the bare packet in notifications.
fn ready(flavour: Flavour) -> Bench {
    let mut settings = settings();
    settings.wiki_packet = false;
    Bench::served(settings, Server::new(flavour))
}

/// A request to the room.
fn iq(kind: &str, from: &str, payload: &str) -> String {
    format!("<iq type='{kind}' id='i' from='{from}' to='{ROOM}'>{payload}</iq>")
}

/// The result of [`iq`], with a payload.
fn result(to: &str, payload: &str) -> String {
    format!("<iq type='result' id='i' from='{ROOM}' to='{to}'>{payload}</iq>")
}

/// An error for [`iq`].
fn error(to: &str, code: u16, kind: &str, condition: &str, text: &str) -> String {
    let stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas";
    format!(
        "<iq type='error' id='i' from='{ROOM}' to='{to}'><error code='{code}' type='{kind}'>\
         <{condition} xmlns='{stanzas}'/><text xmlns='{stanzas}' xml:lang='en'>{text}</text></error></iq>"
    )
}

fn query(what: &str) -> String {
    format!("<query xmlns='{NS}#{what}'/>")
}

fn task(attributes: &str, names: &[&str]) -> String {
    let statuses: String = names.iter().map(|name| format!("<status for='{name}'/>")).collect();
    format!("<task xmlns='{NS}#task' {attributes}>{statuses}</task>")
}

fn status(id: u64, kind: &str) -> String {
    format!("<taskstatus xmlns='{NS}#taskstatus' id='{id}' type='{kind}'/>")
}

/// A notification of the one task `1` with title `T`, given its statuses.
fn told(to: &str, timestamp_ms: i64, statuses: &[(&str, &str)]) -> String {
    let statuses: String =
        statuses.iter().map(|(name, kind)| format!("<status for='{name}' type='{kind}' value=''/>")).collect();
    format!(
        "<message from='neerc.localhost' to='{to}'><body>Task 'T' (t1) changed</body><x xmlns='{NS}#tasks'>\
         <task id='t1' title='T' type='todo' timestamp='{timestamp_ms}'>{statuses}</task></x>\
         <no-store xmlns='urn:xmpp:hints'/><no-copy xmlns='urn:xmpp:hints'/><private xmlns='urn:xmpp:carbons:2'/></message>"
    )
}

fn told_removed(to: &str) -> String {
    format!(
        "<message from='neerc.localhost' to='{to}'><body>Task (t1) changed</body><x xmlns='{NS}#tasks'>\
         <task id='t1' title='' type='remove'/></x><no-store xmlns='urn:xmpp:hints'/><no-copy xmlns='urn:xmpp:hints'/><private xmlns='urn:xmpp:carbons:2'/></message>"
    )
}

/// What the conversations do with the bench.
trait Conversation {
    /// Hears it and returns what is said.
    fn on(&mut self, xml: &str) -> Vec<String>;
    /// Creates the task `1` titled `T`, of which the bench forgets all that is said.
    fn with_task(self, names: &[&str]) -> Bench;
    fn joins(&mut self, nick: &str, jid: &str);
    fn leaves(&mut self, nick: &str, jid: &str);
    /// Somebody assigned answers; returns who is told at once.
    fn answers(&mut self, from: &str, kind: &str) -> Vec<String>;
}

impl Conversation for Bench {
    fn on(&mut self, xml: &str) -> Vec<String> {
        self.hear(xml);
        self.said()
    }

    fn with_task(mut self, names: &[&str]) -> Bench {
        let said = self.on(&iq("set", ADMIN, &task("title='T' type='todo'", names)));
        assert_eq!(said[0], result(ADMIN, "").replace("></iq>", "/>"));
        self.pass(1_000);
        self.said();
        self
    }

    fn joins(&mut self, nick: &str, jid: &str) {
        self.server_says(|server| server.join("neerc", nick, jid));
    }

    fn leaves(&mut self, nick: &str, jid: &str) {
        self.server_says(|server| server.leave("neerc", nick, jid));
    }

    fn answers(&mut self, from: &str, kind: &str) -> Vec<String> {
        self.hear(iq("set", from, &status(1, kind)));
        self.recipients()
    }
}

/// What is said to an admin who writes this.
fn admin_writes(bench: &mut Bench, lines: &str) -> Vec<String> {
    let body = lines.replace('\n', "&#10;");
    texts(bench.on(&format!("<message type='chat' from='{ADMIN}' to='{ROOM}'><body>{body}</body></message>")))
}

/// The lines of chat among what is said.
fn texts(said: Vec<String>) -> Vec<String> {
    let chat = said.into_iter().filter(|stanza| stanza.starts_with("<message type='chat'"));
    chat.map(|stanza| stanza.split_once("<body>").unwrap().1.split("</body>").next().unwrap().to_owned()).collect()
}

/// The titles of all tasks.
fn titles(bench: &Bench) -> Vec<String> {
    bench.boards().values().flat_map(|board| board.tasks()).map(|task| task.title.as_str().to_owned()).collect()
}
