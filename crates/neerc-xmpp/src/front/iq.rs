//! Requests by IQ and their answers. Not what is told without being asked.

use super::lanes::{Admission, Arrival, Intent};
use super::speaking::is_asked_at;
use super::stream::Enters;
use super::{Asker, Front, scene};
use crate::chat::bot::{Kept, Letter};
use crate::limits;
use crate::neerc::{self, Payload, TooLong};
use crate::notify::Hears;
use crate::ns;
use crate::stanza::address::Address;
use crate::stanza::wire::{Purpose, Response};
use crate::stanza::{Condition, ReturnAddress, Shell};
use crate::throttle::Rate;
use crate::xep::entity::{Asking, Target, Unanswerable};
use crate::xml::Element;
use neerc_core::board::{Board, Done};
use neerc_core::command::Query;
use neerc_core::face::words::Language;
use neerc_core::people::Person;
use neerc_core::refusal::{Refusal, excerpt, excerpt_within};
use neerc_core::task::{Task, TaskId};
use neerc_core::view::{RoomScene, Shown, View};
use neerc_core::world::World;
use std::collections::HashMap;
use std::sync::Arc;

/// A request, until it is answered.
#[derive(Debug)]
pub(super) struct PendingIq<'s> {
    back: ReturnAddress<'s>,
    room: usize,
    task: Option<TaskId>,
}

impl PendingIq<'_> {
    /// The same, to be kept until the answer is known.
    fn into_owned(self) -> PendingIq<'static> {
        PendingIq { back: self.back.into_owned(), room: self.room, task: self.task }
    }
}

/// The lists of single users' tasks in a room, as payloads, as they were at one revision.
#[derive(Clone, Debug, Default)]
pub(super) struct OwnLists {
    revision: u64,
    lists: HashMap<Person, Arc<Vec<u8>>>,
    bytes: usize,
}

impl OwnLists {
    fn list(&self, revision: u64, of: &Person) -> Option<Arc<Vec<u8>>> {
        self.lists.get(of).filter(|_| self.revision == revision).cloned()
    }

    fn keep(&mut self, revision: u64, of: &Person, list: &Arc<Vec<u8>>) {
        if self.revision != revision || self.bytes + list.len() > limits::OWN_LISTS_BYTES {
            *self = OwnLists { revision, ..OwnLists::default() };
        }
        self.bytes += list.len();
        self.lists.insert(of.clone(), list.clone());
    }
}

/// The list of all tasks of a room, as the payload of an answer.
#[derive(Clone, Debug)]
pub(super) enum AllTasks {
    /// All of them.
    Whole(Arc<Vec<u8>>),
    /// They do not fit; nobody has asked who is shown those that do.
    TooLong,
    /// Those that fit.
    Cut(Arc<Vec<u8>>),
}

impl Front {
    pub(super) fn iq(&mut self, now_ms: i64, shell: &Shell<'_>, element: &Element<'_>, bytes: &[u8], world: World<'_>) {
        if matches!(shell.type_, "result" | "error") {
            if let Some(purpose) = self.wire.requests.take(shell.id, &shell.from) {
                self.wire.is_answered = true;
                self.answered(now_ms, purpose, Response::of(element));
            }
            return;
        }
        if shell.from.domain() == self.settings.component {
            match self.wire.requests.take(shell.id, &shell.from) {
                Some(Purpose::Probe) => self.probed(now_ms),
                Some(Purpose::Routed) => self.stream.liveness.came_back(now_ms),
                Some(Purpose::Look) => self.looked(now_ms),
                _ => {}
            }
            return;
        }
        if !self.admits(now_ms, &shell.from) {
            let Rate { per_second, burst, burst_of_power } = self.settings.rate;
            let text = format!(
                "a session may ask {burst} times at once (with power {burst_of_power}) and {per_second} times a second; \
                 wait a little"
            );
            return shell.return_address().error(self.wire.out.own(), Condition::ResourceConstraint, &text);
        }
        self.asked(now_ms, shell, element, world, Arrival::New(bytes));
    }

    /// Whether a session may send one more request now.
    pub(super) fn admits(&mut self, now_ms: i64, from: &Address) -> bool {
        let session = from.shared();
        if self.throttle.admits(now_ms, &session) {
            return true;
        }
        self.rooms().any(|room| room.people().is_admin(from.bare())) && self.throttle.admits_power(now_ms, &session)
    }

