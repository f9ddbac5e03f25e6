//! Rehearsals begin where nothing would be lost, mark what they make, and leave nothing behind.

use super::*;
use crate::change::Effect;
use crate::command::{Command, Manner, NewPlan, NewRun, WholeTask};
use crate::deadline::Deadline;
use crate::moment::ShownTime;
use crate::notice::Lost;
use crate::people::{Affiliation, GroupBook, People, Standing};
use crate::plan::Timing;
use crate::task::{Kind, Progress, Status};
use std::collections::HashMap;

const MINUTE_MS: i64 = 60_000;

/// A room with an admin and a hall, and what has happened in it.
struct Hall {
    board: Board,
    people: People,
    wall_ms: i64,
}

impl Hall {
    fn new() -> Hall {
        let standings = [("admin", Affiliation::Owner), ("hall1", Affiliation::Member)]
            .map(|(name, affiliation)| Standing { person: Person::named(name, "localhost"), affiliation });
        let people = People::build("localhost", "neerc", standings, HashMap::new(), &GroupBook::default());
        Hall { board: Board::default(), people, wall_ms: 1_700_000_000_000 }
    }

    fn decide(&self, who: &str, command: &Command) -> Result<Decision, Refusal> {
        self.board.decide(self.wall_ms, &Person::named(who, "localhost"), &self.people, command)
    }

    fn does(&mut self, who: &str, command: Command) -> Result<Effect, Refusal> {
        let decision = self.decide(who, &command)?;
        if let Some(change) = &decision.change {
            self.board.apply(self.board.revision() + 1, change);
        }
        Ok(decision.done().effect)
    }

    fn clock(&mut self, act: &str, time: &str) -> Result<Effect, Refusal> {
        let act = ClockAct::parse(act, Some(time).filter(|time| !time.is_empty()))?;
        self.does("admin", Command::Clock(act))
    }

    fn create(&mut self, text: &str) {
        self.does("admin", Command::Create(task(text))).unwrap();
    }

    fn titles(&self) -> Vec<&str> {
        self.board.tasks().map(|task| task.title.as_str()).collect()
    }
}

fn title(text: &str) -> Title {
    Title::parse(text).unwrap()
}

fn task(text: &str) -> WholeTask {
    let statuses = vec![crate::command::Named { name: "hall1".to_owned(), status: Status::NONE }];
    WholeTask { title: title(text), kind: Kind::Todo, statuses, manner: Manner::Replacing }
}

fn plan(text: &str, schedule: &str) -> NewPlan {
    let timing = Timing::required(schedule).unwrap();
    NewPlan { title: title(text), kind: Kind::Todo, names: vec!["hall1".to_owned()], timing }
}

#[test]
fn it_begins_where_nothing_would_be_lost() {
    let mut hall = Hall::new();
    assert_eq!(hall.clock("rehearse", "off"), Err(Refusal::NoRehearsal));
    hall.clock("start", "").unwrap();
    assert_eq!(hall.clock("rehearse", "x60"), Err(Refusal::RehearsalInContest));
    hall.clock("pause", "").unwrap();
    assert_eq!(hall.clock("rehearse", "x60"), Err(Refusal::RehearsalInContest));
    hall.clock("over", "").unwrap();
    hall.create("Water");
    hall.does("admin", Command::Plan(plan("Freeze", "end-60"))).unwrap();
    assert_eq!(hall.clock("rehearse", "x60"), Err(Refusal::RehearsalAmongTasks { tasks: 2 }));
    hall.does("admin", Command::Remove { task: TaskId(1) }).unwrap();
    hall.does("admin", Command::Unplan { plan: crate::plan::PlanId(1) }).unwrap();
    assert!(matches!(hall.clock("rehearse", "x601"), Err(Refusal::BadSpeed { .. })));
    let act = Command::Clock(ClockAct::parse("rehearse", None).unwrap());
    assert_eq!(hall.decide("hall1", &act), Err(Refusal::AdminsOnly));
    assert_eq!(hall.clock("репетиция", ""), Ok(Effect::Rehearsed));
    assert_eq!(hall.board.speed().times(), limits::REHEARSAL_SPEED_UNSAID);
}

