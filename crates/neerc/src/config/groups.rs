//! `[[groups]]`: which groups there are, and where lists of people are read from outside.

use super::check::{Check, is_program, is_user};
use super::error::ConfigError;
use super::keys::RawGroup;
use crate::http::{self, HttpAddress};
use crate::limits::{LIST_FILE_POLL_S, LIST_OTHER_POLL_S, LIST_POLL_S, NAME_BYTES};
use crate::people::{ListSource, PeopleList, Volunteers};
use neerc_core::people::{Group, GroupRule, fold};
use neerc_xmpp::room::groups::GroupSettings;
use neerc_xmpp::stanza::address::Address;
use neerc_xmpp::stanza::names::composed;
use std::collections::BTreeSet;
use std::time::Duration;

/// Where people of a group come from.
const PLACES: [&str; 5] = ["members", "room", "file", "command", "volunteers"];

impl Check<'_> {
    pub(super) fn groups(
        &self,
        raw: Vec<RawGroup>,
        rooms_service: &Address,
    ) -> Result<(GroupSettings, Vec<PeopleList>), ConfigError> {
        let mut names = BTreeSet::new();
        let (mut groups, mut lists) = (GroupSettings::default(), Vec::new());
        for (nth, mut group) in raw.into_iter().enumerate() {
            let name = self.group_name(group.name.take(), nth, &mut names)?;
            let given = [
                group.members.is_some(),
                group.room.is_some(),
                group.file.is_some(),
                group.command.is_some(),
                group.volunteers.is_some(),
            ];
            let shown = name.as_deref().unwrap_or("").to_owned();
            if given.iter().filter(|is_given| **is_given).count() > 1 {
                let all: Vec<_> =
                    PLACES.iter().zip(given).filter(|(_, is_given)| *is_given).map(|(place, _)| *place).collect();
                let wanted = format!("has {}: keep one", all.join(" and "));
                return Err(self.nth_invalid("groups.name", nth, &shown, &wanted));
            }
            if let Some(list) = self.list(&mut group, name.clone(), nth)? {
                lists.push(list);
                continue;
            }
            let name = name.ok_or_else(|| ConfigError::Missing {
                origin: self.nth_origin("groups.name", nth),
                key: "groups.name",
                wanted: "give the group a name, such as \"Halls\"".to_owned(),
            })?;
            match (group.members, group.room) {
                (Some(members), None) if !members.is_empty() => {
                    let patterns = members.iter().map(|member| self.member(member, nth)).collect::<Result<_, _>>()?;
                    groups.rules.push(GroupRule { group: name, patterns });
                }
                (_, Some(room)) => groups.rooms.push((name, self.members_room(&room, rooms_service, nth)?)),
                (_, None) => {
                    return Err(ConfigError::Missing {
                        origin: self.nth_origin("groups.members", nth),
                        key: "groups.members",
                        wanted: format!("give the group \"{name}\" members, a room, a file, a command or volunteers"),
                    });
                }
            }
        }
        Ok((groups, lists))
    }

    fn group_name(
        &self,
        name: Option<String>,
        nth: usize,
        names: &mut BTreeSet<String>,
    ) -> Result<Option<Group>, ConfigError> {
        let Some(name) = name else { return Ok(None) };
        let name = composed(&self.line("groups.name", &name, nth)?).into_owned();
        if !names.insert(fold(&name)) {
            return Err(self.nth_invalid("groups.name", nth, &name, "must differ from the others, ignoring case"));
        }
        Ok(Some(name.into()))
    }

    /// A list of people that is read outside of the chat server, if this is one.
    fn list(&self, raw: &mut RawGroup, group: Option<Group>, nth: usize) -> Result<Option<PeopleList>, ConfigError> {
        let (file, command, volunteers) = (raw.file.take(), raw.command.take(), raw.volunteers.take());
        let other = if file.is_some() { LIST_FILE_POLL_S } else { LIST_OTHER_POLL_S };
        let poll_s = raw.poll_s.unwrap_or(other);
        if !LIST_POLL_S.contains(&poll_s) {
            let wanted = format!("must be {} to {} s", LIST_POLL_S.start(), LIST_POLL_S.end());
            return Err(self.nth_invalid("groups.poll_s", nth, &poll_s.to_string(), &wanted));
        }
        let source = if let Some(file) = file {
            ListSource::File(self.nth_beside("groups.file", nth, &file)?)
        } else if let Some(words) = command {
            if !is_program(&words) {
                let wanted =
                    "must be a list that begins with the whole path of a program, such as [\"/usr/local/bin/people\"]";
                return Err(self.nth_invalid("groups.command", nth, &words.join(" "), wanted));
            }
            ListSource::Command(words, raw.user.take())
        } else if let Some(url) = volunteers {
            ListSource::Volunteers(self.volunteers(raw, url, nth)?)
        } else {
            return Ok(None);
        };
        let poll = Duration::from_secs(poll_s.unsigned_abs());
        Ok(Some(PeopleList { source, group, poll }))
    }

    fn volunteers(&self, raw: &mut RawGroup, url: String, nth: usize) -> Result<Volunteers, ConfigError> {
        http::check(&url).map_err(|why| {
            let why = why.strip_prefix(&format!("\"{url}\" ")).unwrap_or(&why).to_owned();
            self.nth_invalid("groups.volunteers", nth, &url, &why)
        })?;
        let missing = |key: &'static str, wanted: &str| self.nth_missing(key, nth, wanted);
        let token = raw.token_file.take().ok_or_else(|| {
            missing("groups.token_file", "name the file that holds the token of the volunteers service")
        })?;
        let year =
            raw.year.ok_or_else(|| missing("groups.year", "give the number of the year in the volunteers service"))?;
        let ca_file = raw.ca_file.take().map(|file| self.nth_beside("groups.ca_file", nth, &file)).transpose()?;
        Ok(Volunteers {
            address: HttpAddress { url, ca_file, ..HttpAddress::default() },
            token_file: self.secret_path("groups.token_file", nth, &token)?,
            year,
            day: raw.day,
        })
    }

    /// The address of a room whose members are a group.
    fn members_room(&self, text: &str, service: &Address, nth: usize) -> Result<Address, ConfigError> {
        let key = "groups.room";
        let room = self.room(key, text, nth)?;
        let jid = Address::parse(&format!("{room}@{}", service.as_str()));
        jid.ok_or_else(|| self.nth_invalid(key, nth, text, "must be the name of a chat room"))
    }

    fn member(&self, text: &str, nth: usize) -> Result<String, ConfigError> {
        let (user, host) = match text.split_once('@') {
            Some((user, host)) => (user, Some(host)),
            None => (text, None),
        };
        if is_user(user) && host.is_none_or(is_user) && text.len() <= NAME_BYTES {
            Ok(composed(text).to_lowercase())
        } else {
            let wanted =
                "must be a user name such as hall1 or boss@example.org; * stands for any characters, ? for one";
            Err(self.nth_invalid("groups.members", nth, text, wanted))
        }
    }
}
