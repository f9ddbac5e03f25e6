//! A machine with the service on it: what happens to it, and what the service does about that.

use crate::broken::Breakage;
use crate::promises::{Promises, Seen};
use crate::system::{Clics, Said, Stand, Writer};
use neerc::clocks::clics::{self, Agreed, State, Timetable};
use neerc_core::board::{Board, Boards, Done};
use neerc_core::change::{Change, Entry, Room};
use neerc_core::clock::Reading;
use neerc_core::clock::hand::ClockAct;
use neerc_core::clocks::{Clocks, LastHeard, Precision};
use neerc_core::command::{Command, NewPlan};
use neerc_core::desk::{Desk, Faces};
use neerc_core::ledger::{Ask, Face, Now, Rooms, Stored, Token};
use neerc_core::limits;
use neerc_core::notice::{Notice, PlanFate, PlanNews};
use neerc_core::people::{Affiliation, GroupBook, People, Person, Standing};
use neerc_core::plan::{PlanId, Planned, Timing};
use neerc_core::planner::HandedOut;
use neerc_core::refusal::Refusal;
use neerc_core::task::{Kind, Title};
use neerc_core::world::World;
use neerc_testing::random::Random;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

/// The rooms: by a contest system over HTTP, by a file, by hand alone, and for rehearsals. Their places are those of their feeds.
pub const ROOMS: [&str; 4] = ["clics", "file", "hand", "rehearsal"];
pub const ADMIN: &str = "admin@localhost";
pub const HALL: &str = "hall1@localhost";
const SECOND_MS: i64 = 1_000;
pub const MINUTE_MS: i64 = 60_000;
/// How often a file is looked at.
const LOOK_MS: i64 = 1_000;
/// How often a contest system is asked, and how soon again where it is in doubt.
const POLL_MS: i64 = 5_000;
const DOUBT_MS: i64 = 2_000;
/// How far off the server's time may be known, in ms.
const OFFSET_MS: i64 = 80;
/// Things done in each contest.
const ACTS: usize = 40;

/// What was done, to be reported.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    pub handed_out: usize,
    pub late: usize,
    pub asked_first: usize,
    pub by_hand: usize,
    pub refused: usize,
    pub crashes: usize,
    pub sleeps: usize,
    pub vanished: usize,
    pub acts: usize,
    pub shown: usize,
    pub replanned: usize,
    pub lapsed: usize,
    pub reminders: usize,
    pub escalated: usize,
    pub begun: usize,
    pub rehearsed: usize,
    pub thrown_away: usize,
}

impl Counts {
    fn all(&mut self) -> [&mut usize; 17] {
        let Counts { handed_out, late, asked_first, by_hand, refused, crashes, sleeps, vanished, acts, shown, .. } =
            self;
        let Counts { replanned, lapsed, reminders, escalated, begun, rehearsed, thrown_away, .. } = self;
        let clocks = [handed_out, late, asked_first, by_hand, refused, crashes, sleeps, vanished, acts, shown];
        let [a, b, c, d, e, f, g, h, i, j] = clocks;
        [a, b, c, d, e, f, g, h, i, j, replanned, lapsed, reminders, escalated, begun, rehearsed, thrown_away]
    }

    /// Adds those of another contest.
    pub fn add(&mut self, other: &Counts) {
        let mut other = *other;
        self.all().into_iter().zip(other.all()).for_each(|(sum, more)| *sum += *more);
    }

    /// Nothing that could go wrong was left out.
    pub fn check(mut self, seeds: u64) {
        assert!(seeds < 100 || self.all().iter().all(|count| **count > 0), "something never happens: {self:?}");
    }
}

/// The faces: the people of the rooms, and what they hear.
struct Hall {
    people: Arc<People>,
    is_known: bool,
    decided: Vec<(Ask, Board, Option<Entry>)>,
    asked_first: Vec<(Room, Planned)>,
    handed_out: Vec<HandedOut>,
    plan_news: Vec<PlanNews>,
}

