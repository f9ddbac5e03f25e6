//! Who becomes an owner of a room where nobody but the service has power, as the configuration names them. Without them
//! nobody could give anybody a place in a room that the service has made.

use super::{Phase, RoomEvent, RoomWatch};
use crate::ns;
use crate::stanza::address::Address;
use crate::stanza::wire::{Purpose, Response, Wire};
use crate::xml::WriteXml;
use neerc_core::people::Affiliation;

impl RoomWatch {
    /// The lists have been read. Where nobody has power by them, asks for the owners of the configuration to be made
    /// such, and says so.
    pub(super) fn name_owners(&mut self, now_ms: i64, wire: &mut Wire) -> bool {
        let component = self.settings.component.as_str();
        let has_power = self
            .listed
            .iter()
            .any(|(person, affiliation)| *affiliation >= Affiliation::Admin && person.domain() != component);
        if has_power {
            self.has_named_owners = false;
        }
        let is_due = !has_power && !self.has_named_owners && self.phase == Phase::In;
        if !is_due || self.settings.owners.is_empty() {
            return false;
        }
        self.has_named_owners = true;
        let owners = &self.settings.owners;
        let payload = |out: &mut Vec<u8>| {
            out.open("query").xmlns(ns::MUC_ADMIN).inside(|out| {
                for owner in owners {
                    out.open("item").attr("affiliation", "owner").attr("jid", owner.as_str()).empty();
                }
            });
        };
        wire.request(now_ms, "set", &self.jid, payload, Purpose::Owners { room: self.index });
        true
    }

    /// Takes the answer to that.
    pub fn owners_named(&mut self, now_ms: i64, response: Response<'_>, wire: &mut Wire) {
        let owners = self.settings.owners.iter().map(Address::as_str).collect::<Vec<_>>().join(", ");
        if let Some(failure) = response.failure() {
            self.has_read = true;
            return self.report(format!(
                "nobody has power in {}, and {owners} of rooms.owners could not be made owners of it ({failure}): have \
                 the server do it; neerc init prints the command",
                self.jid.as_str()
            ));
        }
        self.events.push(RoomEvent::OwnersNamed(owners));
        if self.reading.is_none() {
            self.read_lists(now_ms, wire);
        }
    }
}
