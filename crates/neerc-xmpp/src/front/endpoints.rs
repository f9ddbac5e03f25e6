//! What admins are told of the systems to which webhooks go: that one takes nothing or wants nothing more, and that it takes
//! what happens again. Told once, by state: whoever was away hears it when they come, if it is still so. Not when that is so.

use super::Front;
use super::admins::AdminWord;
use neerc_core::change::Room;
use neerc_core::face::words::Arg;
use neerc_core::people::Person;
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
            let word = if news.trouble.is_some() { AdminWord::IsSo } else { AdminWord::IsOver };
            self.tell_admins(&news.rooms, word, told, world, &|answers| {
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
        }
        self.endpoint_words.0 = words;
    }
}