impl Rooms for Hall {
    fn people(&mut self, _: &str) -> &People {
        &self.people
    }

    fn is_known(&self, _: &str) -> bool {
        self.is_known
    }

    fn decided(&mut self, ask: &Ask, before: &Board, entry: Option<&Entry>) {
        self.decided.push((ask.clone(), before.clone(), entry.cloned()));
    }
}

impl Faces for Hall {
    fn answer(&mut self, _: i64, _: Token, _: Result<Done, Refusal>, _: World<'_>) {}

    fn tell(&mut self, _: i64, _: &str, _: u64, _: Notice) {}

    fn handed_out(&mut self, handed_out: HandedOut, _: World<'_>) {
        self.handed_out.push(handed_out);
    }

    fn ask_planner(&mut self, room: &str, planned: Planned) {
        self.asked_first.push((room.into(), planned));
    }

    fn plan_news(&mut self, news: PlanNews, _: World<'_>) {
        self.plan_news.push(news);
    }

    fn say_clocks(&mut self, clocks: &mut Clocks) {
        clocks.said();
    }
}

/// One life of the process.
pub struct Process {
    pub desk: Desk,
    agreed: Agreed,
    /// What stood in the file at the last look.
    last_file: Option<Stand>,
    /// The steady time, less the time that passes.
    steady_ahead_ms: i64,
    pub began_ms: i64,
    /// Since when the people of the rooms are known.
    pub known_ms: i64,
    stored_ms: Option<i64>,
}

/// What is on disk.
#[derive(Default)]
struct Disk {
    log: Vec<Entry>,
    /// What the feeds showed last, by the time of day.
    kept: BTreeMap<usize, Stand>,
}

/// All of it.
pub struct Life {
    pub random: Random,
    pub now_ms: i64,
    /// How far the time of day is ahead of the time that passes.
    pub wall_ahead_ms: i64,
    people: Arc<People>,
    clics: Clics,
    /// What the contest system will say, where that is known; it begins then.
    story: VecDeque<(i64, Said)>,
    story_ms: Option<i64>,
    writer: Writer,
    /// Until when each feed cannot be read.
    vanished_ms: [i64; 2],
    poll_ms: i64,
    look_ms: i64,
    parsed: HashMap<u64, (Timetable, State)>,
    /// Boxed, since it is taken out and put back in each step.
    process: Option<Box<Process>>,
    restart_ms: i64,
    disk: Disk,
    pub promises: Promises,
    calm: bool,
    next_token: u64,
    pub counts: Counts,
    trace: bool,
    pub breakage: Option<Breakage>,
}

impl Life {
    /// A contest of its own for each seed.
    pub fn new(seed: u64, trace: bool, breakage: Option<Breakage>) -> Life {
        let mut random = Random::new(seed);
        let now_ms = 1_949_554_800_000 + random.ms(0, 999);
        let standings = [(ADMIN, Affiliation::Owner), (HALL, Affiliation::Member)];
        let standings = standings.map(|(jid, affiliation)| Standing { person: Person::from_bare(jid), affiliation });
        let ahead_ms = random.ms(-40_000, 40_000);
        let period_ms = [SECOND_MS, 5 * SECOND_MS, 20 * SECOND_MS][random.below(3)];
        Life {
            random,
            now_ms,
            wall_ahead_ms: 0,
            people: Arc::new(People::build("localhost", "neerc", standings, HashMap::new(), &GroupBook::default())),
            clics: Clics::new(ahead_ms, now_ms),
            story: VecDeque::new(),
            story_ms: None,
            writer: Writer::new(period_ms, now_ms),
            vanished_ms: [0; 2],
            poll_ms: now_ms,
            look_ms: now_ms,
            parsed: HashMap::new(),
            process: None,
            restart_ms: now_ms,
            disk: Disk::default(),
            promises: Promises::default(),
            calm: false,
            next_token: 0,
            counts: Counts::default(),
            trace,
            breakage,
        }
    }

