//! Groups that the server knows: the roster of a directory account, read with the server's leave (XEP-0356), and rooms
//! whose members are a group. Neither is pushed to a component, so both are asked again and again.

use crate::limits;
use crate::ns;
use crate::room::{member_list, members};
use crate::stanza::address::Address;
use crate::stanza::error_text;
use crate::stanza::names::composed;
use crate::stanza::wire::{Purpose, Response, Unanswered, Wire};
use crate::xml::WriteXml;
use neerc_core::people::{Card, Group, GroupBook, GroupRule, Person};
use std::collections::BTreeMap;

/// Where groups come from, by the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupSettings {
    /// Rules on names.
    pub rules: Vec<GroupRule>,
    /// Rooms that stand for groups, by their JIDs.
    pub rooms: Vec<(Group, Address)>,
    /// The directory account, and how often it is read, in ms.
    pub directory: Option<(Address, i64)>,
}

impl GroupSettings {
    /// Whether there is any group, or where to read some.
    pub fn is_configured(&self) -> bool {
        !self.rules.is_empty() || !self.rooms.is_empty() || self.directory.is_some()
    }
}

/// The groups as they are known, and when to ask again.
#[derive(Debug)]
pub struct Groups {
    settings: GroupSettings,
    /// How often they were replaced.
    settings_number: u64,
    book: GroupBook,
    read_rooms_ms: i64,
    read_directory_ms: i64,
    /// Refusals of the directory's roster, and of rooms, without a success in between.
    directory_refusals: u32,
    rooms_refusals: u32,
    /// Whether an answer of each has counted.
    knows_directory: bool,
    knows_rooms: bool,
}

impl Groups {
    /// The groups that the configuration alone knows.
    pub fn new(settings: GroupSettings) -> Groups {
        let rooms = settings.rooms.iter().map(|(group, _)| (group.clone(), Default::default())).collect();
        let book = GroupBook { rules: settings.rules.clone(), rooms, ..GroupBook::default() };
        Groups {
            settings,
            settings_number: 0,
            book,
            read_rooms_ms: i64::MAX,
            read_directory_ms: i64::MAX,
            directory_refusals: 0,
            knows_directory: false,
            knows_rooms: false,
            rooms_refusals: 0,
        }
    }

    /// The groups as they are known now.
    pub fn book(&self) -> &GroupBook {
        &self.book
    }

    /// Takes what lists from outside say now; whether that is news.
    pub fn listed_outside(&mut self, cards: BTreeMap<Person, Card>) -> bool {
        let is_news = self.book.cards != cards;
        self.book.cards = cards;
        is_news
    }

    /// By which settings they are asked for; no others have that number.
    pub fn settings_number(&self) -> u64 {
        self.settings_number
    }

    /// Takes other settings. What is known of what stays in them goes on to count until it is read anew. To be followed by
    /// [`Groups::connected`] where the stream is open.
    pub fn renew(&mut self, settings: GroupSettings) {
        let rooms = settings.rooms.iter().map(|(group, room)| {
            let same = self.settings.rooms.iter().position(|known| *known == (group.clone(), room.clone()));
            let members = same.and_then(|same| self.book.rooms.get(same)).map(|(_, members)| members.clone());
            (group.clone(), members.unwrap_or_default())
        });
        self.book.rooms = rooms.collect();
        self.book.rules.clone_from(&settings.rules);
        let account = |settings: &GroupSettings| settings.directory.clone().map(|(account, _)| account);
        if account(&settings) != account(&self.settings) {
            self.book.directory.clear();
        }
        self.settings = settings;
        self.settings_number += 1;
    }

    /// The stream is open: ask.
    pub fn connected(&mut self, now_ms: i64, wire: &mut Wire) {
        self.read_rooms_ms = now_ms;
        self.read_directory_ms = now_ms;
        (self.directory_refusals, self.rooms_refusals) = (0, 0);
        (self.knows_directory, self.knows_rooms) = (self.settings.directory.is_none(), self.settings.rooms.is_empty());
        self.timeout(now_ms, wire);
    }

    /// The stream is gone; what is known stays.
    pub fn disconnected(&mut self) {
        self.read_rooms_ms = i64::MAX;
        self.read_directory_ms = i64::MAX;
    }

    /// Whether the server has said who is in the groups, or that it does not tell.
    pub fn is_settled(&self) -> bool {
        self.knows_directory && self.knows_rooms
    }

    /// When [`Groups::timeout`] has something to do.
    pub fn next_timeout_ms(&self) -> i64 {
        let rooms = if self.settings.rooms.is_empty() { i64::MAX } else { self.read_rooms_ms };
        if self.settings.directory.is_none() { rooms } else { rooms.min(self.read_directory_ms) }
    }

