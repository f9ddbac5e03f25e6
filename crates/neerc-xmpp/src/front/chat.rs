//! Chat lines: which of them are taken, how they are carried out one after the other, and where the answers go. Not
//! what a line means, nor the words of the answers; and not what is told without being asked.

use super::conversations::{Chat, LeftOut};
use super::lanes::{Admission, Arrival, Intent};
use super::{Asker, Front};
use crate::chat::bot::{self, Kept, Letter, Said};
use crate::limits;
use crate::stanza::address::Address;
use crate::stanza::{Condition, Shell};
use crate::throttle::Turn;
use crate::xml::{Element, WriteXml};
use neerc_core::board::Done;
use neerc_core::command::Query;
use neerc_core::face::begin;
use neerc_core::face::line;
use neerc_core::face::lines::{Lines, ListPage};
use neerc_core::face::login::login;
use neerc_core::face::menu::Request;
use neerc_core::face::words::{Arg, Language};
use neerc_core::refusal::{Refusal, excerpt_within};
use neerc_core::view::{DayTime, RoomScene};
use neerc_core::world::World;
use std::collections::VecDeque;
use std::sync::Arc;

/// What came of one line.
enum Answered {
    Said(Vec<String>),
    /// The answer comes when what was asked for is decided.
    Later,
}

/// The lines of a message that were not carried out, as the session would have written them alone.
pub(super) fn as_message(session: &Address, is_said_in_room: bool, chat: &Chat) -> Vec<u8> {
    let mut message = Vec::new();
    let lines: Vec<&str> = chat.lines.iter().map(String::as_str).collect();
    let type_ = if is_said_in_room { "groupchat" } else { "chat" };
    let tag = message.open("message").attr("type", type_).attr("from", session.as_it_came()).attr("to", &chat.from);
    tag.attr_if("xml:lang", chat.told_language.map(Language::tag)).inside(|out| {
        out.open("body").text(&lines.join("\n"));
        if let Some(thread) = &chat.thread {
            out.open("thread").text(thread);
        }
    });
    message
}

impl Front {
    /// Takes a message that somebody sent to the service.
    pub(super) fn chat(
        &mut self,
        now_ms: i64,
        shell: &Shell<'_>,
        element: &Element<'_>,
        world: World<'_>,
        arrival: Arrival<'_>,
    ) {
        let said = bot::read(element);
        if said == Said::Nothing {
            return;
        }
        if !bot::is_said_to_us(shell) {
            return self.not_a_room(now_ms, shell);
        }
        let admission = self.admission(now_ms, &shell.from, Intent::MayWrite, arrival);
        if admission == Admission::Waits {
            return;
        }
        let told_language = bot::language(element);
        let Some(room) = self.room_for(shell) else {
            let name = excerpt_within(shell.to_text, limits::EXCERPT_ADDRESS_CHARS);
            return self.refuse_message(now_ms, shell, told_language, &Refusal::UnknownRoom { room: name });
        };
        let who = shell.from.person();
        if self.halls[room].watch().people().rights(&who).is_none() {
            return self.refuse_message(now_ms, shell, told_language, &Refusal::NotInRoom);
        }
        let chat = Chat {
            room,
            who,
            from: shell.return_address().from.into_owned(),
            to: vec![shell.from.clone()],
            thread: bot::thread(element),
            told_language,
            language: told_language.unwrap_or(self.settings.language),
            lines: VecDeque::new(),
            answers: Vec::new(),
            left_out: None,
            kept: Kept::Kept,
        };
        if admission == Admission::Refused {
            return self.say_too_fast(&chat, &shell.from.shared());
        }
        self.take_said(now_ms, &shell.from, chat, said, world);
    }

    /// Says that somebody writes too much, once until it is not so any more.
    fn say_too_fast(&mut self, chat: &Chat, sender: &Arc<str>) {
        if self.conversations.note_too_fast(sender) {
            let text = self.settings.words.say(chat.language, "too-fast", &[]);
            self.reply(chat, &text);
        }
    }