    /// The same, with a contest system that says what one has said once.
    pub fn told(seed: u64, story: &[(i64, Said)]) -> Life {
        let life = Life::new(seed, false, None);
        let story = story.iter().map(|(at_s, said)| (life.now_ms + at_s * SECOND_MS, *said)).collect();
        Life { story, story_ms: Some(life.now_ms), ..life }
    }

    /// Lives it: a while of anything, then peace, in which everything settles.
    pub fn live(mut self) -> Counts {
        self.live_on();
        self.counts
    }

    /// The same, to be looked at afterwards.
    pub fn live_on(&mut self) {
        if self.story_ms.is_some() {
            self.surround();
        }
        for _ in 0..ACTS {
            self.act();
            self.work();
            self.rehearse();
            let ms = match self.random.below(8) {
                0 | 1 => self.random.ms(0, 3_000),
                2..6 => self.random.ms(3_000, 100_000),
                _ => self.random.ms(100_000, 400_000),
            };
            self.run_for(ms);
        }
        self.calm = true;
        self.vanished_ms = [0; 2];
        self.run_for(if self.story_ms.is_some() { 240 * MINUTE_MS } else { 70 * MINUTE_MS });
        [self.counts.reminders, self.counts.escalated] = self.promises.reminders.counts;
    }

    fn trace(&self, line: impl FnOnce() -> String) {
        if self.trace {
            println!("{:>9} {}", self.now_ms - 1_949_554_800_000, line());
        }
    }

    /// The board of a room, as everybody sees it.
    pub fn board(&self, room: &str) -> Option<&Board> {
        self.process.as_ref()?.desk.ledger.boards().get(room)
    }

    pub fn wall_ms(&self) -> i64 {
        self.now_ms + self.wall_ahead_ms
    }

    /// Lets time go by.
    pub fn run_for(&mut self, ms: i64) {
        let until_ms = self.now_ms + ms;
        self.advance();
        loop {
            let due_ms = self.next_due_ms();
            let next_ms = due_ms.min(self.look_ms).min(self.poll_ms);
            if next_ms > until_ms {
                break;
            }
            self.now_ms = self.now_ms.max(next_ms);
            // Most looks find what was there before. For that the loop need not turn: what is due by time says when that is.
            let is_news = self.look_at_feeds();
            if due_ms <= self.now_ms || is_news || self.random.one_in(8) {
                self.happen();
                self.advance();
            }
        }
        self.now_ms = until_ms;
        self.advance();
        self.check();
    }

    /// Looks at those whose time has come; says whether anything is news to the service.
    fn look_at_feeds(&mut self) -> bool {
        let is_written = self.look_ms <= self.now_ms && self.look_at_file();
        let is_said = self.poll_ms <= self.now_ms && self.poll();
        is_written || is_said
    }

    /// When something is to happen besides the next looks at the feeds.
    fn next_due_ms(&self) -> i64 {
        let said_ms = self.story.front().map_or(i64::MAX, |(at_ms, _)| *at_ms);
        let Some(process) = &self.process else { return self.restart_ms.min(said_ms) };
        let due_ms = process.desk.next_due_ms().min(process.desk.ledger.next_commit_ms());
        let known_ms = if process.known_ms > self.now_ms { process.known_ms } else { i64::MAX };
        let stored_ms = process.stored_ms.unwrap_or(i64::MAX);
        due_ms.saturating_sub(process.steady_ahead_ms).min(stored_ms).min(known_ms).min(said_ms)
    }

    fn happen(&mut self) {
        while let Some((_, said)) = self.story.front().copied().filter(|(at_ms, _)| *at_ms <= self.now_ms) {
            self.story.pop_front();
            self.trace(|| format!("{said:?}"));
            self.clics.say(said, self.story_ms.unwrap_or_default(), self.now_ms);
        }
        if self.process.is_none() && self.restart_ms <= self.now_ms {
            self.start();
        }
        if self.process.as_ref().is_some_and(|process| process.stored_ms.is_some_and(|ms| ms <= self.now_ms)) {
            self.stored();
        }
        let Some(mut process) = self.process.take() else { return };
        let mut hall = self.hall(&process);
        process.desk.tick(self.now_ms + process.steady_ahead_ms, &mut hall);
        self.process = Some(process);
    }

