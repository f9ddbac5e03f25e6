//! The configuration of a room: what the service sets where it has created one, and what it says of one that it finds.

use super::{RoomEvent, RoomWatch};
use crate::ns;
use crate::stanza::wire::{Purpose, Response, Wire};
use crate::xml::{Element, WriteXml};

impl RoomWatch {
    /// Takes the configuration form of a room that was just created and submits what the service needs of it, naming
    /// only fields that the form offers: one server refuses the whole form for one field it does not know.
    pub fn config_form(&mut self, now_ms: i64, response: Response<'_>, wire: &mut Wire) {
        let form = response
            .result()
            .and_then(|iq| iq.child("query", ns::MUC_OWNER))
            .and_then(|query| query.child("x", ns::DATA));
        let Some(form) = form else {
            self.is_raw = false;
            if wire.is_answered {
                // Otherwise nothing is answered at all, which is said of the lists.
                self.report(format!("the configuration form of the new room {} could not be read", self.jid.as_str()));
            }
            return self.hinted(now_ms, wire);
        };
        let wanted = [
            ("muc#roomconfig_persistentroom", "1"),
            ("muc#roomconfig_membersonly", "1"),
            ("muc#roomconfig_whois", "anyone"),
            ("muc#roomconfig_moderatedroom", "0"),
            ("muc#roomconfig_publicroom", "0"),
        ];
        let offered = |var: &str| form.elements().any(|f| f.is("field", ns::DATA) && f.attr("var") == Some(var));
        let unlimited = |f: &Element<'_>| {
            f.attr("var") == Some(MAX_USERS) && f.elements().any(|o| o.is("option", ns::DATA) && value_of(o) == "0")
        };
        let fields = |out: &mut Vec<u8>| {
            field(out, "FORM_TYPE", "http://jabber.org/protocol/muc#roomconfig");
            if form.elements().any(unlimited) {
                field(out, MAX_USERS, "0"); // one server lets 30 people in unless told otherwise
            }
            wanted.into_iter().filter(|(var, _)| offered(var)).for_each(|(var, value)| field(out, var, value));
        };
        let payload = |out: &mut Vec<u8>| {
            let query = out.open("query").xmlns(ns::MUC_OWNER);
            query.inside(|out| out.open("x").xmlns(ns::DATA).attr("type", "submit").inside(fields));
        };
        wire.request(now_ms, "set", &self.jid, payload, Purpose::ConfigSubmit { room: self.index });
    }

    /// Takes the answer to the configuration.
    pub fn configured(&mut self, now_ms: i64, response: Response<'_>, wire: &mut Wire) {
        self.is_raw = false;
        if let Some(failure) = response.failure() {
            self.report(format!("the new room {} could not be configured ({failure})", self.jid.as_str()));
        }
        match &mut self.reading {
            Some(reading) => reading.again = true,
            None => self.read_lists(now_ms, wire),
        }
        self.read_config(now_ms, wire);
    }

    /// Asks how the room is configured.
    pub(super) fn read_config(&mut self, now_ms: i64, wire: &mut Wire) {
        let payload = |out: &mut Vec<u8>| out.open("query").xmlns(ns::DISCO_INFO).empty();
        wire.request(now_ms, "get", &self.jid, payload, Purpose::RoomConfig { room: self.index });
    }

    /// Takes what the room says of its configuration. A room that says nothing of it is left alone.
    pub fn config_read(&mut self, response: Response<'_>) {
        let Some(info) = response.result().and_then(|iq| iq.child("query", ns::DISCO_INFO)) else { return };
        let says = |var: &str| info.elements().any(|e| e.is("feature", ns::DISCO_INFO) && e.attr("var") == Some(var));
        let mut wrong = Vec::new();
        if says("muc_open") && !self.settings.admit_unaffiliated {
            wrong.push(
                "is open, so anybody can come in and read what is said there: make it members-only in the room's \
                 settings, or, if that is wanted, set rooms.admit_unaffiliated = true in neerc.toml",
            );
        }
        if says("muc_temporary") {
            wrong.push(
                "is not persistent, so it ends when it is empty or the server starts again, and whoever then comes first \
                 owns it: make it persistent in the room's settings",
            );
        }
        let trouble = Some(format!("{} {}", self.jid.as_str(), wrong.join("; and it "))).filter(|_| !wrong.is_empty());
        if self.config_trouble != trouble {
            self.events.extend(trouble.clone().map(RoomEvent::Trouble));
            self.config_trouble = trouble;
        }
    }
}

const MAX_USERS: &str = "muc#roomconfig_maxusers";

fn value_of(option: &Element<'_>) -> String {
    option.child("value", ns::DATA).map(|value| value.text()).unwrap_or_default()
}

pub(super) fn field(out: &mut Vec<u8>, var: &str, value: &str) {
    out.open("field").attr("var", var).inside(|out| out.open("value").text(value));
}
