//! What servers have said in real contests, over HTTP and as each version of the API writes it, through the settling, the
//! clocks and the planner: each planned task is handed out once, none before its moment.

use super::versions::{Contest, NONE_PLANNED, NOT_BEGUN, State, VERSIONS, Version, ends, started, starts};
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
    version: Version,
    server: Server,
    poll: Poll,
    clocks: Clocks,
    boards: Boards,
    planner: Planner,
    now_s: i64,
    /// What was handed out, with the s after nine.
    handed_out: Vec<(i64, String)>,
}

impl Story {
    fn new(version: Version, schedules: &[&str]) -> Story {
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
        let (clocks, planner) = (Clocks::default(), Planner::default());
        let server = Server::start(None, |path, _| contest(path));
        let poll = Poll::new(&server.address(), Served::Clics).unwrap();
        Story { version, server, poll, clocks, boards, planner, now_s: NINE_S, handed_out: Vec::new() }
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
    fn says(&mut self, contest: Contest<'_>, state: State<'_>) -> &mut Story {
        let after_s = self.now_s - NINE_S;
        self.once(contest, state).until(after_s + 2).once(contest, state)
    }

    fn once(&mut self, contest: Contest<'_>, state: State<'_>) -> &mut Story {
        self.server.says(self.version.serves(contest, state));
        let outcome = self.asks();
        assert!(outcome.is_ok(), "{outcome:?}");
        self
    }

    /// The server answers like that, whatever is asked; nothing is learned from it.
    fn fails(&mut self, answer: Answer) -> &mut Story {
        self.server.says(move |_, _| answer.clone());
        let outcome = self.asks();
        assert!(outcome.is_err(), "{outcome:?}");
        self
    }

    fn asks(&mut self) -> Result<Option<Reading>, Problem> {
        let now_ms = self.now_s * 1_000;
        NOW_MS.set(now_ms);
        let outcome = self.poll.look(now);
        if let Ok(Some(reading)) = outcome {
            self.clocks.read_feed(now_ms, 0, reading, Precision::Exact);
        }
        self.look();
        outcome
    }

    fn phase(&self) -> Option<Phase> {
        self.clocks.reading("neerc", self.now_s * 1_000).map(|reading| reading.phase)
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

/// Plays a story in the words of each version.
fn each(schedules: &[&str], story: impl Fn(&mut Story)) {
    for version in VERSIONS {
        story(&mut Story::new(version, schedules));
    }
}

#[test]
fn swerc_2022_its_start_was_paused_moved_back_and_forth_and_gone() {
    each(&["start-10!", "start+5!"], |story| {
        story.says(starts("10:00:00"), NOT_BEGUN).until(2_700);
        story.says(NONE_PLANNED.counted("0:15:38"), NOT_BEGUN).until(2_760);
        story.says(NONE_PLANNED.counted("0:16:30"), NOT_BEGUN).until(2_800);
        story.says(starts("10:15:00"), NOT_BEGUN).until(3_550).once(starts("10:00:00"), NOT_BEGUN).until(3_555);
        story.once(NONE_PLANNED, NOT_BEGUN).until(3_556).once(starts("10:15:00"), NOT_BEGUN);
        story.handed_out(&[]);
        story.until(4_500).says(starts("10:15:00"), started("10:15:00")).until(6_000);
        story.handed_out(&[(3_900, "start-10!"), (4_800, "start+5!")]);
    });
}

#[test]
fn swerc_practice_was_paused_five_times_and_shortened_so_that_its_end_stayed() {
    each(&["start+5!", "end-15!"], |story| {
        let practice = |at| starts(at).long("2:00:00");
        story.says(practice("10:30:00"), NOT_BEGUN);
        for (pause, left) in ["0:12:00", "0:12:00", "0:10:30", "0:07:00", "0:05:11"].into_iter().enumerate() {
            story.until(4_000 + 300 * i64::try_from(pause).unwrap());
            story.says(NONE_PLANNED.long("2:00:00").counted(left), NOT_BEGUN);
            story.says(practice(if pause < 2 { "10:30:12" } else { "10:40:48" }), NOT_BEGUN);
        }
        story.until(6_048).says(practice("10:40:48"), started("10:40:48")).until(11_400);
        story.says(starts("10:40:48").long("1:49:12"), started("10:40:48")).until(14_000);
        story.handed_out(&[(6_348, "start+5!"), (11_700, "end-15!")]);
    });
}

#[test]
fn euc_2024_dress_the_cds_said_a_start_and_a_countdown_at_once_and_the_true_start_late() {
    each(&["start+5!"], |story| {
        story.says(starts("10:00:00"), NOT_BEGUN).until(2_000);
        for left in ["0:09:00", "0:08:10", "0:07:00", "0:06:00", "0:05:00", "0:04:00", "0:03:00"] {
            story.says(starts("10:00:00").counted(left), NOT_BEGUN).says(starts("10:00:00"), NOT_BEGUN);
        }
        story.says(starts("10:00:00").counted("0:02:41"), NOT_BEGUN).until(4_160);
        assert_eq!(story.phase(), Some(Phase::Before));
        story.once(starts("10:00:00"), started("10:09:25")).until(4_170).says(starts("10:00:00"), started("10:09:25"));
        story.until(4_300).says(starts("10:09:25"), started("10:09:25")).until(6_000);
        story.handed_out(&[(4_465, "start+5!")]);
    });
}

#[test]
fn euc_2025_the_cds_had_three_truths_within_a_second_of_a_connection() {
    each(&["start-10!", "start+5!"], |story| {
        for at in ["10:30:00", "08:00:00", "10:30:00"] {
            story.once(starts(at), NOT_BEGUN);
        }
        story.until(2).once(starts("10:30:00"), NOT_BEGUN).until(5_400).says(starts("10:30:00"), started("10:30:00"));
        story.until(7_000).handed_out(&[(4_800, "start-10!"), (5_700, "start+5!")]);
    });
}

#[test]
fn wf47_2024_its_start_moved_earlier_than_now_and_by_a_second() {
    each(&["start+1!", "start+5!"], |story| {
        story.says(starts("09:30:00"), NOT_BEGUN).says(NONE_PLANNED, NOT_BEGUN).until(300);
        story.says(starts("09:02:00"), NOT_BEGUN);
        story.handed_out(&[(302, "start+1!")]);
        story.until(310).says(starts("09:01:59"), started("09:01:59")).until(1_000);
        story.handed_out(&[(302, "start+1!"), (419, "start+5!")]);
    });
}

#[test]
fn wf46_systest1_began_an_hour_late_after_two_starts_that_were_none() {
    each(&["start-5!", "start+1!"], |story| {
        story.says(starts("10:00:00"), NOT_BEGUN).until(3_000).says(NONE_PLANNED, NOT_BEGUN).until(3_700);
        story.says(starts("10:14:26"), NOT_BEGUN).until(4_000).says(NONE_PLANNED, NOT_BEGUN).until(7_000);
        story.handed_out(&[]);
        story.says(starts("11:03:33"), NOT_BEGUN).until(7_413).says(starts("11:03:33"), started("11:03:33"));
        story.until(9_000).handed_out(&[(7_113, "start-5!"), (7_473, "start+1!")]);
    });
}

#[test]
fn pc2_regional_2023_had_an_end_from_the_beginning() {
    each(&["start+5!", "end-30!"], |story| {
        let state = ends("09:00:00", "14:00:00");
        story.says(starts("09:00:00"), state).until(600);
        assert_eq!(story.phase(), Some(Phase::Running), "an end that lies ahead is none yet");
        story.until(18_000).says(starts("09:00:00"), state);
        assert_eq!(story.phase(), Some(Phase::Over));
        story.handed_out(&[(300, "start+5!"), (16_200, "end-30!")]);
    });
}

#[test]
fn nac_2022_practice_said_a_contest_and_never_a_state() {
    each(&["start-10!", "start+5!", "end-30!"], |story| {
        let version = story.version;
        let answer = move |path: &str, request: &str| match path.ends_with("/state") {
            true => (404, String::new(), String::new()),
            false => version.serves(starts("10:00:00"), NOT_BEGUN)(path, request),
        };
        story.server.says(answer);
        for at_s in (0..22_000).step_by(60) {
            let outcome = story.until(at_s).asks();
            assert_eq!(outcome.is_err(), at_s >= 3_600, "once it has begun, its state is missed: {outcome:?}");
        }
        story.handed_out(&[(3_000, "start-10!"), (3_900, "start+5!"), (19_800, "end-30!")]);
    });
}

#[test]
fn a_start_that_goes_back_and_forth_fires_nothing_early() {
    each(&["start+5!"], |story| {
        story.says(starts("09:15:00"), NOT_BEGUN).until(400).once(starts("09:00:00"), NOT_BEGUN).until(405);
        story.once(starts("09:15:00"), NOT_BEGUN).until(410).once(NONE_PLANNED, NOT_BEGUN).until(412);
        story.once(starts("09:15:00"), NOT_BEGUN).handed_out(&[]);
        story.until(900).says(starts("09:15:00"), started("09:15:00")).until(2_000);
        story.handed_out(&[(1_200, "start+5!")]);
    });
}

#[test]
fn a_start_that_is_absent_after_what_came_before_it_fires_that_not_again_when_it_returns() {
    each(&["start-15!", "start+5!"], |story| {
        story.says(starts("09:20:00"), NOT_BEGUN).until(400).says(NONE_PLANNED, NOT_BEGUN).until(600);
        story.says(starts("09:40:00"), NOT_BEGUN).until(2_400).says(starts("09:40:00"), started("09:40:00"));
        story.until(3_000).handed_out(&[(300, "start-15!"), (2_700, "start+5!")]);
    });
}

#[test]
fn a_start_that_is_absent_or_other_after_the_contest_has_started_counts_no_more() {
    each(&["start+5!", "start+10!"], |story| {
        story.says(starts("09:00:00"), started("09:00:00")).until(400).says(NONE_PLANNED, started("09:00:00"));
        story.says(starts("09:09:25"), started("09:00:00")).until(1_000);
        story.handed_out(&[(300, "start+5!"), (600, "start+10!")]);
    });
}

#[test]
fn a_contest_that_is_shortened_fires_what_is_past_once() {
    each(&["end-30!"], |story| {
        story.says(starts("09:00:00"), started("09:00:00")).until(7_200);
        story.says(starts("09:00:00").long("2:10:00"), started("09:00:00"));
        story.says(starts("09:00:00"), started("09:00:00")).until(18_000);
        story.handed_out(&[(7_202, "end-30!")]);
    });
}

#[test]
fn a_start_that_is_taken_back_after_a_test_fires_nothing_again() {
    each(&["start+1!"], |story| {
        story.says(starts("09:01:00"), started("09:01:00")).until(300).says(NONE_PLANNED, NOT_BEGUN).until(600);
        assert_eq!(story.phase(), Some(Phase::Before));
        story.says(starts("09:30:00"), NOT_BEGUN).until(1_800).says(starts("09:30:00"), started("09:30:00"));
        story.until(3_000).handed_out(&[(120, "start+1!")]);
    });
}

#[test]
fn a_stretch_that_is_removed_afterwards_fires_nothing_again() {
    let mut story = Story::new(Version::Draft, &["start+90!", "start+100!"]);
    story.says(starts("09:00:00"), started("09:00:00")).until(5_500);
    let removed = [("09:30:00", Some("09:45:00"), "0:30:00")];
    story.says(starts("09:00:00"), started("09:00:00").without(&removed)).until(8_000);
    story.handed_out(&[(5_400, "start+90!"), (6_900, "start+100!")]);
}

#[test]
fn a_stretch_that_is_open_pauses_what_is_planned_until_it_is_closed() {
    let mut story = Story::new(Version::Draft, &["start+60!"]);
    story.says(starts("09:00:00"), started("09:00:00")).until(1_800);
    let open = [("09:30:00", None, "0:30:00")];
    story.says(starts("09:00:00"), started("09:00:00").without(&open)).until(5_000).handed_out(&[]);
    assert_eq!(story.phase(), Some(Phase::Paused));
    let closed = [("09:30:00", Some("10:30:00"), "0:30:00")];
    story.until(5_400).says(starts("09:00:00"), started("09:00:00").without(&closed)).until(9_000);
    story.handed_out(&[(7_200, "start+60!")]);
}

#[test]
fn half_a_minute_of_404_and_an_hour_of_silence_are_survived() {
    each(&["start+10!", "start+90!", "end-30!"], |story| {
        story.says(starts("09:00:00"), started("09:00:00")).until(590);
        for at_s in 590..620 {
            story.until(at_s).fails((404, String::new(), r#"{"code":404,"message":"gone"}"#.to_owned()));
        }
        story.says(starts("09:00:00"), started("09:00:00")).until(3_600);
        for at_s in (3_600..7_200).step_by(60) {
            story.until(at_s).fails((500, String::new(), String::new()));
        }
        story.says(starts("09:00:00"), started("09:00:00")).until(18_000);
        story.handed_out(&[(600, "start+10!"), (5_400, "start+90!"), (16_200, "end-30!")]);
    });
}

#[test]
fn a_clock_whose_server_is_silent_for_ever_runs_on() {
    each(&["start+90!", "end-30!"], |story| {
        story.says(starts("09:00:00"), started("09:00:00")).until(20_000);
        story.handed_out(&[(5_400, "start+90!"), (16_200, "end-30!")]);
    });
}