    fn hall(&self, process: &Process) -> Hall {
        let (decided, asked_first, handed_out, plan_news) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (people, is_known) = (self.people.clone(), process.known_ms <= self.now_ms);
        Hall { people, is_known, decided, asked_first, handed_out, plan_news }
    }

    // The process

    fn start(&mut self) {
        let steady_ahead_ms = self.wall_ahead_ms;
        let mut boards = Boards::new();
        for Entry { revision, room, change, .. } in &self.disk.log {
            let board = boards.entry(room.clone()).or_default();
            match self.breakage {
                Some(breakage) => breakage.apply(board, *revision, change),
                None => board.apply(*revision, change),
            }
        }
        let of_room = ROOMS.iter().enumerate().map(|(feed, room)| (Room::from(*room), feed));
        let mut clocks = Clocks::new(of_room.collect());
        let now = Now::from_ms(self.wall_ms(), self.wall_ms());
        let mut restored = Vec::new();
        for (feed, stand) in &self.disk.kept {
            let shown = stand.at(self.wall_ms().max(stand.at_ms)); // the time of day may have been set back
            restored.push((*feed, Stand { at_ms: self.now_ms, ..shown }));
            if self.breakage != Some(Breakage::FeedsForgotten) {
                let reading = Reading { elapsed_ms: stand.shown_ms(), total_ms: stand.total_ms, phase: stand.phase };
                let heard = LastHeard { reading, heard_ms: stand.at_ms.min(self.wall_ms()), over_ms: stand.over_ms };
                clocks.restore(now.steady_ms(), *feed, heard);
            }
        }
        clocks.follow(now, &boards);
        let known_ms = self.now_ms + self.random.ms(0, 3_000);
        self.trace(|| format!("start with {} changes", self.disk.log.len()));
        self.promises.started(self.now_ms, self.wall_ms(), restored);
        self.process = Some(Box::new(Process {
            desk: Desk::new(boards, self.disk.log.len() as u64).by_clocks(clocks),
            agreed: Agreed::default(),
            last_file: None,
            steady_ahead_ms,
            began_ms: self.now_ms,
            known_ms,
            stored_ms: None,
        }));
    }

    /// Does all that can be done without waiting.
    fn advance(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let now = Now::from_ms(self.now_ms + process.steady_ahead_ms, self.wall_ms());
        let mut hall = self.hall(&process);
        let early_ms = if self.breakage == Some(Breakage::PlannedEarly) { 2 * MINUTE_MS } else { 0 };
        let ahead = Now::from_ms(now.steady_ms() + early_ms, now.wall_ms);
        process.desk.look_at_plans(ahead, &mut hall);
        if process.desk.decide(now, &mut hall).is_some() {
            let ms = if self.random.one_in(8) { self.random.ms(0, 400) } else { self.random.ms(0, 12) };
            process.stored_ms = Some(self.now_ms + ms);
        }
        self.process = Some(process);
        self.heard(hall);
    }

    /// What the faces have heard.
    fn heard(&mut self, hall: Hall) {
        for (room, planned) in hall.asked_first {
            self.counts.asked_first += 1;
            self.promises.asked_first(&room, &planned, self.now_ms);
        }
        for (ask, before, entry) in hall.decided {
            self.decided(&ask, &before, entry.as_ref());
        }
        for PlanNews { fate, .. } in hall.plan_news {
            self.counts.replanned += usize::from(matches!(fate, PlanFate::Replanned(_)));
            self.counts.lapsed += usize::from(fate == PlanFate::Lapsed);
        }
        for HandedOut { outcome, lateness, planned, .. } in hall.handed_out {
            assert!(outcome.is_ok(), "an admin's plan is refused: {planned:?}, {outcome:?}");
            self.counts.handed_out += 1;
            self.counts.late += usize::from(lateness.is_some());
        }
    }

