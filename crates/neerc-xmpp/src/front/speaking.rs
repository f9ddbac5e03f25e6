//! What is said to people by chat without being asked: what they have to do when they come online, and what is new for
//! them. By state: what is said is worked out from the board when the link is free for it.

use super::{Front, scene};
use crate::chat::bot::{self, ChatLinks, Kept, Letter};
use crate::chat::contacts::{Client, Welcome, Whereabouts};
use crate::limits;
use crate::stanza::Shell;
use crate::stanza::address::Address;
use crate::stanza::wire::presence;
use crate::stream::outgoing::Outgoing;
use crate::xep::entity::Target;
use crate::xml::{Element, WriteXml, escaped_len};
use neerc_core::board::Done;
use neerc_core::change::Effect;
use neerc_core::face::lines::{Lines, Links};
use neerc_core::face::words::{Arg, Language};
use neerc_core::links::LinksWish;
use neerc_core::people::Person;
use neerc_core::task::TaskId;
use neerc_core::world::World;
use std::collections::BTreeSet;

impl Front {
    /// Takes a presence of somebody outside of the rooms, about the service itself (RFC 6121 sections 3 and 4).
    pub(super) fn contact_presence(&mut self, now_ms: i64, shell: &Shell<'_>, element: &Element<'_>) {
        let is_session = shell.from.resource().is_some();
        let Some(room) = self.room_of(&shell.to) else { return self.nobody_there(now_ms, shell) };
        match shell.type_ {
            "" if is_session => {
                if self.halls[room].watch().people().rights(&shell.from.person()).is_none() {
                    return;
                }
                let client = Client::of(element);
                self.contacts.seen(now_ms, room, &shell.from, Whereabouts::AsContact, client);
                self.contact_is_online(room, &shell.to, &shell.from);
                if client == Client::Unknown {
                    self.outbox.directed(room, &shell.from);
                }
            }
            "unavailable" if is_session => {
                self.outbox.undirected(room, &shell.from);
                self.contacts.left(now_ms, room, &shell.from, Whereabouts::AsContact);
            }
            "error" if is_session => self.session_gone(now_ms, &shell.from),
            "subscribe" | "unsubscribe" | "probe" if self.admits(now_ms, &shell.from) => {
                self.subscription(room, shell);
                self.contact_was_shown(room, shell);
            }
            _ => {}
        }
    }

    /// Takes a presence for an address of ours that stands for nothing: whoever has it in their contact list is told so
    /// (RFC 6121 sections 3.1.3 and 4.3.2).
    fn nobody_there(&mut self, now_ms: i64, shell: &Shell<'_>) {
        match shell.type_ {
            "subscribe" | "probe" if self.admits(now_ms, &shell.from) => {
                let out = self.wire.out.own();
                plain(out, "unsubscribed", shell.to.bare(), shell.from.bare_as_it_came());
            }
            "error" if shell.from.resource().is_some() => self.session_gone(now_ms, &shell.from),
            _ => {}
        }
    }

    /// What was sent to a session came back.
    pub(super) fn session_gone(&mut self, now_ms: i64, session: &Address) {
        for (index, hall) in self.halls.iter_mut().enumerate() {
            if hall.change(self.groups.book(), |room| room.bounced(now_ms, session)) {
                self.outbox.hold(index, session);
            }
        }
        self.outbox.gone(session);
        self.contacts.gone(now_ms, session);
    }

    /// Whoever belongs to a room may have the service in their contact list. Their own presence is asked for in turn:
    /// without it the service would not know when they come online.
    fn subscription(&mut self, room: usize, shell: &Shell<'_>) {
        let knows = self.halls[room].watch().people().rights_of(shell.from.bare()).is_some();
        let from = shell.to.bare();
        let status = self.settings.words.say(self.settings.language, "presence-status", &[]);
        let wish = self.contact_wish();
        let target =
            if shell.to.local().is_some() { Target::Room(&self.halls[room].watch().room) } else { Target::Service };
        let carried = self.entity.presence(target);
        let available = |out: &mut Vec<u8>, to: &str| available(out, from, to, &status, &carried);
        let (out, bare) = (self.wire.out.own(), shell.from.bare_as_it_came());
        match shell.type_ {
            "subscribe" if knows => {
                plain(out, "subscribed", from, bare);
                available(out, bare);
                asking(out, from, bare, &wish);
            }
            "probe" if knows => available(out, shell.from.as_it_came()),
            "unsubscribe" => {
                plain(out, "unsubscribed", from, bare);
                unavailable(out, from, bare);
            }
            _ => plain(out, "unsubscribed", from, bare),
        }
    }

    /// Why somebody is asked for their presence.
    pub(super) fn contact_wish(&self) -> String {
        self.settings.words.say(self.settings.language, "contact-wish", &[])
    }

