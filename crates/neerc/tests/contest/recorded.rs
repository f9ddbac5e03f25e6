//! What servers have said in real contests, around which things are planned and are to be answered in time, while processes die,
//! machines sleep and disks fail: each of them comes once, and none of them early.

use crate::life::{Life, ROOMS};
use crate::system::Said::{self, *};
use neerc_core::command::{Command, NewPlan};
use neerc_core::plan::Timing;
use neerc_core::task::{Kind, Title};

/// What is planned around a contest.
const MOMENTS: [&str; 9] =
    ["start-15!", "start-1!", "start!", "start+1!", "start+5!", "start+30!", "end-30!", "end!", "end+1!"];
/// Lives with each story.
const SEEDS: u64 = 25;

impl Life {
    /// Plans something for every part of the contest, and hands out what is to be answered in its course.
    pub fn surround(&mut self) {
        self.run_for(4_000);
        for moment in MOMENTS {
            let (title, timing) = (Title::parse(moment).unwrap(), Timing::required(moment).unwrap());
            let plan = NewPlan { title, kind: Kind::Todo, names: vec!["hall1".to_owned()], timing };
            self.ask(ROOMS[0], Command::Plan(plan));
        }
        for by in ["start+10", "end-10"] {
            self.create_task_due(ROOMS[0], by);
        }
    }
}

/// Lives with it, whatever happens; the times are those of what is said, in s.
fn live_with(story: &[(i64, Said)]) {
    let (mut handed_out, mut reminders) = (0, 0);
    for seed in 0..SEEDS {
        let mut life = Life::told(seed, story);
        life.live_on();
        let tasks = || life.promises.boards.get(ROOMS[0]).into_iter().flat_map(|board| board.tasks());
        for moment in MOMENTS {
            let times = tasks().filter(|task| task.title.as_str() == moment).count();
            assert!(times <= 1, "{moment} comes {times} times by seed {seed}");
            handed_out += times;
        }
        reminders += life.counts.reminders;
    }
    // Some are planned for another moment meanwhile, or could not be planned.
    assert!(handed_out > 5 * SEEDS as usize && reminders > SEEDS as usize, "{handed_out} tasks, {reminders} reminders");
}

fn stands(left_s: i64) -> Said {
    Stands { left_s, start_s: None }
}

#[test]
fn a_start_that_is_stopped_put_off_and_back_and_taken_away() {
    live_with(&[
        (0, Lasts(7_200)),
        (0, Starts(1_200)),
        (262, stands(938)),
        (400, stands(990)),
        (600, Starts(2_100)),
        (640, Starts(1_200)),
        (660, NoStart),
        (700, Starts(2_100)),
        (2_101, Started(2_100)),
    ]);
}

#[test]
fn a_countdown_that_is_stopped_five_times_and_a_contest_that_is_shortened_near_its_end() {
    live_with(&[
        (0, Lasts(7_200)),
        (0, Starts(900)),
        (100, stands(800)),
        (130, Starts(912)),
        (300, stands(612)),
        (330, Starts(912)),
        (500, stands(412)),
        (700, Starts(1_200)),
        (800, stands(400)),
        (1_000, Starts(1_400)),
        (1_100, stands(300)),
        (1_248, Starts(1_548)),
        (1_549, Started(1_548)),
        (6_900, Lasts(6_552)),
    ]);
}

#[test]
fn a_start_beside_a_stopped_countdown_and_a_contest_that_began_later_than_it_says() {
    let both = |at_s| (at_s, Stands { left_s: 1_200 - at_s, start_s: Some(1_200) });
    let paused = (1..9).flat_map(|n| [both(n * 130), (n * 130 + 50, Starts(1_200))]);
    let mut story: Vec<(i64, Said)> = [(0, Lasts(5_400)), (0, Starts(1_200))].into_iter().chain(paused).collect();
    story.extend([both(1_150), (1_765, Starts(1_200)), (1_766, Started(1_765)), (1_900, Starts(1_765))]);
    live_with(&story);
}

#[test]
fn three_starts_within_a_second() {
    // The times are in whole seconds, and what is said is said in this order.
    live_with(&[
        (0, Lasts(7_200)),
        (300, Starts(1_800)),
        (300, Starts(-3_600)),
        (301, Starts(1_800)),
        (1_801, Started(1_800)),
    ]);
}

#[test]
fn a_start_that_is_unknown_comes_earlier_and_moves_by_a_second() {
    live_with(&[
        (0, Lasts(7_200)),
        (0, Starts(1_800)),
        (60, NoStart),
        (900, Starts(1_080)),
        (1_075, Starts(1_079)),
        (1_080, Started(1_079)),
    ]);
}

#[test]
fn a_contest_that_begins_an_hour_late_after_two_other_starts() {
    live_with(&[
        (0, Lasts(7_200)),
        (0, Starts(600)),
        (300, NoStart),
        (1_200, Starts(1_466)),
        (1_400, NoStart),
        (3_900, Starts(4_413)),
        (4_414, Started(4_413)),
    ]);
}

#[test]
fn a_contest_that_was_over_before_it_is_first_seen() {
    live_with(&[(0, Lasts(7_200)), (0, Starts(-10_800)), (0, Started(-10_800)), (0, Ended(-3_600))]);
}

#[test]
fn a_contest_that_never_says_that_it_has_begun() {
    live_with(&[(0, Lasts(7_200)), (0, Starts(900))]);
}