    fn decided(&mut self, ask: &Ask, before: &Board, entry: Option<&Entry>) {
        self.trace(|| format!("{} {:?} -> {:?}", ask.room, ask.command, entry.map(|entry| &entry.change)));
        let process = self.process.as_ref().expect("it decides");
        let wall_ms = self.wall_ms();
        if let Command::Clock(act) = ask.command {
            self.counts.by_hand += usize::from(entry.is_some());
            self.counts.refused += usize::from(entry.is_none());
            let now = Now::from_ms(self.now_ms + process.steady_ahead_ms, wall_ms);
            let feed = process.desk.clocks.now(&ask.room, None, now).reading;
            self.promises.clock_act(&ask.room, act, (before, feed), entry.map(|e| &e.change), (self.now_ms, wall_ms));
        }
        match entry.map(|entry| &entry.change) {
            Some(Change::Rehearsed(_)) => self.counts.rehearsed += 1,
            Some(Change::RehearsalEnded { tasks }) => self.counts.thrown_away += tasks.len(),
            _ => {}
        }
        self.promises.check_planned(ask, before, entry, wall_ms);
        self.promises.check_overdue(entry, before, self.now_ms);
        if let Some(Entry { change: Change::Created { plan: Some(plan), .. }, .. }) = entry {
            let planned = before.plan().entry(*plan).expect("what is handed out was planned");
            self.promises.handed_out(&ask.room, planned, ask.token.face == Face::Planner, self.now_ms);
        }
    }

    fn stored(&mut self) {
        let mut process = self.process.take().expect("it stores");
        process.stored_ms = None;
        let now = Now::from_ms(self.now_ms + process.steady_ahead_ms, self.wall_ms());
        let entries = process.desk.ledger.storing().cloned().expect("something is being stored");
        let is_stored = self.calm || !self.random.one_in(10);
        let outcome = if is_stored { Stored::Yes } else { Stored::No };
        if is_stored {
            self.written(&entries);
        } else {
            self.trace(|| "it could not be stored".to_owned());
            self.promises.refused_ms = self.now_ms;
        }
        let mut settled = process.desk.ledger.stored(now, outcome).expect("an outcome that is known");
        if settled.next.take().is_some() {
            process.stored_ms = Some(self.now_ms + self.random.ms(0, 12));
        }
        let mut hall = self.hall(&process);
        process.desk.settle(now, settled, &mut hall);
        self.process = Some(process);
        self.heard(hall);
        if !self.calm && self.random.one_in(40) {
            self.crash();
        }
    }

    /// These are on disk for good.
    fn written(&mut self, entries: &Arc<[Entry]>) {
        for entry in entries.iter() {
            self.disk.log.push(entry.clone());
            let again = self.breakage == Some(Breakage::HandedOutAgain) && self.random.one_in(4);
            if again && matches!(entry.change, Change::Created { .. }) {
                self.promises.stored(entry, self.now_ms, self.wall_ms());
            }
            self.promises.stored(entry, self.now_ms, self.wall_ms());
        }
    }

    /// The process dies, whatever it is doing.
    fn crash(&mut self) {
        let Some(process) = self.process.take() else { return };
        self.trace(|| "CRASH".to_owned());
        self.counts.crashes += 1;
        if let Some(entries) = process.desk.ledger.storing().cloned()
            && self.random.one_in(2)
        {
            self.written(&entries);
        }
        let dead_ms = if self.random.one_in(4) { self.random.ms(0, 10 * MINUTE_MS) } else { self.random.ms(1, 5_000) };
        self.restart_ms = self.now_ms + dead_ms;
    }

    // What is read

    /// Keeps what the feeds show, as the service does with each news.
    fn keep(&mut self, process: &Process) {
        let now_ms = self.now_ms + process.steady_ahead_ms;
        for (feed, state) in process.desk.clocks.feeds(now_ms).enumerate() {
            if let Some(reading) = state.reading {
                self.disk.kept.insert(feed, Stand { over_ms: state.over_ms, ..Stand::of(self.wall_ms(), reading) });
            }
        }
    }