    /// Takes a message of an occupant of a room that is served. Only an admin's lines that begin with `@` and a kind of
    /// task are for the service; whoever writes to the service in private is told where to write.
    pub(super) fn occupant_said(
        &mut self,
        now_ms: i64,
        room: usize,
        shell: &Shell<'_>,
        element: &Element<'_>,
        world: World<'_>,
    ) {
        let Some(nick) = shell.from.resource() else { return };
        if self.halls[room].watch().people().is_own_nick(nick) {
            return;
        }
        let said = bot::read(element);
        if matches!(shell.type_, "" | "chat" | "normal") && said != Said::Nothing {
            return self.hint(now_ms, room, shell, element);
        }
        let Said::Lines(mut lines) = said else { return };
        if shell.type_ != "groupchat" || !lines.first().is_some_and(|line| line::is_addressed(line)) {
            return;
        }
        let watch = self.halls[room].watch();
        let Some(who) = watch.people().by_nick(nick).cloned() else { return };
        if !watch.people().is_admin(who.bare()) {
            return;
        }
        lines.retain(|line| line.starts_with('@'));
        let told_language = bot::language(element);
        let chat = Chat {
            room,
            from: self.room_address(room),
            to: watch.sessions_of(nick),
            who,
            thread: None,
            told_language,
            language: told_language.unwrap_or(self.settings.language),
            lines: VecDeque::new(),
            answers: Vec::new(),
            left_out: None,
            kept: Kept::Kept,
        };
        self.take_said(now_ms, &shell.from, chat, Said::Lines(lines), world);
    }

    /// The room that a message to an address of ours is about: for the service itself the default room, or the only one
    /// to which the sender belongs.
    fn room_for(&self, shell: &Shell<'_>) -> Option<usize> {
        let addressed = self.room_of(&shell.to)?;
        let belongs = |index: &usize| self.halls[*index].watch().people().rights_of(shell.from.bare()).is_some();
        if shell.to.local().is_some() || belongs(&addressed) {
            return Some(addressed);
        }
        let mut theirs = (0..self.halls.len()).filter(belongs);
        match (theirs.next(), theirs.next()) {
            (Some(only), None) => Some(only),
            _ => Some(addressed),
        }
    }

    /// The address that takes lines for a room.
    pub(super) fn room_address(&self, room: usize) -> String {
        format!("{}@{}", self.halls[room].watch().room, self.settings.component)
    }

    /// An error as the answer to a message: nothing answers an error, so no two services talk for ever.
    fn refuse_message(&mut self, now_ms: i64, shell: &Shell<'_>, language: Option<Language>, refusal: &Refusal) {
        if self.admits(now_ms, &shell.from) {
            let text = self.settings.words.refusal(language.unwrap_or(self.settings.language), refusal);
            let condition = crate::neerc::condition(refusal);
            shell.return_address().error(self.wire.out.own(), condition, &text);
        }
    }

    /// Somebody takes the service for a chat room, which would leave them waiting for their own words (RFC 6121 section
    /// 8.5.2.1.1). What a room hands on is never answered.
    fn not_a_room(&mut self, now_ms: i64, shell: &Shell<'_>) {
        let by_user = shell.type_ == "groupchat" && shell.from.domain() != self.settings.rooms_service;
        if by_user && self.admits(now_ms, &shell.from) {
            let text = "this is no chat room: send a message of the type chat";
            shell.return_address().error(self.wire.out.own(), Condition::ServiceUnavailable, text);
        }
    }

    fn hint(&mut self, now_ms: i64, room: usize, shell: &Shell<'_>, element: &Element<'_>) {
        if bot::read(element) == Said::NotTaken("not-taken-late") || !self.contacts.hint(now_ms, &shell.from) {
            return;
        }
        let language = bot::language(element).unwrap_or(self.settings.language);
        let address = self.room_address(room);
        let text = self.settings.words.say(language, "write-to", &[("address", Arg::Text(&address))]);
        let from = self.settings.component.clone();
        self.send(&from, &shell.from, None, Kept::Kept, (language, &text));
    }

    /// Writes a chat message among the answers.
    fn send(&mut self, from: &str, to: &Address, thread: Option<&str>, kept: Kept, (language, text): (Language, &str)) {
        for text in self.pieces(from, to, thread, text) {
            let id = self.letter_id();
            let (id, language) = (Some(id.as_str()), Some(language));
            let letter = Letter { from, to: to.as_it_came(), id, thread, language, text, kept };
            letter.write(self.wire.out.own());
        }
    }

    pub(super) fn letter_id(&mut self) -> String {
        self.conversations.messages_sent += 1;
        format!("{:x}-{}", self.entity.started_ms, self.conversations.messages_sent)
    }

