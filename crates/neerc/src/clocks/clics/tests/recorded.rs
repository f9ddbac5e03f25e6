//! What servers have said in real contests, played through the settling, the clocks and the planner: each planned task is
//! handed out once, none before its moment.

use super::*;
use neerc_core::board::{Board, Boards, Done};
use neerc_core::change::{Change, Effect};
use neerc_core::clock::Speed;
use neerc_core::clocks::{Clocks, Precision};
use neerc_core::command::Command;
use neerc_core::ledger::{Now, Rooms};
use neerc_core::people::{People, Person};
use neerc_core::plan::{Plan, PlanId, Planned, Timing};
use neerc_core::planner::{Due, Planner};
use neerc_core::task::{Kind, TaskId, Title};
use neerc_core::world::World;

/// 2031-10-12T09:00:00Z, in s since 1970.
const NINE_S: i64 = 1_949_554_800 + 2 * 3_600;

/// Everybody is known.
struct Known;

impl Rooms for Known {
    fn people(&mut self, _: &str) -> &People {
        unreachable!("nothing is decided here")
    }

    fn is_known(&self, _: &str) -> bool {
        true
    }
}

struct Story {
    agreed: Agreed,
    clocks: Clocks,
    boards: Boards,
    planner: Planner,
    now_s: i64,
    /// What was handed out, with the s after nine.
    handed_out: Vec<(i64, String)>,
}

impl Story {
    fn new(schedules: &[&str]) -> Story {
        let planned = |(n, text): (usize, &&str)| Planned {
            id: PlanId(n as u64 + 1),
            by: Person::from_bare("admin@localhost"),
            title: Title::parse(text).unwrap(),
            kind: Kind::Todo,
            names: Vec::new(),
            schedule: Timing::required(text).unwrap().schedule(0, 0, Speed::REAL),
            turn: None,
        };
        let plan = Plan::restore(schedules.iter().enumerate().map(planned), 1);
        let boards = Boards::from([("neerc".into(), Board::default().with_plan(plan))]);
        let (agreed, clocks, planner) = (Agreed::default(), Clocks::default(), Planner::default());
        Story { agreed, clocks, boards, planner, now_s: NINE_S, handed_out: Vec::new() }
    }

    /// The seconds pass until so many after nine.
    fn until(&mut self, after_s: i64) -> &mut Story {
        while self.now_s < NINE_S + after_s {
            self.now_s += 1;
            self.look();
        }
        self
    }

    /// Two looks at the server, 2 s apart, find this.
    fn says(&mut self, contest: &str, state: &str) -> &mut Story {
        let after_s = self.now_s - NINE_S;
        self.once(contest, state).until(after_s + 2).once(contest, state)
    }

    fn once(&mut self, contest: &str, state_body: &str) -> &mut Story {
        let now_ms = self.now_s * 1_000;
        let seen = schedule(contest.as_bytes()).unwrap();
        if let Some((timetable, state)) = self.agreed.see(seen, state(state_body.as_bytes()).unwrap(), now_ms) {
            let reading = timetable.reading(&state, now_ms);
            self.clocks.read_feed(now_ms, 0, reading, Precision::Exact);
        }
        self.look();
        self
    }

    fn look(&mut self) {
        let now_ms = self.now_s * 1_000;
        for due in self.planner.look(Now::from_ms(now_ms, now_ms), World::new(&self.boards, &self.clocks), &Known) {
            let Due::HandOut(ask) = due else { continue };
            let Command::Fulfil { plan, .. } = ask.command else { continue };
            let board = self.boards.get_mut("neerc").unwrap();
            let title = board.plan().entry(plan).unwrap().title.clone();
            self.handed_out.push((self.now_s - NINE_S, title.as_str().to_owned()));
            let task = TaskId(board.next_id());
            let (kind, statuses) = (Kind::Todo, Vec::new());
            let created =
                Change::Created { task, title, kind, timestamp_ms: now_ms, statuses, plan: Some(plan), deadline: None };
            board.apply(task.0, &created);
            let effect = Effect::Created { task, people: 0, plan: Some(plan) };
            self.planner.answered(now_ms, ask.token.number, Ok(Done { effect, ..Done::default() }));
        }
    }