    /// Refuses a request for a long answer by somebody who has been given too much, or whose turn comes too late.
    pub(super) fn has_too_much(&mut self, back: &ReturnAddress<'_>) {
        let kib = self.settings.budget.bytes_per_second / 1_024;
        let text = format!("all sessions of an account may be answered {kib} KiB a second; wait a little");
        back.error(self.wire.out.own(), Condition::ResourceConstraint, &text);
    }

    /// Takes a request that the session may send.
    pub(super) fn asked(
        &mut self,
        now_ms: i64,
        shell: &Shell<'_>,
        element: &Element<'_>,
        world: World<'_>,
        arrival: Arrival<'_>,
    ) {
        let back = shell.return_address();
        if self.stream.enters == Enters::Looking {
            let text = "the service is only being checked; ask again";
            return back.error(self.wire.out.own(), Condition::ResourceConstraint, text);
        }
        if !matches!(shell.type_, "get" | "set") {
            let text = format!(
                "an iq has the type get or set, not '{}'",
                excerpt_within(shell.type_, limits::EXCERPT_TYPE_CHARS)
            );
            return back.error(self.wire.out.own(), Condition::BadRequest, &text);
        }
        if shell.id.is_none() {
            return back.error(self.wire.out.own(), Condition::BadRequest, "the attribute 'id' is missing");
        }
        let mut payloads = element.elements();
        let (Some(payload), None) = (payloads.next(), payloads.next()) else {
            return back.error(self.wire.out.own(), Condition::BadRequest, "an iq that asks holds exactly one element");
        };
        let Some(room) = self.room_of(&shell.to).filter(|_| is_asked_at(&shell.to)) else {
            let text =
                Refusal::UnknownRoom { room: excerpt_within(shell.to_text, limits::EXCERPT_ADDRESS_CHARS) }.to_string();
            return back.error(self.wire.out.own(), Condition::ItemNotFound, &text);
        };
        if let Some(request) = neerc::parse(payload, shell.type_ == "set") {
            if matches!(request, Ok(Payload::Query(Query::Users | Query::Tasks { .. }) | Payload::Changes { .. })) {
                match self.admission(now_ms, &shell.from, Intent::Reads, arrival) {
                    Admission::Now => {}
                    Admission::Waits => return,
                    Admission::Refused => return self.has_too_much(&back),
                }
            }
            for room in self.contacts.asked(now_ms, &shell.from) {
                self.outbox.by_notifications(room, &shell.from);
            }
            return self.request(now_ms, shell, back, room, payload, request, world);
        }
        let language = self.language_of(element);
        if payload.is("command", ns::COMMANDS) {
            if shell.type_ != "set" {
                let text = "a command is carried out by an iq of the type set";
                return back.error(self.wire.out.own(), Condition::BadRequest, text);
            }
            match self.admission(now_ms, &shell.from, Intent::MayWrite, arrival) {
                Admission::Now => {}
                Admission::Waits => return,
                Admission::Refused => return self.has_too_much(&back),
            }
            return self.command(now_ms, back, (&shell.to, language), payload, world);
        }
        self.asked_of_entity(now_ms, shell, back, room, (payload, language), world);
    }