    /// Says whether that is news to the service.
    fn look_at_file(&mut self) -> bool {
        self.look_ms = self.now_ms + LOOK_MS;
        self.writer.pass(self.now_ms);
        let Some(mut process) = self.process.take() else { return false };
        let now_ms = self.now_ms + process.steady_ahead_ms;
        if self.now_ms < self.vanished_ms[1] {
            process.last_file = None;
            process.desk.clocks.not_heard(1, "it is gone".to_owned());
        } else if process.last_file == Some(self.writer.written) {
            process.desk.clocks.heard(now_ms, 1);
            self.process = Some(process);
            return false;
        } else {
            let written = self.writer.written;
            let reading = Reading { elapsed_ms: written.elapsed_ms, total_ms: written.total_ms, phase: written.phase };
            // What was seen to change is of this moment; what is found is as old as the file.
            let age_ms = if process.last_file.is_some() { 0 } else { (self.now_ms - written.at_ms).max(0) };
            if let Some(reading) = reading.aged(age_ms) {
                if process.desk.clocks.read_feed(now_ms, 1, reading, Precision::Rough) {
                    self.keep(&process);
                }
                let seen = Seen { stand: Stand::of(self.now_ms, reading), version: 0, settles: true };
                self.promises.seen(1, seen);
                process.last_file = Some(written);
            }
        }
        self.process = Some(process);
        true
    }

    /// Says whether that is news to the service.
    fn poll(&mut self) -> bool {
        self.poll_ms = self.now_ms + POLL_MS;
        let Some(mut process) = self.process.take() else { return false };
        let now_ms = self.now_ms + process.steady_ahead_ms;
        if self.now_ms < self.vanished_ms[0] {
            process.desk.clocks.not_heard(0, "it is silent".to_owned());
            self.process = Some(process);
            return true;
        }
        let timetable = self.documents().0;
        if !self.calm && self.random.one_in(20) {
            self.act_at_contest(); // between one document and the other
        }
        let (version, state) = (self.clics.version, self.documents().1);
        let stand = self.clics.stand(self.now_ms);
        let agreed = process.agreed.see(timetable, state.clone(), self.now_ms);
        let agreed = if self.breakage == Some(Breakage::NothingSettles) { Some((timetable, state)) } else { agreed };
        let mut is_news = process.agreed.doubts();
        if let Some((timetable, state)) = agreed {
            let server_ms = self.now_ms + self.clics.ahead_ms + self.random.ms(-OFFSET_MS, OFFSET_MS);
            let reading = timetable.reading(&state, server_ms);
            if process.desk.clocks.read_feed(now_ms, 0, reading, Precision::Exact) {
                self.trace(|| format!("the contest is {reading:?}, and really {stand:?}"));
                is_news = true;
                self.keep(&process);
            } else {
                process.desk.clocks.heard(now_ms, 0);
            }
        }
        if process.agreed.doubts() {
            self.poll_ms = self.now_ms + DOUBT_MS;
        }
        let settles = !process.agreed.doubts();
        self.promises.seen(0, Seen { stand, version, settles });
        self.process = Some(process);
        is_news
    }

    /// What the contest system says now, read.
    fn documents(&mut self) -> (Timetable, State) {
        let Life { clics, parsed, .. } = self;
        let read = || {
            let (contest, state) = (clics.contest(), clics.state());
            (clics::schedule(contest.as_bytes()).unwrap(), clics::state(state.as_bytes()).unwrap())
        };
        parsed.entry(clics.version).or_insert_with(read).clone()
    }

    // What happens to it

    fn act_at_contest(&mut self) {
        if self.story_ms.is_some() {
            return;
        }
        let what = self.clics.act(&mut self.random, self.now_ms);
        self.trace(|| what.to_owned());
        self.counts.acts += 1;
    }