    #[track_caller]
    fn handed_out(&self, expected: &[(i64, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(at_s, title)| (*at_s, (*title).to_owned())).collect();
        assert_eq!(self.handed_out, expected);
    }
}

fn starts(at: &str) -> String {
    format!(r#"{{"start_time":"2031-10-12T{at}Z","duration":"5:00:00"}}"#)
}

fn started(at: &str) -> String {
    format!(r#"{{"started":"2031-10-12T{at}Z"}}"#)
}

const NO_START: &str = r#"{"start_time":null,"duration":"5:00:00"}"#;

#[test]
fn a_start_moves_earlier_than_now_and_by_a_second() {
    let mut story = Story::new(&["start+1!", "start+5!"]);
    story.says(&starts("09:30:00"), "{}").says(NO_START, "{}").until(300).says(&starts("09:02:00"), "{}");
    story.handed_out(&[(302, "start+1!")]);
    story.until(310).says(&starts("09:01:59"), &started("09:01:59")).until(1_000);
    story.handed_out(&[(302, "start+1!"), (419, "start+5!")]);
}

#[test]
fn a_start_that_goes_back_and_forth_fires_nothing_early() {
    let mut story = Story::new(&["start+5!"]);
    story.says(&starts("09:15:00"), "{}").until(400).once(&starts("09:00:00"), "{}").until(405);
    story.once(&starts("09:15:00"), "{}").until(410).once(NO_START, "{}").until(412).once(&starts("09:15:00"), "{}");
    story.handed_out(&[]);
    story.until(900).says(&starts("09:15:00"), &started("09:15:00")).until(2_000);
    story.handed_out(&[(1_200, "start+5!")]);
}

#[test]
fn a_start_that_is_absent_or_other_after_the_contest_has_started_counts_no_more() {
    let mut story = Story::new(&["start+5!", "start+10!"]);
    story.says(&starts("09:00:00"), &started("09:00:00")).until(400).says(NO_START, &started("09:00:00"));
    story.says(&starts("09:09:25"), &started("09:00:00")).until(1_000);
    story.handed_out(&[(300, "start+5!"), (600, "start+10!")]);
}

#[test]
fn a_contest_that_is_shortened_fires_what_is_past_once() {
    let mut story = Story::new(&["end-30!"]);
    story.says(&starts("09:00:00"), &started("09:00:00")).until(7_200);
    let short = starts("09:00:00").replace("5:00:00\"", "2:10:00\"");
    story.says(&short, &started("09:00:00")).says(&starts("09:00:00"), &started("09:00:00")).until(18_000);
    story.handed_out(&[(7_202, "end-30!")]);
}

#[test]
fn a_stretch_that_is_removed_afterwards_fires_nothing_again() {
    let mut story = Story::new(&["start+90!", "start+100!"]);
    story.says(&starts("09:00:00"), &started("09:00:00")).until(5_500);
    let removed = r#"{"started":"2031-10-12T09:00:00Z","removed_intervals":[
        {"start":"2031-10-12T09:30:00Z","end":"2031-10-12T09:45:00Z","contest_time":"0:30:00"}]}"#;
    story.says(&starts("09:00:00"), removed).until(8_000);
    story.handed_out(&[(5_400, "start+90!"), (6_900, "start+100!")]);
}

#[test]
fn a_clock_whose_server_is_silent_runs_on() {
    let mut story = Story::new(&["start+90!", "end-30!"]);
    story.says(&starts("09:00:00"), &started("09:00:00")).until(20_000);
    story.handed_out(&[(5_400, "start+90!"), (16_200, "end-30!")]);
}
