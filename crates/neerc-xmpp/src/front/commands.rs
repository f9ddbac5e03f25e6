//! Ad-hoc commands and where they meet the rooms. Not what they say: that is the module `adhoc`.

use super::hall::Hall;
use super::{Asker, Front, FrontSettings, scene};
use crate::adhoc::command::{Fault, Reply};
use crate::adhoc::{self, Outcome, Pending, Scene};
use crate::limits;
use crate::ns;
use crate::room::RoomWatch;
use crate::stanza::ReturnAddress;
use crate::stanza::address::Address;
use crate::xep::entity::Offer;
use crate::xml::Element;
use neerc_core::board::Done;
use neerc_core::change::Room;
use neerc_core::face::words::Language;
use neerc_core::refusal::Refusal;
use neerc_core::view::{DayTime, RoomScene};
use neerc_core::world::World;

/// A command that waits for its change to be on disk.
#[derive(Debug)]
pub(super) struct Commanded {
    back: ReturnAddress<'static>,
    /// The address that was asked.
    to: Address,
    /// The room it acts in.
    room: Room,
    pending: Pending,
}

impl Commanded {
    /// The bare JID of who asked.
    pub fn account(&self) -> &str {
        self.back.to.bare()
    }
}

/// The rooms that an address of ours stands for: all of them, or one.
fn scenes<'a>(
    halls: &'a [Hall],
    world: World<'a>,
    to: &Address,
    (now_ms, wall_ms): (i64, i64),
    settings: &'a FrontSettings,
) -> Vec<RoomScene<'a>> {
    let now = Some(DayTime { wall_ms, zone_ms: world.zone_ms() });
    let meant = |watch: &&RoomWatch| to.local().is_none_or(|local| *watch.room == *local);
    let whole = |watch: &'a RoomWatch| RoomScene {
        clock: world.dial(&watch.room, now_ms),
        now,
        ..scene(watch, world, settings.visibility)
    };
    halls.iter().map(Hall::watch).filter(meant).map(whole).collect()
}

impl Front {
    /// The language of a stanza: the one it says, or else the setting.
    pub(super) fn language_of(&self, stanza: &Element<'_>) -> Language {
        stanza.attr("xml:lang").and_then(Language::parse).unwrap_or(self.settings.language)
    }

    /// The time that never goes back with the time of day, in ms.
    fn times(&self, now_ms: i64) -> (i64, i64) {
        (now_ms, now_ms.saturating_add(self.entity.wall_ahead_ms))
    }

    /// The commands that are offered to somebody at an address of ours.
    pub(super) fn offers(
        &mut self,
        now_ms: i64,
        from: &Address,
        to: &Address,
        language: Language,
        world: World<'_>,
    ) -> Vec<Offer> {
        let rooms = scenes(&self.halls, world, to, self.times(now_ms), &self.settings);
        let name = |verb| self.settings.words.say(language, &format!("item-{verb}"), &[]);
        let who = from.person();
        let offered = adhoc::offered(&rooms, &who);
        offered.map(|item| Offer { node: item.node, name: name(item.verb) }).collect()
    }

    /// Takes a command.
    pub(super) fn command(
        &mut self,
        now_ms: i64,
        back: ReturnAddress<'_>,
        (to, language): (&Address, Language),
        payload: &Element<'_>,
        world: World<'_>,
    ) {
        let times = self.times(now_ms);
        let Front { commands, halls, settings, .. } = self;
        let rooms = scenes(halls, world, to, times, settings);
        let scene = Scene {
            rooms: &rooms,
            words: &*settings.words,
            language,
            limit: settings.max_stanza_bytes.saturating_sub(limits::STANZA_HEAD_BYTES + limits::REPLY_BYTES),
        };
        let from = back.to.clone();
        let (room, command, pending) = match commands.handle(now_ms, &from, &scene, payload) {
            Outcome::Ask(room, command, pending) => (room, command, *pending),
            Outcome::Reply(reply) => return self.reply_to_command(&back, &reply),
            Outcome::Fault(fault) => return fail(self.wire.out.own(), &back, &fault),
        };
        if self.asks.is_full() {
            return fail(self.wire.out.own(), &back, &Fault::Refused(Refusal::Busy));
        }
        let Some(index) = self.index_of(&room) else {
            let unknown = Refusal::UnknownRoom { room: room.to_string() };
            return fail(self.wire.out.own(), &back, &Fault::Refused(unknown));
        };
        let commanded = Commanded { back: back.into_owned(), to: to.clone(), room, pending };
        self.ask(index, from.person(), command, Asker::Command(Box::new(commanded)));
    }

    fn reply_to_command(&mut self, back: &ReturnAddress<'_>, reply: &Reply) {
        let mut payload = Vec::new();
        reply.write(&mut payload);
        self.result_within(back, &mut payload);
    }

    /// Answers a command whose change was made or refused.
    pub(super) fn commanded(
        &mut self,
        now_ms: i64,
        Commanded { back, to, room, pending }: Commanded,
        outcome: Result<Done, Refusal>,
        world: World<'_>,
    ) {
        if !self.stream.is_online() {
            return;
        }
        if let (Ok(done), Some(index)) = (&outcome, self.index_of(&room)) {
            self.note_own(index, &back.to.person(), done, world);
        }
        let times = self.times(now_ms);
        let Front { commands, halls, settings, .. } = self;
        let rooms = scenes(halls, world, &to, times, settings);
        let scene = Scene {
            rooms: &rooms,
            words: &*settings.words,
            language: settings.language,
            limit: settings.max_stanza_bytes.saturating_sub(limits::STANZA_HEAD_BYTES + limits::REPLY_BYTES),
        };
        match commands.decided(now_ms, &back.to, &scene, pending, outcome.as_ref().map_err(Clone::clone)) {
            Outcome::Reply(reply) => self.reply_to_command(&back, &reply),
            Outcome::Fault(fault) => fail(self.wire.out.own(), &back, &fault),
            Outcome::Ask(..) => {}
        }
    }
}

fn fail(out: &mut Vec<u8>, back: &ReturnAddress<'_>, fault: &Fault) {
    let (condition, specific, text) = fault.parts();
    back.error_of(out, condition, specific.map(|name| (name, ns::COMMANDS)), &text);
}
