//! What admins are told of the systems to which webhooks go: that one takes nothing or wants nothing more, and that it takes
//! what happens again. Told once, by state: whoever was away hears it when they come, if it is still so. Not when that is so.

use super::Front;
use neerc_core::change::Room;
use neerc_core::face::lines::Lines;
use neerc_core::face::words::Arg;
use neerc_core::people::Person;
use neerc_core::view::{DayTime, RoomScene};
use neerc_core::world::World;
use std::collections::BTreeSet;

/// What is wrong with an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointTrouble {
    /// It has not taken anything for long.
    Failing {
        /// Since when, in ms since 1970.
        since_ms: i64,
    },
    /// It wants nothing more.
    Off,
}

/// An endpoint, as admins know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointNews {
    /// Where it is, without what is secret of that.
    pub host: String,
    /// Whose rooms it is told of; all, where none is named.
    pub rooms: Vec<Room>,
    /// What is wrong with it.
    pub trouble: Option<EndpointTrouble>,
}

/// One endpoint, and who knows how it is.
#[derive(Debug)]
struct EndpointWord {
    news: EndpointNews,
    /// Those who were told of its trouble.
    told: BTreeSet<Person>,
}

/// What is to be said of endpoints.
#[derive(Debug, Default)]
pub(super) struct EndpointWords(Vec<EndpointWord>);

impl EndpointWords {
    /// Whether somebody may have to hear something.
    pub fn waits(&self) -> bool {
        self.0.iter().any(|word| word.news.trouble.is_some() || !word.told.is_empty())
    }
}

impl Front {
    /// How all endpoints are, in their order.
    pub fn endpoints_stand(&mut self, all: Vec<EndpointNews>) {
        let known = &mut self.endpoint_words.0;
        known.truncate(all.len());
        let mut is_other = false;
        for (place, news) in all.into_iter().enumerate() {
            match known.get_mut(place) {
                Some(word) if word.news == news => {}
                Some(word) => {
                    is_other = true;
                    if news.trouble.is_some() {
                        word.told.clear(); // it is another one
                    }
                    word.news = news;
                }
                None => {
                    is_other |= news.trouble.is_some();
                    known.push(EndpointWord { news, told: BTreeSet::new() });
                }
            }
        }
        self.plan_words.is_due |= is_other;
    }

    /// Says what waits to those who are there by now.
    pub(super) fn say_endpoint_words(&mut self, world: World<'_>) {
        let mut words = std::mem::take(&mut self.endpoint_words.0);
        for EndpointWord { news, told } in &mut words {
            let before = if news.trouble.is_some() { BTreeSet::new() } else { std::mem::take(told) };
            for room in 0..self.halls.len() {
                let watch = self.halls[room].watch();
                if !news.rooms.is_empty() && !news.rooms.contains(&watch.room) {
                    continue;
                }
                for person in watch.people().admins() {
                    // Whoever is an admin of several rooms hears it in one of them.
                    let is_for = news.trouble.is_some() || before.contains(&person);
                    if is_for && !told.contains(&person) && self.say_endpoint_word(room, &person, news, world) {
                        told.insert(person);
                    }
                }
            }
            if news.trouble.is_none() {
                told.clear();
            }
        }
        self.endpoint_words.0 = words;
    }

    /// Says how an endpoint is; tells whether somebody is there to hear it.
    fn say_endpoint_word(&mut self, room: usize, person: &Person, news: &EndpointNews, world: World<'_>) -> bool {
        let sessions = self.contacts.speaking(room, person);
        if sessions.is_empty() {
            return false;
        }
        let now = Some(DayTime { wall_ms: self.plan_words.wall_ms, zone_ms: world.zone_ms() });
        let said = self.answers_for(room, person, world, |answers| {
            let answers = &Lines { scene: RoomScene { now, ..answers.scene }, ..*answers };
            let host = ("host", Arg::Text(&news.host));
            match news.trouble {
                Some(EndpointTrouble::Failing { since_ms }) => {
                    let time = answers.day_time(since_ms);
                    answers.say("webhook-failing", &[host, ("time", Arg::Text(&time))])
                }
                Some(EndpointTrouble::Off) => answers.say("webhook-off", &[host]),
                None => answers.say("webhook-well", &[host]),
            }
        });
        let Some(said) = said else { return false };
        let mut out = std::mem::take(&mut self.wire.out);
        self.say(room, person, &sessions, &[said], out.own());
        self.wire.out = out;
        true
    }
}