    /// Asks for what is due.
    pub fn timeout(&mut self, now_ms: i64, wire: &mut Wire) {
        if self.read_rooms_ms <= now_ms {
            self.read_rooms_ms = now_ms + limits::REREAD_GROUP_MS;
            for (group, (_, room)) in self.settings.rooms.iter().enumerate() {
                let settings = self.settings_number;
                wire.request(now_ms, "get", room, member_list, Purpose::GroupRoom { group, settings });
            }
        }
        if let Some((directory, poll_ms)) = &self.settings.directory
            && self.read_directory_ms <= now_ms
        {
            self.read_directory_ms = now_ms + poll_ms;
            let payload = |out: &mut Vec<u8>| out.open("query").xmlns(ns::ROSTER).empty();
            wire.request(now_ms, "get", directory, payload, Purpose::Directory { settings: self.settings_number });
        }
    }

    /// Takes the members of a group's room. `Ok(true)`: the groups have changed. An error is for whoever runs the
    /// service; what was known stays. A refusal counts only after it has been asked again: some servers give a component
    /// its rights a moment after its connection.
    pub fn room(&mut self, now_ms: i64, group: usize, response: Response<'_>) -> Result<bool, String> {
        let Some((name, jid)) = self.settings.rooms.get(group) else { return Ok(false) };
        let what = format!("the member list of {} (group {name})", jid.as_str());
        let problem = |why: String| {
            format!(
                "the members of {} (group {name}) cannot be read ({why}): create that room, and make the component an \
                 owner of all rooms in the server's configuration",
                jid.as_str()
            )
        };
        let iq = match response {
            Response::Result(iq) => iq,
            Response::Error(iq) => {
                self.read_rooms_ms = self.read_rooms_ms.min(now_ms + again_ms(self.rooms_refusals));
                self.rooms_refusals += 1;
                self.knows_rooms |= counts(self.rooms_refusals);
                return if counts(self.rooms_refusals) { Err(problem(error_text(iq))) } else { Ok(false) };
            }
            Response::Nothing(Unanswered::TooLong) => return Err(too_long(&what)),
            Response::Nothing(unanswered) => return Err(problem(unanswered.to_string())),
        };
        (self.rooms_refusals, self.knows_rooms) = (0, true);
        let members = members(iq).into_iter().collect();
        let Some((_, known)) = self.book.rooms.get_mut(group) else { return Ok(false) };
        let changed = *known != members;
        *known = members;
        Ok(changed)
    }

    /// Takes the roster of the directory account, as [`Groups::room`].
    pub fn directory(&mut self, now_ms: i64, response: Response<'_>) -> Result<bool, String> {
        let Some((jid, _)) = &self.settings.directory else { return Ok(false) };
        let what = format!("the roster of {}", jid.as_str());
        let problem = |why: String| {
            format!(
                "the roster of {} cannot be read ({why}): give the component the right to read rosters (XEP-0356): in \
                 Prosody by mod_privilege with privileged_entities roster = \"get\" on the user's host, in ejabberd by \
                 mod_privilege with roster: get",
                jid.as_str()
            )
        };
        let iq = match response {
            Response::Result(iq) => iq,
            Response::Error(iq) => {
                self.read_directory_ms = self.read_directory_ms.min(now_ms + again_ms(self.directory_refusals));
                self.directory_refusals += 1;
                self.knows_directory |= counts(self.directory_refusals);
                return if counts(self.directory_refusals) { Err(problem(error_text(iq))) } else { Ok(false) };
            }
            Response::Nothing(Unanswered::TooLong) => return Err(too_long(&what)),
            Response::Nothing(unanswered) => return Err(problem(unanswered.to_string())),
        };
        (self.directory_refusals, self.knows_directory) = (0, true);
        let mut listed: BTreeMap<Person, Vec<Group>> = BTreeMap::new();
        for item in iq.child("query", ns::ROSTER).into_iter().flat_map(|query| query.elements()) {
            let Some(person) = item.attr("jid").and_then(Address::parse).map(|jid| jid.person()) else { continue };
            let groups =
                item.elements().filter(|e| e.is("group", ns::ROSTER)).map(|group| Group::from(composed(&group.text())));
            listed.entry(person).or_default().extend(groups.filter(|group| !group.is_empty()));
        }
        let changed = self.book.directory != listed;
        self.book.directory = listed;
        Ok(changed)
    }
}

/// The pause after so many refusals before.
fn again_ms(refusals: u32) -> i64 {
    limits::ASK_AGAIN_MS << refusals.min(16)
}

/// Whether so many refusals are a trouble.
fn counts(refusals: u32) -> bool {
    refusals > limits::ASK_AGAIN_TIMES - 1
}

/// What is said where a list of a group's people is too long to be read.
fn too_long(what: &str) -> String {
    let why = Unanswered::TooLong;
    format!("{what} cannot be read ({why}), so what was known before counts: take people off it, or divide the group")
}