    /// Says what is due to those who are spoken to, until `out` holds `limit` bytes or more.
    pub(super) fn transmit_chat(&mut self, now_ms: i64, world: World<'_>, out: &mut Outgoing, limit: usize) {
        while out.len() < limit {
            let Some((room, address, welcome)) = self.contacts.take_beginning(now_ms) else { break };
            if self.contacts.needs_words_only(room, &address) {
                self.outbox.by_chat(room, &address);
            }
            self.plan_words.is_due = true; // somebody may be there now who has to be asked
            self.watchers.came(now_ms, room);
            self.welcome(now_ms, room, &address, welcome, world, out.own());
        }
        while out.len() < limit {
            let Some((room, person, changed)) = self.contacts.take_hearer(now_ms) else { break };
            self.say_news(room, &person, changed.iter().copied(), world, out.own());
        }
        while out.len() < limit {
            let Some(room) = self.watchers.take_due(now_ms) else { break };
            self.tell_watchers(now_ms, room, world, out.own());
        }
        while out.len() < limit {
            let Some((room, session, language)) = self.contacts.take_outsider(now_ms) else { break };
            self.invite(room, &session, language, out.own());
        }
    }

    /// Tells those who watch answers, and are spoken to, what is new.
    fn tell_watchers(&mut self, now_ms: i64, room: usize, world: World<'_>, out: &mut Vec<u8>) {
        let board = world.board(&self.halls[room].watch().room);
        for (person, watch) in board.watches().all() {
            let sessions = self.contacts.speaking(room, person);
            let Some(told) = self.watchers.told(room, person).filter(|_| !sessions.is_empty()) else { continue };
            // Whoever has lost their power watches nothing while that is so.
            let said = self.answers_for(room, person, world, |lines| {
                let may_watch = lines.view().is_ok_and(|view| view.is_admin());
                if may_watch { lines.watched(watch, told) } else { Vec::new() }
            });
            self.watchers.note_told(now_ms, room, person, board.revision());
            self.say(room, person, &sessions, &said.unwrap_or_default(), out);
        }
    }

    /// Tells somebody who wrote from outside how to be told of tasks, and asks to become a contact.
    fn invite(&mut self, room: usize, session: &Address, language: Language, out: &mut Vec<u8>) {
        let person = session.person();
        if self.halls[room].watch().people().rights(&person).is_none() {
            return;
        }
        let name = format!("{}@{}", self.halls[room].watch().room, self.settings.rooms_service);
        let text = self.settings.words.say(language, "not-here", &[("room", Arg::Text(&name))]);
        self.say_in(language, room, std::slice::from_ref(session), &text, out);
        self.ask_to_be_a_contact(room, session, out);
    }

    fn welcome(
        &mut self,
        now_ms: i64,
        room: usize,
        address: &Address,
        welcome: Welcome,
        world: World<'_>,
        out: &mut Vec<u8>,
    ) {
        let person = address.person();
        if let Some(told) = self.contacts.told(room, &person) {
            let mut all: BTreeSet<TaskId> = told.keys().copied().collect();
            all.extend(world.board(&self.halls[room].watch().room).open_tasks(&person).iter().map(|task| task.id));
            self.say_news(room, &person, all, world, out);
        }
        if welcome == Welcome::News {
            return;
        }
        let said = self.answers_for(room, &person, world, |answers| (answers.reminder(), answers.open()));
        let Some((lines, open)) = said else { return self.contacts.not_yet(now_ms, room, address) };
        self.contacts.reminded(now_ms, room, &person, open);
        if welcome == Welcome::Reminder {
            self.say(room, &person, std::slice::from_ref(address), &lines, out);
        }
    }

    /// Tells a person with all sessions that are spoken to what is new for them among these tasks.
    fn say_news(
        &mut self,
        room: usize,
        person: &Person,
        tasks: impl IntoIterator<Item = TaskId>,
        world: World<'_>,
        out: &mut Vec<u8>,
    ) {
        let Some(mut told) = self.contacts.told(room, person).map(std::mem::take) else { return };
        let said = self.answers_for(room, person, world, |answers| answers.news(tasks, &mut told));
        if let Some(known) = self.contacts.told(room, person) {
            *known = told;
        }
        if let Some(lines) = said {
            let sessions = self.contacts.speaking(room, person);
            self.say(room, person, &sessions, &lines, out);
        }
    }

    /// Somebody has changed their own answer, so that is no news for them, or what they watch.
    pub(super) fn note_own(&mut self, room: usize, who: &Person, done: &Done, world: World<'_>) {
        if done.effect == Effect::Watched {
            let board = world.board(&self.halls[room].watch().room);
            return match board.watches().of(who) {
                Some(_) => self.watchers.begins(room, who, board.revision()),
                None => self.watchers.ends(room, who),
            };
        }
        let Effect::Answered { task } = done.effect else { return };
        let Some(told) = self.contacts.told(room, who) else { return };
        let task = world.board(&self.halls[room].watch().room).task(task);
        let Some(task) = task else { return };
        match task.statuses.get(who) {
            Some(status) if !status.progress.is_final() => _ = told.insert(task.id, task.title.clone()),
            _ => _ = told.remove(&task.id),
        }
    }

