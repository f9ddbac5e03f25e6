//! Deadlines: each reminder is noted once, in its turn, not before its time and then soon, also over crashes, a disk that
//! fails for a while and a clock of the machine that is set.

use crate::model::ROOMS;
use crate::world::{SLACK_MS, World};
use neerc_core::board::Board;
use neerc_core::change::{Change, Entry, Room};
use neerc_core::clock::Speed;
use neerc_core::ledger::{Ask, Face};
use neerc_core::limits;
use neerc_core::moment::{DueAt, ShownTime};
use neerc_core::task::TaskId;
use std::collections::BTreeMap;

/// The number of the last reminder of each task of each room, and when it was noted.
pub type Rounds = BTreeMap<(Room, TaskId), (u32, i64)>;

/// How long it takes at most until what is due is noted.
const NOTED_MS: i64 = limits::DEADLINE_LOOK_MS + limits::DEADLINE_REST_MS + 5 * SLACK_MS;

impl World {
    /// An admin in the room hands out a task with a deadline; then time may go by.
    pub fn create_due(&mut self) {
        let admins = ["admin@localhost", "boss@localhost", "jury@localhost"];
        let Some(at) = self.someone(&admins) else { return };
        let (jid, name) = (self.sessions[at].jid.clone(), self.sessions[at].room);
        let Some(room) = self.rooms.iter().find(|room| room.name == name && room.component.is_some()) else { return };
        let Some(nick) = room.nick_of(&jid) else { return };
        let from = format!("{}/{nick}", room.jid());
        self.next_request += 1;
        let names = if name == ROOMS[0] { "hall1,admin" } else { "hall9,boss" };
        let by = ["1m", "2m", "end-1"][self.random.below(3)];
        let line = format!("@okfail {names} by {by} D{}", self.next_request);
        self.send(&format!(
            "<message type='groupchat' from='{from}' to='neerc.localhost'><body>{line}</body></message>"
        ));
        // Long enough for some reminders. Somebody speaks meanwhile: where nobody does anything, an answer to a ping that is
        // lost is a server that hands nothing on.
        for _ in 0..self.random.below(16) {
            let ms = self.random.ms(10_000, 60_000);
            self.run_for(ms);
            self.send(&format!(
                "<message type='groupchat' from='{from}' to='neerc.localhost'><body>x</body></message>"
            ));
        }
    }

    /// That a deadline has passed is noted by the service itself, in its turn, and not too early.
    pub fn check_overdue(&mut self, ask: &Ask, entry: &Entry, before: &Board) {
        let Change::Reminded { task, round: Some(round) } = &entry.change else { return };
        self.counts.reminders += 1;
        assert_eq!(ask.token.face, Face::Planner, "only the service notes what is overdue");
        let Some(deadline) = before.deadline(*task) else { panic!("{task} has no deadline and is overdue") };
        assert_eq!(
            deadline.next().map(|(number, _)| number),
            Some(round.number),
            "{task}: a reminder is not in its turn"
        );
        assert!(before.is_late(*task), "{task}: nobody is late");
        let last = self.rounds.insert((ask.room.clone(), *task), (round.number, self.now_ms));
        if self.wall_set_ms + SLACK_MS >= self.now_ms {
            return; // the time of day was another one when it was looked at
        }
        if let DueAt::Day { at_ms } = deadline.due {
            assert!(at_ms <= round.at_ms, "{task} is overdue before its deadline: {deadline:?}");
        }
        if let Some((number, last_ms)) = last
            && deadline.last.is_some_and(|last| last.number == number)
            && self.wall_set_ms < last_ms
        {
            let pause_ms = self.now_ms - last_ms + SLACK_MS;
            assert!(pause_ms >= limits::REMINDER_PAUSE_MS, "{task}: reminded again after {pause_ms} ms");
        }
    }

    /// Nobody is late by all accounts and was not reminded.
    pub fn check_reminders(&self) {
        let Some(service) = &self.service else { return };
        let since_ms = self.now_ms - NOTED_MS;
        let is_quiet = [self.started_ms, self.slept_ms, self.wall_set_ms].iter().all(|ms| *ms < since_ms)
            && self.refused_ms + limits::RETRY_PLAN_MS + NOTED_MS < self.now_ms;
        if !is_quiet || self.breakage.is_some() {
            return;
        }
        for (room, board) in service.boards() {
            let Some(at) = ROOMS.iter().position(|name| **name == **room) else { continue };
            if self.known_ms[at].is_none_or(|known_ms| known_ms >= since_ms) {
                continue;
            }
            let is_old = |task: TaskId| {
                let versions = self.model.history.get(&(at, task.0));
                versions.and_then(|all| all.last()).is_some_and(|version| version.at_ms < since_ms)
            };
            let then_ms = since_ms + self.wall_ahead_ms;
            for (task, deadline) in board.deadlines().filter(|(task, _)| board.is_late(*task) && is_old(*task)) {
                let then = ShownTime { wall_ms: then_ms, reading: None, over_ms: 0, speed: Speed::REAL };
                let left_ms = deadline.left_ms(then, limits::REMINDER_PAUSE_MS);
                let is_due = left_ms.is_some_and(|left_ms| left_ms <= 0);
                assert!(!is_due, "{room}: task {task} is overdue and nobody is reminded: {deadline:?}");
            }
        }
    }
}
