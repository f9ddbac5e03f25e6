//! Planned tasks: each is handed out once, in the name of its planner and not before its moment, and then soon, also while
//! there is no link, over crashes and over a disk that fails for a while.

use crate::model::ROOMS;
use crate::world::{SLACK_MS, World};
use neerc_core::change::{Change, Entry};
use neerc_core::clock::Reading;
use neerc_core::clock::Speed;
use neerc_core::ledger::{Ask, Face};
use neerc_core::limits;
use neerc_core::moment::{DueAt, ShownTime};
use neerc_core::plan::{Consent, Plan, PlanId, Planned};

/// Who always has power, so that what they plan cannot be refused.
const KEEPERS: [&str; 2] = ["admin@localhost", "boss@localhost"];
/// How long the service may not know what the contest clock shows: it looks every 5 s, and late.
const STALE_MS: i64 = 5_000 + 2 * SLACK_MS;
/// How long an ask takes at most: it waits for one that is being stored, and for its own.
const STORED_MS: i64 = 2 * SLACK_MS;
const MINUTE_MS: i64 = 60_000;

fn is_due(plan: &Plan, id: PlanId, now: ShownTime) -> bool {
    plan.due(now).any(|planned| planned.id == id)
}

impl World {
    /// An admin in the room plans something for soon, or for a moment that has gone.
    pub fn plan(&mut self) {
        let admins = [KEEPERS[0], KEEPERS[1], "jury@localhost"];
        let Some(at) = self.someone(&admins) else { return };
        if self.contest.read(self.now_ms, 0).is_none() || self.random.one_in(4) {
            self.turn_contest_clock();
        }
        let (jid, name) = (self.sessions[at].jid.clone(), self.sessions[at].room);
        let Some(room) = self.rooms.iter().find(|room| room.name == name && room.component.is_some()) else { return };
        let Some(nick) = room.nick_of(&jid) else { return };
        let from = format!("{}/{nick}", room.jid());
        let elapsed_ms = self.contest.read(self.now_ms, 0).map_or(0, |reading| reading.elapsed_ms);
        for _ in 0..1 + self.random.below(3) {
            self.next_request += 1;
            let minute = elapsed_ms / MINUTE_MS + self.random.ms(-1, 2);
            let (sign, minute) = (if minute < 0 { '-' } else { '+' }, minute.abs());
            let names =
                if name == ROOMS[0] { ["admin", "admin hall1"] } else { ["boss", "boss hall9"] }[self.random.below(2)];
            let mark = if self.random.one_in(4) { "" } else { "!" };
            let moment = match self.next_request % 5 {
                0 => "in 1m".to_owned(),
                _ => format!("start{sign}{minute}"),
            };
            let line = format!("@todo {names} {moment}{mark} P{}", self.next_request);
            self.send(&format!(
                "<message type='groupchat' from='{from}' to='neerc.localhost'><body>{line}</body></message>"
            ));
        }
        if self.random.one_in(3) {
            self.outage();
        }
    }

    /// There is no link for a while.
    fn outage(&mut self) {
        self.cut();
        self.unreachable_until_ms = self.now_ms + self.random.ms(5_000, 150_000);
        self.trace(|| "the server cannot be reached".to_owned());
        let ms = self.random.ms(1_000, 100_000);
        self.run_for(ms);
    }

    /// A planned task is handed out by the service itself: in the name of whoever planned it, and not too early.
    pub fn check_due(&self, ask: &Ask, entry: &Entry, plan: &Plan) {
        let Change::Created { plan: Some(id), .. } = &entry.change else { return };
        let Some(planned) = plan.entry(*id) else { panic!("{id} is handed out and is not planned") };
        if ask.token.face != Face::Planner {
            return;
        }
        assert_eq!((&ask.who, &entry.by), (&planned.by, &planned.by), "{id} is handed out in another's name");
        match planned.schedule.due {
            None => return, // the model knows when its turn came
            Some(DueAt::Day { at_ms }) => {
                // The time of day may have been another one when it was looked at.
                let is_set = self.wall_set_ms + SLACK_MS >= self.now_ms;
                assert!(is_set || at_ms <= entry.at_ms, "{id} is handed out before its time: {planned:?}");
                return;
            }
            Some(DueAt::Contest(_)) => {}
        }
        // A clock that was set back a little counts as read late.
        let ahead_ms = limits::CLOCK_SMOOTHING_MS + STALE_MS;
        let shows = |reading: Reading, over_ms: i64| {
            let reading = Some(Reading { elapsed_ms: reading.elapsed_ms + ahead_ms, ..reading });
            is_due(
                plan,
                *id,
                ShownTime { wall_ms: entry.at_ms, reading, over_ms: over_ms + ahead_ms, speed: Speed::REAL },
            )
        };
        assert!(self.contest.may_show(self.now_ms, shows), "{id} is handed out before its moment: {planned:?}");
    }

    /// Nothing that is due by all accounts is still planned.
    pub fn check_plans(&self) {
        let Some(service) = &self.service else { return };
        let since_ms = self.now_ms - STALE_MS - STORED_MS;
        let is_quiet = [self.started_ms, self.slept_ms, self.wall_set_ms].iter().all(|ms| *ms < since_ms)
            && self.refused_ms + limits::RETRY_PLAN_MS + STORED_MS < self.now_ms;
        if !is_quiet || self.breakage.is_some() {
            return;
        }
        let reading = self.contest.settled(since_ms);
        for (room, board) in service.boards() {
            let Some(at) = ROOMS.iter().position(|name| **name == **room) else { continue };
            if self.known_ms[at].is_none_or(|known_ms| known_ms >= since_ms) {
                continue;
            }
            let then = ShownTime { wall_ms: since_ms + self.wall_ahead_ms, reading, over_ms: 0, speed: Speed::REAL };
            let due: Vec<PlanId> = board.plan().due(then).map(|planned| planned.id).collect();
            // When the turn of a line has come the model knows by itself.
            let is_due = |planned: &Planned| due.contains(&planned.id) || planned.schedule.due.is_none();
            for planned in board.plan().entries().filter(|planned| is_due(planned)) {
                let is_keepers = KEEPERS.contains(&planned.by.bare());
                let is_old = self.model.planned_ms(at, planned.id).is_some_and(|planned_ms| planned_ms < since_ms);
                let asks = planned.schedule.consent == Consent::Required;
                assert!(asks || !is_keepers || !is_old, "{room}: was due and is not handed out: {planned:?}");
            }
        }
    }
}