    /// Answers what any client may ask of any entity: service discovery and the like.
    fn asked_of_entity(
        &mut self,
        now_ms: i64,
        shell: &Shell<'_>,
        back: ReturnAddress<'_>,
        room: usize,
        (payload, language): (&Element<'_>, Language),
        world: World<'_>,
    ) {
        let about_node = payload.attr("node").is_some();
        let offers = if about_node { self.offers(now_ms, &shell.from, &shell.to, language, world) } else { Vec::new() };
        let target =
            if shell.to.local().is_some() { Target::Room(&self.halls[room].watch().room) } else { Target::Service };
        let mut answer = Vec::new();
        let asking = if shell.type_ == "set" { Asking::Set } else { Asking::Get };
        let answered = self.entity.answer((target, asking), now_ms, payload, &offers, &mut answer);
        let out = self.wire.out.own();
        match answered {
            Ok(()) => self.result_within(&back, &mut answer),
            Err(Unanswerable::ReadOnly(condition)) => {
                back.error(out, condition, "this can only be asked for, by an iq of the type get");
            }
            Err(Unanswerable::NoSuchNode) => back.error(out, Condition::ItemNotFound, "there is no such node for you"),
            Err(Unanswerable::Unknown) => {
                back.error(out, Condition::ServiceUnavailable, "nothing here answers such a request");
            }
        }
    }

    /// The index of the room that an address of ours stands for, whatever its resource.
    pub(super) fn room_of(&self, to: &Address) -> Option<usize> {
        if to.domain() != self.settings.component {
            return None;
        }
        if to.bare() == self.settings.rooms_jid {
            return Some(0).filter(|_| !self.halls.is_empty()); // what came through a room, such as its pings
        }
        match to.local() {
            None => Some(0).filter(|_| !self.halls.is_empty()),
            Some(local) => self.rooms().position(|watch| *watch.room == *local),
        }
    }

    #[allow(clippy::too_many_arguments)] // a request with all that is known of it
    fn request(
        &mut self,
        now_ms: i64,
        shell: &Shell<'_>,
        back: ReturnAddress<'_>,
        room: usize,
        payload: &Element<'_>,
        request: Result<Payload, Refusal>,
        world: World<'_>,
    ) {
        if request == Ok(Payload::Ping) {
            return back.result(self.wire.out.own(), |_| {});
        }
        let asked = PendingIq { back, room, task: neerc::task_of(payload) };
        if self.halls[room].watch().people().rights_of(shell.from.bare()).is_none() {
            return self.refuse(now_ms, asked, Refusal::NotInRoom, world);
        }
        match request {
            Err(refusal) => self.refuse(now_ms, asked, refusal, world),
            Ok(Payload::Ping) => {}
            Ok(Payload::Query(query)) => self.query(now_ms, asked, &shell.from, &query, world),
            Ok(Payload::Changes { since }) => self.changes(now_ms, asked, &shell.from, since, world),
            Ok(Payload::Command(command)) => {
                if self.asks.is_full() {
                    return self.refuse(now_ms, asked, Refusal::Busy, world);
                }
                let who = self.halls[room].watch().people().person(shell.from.bare());
                self.ask(room, who, command, Asker::Iq(asked.into_owned()));
            }
        }
    }

    /// Refuses a request. No deployed client shows errors, but all of them repaint a task they are told of: so the
    /// asker is told the true state of the task they tried to change.
    pub(super) fn refuse(&mut self, now_ms: i64, asked: PendingIq<'_>, refusal: Refusal, world: World<'_>) {
        asked.back.error(self.wire.out.own(), neerc::condition(&refusal), &refusal.to_string());
        let existed = |task: &TaskId| {
            let board = world.board(&self.halls[asked.room].watch().room);
            board.task(*task).is_some() || board.was_removed(*task)
        };
        let known = self.halls[asked.room].watch().people().rights_of(asked.back.to.bare()).is_some();
        if let Some(task) = asked.task.filter(|task| known && existed(task)) {
            self.outbox.repeat(now_ms, (asked.room, task), &asked.back.to);
        }
    }

    /// The change that a request asks for is decided: names that were left out are said, or why nothing was done.
    pub(super) fn iq_decided(
        &mut self,
        now_ms: i64,
        asked: PendingIq<'_>,
        outcome: Result<Done, Refusal>,
        world: World<'_>,
    ) {
        if !self.stream.is_online() {
            return;
        }
        match outcome {
            Err(refusal) => self.refuse(now_ms, asked, refusal, world),
            Ok(done) => {
                self.note_own(asked.room, &asked.back.to.person(), &done, world);
                let left_out = done.left_out;
                asked.back.result(self.wire.out.own(), |_| {});
                if !left_out.is_empty() {
                    self.say_left_out(&asked.back, &left_out);
                }
            }
        }
    }

    /// Tells an asker whose client shows no errors that some names were nobody's.
    fn say_left_out(&mut self, back: &ReturnAddress<'_>, left_out: &[String]) {
        let names: Vec<String> = left_out.iter().take(20).map(|name| format!("'{}'", excerpt(name))).collect();
        let text = format!("There is no user, group or occupant {} in this room; left out.", names.join(", "));
        let letter = Letter {
            from: &back.from,
            to: back.to.as_it_came(),
            id: None,
            thread: None,
            language: None,
            text: &text,
            kept: Kept::Live,
        };
        letter.write(self.wire.out.own());
    }

    fn query(&mut self, now_ms: i64, asked: PendingIq<'_>, from: &Address, query: &Query, world: World<'_>) {
        let (room, who) = (asked.room, from.person());
        let board = world.board(&self.halls[room].watch().room);
        let clock = world.dial(&self.halls[room].watch().room, now_ms);
        let scene = RoomScene { clock, ..scene(self.halls[room].watch(), world, self.settings.visibility) };
        let shown = View::of(scene, &who).and_then(|view| Ok((view.answer(query)?, view.instead_of_all().cloned())));
        match shown {
            Err(refusal) => self.refuse(now_ms, asked, refusal, world),
            Ok((Shown::Users(_), _)) => {
                let users = self.users(room, &who);
                asked.back.result_shared(&mut self.wire.out, &users);
            }
            Ok((Shown::Clock(dial), _)) => {
                asked.back.result(self.wire.out.own(), |out| neerc::write_clock_answer(out, dial.reading));
            }
            Ok((Shown::Tasks { of }, instead)) => {
                let list = match of.cloned() {
                    Some(of) => self.tasks_of(room, &of, board),
                    None => self.task_list(room, instead.as_ref(), board),
                };
                asked.back.result_shared(&mut self.wire.out, &list);
                self.outbox.asked(room, from, now_ms, Hears::Tasks);
                self.halls[room].change(self.groups.book(), |room| room.asked(now_ms, from));
            }
            // No packet of this protocol asks these; they are for faces that show them to people.
            Ok((
                Shown::Task(_)
                | Shown::History { .. }
                | Shown::Late(_)
                | Shown::Plans(_)
                | Shown::Checklists(..)
                | Shown::Sessions(_)
                | Shown::Tokens(_),
                _,
            )) => {
                asked.back.error(
                    self.wire.out.own(),
                    Condition::ServiceUnavailable,
                    "nothing here answers such a request",
                );
            }
        }
    }

    /// Answers a request for the tasks by a client that hears differences. Where the answer would be too long it is the
    /// ordinary list, and so are the notifications. So it is for whoever sees their own tasks only: with a revision they
    /// would count as knowing the others as well, once they may see them.
    fn changes(&mut self, now_ms: i64, asked: PendingIq<'_>, from: &Address, since: Option<u64>, world: World<'_>) {
        let board = world.board(&self.halls[asked.room].watch().room);
        let scene = scene(self.halls[asked.room].watch(), world, self.settings.visibility);
        let sees_all = View::of(scene, &from.person()).is_ok_and(|view| view.sees_all());
        let mut payload = Vec::new();
        let (limit, host) = (self.list_limit(), self.settings.host.domain());
        if !sees_all || neerc::write_changes(&mut payload, host, board, since, limit).is_err() {
            self.work_bytes += payload.len();
            return self.query(now_ms, asked, from, &Query::Tasks { of: None }, world);
        }
        asked.back.result(self.wire.out.own(), |out| out.extend_from_slice(&payload));
        self.outbox.asked(asked.room, from, now_ms, Hears::Differences);
        self.halls[asked.room].change(self.groups.book(), |room| room.asked(now_ms, from));
    }

    /// The payload of an answer to `#users`, written once until the people change.
    fn users(&mut self, room: usize, who: &Person) -> Arc<Vec<u8>> {
        let limit = self.list_limit();
        let (users, left_out) = self.halls[room].users(who, limit);
        if left_out > 0 {
            let (room, bytes) = (&self.halls[room].watch().room, self.settings.max_stanza_bytes);
            let trouble = format!(
                "the list of users of room {room} is over tasks.max_stanza_bytes ({bytes}), so the last of those without \
                 power are left out, but for whoever asks; give shorter names to groups, admit fewer people, or raise the \
                 limit together with the server's"
            );
            self.trouble("long user list", trouble);
        }
        users
    }

    /// Answers with a payload, if it is not too long for a stanza.
    pub(super) fn result_within(&mut self, back: &ReturnAddress<'_>, payload: &mut Vec<u8>) {
        let limit = self.settings.max_stanza_bytes;
        let out = self.wire.out.own();
        let before = out.len();
        back.result(out, |out| out.append(payload));
        if out.len() - before <= limit {
            return;
        }
        out.truncate(before);
        let text = format!("the answer would be longer than a stanza may be, {limit} bytes");
        back.error(out, Condition::PolicyViolation, &text);
    }

    /// The payload of an answer to `#tasks` of everybody. `instead`: whose are given where those are too many; as many
    /// of them as fit, if nobody's.
    fn task_list(&mut self, room: usize, instead: Option<&Person>, board: &Board) -> Arc<Vec<u8>> {
        match (self.all_tasks(room, board), instead) {
            (AllTasks::Whole(list), _) | (AllTasks::Cut(list), None) => list,
            (AllTasks::TooLong, None) => self.cut_tasks(room, board),
            (AllTasks::Cut(_) | AllTasks::TooLong, Some(who)) => self.tasks_of(room, who, board),
        }
    }

    /// The list of all tasks, written once for each revision.
    fn all_tasks(&mut self, room: usize, board: &Board) -> AllTasks {
        if let Some((revision, list)) = &self.halls[room].list
            && *revision == board.revision()
        {
            return list.clone();
        }
        let mut out = Vec::new();
        let host = self.settings.host.domain();
        let list = match neerc::write_tasks(&mut out, host, board.listed(), None, self.list_limit()) {
            Ok(()) => AllTasks::Whole(Arc::new(out)),
            Err(TooLong) => {
                self.work_bytes += out.len() + board.len() * limits::LOOKED_AT_BYTES;
                self.say_long_list(room);
                AllTasks::TooLong
            }
        };
        self.halls[room].list = Some((board.revision(), list.clone()));
        list
    }

    /// The list of those of all tasks that fit, written once for each revision.
    fn cut_tasks(&mut self, room: usize, board: &Board) -> Arc<Vec<u8>> {
        let cut = Arc::new(self.write_cut(room, board.listed(), None));
        self.halls[room].list = Some((board.revision(), AllTasks::Cut(cut.clone())));
        cut
    }

    fn say_long_list(&mut self, room: usize) {
        let (room, bytes) = (&self.halls[room].watch().room, self.settings.max_stanza_bytes);
        let trouble = format!(
            "a task list of room {room} is over tasks.max_stanza_bytes ({bytes}), so the oldest tasks are left out for \
             people with power, and others are given their own tasks only; remove old tasks, or raise the limit together \
             with the server's"
        );
        self.trouble("long list", trouble);
    }

    /// Most bytes of the payload of a list.
    fn list_limit(&self) -> usize {
        self.settings.max_stanza_bytes.saturating_sub(limits::STANZA_HEAD_BYTES)
    }

    /// The list of one user's tasks, with that user's statuses, written once for each revision.
    fn tasks_of(&mut self, room: usize, of: &Person, board: &Board) -> Arc<Vec<u8>> {
        if let Some(list) = self.halls[room].own_lists.list(board.revision(), of) {
            return list;
        }
        let mut tasks = board.listed();
        self.work_bytes += tasks.len() * limits::LOOKED_AT_BYTES;
        tasks.retain(|task| task.statuses.contains_key(of));
        let mut out = Vec::new();
        let host = self.settings.host.domain();
        if neerc::write_tasks(&mut out, host, tasks.iter().copied(), Some(of), self.list_limit()).is_err() {
            self.work_bytes += out.len();
            out = self.write_cut(room, tasks, Some(of));
        }
        let list = Arc::new(out);
        self.halls[room].own_lists.keep(board.revision(), of, &list);
        list
    }

    /// Writes a list of those tasks that fit.
    fn write_cut(&mut self, room: usize, mut tasks: Vec<&Task>, of: Option<&Person>) -> Vec<u8> {
        let host = self.settings.host.domain();
        let looked_at = tasks.len();
        neerc::shorten(&mut tasks, host, of, self.list_limit());
        let mut out = Vec::new();
        // The start and the end of the list are within what is left for the start of the stanza.
        _ = neerc::write_tasks(&mut out, host, tasks, of, usize::MAX / 2);
        self.work_bytes += out.len() + looked_at * limits::LOOKED_AT_BYTES;
        self.say_long_list(room);
        out
    }
}