    /// Puts a message behind those of the same session that are still being answered.
    fn take_said(&mut self, now_ms: i64, session: &Address, mut chat: Chat, said: Said, world: World<'_>) {
        let sender = session.shared();
        match said {
            Said::Nothing => return,
            Said::NotTaken(key) => {
                if !self.admits(now_ms, session) {
                    return;
                }
                let text = self.settings.words.say(chat.language, key, &[]);
                chat.answers.push(text);
            }
            Said::Lines(mut lines) => {
                let all = lines.len();
                lines.truncate(neerc_core::limits::LINES_PER_TEXT);
                let admitted = lines.iter().take_while(|_| self.admits(now_ms, session)).count();
                if admitted == lines.len() {
                    self.conversations.too_fast.remove(&sender);
                    chat.left_out = (admitted < all).then_some(LeftOut::TooMany);
                } else if self.conversations.note_too_fast(&sender) {
                    chat.left_out = Some(LeftOut::TooFast);
                } else if admitted == 0 {
                    return; // said once already
                }
                lines.truncate(admitted);
                if let Some(line) = lines.first()
                    && bot::is_in_russian(line)
                {
                    chat.language = Language::Russian;
                }
                chat.lines = lines.into();
            }
        }
        // What is said in the room may come from a NEERC client: only words to the service itself show that people read it.
        if chat.to == [session.clone()] {
            self.contacts.wrote(now_ms, chat.room, session, chat.language);
            if self.contacts.needs_words_only(chat.room, session) {
                self.outbox.by_chat(chat.room, session);
            }
        }
        let waiting = self.conversations.waiting.get(session).map_or(0, VecDeque::len);
        if waiting >= limits::CHATS_PER_SESSION
            || (waiting == 0 && self.conversations.waiting.len() >= limits::CHATS_WAITING)
        {
            let text = self.settings.words.refusal(chat.language, &Refusal::Busy);
            return self.reply(&chat, &text);
        }
        self.conversations.waiting.entry(session.clone()).or_default().push_back(chat);
        if waiting == 0 {
            self.go_on(now_ms, session, world);
        }
    }

    /// Carries out what a session has written, up to the next line that waits for the disk.
    fn go_on(&mut self, now_ms: i64, session: &Address, world: World<'_>) {
        while let Some(chats) = self.conversations.waiting.get_mut(session) {
            let Some(mut chat) = chats.pop_front() else {
                self.conversations.waiting.remove(session);
                return;
            };
            loop {
                if !chat.lines.is_empty()
                    && let Turn::At(at_ms) = self.turn_of_line(now_ms, session, &mut chat)
                {
                    self.flush_answers(&mut chat);
                    if let Some(chats) = self.conversations.waiting.get_mut(session) {
                        chats.push_front(chat);
                    }
                    self.conversations.paused.insert((at_ms, session.clone()));
                    return;
                }
                let Some(line) = chat.lines.pop_front() else { break };
                match self.line(now_ms, session, &mut chat, &line, world) {
                    Answered::Said(said) => self.note_answer(&mut chat, said),
                    Answered::Later => {
                        if let Some(chats) = self.conversations.waiting.get_mut(session) {
                            chats.push_front(chat);
                        }
                        return;
                    }
                }
            }
            let (words, language) = (&self.settings.words, chat.language);
            let too_many = Refusal::TooMany { what: "lines", limit: neerc_core::limits::LINES_PER_TEXT };
            let left_out = chat.left_out.map(|why| match why {
                LeftOut::TooFast => words.say(language, "too-fast", &[]),
                LeftOut::TooMany => words.refusal(language, &too_many),
            });
            self.note_answer(&mut chat, left_out.into_iter().collect());
            self.flush_answers(&mut chat);
        }
    }

    /// Whether the next line is carried out now. Where an account has been answered too much, its other lines are left
    /// out.
    fn turn_of_line(&mut self, now_ms: i64, session: &Address, chat: &mut Chat) -> Turn {
        // What the lines before have cost counts now, and their answers once they are sent.
        let work_bytes = std::mem::take(&mut self.work_bytes);
        self.throttle.charge(now_ms, session.bare(), work_bytes);
        let turn = self.throttle.turn(now_ms, session.bare());
        if turn == Turn::Refused {
            chat.lines.clear();
            chat.left_out = self.conversations.note_too_fast(&session.shared()).then_some(LeftOut::TooFast);
        }
        turn
    }

    /// Goes on with chat lines whose time has come.
    pub(super) fn go_on_with_paused(&mut self, now_ms: i64, world: World<'_>) {
        while self.conversations.next_paused_ms() <= now_ms
            && let Some((_, session)) = self.conversations.paused.pop_first()
        {
            let before = self.wire.out.len();
            self.go_on(now_ms, &session, world);
            self.charge(now_ms, session.bare(), before);
        }
    }