    fn act(&mut self) {
        match self.random.below(40) {
            0..9 => self.act_at_contest(),
            9 => {
                // There and back within a second or two: nobody may see it.
                self.act_at_contest();
                let ms = self.random.ms(0, 1_500);
                self.run_for(ms);
                self.act_at_contest();
            }
            10..15 => {
                let what = self.writer.act(&mut self.random, self.now_ms);
                self.trace(|| what.to_owned());
            }
            15..24 => self.plan(),
            24..31 => self.set_by_hand(),
            31 => {
                let asked: Vec<(Room, PlanId)> = self.promises.asked().collect();
                if let Some((room, plan)) = self.random.pick(&asked).cloned() {
                    let command = if self.random.one_in(2) {
                        Command::Fulfil { plan, due: None }
                    } else {
                        Command::Unplan { plan }
                    };
                    self.ask(&room, command);
                }
                self.replan();
            }
            32 | 33 => {
                let feed = self.random.below(2);
                self.vanished_ms[feed] = self.now_ms + self.random.ms(SECOND_MS, 20 * MINUTE_MS);
                self.counts.vanished += 1;
                self.trace(|| format!("feed {feed} vanishes"));
            }
            34 | 35 => self.crash(),
            36 => {
                let ms = self.random.ms(-40 * SECOND_MS, 40 * SECOND_MS);
                self.wall_ahead_ms += ms;
                self.promises.wall.set(self.now_ms, self.wall_ahead_ms);
                self.trace(|| format!("the time of day is set by {ms} ms"));
            }
            37 | 38 => self.sleep(),
            _ => {}
        }
    }

    /// The machine is suspended: time passes, and everything is overdue at once.
    fn sleep(&mut self) {
        let ms =
            if self.random.one_in(3) { self.random.ms(0, 60 * MINUTE_MS) } else { self.random.ms(0, 5 * MINUTE_MS) };
        self.trace(|| format!("the machine sleeps for {ms} ms"));
        self.counts.sleeps += 1;
        self.now_ms += ms;
        self.promises.slept_ms = self.now_ms;
        if let Some(process) = self.process.as_mut().filter(|_| self.breakage == Some(Breakage::SleepUncounted)) {
            process.steady_ahead_ms -= ms;
        }
    }

    pub fn ask(&mut self, room: &str, command: Command) {
        self.ask_as(ADMIN, room, command);
    }

    pub fn ask_as(&mut self, who: &str, room: &str, command: Command) {
        self.next_token += 1;
        let token = Token { face: Face::Xmpp, number: self.next_token };
        let ask = Ask { token, room: room.into(), who: Person::from_bare(who), command, request: None, seen: None };
        if let Some(process) = self.process.as_mut().filter(|process| process.known_ms <= self.now_ms) {
            process.desk.ledger.ask(ask);
        }
        self.advance();
    }

    /// An admin plans something for soon.
    fn plan(&mut self) {
        let room = ROOMS[self.random.below(3)];
        self.plan_in(room);
    }

    /// How much of the contest of a room is over, and how long it is.
    pub fn progress(&self, room: &str) -> (i64, i64) {
        let shown = self
            .process
            .as_ref()
            .and_then(|process| process.desk.clocks.reading(room, self.now_ms + process.steady_ahead_ms));
        shown.map_or((0, 40 * MINUTE_MS), |now| (now.elapsed_ms, now.total_ms))
    }

    pub fn new_plan(&mut self, room: &str) -> NewPlan {
        let (elapsed_ms, total_ms) = self.progress(room);
        self.next_token += 1;
        let title = Title::parse(&format!("P{}", self.next_token)).unwrap();
        let timing = self.timing(elapsed_ms, total_ms);
        NewPlan { title, kind: Kind::Todo, names: vec!["hall1".to_owned()], timing }
    }

    pub fn plan_in(&mut self, room: &str) {
        for _ in 0..1 + self.random.below(2) {
            let plan = self.new_plan(room);
            self.ask(room, Command::Plan(plan));
        }
    }