#[test]
fn the_clock_stands_before_the_start_runs_faster_then_and_goes_back_to_what_it_was() {
    let mut hall = Hall::new();
    hall.clock("length", "4:00").unwrap();
    hall.clock("start", "at 10:30").unwrap();
    let before = hall.board.clock().cloned();
    assert_eq!(hall.clock("rehearse", "x60"), Ok(Effect::Rehearsed));
    let at = |hall: &Hall| hall.board.clock().map(|set| set.at(hall.wall_ms)).unwrap();
    hall.wall_ms += MINUTE_MS;
    assert_eq!((at(&hall).phase, at(&hall).elapsed_ms, at(&hall).total_ms), (Phase::Before, 0, 240 * MINUTE_MS));
    assert_eq!(hall.clock("follow", ""), Err(Refusal::Rehearses));
    hall.clock("start", "").unwrap();
    hall.wall_ms += MINUTE_MS;
    assert_eq!((at(&hall).phase, at(&hall).elapsed_ms), (Phase::Running, 60 * MINUTE_MS));
    assert_eq!(hall.clock("rehearse", "x60"), Ok(Effect::Nothing));
    assert_eq!(hall.clock("rehearse", "x600"), Ok(Effect::Clocked), "the clock stays, and runs on faster");
    hall.wall_ms += 3_000;
    assert_eq!(at(&hall).elapsed_ms, 90 * MINUTE_MS);
    hall.clock("pause", "").unwrap();
    hall.wall_ms += MINUTE_MS;
    hall.clock("resume", "").unwrap();
    hall.wall_ms += MINUTE_MS;
    assert_eq!((at(&hall).phase, at(&hall).elapsed_ms), (Phase::Over, 240 * MINUTE_MS));
    assert_eq!(hall.clock("rehearse", "стоп"), Ok(Effect::RehearsalEnded { tasks: 0 }));
    assert_eq!((hall.board.clock().cloned(), hall.board.speed()), (before, Speed::REAL));
}

#[test]
fn a_countdown_to_a_time_of_day_passes_faster_too() {
    let mut hall = Hall::new();
    hall.clock("rehearse", "x60").unwrap();
    // 22:13:20 in UTC.
    hall.clock("start", "at 22:14").unwrap();
    let at = |hall: &Hall| hall.board.clock().map(|set| set.at(hall.wall_ms)).unwrap();
    assert_eq!((at(&hall).phase, at(&hall).elapsed_ms), (Phase::Counting, -40 * MINUTE_MS));
    hall.wall_ms += 41_000;
    assert_eq!((at(&hall).phase, at(&hall).elapsed_ms), (Phase::Running, MINUTE_MS));
    hall.clock("start", "at 22:13").unwrap();
    assert_eq!((at(&hall).phase, at(&hall).elapsed_ms), (Phase::Running, 61 * MINUTE_MS));
}

