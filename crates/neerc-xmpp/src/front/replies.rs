//! Answers to the service's own requests: which part of it each is for. Not what that part makes of them.

use super::Front;
use crate::server::Server;
use crate::stanza::wire::{Purpose, Response};
use neerc_core::people::{Card, Person};

impl Front {
    /// Takes the answer to one of our requests, or why there is none.
    pub(super) fn answered(&mut self, now_ms: i64, purpose: Purpose, response: Response<'_>) {
        match purpose {
            Purpose::KeepAlive | Purpose::Probe | Purpose::Routed | Purpose::Look | Purpose::Leaving => {}
            Purpose::Fence { number } if !matches!(response, Response::Nothing(_)) => {
                let told = self.outbox.fenced(number);
                self.note_told(told);
            }
            Purpose::Fence { number } => self.outbox.fence_lost(number),
            Purpose::List { room, affiliation, reading } => {
                self.change_room(room, |room, wire| room.list(now_ms, affiliation, reading, response, wire))
            }
            Purpose::Roles { room, reading } => {
                self.change_room(room, |room, _| room.role_list(now_ms, reading, response))
            }
            Purpose::SelfPing { room } => {
                match response {
                    Response::Nothing(_) => self.stream.liveness.room_silent(),
                    Response::Result(_) | Response::Error(_) => self.stream.liveness.room_answered(),
                }
                self.change_room(room, |room, wire| room.self_pinged(now_ms, response, wire))
            }
            Purpose::ConfigForm { room } => {
                self.change_room(room, |room, wire| room.config_form(now_ms, response, wire))
            }
            Purpose::ConfigSubmit { room } => {
                self.change_room(room, |room, wire| room.configured(now_ms, response, wire))
            }
            Purpose::Owners { room } => self.change_room(room, |room, wire| room.owners_named(now_ms, response, wire)),
            Purpose::RoomConfig { room } => self.change_room(room, |room, _| room.config_read(response)),
            Purpose::PutOut { room } => self.change_room(room, |room, _| room.has_put_out(response)),
            Purpose::Server => self.server_told(now_ms, response),
            // All requests go unanswered: the rooms say why.
            Purpose::GroupRoom { .. } | Purpose::Directory { .. }
                if matches!(response, Response::Nothing(_)) && !self.wire.is_answered => {}
            // Who was asked by earlier settings is not asked any more.
            Purpose::GroupRoom { settings, .. } | Purpose::Directory { settings }
                if settings != self.groups.settings_number() => {}
            Purpose::GroupRoom { group, .. } => {
                let outcome = self.groups.room(now_ms, group, response);
                self.groups_answered("group room", outcome);
            }
            Purpose::Directory { .. } => {
                let outcome = self.groups.directory(now_ms, response);
                self.groups_answered("directory", outcome);
            }
        }
    }

    /// The server has said which one it is, or does not say.
    fn server_told(&mut self, now_ms: i64, response: Response<'_>) {
        self.server = response.result().map(Server::read).unwrap_or_default();
        let software = self.server.software;
        self.change_rooms(|room, _| room.server_is(now_ms, software));
    }

    /// What lists from outside say of people now, by the names of their accounts.
    pub fn listed_outside(&mut self, cards: impl IntoIterator<Item = (String, Card)>) {
        let host = self.settings.host.as_str();
        let cards = cards.into_iter().map(|(name, card)| (Person::named(&name, host), card)).collect();
        if self.groups.listed_outside(cards) {
            self.change_rooms(|room, _| room.groups_changed());
        }
    }

    fn groups_answered(&mut self, about: &'static str, outcome: Result<bool, String>) {
        match outcome {
            Ok(changed) => {
                self.troubles.remove(about);
                if changed {
                    self.change_rooms(|room, _| room.groups_changed());
                }
            }
            Err(problem) => self.trouble(about, problem),
        }
    }
}
