//! The service's own nick in a room. Nobody can keep the service out by holding it: the service enters at once under a
//! nick that nobody can guess, and takes its own back. The nicks of others are in occupants.rs.

use super::{Phase, RoomWatch};
use crate::limits;
use crate::ns;
use crate::stanza::wire::{Purpose, Response, Wire};
use crate::stanza::{error_condition, error_text};
use crate::xml::WriteXml;
use neerc_core::people::{Affiliation, Person};
use sha1::{Digest, Sha1};

/// The nick that the service has now, and when it tries to have its own again.
#[derive(Debug)]
pub(super) struct OwnNick {
    pub(super) now: String,
    /// How many nicks were made up so far.
    made_up: u64,
    /// Refusals one after the other, since the service was last inside.
    refusals: u32,
    /// When it tries next, in ms.
    pub(super) retry_ms: i64,
}

impl OwnNick {
    pub(super) fn new(nickname: &str) -> OwnNick {
        OwnNick { now: nickname.to_owned(), made_up: 0, refusals: 0, retry_ms: i64::MAX }
    }

    /// The same on a new connection; no nick is made up twice.
    pub(super) fn after(self, before: &OwnNick) -> OwnNick {
        OwnNick { made_up: before.made_up, ..self }
    }
}

impl RoomWatch {
    /// A nick that differs each time and cannot be guessed without the seed.
    pub(super) fn make_up_nick(&mut self) {
        self.own_nick.made_up += 1;
        let hash = Sha1::new()
            .chain_update(self.settings.nick_seed.as_bytes())
            .chain_update(self.jid.as_str().as_bytes())
            .chain_update(self.own_nick.made_up.to_be_bytes())
            .finalize();
        let digits: String = hash.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
        self.own_nick.now = format!("{}-{digits}", self.settings.nickname);
    }

    /// Somebody else has the nick: comes in under another one at once. A server that goes on refusing is given a moment
    /// between tries.
    pub(super) fn nick_is_taken(&mut self, now_ms: i64, wire: &mut Wire) {
        let taken = self.own_nick.now.clone();
        self.make_up_nick();
        self.own_nick.refusals += 1;
        self.report(format!(
            "the nick {taken} is taken in {}; coming in as {} until it is free",
            self.jid.as_str(),
            self.own_nick.now
        ));
        if self.own_nick.refusals > limits::NICKS_AT_ONCE {
            return self.left(now_ms, now_ms + limits::RETRY_NICK_MS);
        }
        self.join(now_ms, wire);
    }

    /// The service has come in: if not under its own nick, it tries to have it.
    pub(super) fn nick_on_entry(&mut self, now_ms: i64, wire: &mut Wire) {
        self.own_nick.refusals = 0;
        self.own_nick.retry_ms = i64::MAX;
        if self.own_nick.now != self.settings.nickname {
            self.reclaim_nick(now_ms, wire);
        }
    }

    /// Takes the own nick if it is free. Whoever has it is put out, but for people with power, who are told of instead.
    pub(super) fn reclaim_nick(&mut self, now_ms: i64, wire: &mut Wire) {
        self.own_nick.retry_ms = i64::MAX;
        if self.phase != Phase::In || self.own_nick.now == self.settings.nickname {
            return;
        }
        self.own_nick.retry_ms = now_ms + limits::RECLAIM_NICK_MS;
        let nick = self.settings.nickname.clone();
        let holder = self.occupants.of_nick(&nick).next().map(|session| session.person());
        match holder {
            None => wire.presence(None, &format!("{}/{nick}", self.jid.as_str()), |_| {}),
            Some(holder) if self.has_power(&holder) => self.report(format!(
                "the nick {nick} in {} belongs to {}, who has power there: let them take another one, or set another \
                 rooms.nickname in neerc.toml",
                self.jid.as_str(),
                holder.bare()
            )),
            Some(_) => self.put_out(now_ms, &nick, wire),
        }
    }

    fn has_power(&self, person: &Person) -> bool {
        let present = self.occupants.affiliations(person.bare());
        present.chain(self.listed.get(person).copied()).any(|affiliation| affiliation >= Affiliation::Admin)
    }

    fn put_out(&self, now_ms: i64, nick: &str, wire: &mut Wire) {
        let payload = |out: &mut Vec<u8>| {
            out.open("query").xmlns(ns::MUC_ADMIN).inside(|out| {
                let item = out.open("item").attr("nick", nick).attr("role", "none");
                item.inside(|out| out.open("reason").text(&self.settings.nick_reason));
            });
        };
        wire.request(now_ms, "set", &self.jid, payload, Purpose::PutOut { room: self.index });
    }

    /// Takes the answer to the request to put out whoever has the service's nick.
    pub fn has_put_out(&mut self, response: Response<'_>) {
        if let Response::Error(iq) = response
            && error_condition(iq) != "item-not-found"
        {
            self.report(format!(
                "whoever has the nick {} in {} cannot be put out ({}): make {} an owner of all rooms",
                self.settings.nickname,
                self.jid.as_str(),
                error_text(iq),
                self.settings.component
            ));
        }
    }

    /// A nick has become free, perhaps the service's own.
    pub(super) fn nick_is_free(&mut self, nick: &str, now_ms: i64, wire: &mut Wire) {
        if nick != self.settings.nickname || self.own_nick.now == nick || self.phase != Phase::In {
            return;
        }
        if self.occupants.of_nick(nick).next().is_none() {
            self.reclaim_nick(now_ms, wire);
        } else {
            self.own_nick.retry_ms = now_ms + limits::RETRY_NICK_MS; // another session of theirs may be there still
        }
    }
}
