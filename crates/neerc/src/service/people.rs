//! What becomes of the lists of people from outside: the rooms are told what all of them say together.

use super::Service;
use crate::people::{ListLook, Listed, PeopleList, cards};
use std::collections::BTreeSet;
use tokio::sync::mpsc;

/// The lists as they are read.
#[derive(Debug, Default)]
pub(super) struct Lists {
    settings: Vec<PeopleList>,
    /// What each holds.
    held: Vec<Vec<Listed>>,
    /// What their readers have to say.
    pub looks: Option<mpsc::Receiver<ListLook>>,
}

impl Service {
    /// The same with lists of people, and what comes of reading them.
    pub fn with_people(mut self, settings: Vec<PeopleList>, looks: mpsc::Receiver<ListLook>) -> Service {
        let held = vec![Vec::new(); settings.len()];
        self.lists = Lists { settings, held, looks: Some(looks) };
        self
    }

    /// Takes other lists, and what comes of reading them. What those hold that stay counts until they are read anew.
    pub(super) fn renew_people(&mut self, settings: Vec<PeopleList>, looks: mpsc::Receiver<ListLook>) {
        let Lists { settings: before, held, .. } = std::mem::take(&mut self.lists);
        let known = |list: &PeopleList| held.get(before.iter().position(|known| known == list)?).cloned();
        let held = settings.iter().map(|list| known(list).unwrap_or_default()).collect();
        self.lists = Lists { settings, held, looks: Some(looks) };
        self.front.listed_outside(cards(&self.lists.settings, &self.lists.held));
    }

    /// The reader of a list has something to say.
    pub(super) fn list_read(&mut self, look: ListLook) {
        match look {
            ListLook::List(place, listed) => {
                let Some(held) = self.lists.held.get_mut(place) else { return };
                tracing::info!("a list of people was read: {} people", listed.len());
                *held = listed;
                self.front.listed_outside(cards(&self.lists.settings, &self.lists.held));
            }
            ListLook::Wrong(why) => self.trouble(why),
            ListLook::Accounts(reply) => {
                let mut names = BTreeSet::new();
                for people in self.front.rooms().map(|watch| watch.people()) {
                    names.extend(people.listed().into_iter().map(|(person, _)| people.name(person).to_owned()));
                }
                let _ = reply.send(names.into_iter().collect()); // the reader may have ended
            }
        }
    }
}