#[test]
fn whatever_it_makes_is_marked_once_and_thrown_away_and_the_numbers_are_not_used_again() {
    let mut hall = Hall::new();
    hall.create("Kept");
    hall.does("admin", Command::Remove { task: TaskId(1) }).unwrap();
    hall.clock("rehearse", "x60").unwrap();
    hall.create("Water");
    hall.create("[rehearsal] Bread");
    let long = "x".repeat(limits::TITLE_CHARS);
    hall.does("admin", Command::Rename { task: TaskId(2), title: title(&long) }).unwrap();
    hall.does("admin", Command::Edit { task: TaskId(3), wanted: task("Juice") }).unwrap();
    hall.does("admin", Command::Plan(plan("Freeze", "end-60"))).unwrap();
    hall.does("admin", Command::Fulfil { plan: crate::plan::PlanId(1), due: None }).unwrap();
    let run = NewRun { name: "seating".to_owned(), steps: vec![vec![plan("Doors", "end-30!")]] };
    hall.does("admin", Command::Begin(run)).unwrap();
    let expected = format!("[rehearsal] {}", "x".repeat(limits::TITLE_CHARS - 12));
    assert_eq!(hall.titles(), [expected.as_str(), "[rehearsal] Juice", "[rehearsal] Freeze"]);
    assert!(hall.board.plan().entries().all(|planned| planned.title.as_str() == "[rehearsal] Doors"));
    assert_eq!(hall.does("admin", Command::Restore { task: TaskId(1) }), Err(Refusal::Rehearses));
    hall.does("admin", Command::Remove { task: TaskId(4) }).unwrap();
    hall.does("admin", Command::Restore { task: TaskId(4) }).unwrap();
    hall.does("admin", Command::Remove { task: TaskId(4) }).unwrap();

    let end = Command::Clock(ClockAct::EndRehearsal);
    let change = hall.decide("admin", &end).unwrap().change.unwrap();
    let told: Vec<_> = hall.board.notices(&change).into_iter().map(|notice| (notice.task.0, notice.lost)).collect();
    let hall1 = || Lost::These(vec![Person::named("hall1", "localhost")]);
    assert_eq!(told, [(2, hall1()), (3, hall1())]);
    assert_eq!(hall.does("admin", end), Ok(Effect::RehearsalEnded { tasks: 2 }));
    let lost: Vec<_> = hall.board.notices(&change).into_iter().map(|notice| notice.lost).collect();
    assert_eq!(lost, [Lost::Unknown, Lost::Unknown], "as after a start");
    let Board { tasks, plan, rehearsal, clock, deadlines, .. } = &hall.board;
    assert!(tasks.is_empty() && plan.is_empty() && plan.runs().next().is_none() && deadlines.is_empty());
    assert_eq!((rehearsal, clock), (&None, &None));
    let gone = hall.does("admin", Command::Restore { task: TaskId(4) });
    assert_eq!(gone, Err(Refusal::RemovedTask { task: "4".to_owned() }));
    hall.does("admin", Command::Restore { task: TaskId(1) }).unwrap();
    hall.create("Water");
    hall.does("admin", Command::Plan(self::plan("Freeze", "end-60"))).unwrap();
    assert_eq!(hall.titles(), ["Kept", "Water"]);
    assert_eq!(hall.board.tasks().map(|task| task.id.0).collect::<Vec<_>>(), [1, 5]);
    assert_eq!(hall.board.plan().entries().map(|planned| planned.id.0).collect::<Vec<_>>(), [3]);
}

#[test]
fn minutes_of_deadlines_are_those_of_the_contest() {
    let mut hall = Hall::new();
    hall.clock("rehearse", "x60").unwrap();
    let by = Deadline::required("20m").unwrap();
    hall.does("admin", Command::CreateDue { wanted: task("Seated?"), by }).unwrap();
    let left = |hall: &Hall| {
        let deadline = hall.board.deadline(TaskId(1)).unwrap();
        let now = ShownTime { wall_ms: hall.wall_ms, reading: None, over_ms: 0, speed: hall.board.speed() };
        deadline.left_ms(now, limits::REMINDER_PAUSE_MS).unwrap()
    };
    assert_eq!(left(&hall), 20_000);
    hall.wall_ms += 20_000;
    hall.does("admin", Command::NoteOverdue { task: TaskId(1), round: 1 }).unwrap();
    assert_eq!(left(&hall), limits::REMINDER_PAUSE_MS / 60);
    hall.clock("rehearse", "x600").unwrap();
    assert_eq!(left(&hall), limits::REHEARSAL_REMINDER_PAUSE_MS, "people can only read so fast");
    let status = Status::new(Progress::Success, "").unwrap();
    hall.does("hall1", Command::Answer { task: TaskId(1), status }).unwrap();
    hall.does("admin", Command::SetDeadline { task: TaskId(1), by: Some(Deadline::required("end-30").unwrap()) })
        .unwrap();
    hall.clock("start", "").unwrap();
    let (set, deadline) = (hall.board.clock().unwrap(), hall.board.deadline(TaskId(1)).unwrap());
    let reading = Some(set.at(hall.wall_ms));
    let now = ShownTime { wall_ms: hall.wall_ms, reading, over_ms: 0, speed: hall.board.speed() };
    let left_ms = deadline.left_ms(now, limits::REMINDER_PAUSE_MS);
    assert_eq!(left_ms, Some(270 * MINUTE_MS / 600));
}