    /// What a function makes of the answers for a person; `None` for somebody who is nobody in the room.
    pub(super) fn answers_for<T>(
        &self,
        room: usize,
        person: &Person,
        world: World<'_>,
        make: impl FnOnce(&Lines<'_>) -> T,
    ) -> Option<T> {
        self.halls[room].watch().people().rights(person)?;
        Some(self.answers(room, person, self.language_for(room, person), world, make))
    }

    /// What a function makes of the answers for somebody in that language.
    pub(super) fn answers<T>(
        &self,
        room: usize,
        who: &Person,
        language: Language,
        world: World<'_>,
        make: impl FnOnce(&Lines<'_>) -> T,
    ) -> T {
        let scene = scene(self.halls[room].watch(), world, self.settings.visibility);
        let (words, links) = (&*self.settings.words, ChatLinks(self.room_address(room)));
        let has_links = match scene.board.links().of(who) {
            Some(wish) => wish == LinksWish::On,
            None => self.contacts.has_links(room, who),
        };
        let links = has_links.then_some(&links as &dyn Links);
        make(&Lines { words, language, links, scene, who })
    }

    fn language_for(&self, room: usize, person: &Person) -> Language {
        self.contacts.language(room, person).unwrap_or(self.settings.language)
    }

    /// Says lines to sessions of a person, in one message each.
    pub(super) fn say(
        &mut self,
        room: usize,
        person: &Person,
        sessions: &[Address],
        lines: &[String],
        out: &mut Vec<u8>,
    ) {
        if lines.is_empty() {
            return;
        }
        self.say_in(self.language_for(room, person), room, sessions, &lines.join("\n"), out);
    }

    /// Says a text to sessions, in that language.
    fn say_in(&mut self, language: Language, room: usize, sessions: &[Address], text: &str, out: &mut Vec<u8>) {
        let from = self.room_address(room);
        for session in sessions {
            for text in self.pieces(&from, session, None, text) {
                let id = self.letter_id();
                let letter = Letter {
                    from: &from,
                    to: session.as_it_came(),
                    id: Some(&id),
                    thread: None,
                    language: Some(language),
                    text,
                    kept: Kept::Live,
                };
                letter.write(out);
            }
        }
    }

    /// A text in as many parts as it takes chat messages; none for an address that is only made to be long.
    pub(super) fn pieces<'t>(&self, from: &str, to: &Address, thread: Option<&str>, text: &'t str) -> Vec<&'t str> {
        let head: usize = [from, to.as_it_came(), thread.unwrap_or("")].map(escaped_len).iter().sum();
        if head > limits::STANZA_HEAD_BYTES {
            return Vec::new();
        }
        bot::pieces(text, self.settings.max_stanza_bytes.saturating_sub(head + limits::LETTER_BYTES).max(1_024))
    }
}

/// Writes a presence of ours that says nothing but what it is.
pub(super) fn plain(out: &mut Vec<u8>, type_: &str, from: &str, to: &str) {
    presence(out, Some(type_), from, to, |_| {});
}

/// Asks somebody for their presence. Their client shows them the words, if it is them whom it asks (RFC 6121 section 3.1.1).
pub(super) fn asking(out: &mut Vec<u8>, from: &str, to: &str, wish: &str) {
    presence(out, Some("subscribe"), from, to, |out| out.open("status").text(wish));
}

/// The resource that our presence comes from: some clients show nobody online who has none (Gajim).
const OWN_RESOURCE: &str = "neerc";

fn session_of(ours: &str) -> String {
    format!("{ours}/{OWN_RESOURCE}")
}

/// Whether requests are answered at an address of ours: at the bare one, and where our presence comes from, which clients
/// ask for what it is and for its commands.
pub(super) fn is_asked_at(to: &Address) -> bool {
    to.resource().is_none_or(|resource| resource == OWN_RESOURCE)
}

/// Writes that we are not available any more.
pub(super) fn unavailable(out: &mut Vec<u8>, from: &str, to: &str) {
    plain(out, "unavailable", &session_of(from), to);
}

/// Writes that we are available. `carried` is XML.
pub(super) fn available(out: &mut Vec<u8>, from: &str, to: &str, status: &str, carried: &str) {
    presence(out, None, &session_of(from), to, |out| {
        if !status.is_empty() {
            out.open("status").text(status);
        }
        out.extend_from_slice(carried.as_bytes());
    });
}