    /// An admin plans something for another moment, whether it has come or not.
    fn replan(&mut self) {
        let Some(process) = &self.process else { return };
        let boards = process.desk.ledger.boards();
        let planned = |(room, board): (&Room, &Board)| {
            board.plan().entries().map(|planned| (room.clone(), planned.id)).collect::<Vec<_>>()
        };
        let all: Vec<(Room, PlanId)> = boards.iter().flat_map(planned).collect();
        let Some((room, plan)) = self.random.pick(&all).cloned() else { return };
        let (elapsed_ms, total_ms) = self.progress(&room);
        let timing = self.timing(elapsed_ms, total_ms);
        self.ask(&room, Command::Replan { plan, timing });
    }

    /// A moment near the present of the contest, near its end or after it, or a time of day.
    pub fn timing(&mut self, elapsed_ms: i64, total_ms: i64) -> Timing {
        let minutes = self.random.ms(-2, 8);
        let mark = if self.random.one_in(5) { "" } else { "!" };
        let moment = match self.random.below(9) {
            0..4 => format!("start{:+}", near(elapsed_ms) + minutes),
            4 | 5 => format!("end{:+}", near(elapsed_ms - total_ms) + minutes),
            6 => format!("end{:+}", minutes.max(1)),
            7 => format!("in {}m", minutes.max(1)),
            _ => {
                // The clocks on the walls are ahead of UTC by nothing here.
                let of_day_min = (self.wall_ms() / MINUTE_MS + minutes).rem_euclid(24 * 60);
                format!("{}:{:02}", of_day_min / 60, of_day_min % 60)
            }
        };
        Timing::required(&format!("{moment}{mark}")).unwrap()
    }

    fn set_by_hand(&mut self) {
        let room = ROOMS[if self.story_ms.is_some() { [1, 1, 2, 2] } else { [0, 1, 2, 2] }[self.random.below(4)]];
        self.set_clock(room);
    }

    pub fn set_clock(&mut self, room: &str) {
        let of_day_ms = self.wall_ms().rem_euclid(24 * 60 * MINUTE_MS) / SECOND_MS * SECOND_MS;
        let near_ms = |random: &mut Random, most| random.ms(0, most) / SECOND_MS * SECOND_MS;
        let act = match self.random.below(12) {
            0 => ClockAct::Start,
            1 => {
                let of_day_ms = of_day_ms + near_ms(&mut self.random, 20 * MINUTE_MS) - 10 * MINUTE_MS;
                ClockAct::StartAt { of_day_ms: of_day_ms.rem_euclid(24 * 60 * MINUTE_MS) }
            }
            2..4 => ClockAct::Pause,
            4..6 => ClockAct::Resume,
            6 => ClockAct::Set { elapsed_ms: near_ms(&mut self.random, 40 * MINUTE_MS) },
            7 => ClockAct::Length { total_ms: MINUTE_MS * self.random.ms(20, 45) },
            8 => ClockAct::Over,
            9 => ClockAct::Restart,
            _ => ClockAct::Follow,
        };
        self.ask(room, Command::Clock(act));
    }

    fn check(&mut self) {
        let Some(process) = &self.process else { return };
        let now_ms = self.now_ms;
        for room in ROOMS {
            let shown = process.desk.clocks.reading(room, now_ms + process.steady_ahead_ms);
            self.counts.shown += usize::from(self.promises.check_shown(room, shown, now_ms));
        }
        self.promises.check_lost(process, now_ms);
        self.promises.check_reminders(process, now_ms);
        let rehearses = process.desk.ledger.boards().get(ROOMS[3]);
        assert_eq!(rehearses, self.promises.boards.get(ROOMS[3]), "the board is not what is on disk");
    }
}

/// In minutes; as near as moments may be.
pub fn near(ms: i64) -> i64 {
    (ms / MINUTE_MS).clamp(9 - limits::SCHEDULE_MIN, limits::SCHEDULE_MIN - 9)
}
