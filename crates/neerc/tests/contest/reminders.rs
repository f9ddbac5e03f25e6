//! Deadlines: who is late is reminded in turn, each time once, not before it is time and then soon, and the admins are told at
//! last.

use crate::life::{HALL, Life, Process, ROOMS, near};
use crate::promises::{Promises, SLACK_MS};
use neerc_core::board::{Board, Boards};
use neerc_core::change::{Change, Entry, Room};
use neerc_core::command::{Command, Manner, Named, WholeTask};
use neerc_core::deadline::{Deadline, RoundStep};
use neerc_core::limits;
use neerc_core::moment::DueAt;
use neerc_core::task::{Kind, Progress, Status, TaskId, Title};
use std::collections::BTreeMap;

/// How long it takes at most until what is due is noted.
const NOTED_MS: i64 = SLACK_MS + limits::DEADLINE_LOOK_MS + limits::DEADLINE_REST_MS;

/// The deadline of a task.
struct Known {
    due: DueAt,
    /// Since when, and when something of the task changed last.
    since_ms: i64,
    touched_ms: i64,
    /// How often people were reminded; when last, and what the time of day was.
    last: Option<(u32, i64, i64)>,
}

/// All of them.
#[derive(Default)]
pub struct Reminders {
    known: BTreeMap<(Room, TaskId), Known>,
    /// Reminders, and how often the admins were told.
    pub counts: [usize; 2],
}

impl Reminders {
    /// It is on disk, and not on these boards yet.
    pub fn stored(&mut self, entry: &Entry, boards: &Boards, now_ms: i64) {
        let room = entry.room.clone();
        match &entry.change {
            Change::Created { task, deadline: Some(deadline), .. } => {
                let known = Known { due: deadline.due, since_ms: now_ms, touched_ms: now_ms, last: None };
                self.known.insert((room, *task), known);
            }
            Change::Answered { task, .. } => {
                if let Some(known) = self.known.get_mut(&(room, *task)) {
                    known.touched_ms = now_ms;
                }
            }
            Change::Removed { task, .. } => drop(self.known.remove(&(room, *task))),
            Change::RehearsalEnded { .. } => self.known.retain(|(of, _), _| *of != room),
            Change::Reminded { task, round: Some(round) } => {
                let is_late = boards.get(&room).is_some_and(|board| board.is_late(*task));
                assert!(is_late, "{room}: nobody is late with {task}, and it is said");
                let known = self.known.get_mut(&(room, *task)).expect("a deadline");
                let number = known.last.map_or(1, |(last, ..)| last + 1);
                assert_eq!(round.number, number, "{task}: reminders are said in turn, each once");
                assert!(number <= limits::REMINDERS + 1, "{task}: all is said");
                known.last = Some((number, now_ms, round.at_ms));
                self.counts[usize::from(RoundStep::of(number) == RoundStep::Escalate)] += 1;
            }
            _ => {}
        }
    }
}

impl Promises {
    /// From one reminder to the next, in ms.
    fn pause_ms(&self, room: &str) -> i64 {
        (limits::REMINDER_PAUSE_MS / self.speed(room)).max(limits::REHEARSAL_REMINDER_PAUSE_MS)
    }

    /// It is decided that a deadline has passed: it has, and it is time to say so.
    pub fn check_overdue(&self, entry: Option<&Entry>, before: &Board, now_ms: i64) {
        let Some(Entry { room, change: Change::Reminded { task, round: Some(round) }, .. }) = entry else { return };
        assert!(before.is_late(*task), "{room}: nobody is late with {task}");
        let known = self.reminders.known.get(&(room.clone(), *task)).expect("a deadline on disk");
        self.check_come(room, known.due, known.since_ms, now_ms);
        if let Some((_, said_ms, last_ms)) = known.last
            && self.wall.set_ms() < said_ms - SLACK_MS
        {
            let pause_ms = round.at_ms - last_ms;
            assert!(pause_ms >= self.pause_ms(room), "{room}: said of {task} again after {pause_ms} ms");
        }
    }

    /// Nobody was late some time ago and is not reminded.
    pub fn check_reminders(&self, process: &Process, now_ms: i64) {
        let since_ms = now_ms - NOTED_MS;
        if !self.is_quiet(process, since_ms) || self.wall.set_ms() >= since_ms {
            return;
        }
        for ((room, task), Known { due, touched_ms, last, .. }) in &self.reminders.known {
            let is_late = self.boards.get(room).is_some_and(|board| board.is_late(*task));
            let said_ms = last.map_or(i64::MIN, |(_, said_ms, _)| said_ms);
            let is_all = last.is_some_and(|(number, ..)| number > limits::REMINDERS);
            // Another speed is another pause.
            let set_ms = self.by_hand.get(room).map_or(i64::MIN, |(.., set_ms)| *set_ms);
            if !is_late || is_all || said_ms.max(*touched_ms).max(set_ms) >= since_ms {
                continue;
            }
            let next_ms = last.map_or(i64::MIN, |(.., last_ms)| last_ms + self.pause_ms(room));
            let is_due = self.has_surely_come(*due, self.surely(room, since_ms), since_ms);
            assert!(!is_due || self.wall.at(since_ms) < next_ms, "{room}: {task} is late and nobody says so: {due:?}");
        }
    }
}

impl Life {
    /// Now and then an admin hands out a task with a deadline, and people finish some of theirs.
    pub fn work(&mut self) {
        let room = ROOMS[self.random.below(3)];
        match self.random.below(6) {
            0 => self.create_due(room),
            1 | 2 => self.finish(room),
            _ => {}
        }
    }

    /// A task with a deadline near the present.
    pub fn create_due(&mut self, room: &str) {
        let (elapsed_ms, total_ms) = self.progress(room);
        let minutes = self.random.ms(1, 8);
        let by = match self.random.below(3) {
            0 => format!("{minutes}m"),
            1 => format!("start{:+}", near(elapsed_ms) + minutes - 2),
            _ => format!("end{:+}", near(elapsed_ms - total_ms) + minutes),
        };
        self.create_task_due(room, &by);
    }

    /// A task that is to be answered by then.
    pub fn create_task_due(&mut self, room: &str, by: &str) {
        let by = Deadline::required(by).unwrap();
        let title = Title::parse("Seated?").unwrap();
        let statuses = vec![Named { name: "hall1".to_owned(), status: Status::NONE }];
        let wanted = WholeTask { title, kind: Kind::OkFail, statuses, manner: Manner::Replacing };
        self.ask(room, Command::CreateDue { wanted, by });
    }

    /// Some of what the hall has is done.
    pub fn finish(&mut self, room: &str) {
        let Some(board) = self.board(room) else { return };
        let unfinished: Vec<TaskId> = board.tasks().map(|task| task.id).filter(|task| board.is_late(*task)).collect();
        for task in unfinished {
            if self.random.one_in(2) {
                let progress = [Progress::Success, Progress::Fail, Progress::Running][self.random.below(3)];
                let status = Status::new(progress, "").unwrap();
                self.ask_as(HALL, room, Command::Answer { task, status });
            }
        }
    }
}