    fn line(&mut self, now_ms: i64, session: &Address, chat: &mut Chat, line: &str, world: World<'_>) -> Answered {
        if bot::is_in_russian(line) {
            chat.language = Language::Russian;
        } else if line.starts_with(|c: char| c.is_ascii_alphabetic()) {
            chat.language = chat.told_language.unwrap_or(self.settings.language);
        }
        let line = &*self.conversations.meant(session, line);
        let mut tries = std::mem::take(&mut self.commands.tries);
        let mut asked_back = None;
        let clock = world.dial(&self.halls[chat.room].watch().room, now_ms);
        let now = Some(DayTime { wall_ms: now_ms.saturating_add(self.entity.wall_ahead_ms), zone_ms: world.zone_ms() });
        let next = if line::is_more(line) { self.conversations.lists.get(session).cloned() } else { None };
        let mut list = None;
        let asked = self.answers(chat.room, &chat.who, chat.language, world, |answers| {
            let refused = |refusal: Refusal| vec![answers.refusal(&refusal)];
            let answers = &Lines { scene: RoomScene { clock, now, ..answers.scene }, ..*answers };
            let view = answers.view().map_err(refused)?;
            let mut show = |query: Query, number| {
                let mut page = ListPage { number, is_last: true };
                let shown = view.answer(&query).map_err(refused)?;
                let said = answers.shown(&shown, &self.contacts.online(chat.room), &mut page);
                list = Some((query, page));
                Err(said)
            };
            if line::is_more(line) {
                let nothing = || Err(vec![answers.say("no-more", &[])]);
                return next.map_or_else(nothing, |(query, page)| show(query, page + 1));
            }
            let Some(read) = line::read(line, &view).into_iter().next() else {
                return Err(Vec::new());
            };
            let request = read.asked.map_err(|unclear| vec![answers.unclear(&unclear)])?;
            match request.build().map_err(|refusal| vec![answers.lacking(&request, &refusal)])? {
                Request::Help(topic) => Err(answers.help(topic)),
                Request::Query(query) => show(query, request.page),
                Request::Command(_) | Request::Begin(_) | Request::Login(_) if self.asks.is_full() => {
                    Err(refused(Refusal::Busy))
                }
                Request::Login(request) => login(&view, &request, &mut tries, now_ms).map_err(|unclear| {
                    asked_back = request.asked_back(&unclear);
                    vec![answers.unclear(&unclear)]
                }),
                Request::Begin(name) => begin::begin(&view, &name).map_err(|why| vec![answers.not_begun(&why)]),
                Request::Command(command) => Ok(command),
            }
        });
        self.commands.tries = tries;
        asked_back.into_iter().for_each(|code| self.conversations.note_asked(session, code));
        if let Some((query, page)) = list {
            self.conversations.note_list(session, query, page);
        }
        if asked.is_err() {
            let tasks = world.board(&self.halls[chat.room].watch().room).len();
            self.work_bytes += tasks * limits::LOOKED_AT_BYTES;
        }
        match asked {
            Err(said) => Answered::Said(said),
            Ok(command) => {
                self.ask(chat.room, chat.who.clone(), command, Asker::Line(session.clone()));
                Answered::Later
            }
        }
    }

    fn note_answer(&mut self, chat: &mut Chat, said: Vec<String>) {
        let bytes: usize = chat.answers.iter().map(String::len).sum();
        if bytes + said.iter().map(String::len).sum::<usize>() > limits::CHAT_MESSAGE_BYTES {
            self.flush_answers(chat);
        }
        chat.answers.extend(said);
    }

    pub(super) fn flush_answers(&mut self, chat: &mut Chat) {
        if chat.answers.is_empty() || !self.stream.is_online() {
            return;
        }
        let text = std::mem::take(&mut chat.answers).join("\n");
        self.reply(chat, &text);
    }

    fn reply(&mut self, chat: &Chat, text: &str) {
        for to in &chat.to {
            self.send(&chat.from, to, chat.thread.as_deref(), chat.kept, (chat.language, text));
        }
    }

    /// The ask of a line is decided.
    pub(super) fn line_answered(
        &mut self,
        now_ms: i64,
        session: &Address,
        outcome: Result<Done, Refusal>,
        world: World<'_>,
    ) {
        let Some(mut chat) = self.conversations.waiting.get_mut(session).and_then(VecDeque::pop_front) else { return };
        let clock = world.dial(&self.halls[chat.room].watch().room, now_ms);
        let now = Some(DayTime { wall_ms: now_ms.saturating_add(self.entity.wall_ahead_ms), zone_ms: world.zone_ms() });
        let said = self.answers(chat.room, &chat.who, chat.language, world, |answers| match &outcome {
            // The board and the clock show it already.
            Ok(done) => Lines { scene: RoomScene { clock, now, ..answers.scene }, ..*answers }.done(done),
            Err(refusal) => vec![answers.refusal(refusal)],
        });
        if let Ok(done) = &outcome {
            // What opens a door is kept nowhere: not in an archive, and not for a session that comes later.
            chat.kept = if done.secret.is_some() { Kept::Live } else { chat.kept };
            self.note_own(chat.room, &chat.who, done, world);
        }
        self.note_answer(&mut chat, said);
        if let Some(chats) = self.conversations.waiting.get_mut(session) {
            chats.push_front(chat);
        }
        let before = self.wire.out.len();
        self.go_on(now_ms, session, world);
        self.charge(now_ms, session.bare(), before);
    }
}
