//! What somebody may read in a room: the query side of [`Board::decide`]. Every face asks here and draws what it is
//! given; no face checks by itself who may read. Not how an answer looks, and not who hears of a change.

use crate::board::Board;
use crate::change::{Entry, Room};
use crate::checklist::Checklist;
use crate::clocks::Dial;
use crate::command::Query;
use crate::doors::{Doors, Entrance, WebSession};
use crate::moment::ShownTime;
use crate::people::{People, Person, Rights};
use crate::plan::Plan;
use crate::refusal::{Refusal, excerpt};
use crate::task::{Progress, Task, TaskId};
use crate::trail::Trail;

/// Which tasks ordinary users see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// Every user of the room sees every task.
    #[default]
    All,
    /// Ordinary users see their own tasks, with only their own status; admins see everything.
    Own,
}

/// How much of a task somebody may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// All of it.
    Whole,
    /// With their own status only.
    OwnStatus,
    /// Nothing.
    Nothing,
}

/// The time of day, for words that name times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayTime {
    /// Now, in ms since 1970.
    pub wall_ms: i64,
    /// What the clocks on the walls here are ahead of UTC, in ms.
    pub zone_ms: i64,
}

/// A room as it is now, with everything in it that can be read.
#[derive(Clone, Copy, Debug)]
pub struct RoomScene<'a> {
    /// Its name.
    pub room: &'a Room,
    /// Its people.
    pub people: &'a People,
    /// Its tasks.
    pub board: &'a Board,
    /// What the contest clock shows.
    pub clock: Option<Dial<'a>>,
    /// Who may see which tasks.
    pub visibility: Visibility,
    /// The time of day, where it is known.
    pub now: Option<DayTime>,
    /// The checklists that there are.
    pub checklists: &'a [Checklist],
    /// The newest changes, where they are known.
    pub trail: Option<&'a Trail>,
    /// The web side, as it says of itself.
    pub entrance: &'a Entrance,
}

impl RoomScene<'_> {
    /// What people see of the time, where the time of day is known.
    pub fn shown_time(&self) -> Option<ShownTime> {
        let (reading, over_ms) = self.clock.map(|dial| (dial.reading, dial.over_ms)).unzip();
        self.now.map(|now| {
            let (over_ms, speed) = (over_ms.unwrap_or_default(), self.board.speed());
            ShownTime { wall_ms: now.wall_ms, reading, over_ms, speed }
        })
    }
}

/// What one user of a room sees of it.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    scene: RoomScene<'a>,
    who: &'a Person,
    rights: Rights,
}

/// What a query is answered with, to be drawn by the face that asked.
#[derive(Clone, Debug)]
pub enum Shown<'a> {
    /// The people of the room.
    Users(&'a People),
    /// The tasks of one person, each with that person's status, or all tasks of the room.
    Tasks {
        /// Whose; everybody's if nobody is named.
        of: Option<&'a Person>,
    },
    /// What the contest clock shows.
    Clock(Dial<'a>),
    /// One task with everybody's status.
    Task(&'a Task),
    /// The tasks that somebody has not finished, oldest first; [`Late::of`] says who.
    Late(Vec<&'a Task>),
    /// What happened to a task, newest first, as far as it is kept.
    History {
        /// Which; it may have been removed.
        task: TaskId,
        /// What happened.
        entries: Vec<&'a Entry>,
    },
    /// What is planned.
    Plans(&'a Plan),
    /// The checklists, and how far the room has come with those that are gone through.
    Checklists(&'a [Checklist], &'a Plan),
    /// The browsers with which the asker is logged in, the oldest first.
    Sessions(Vec<&'a WebSession>),
    /// The doors of the room, for its tokens.
    Tokens(&'a Doors),
}

/// A task with the people who have not finished it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late<'a> {
    /// Which.
    pub task: &'a Task,
    /// People who have said nothing.
    pub silent: Vec<&'a Person>,
    /// People who have said something, but not that they are done.
    pub unfinished: Vec<&'a Person>,
}

impl<'a> Late<'a> {
    /// Sorts the people of a task by whether they have answered.
    pub fn of(task: &'a Task) -> Late<'a> {
        let of = |wanted: fn(Progress) -> bool| {
            task.statuses.iter().filter(|(_, s)| wanted(s.progress)).map(|(person, _)| person).collect()
        };
        let unfinished = of(|progress| progress != Progress::None && !progress.is_final());
        Late { task, silent: of(|progress| progress == Progress::None), unfinished }
    }
}

impl<'a> View<'a> {
    /// What `who` sees of a room; only its users see anything.
    pub fn of(scene: RoomScene<'a>, who: &'a Person) -> Result<View<'a>, Refusal> {
        let rights = scene.people.rights(who).ok_or(Refusal::NotInRoom)?;
        Ok(View { scene, who, rights })
    }

    /// Whose view it is.
    pub fn who(&self) -> &'a Person {
        self.who
    }

    /// Their name, as it stands in packets.
    pub fn own_name(&self) -> &'a str {
        self.scene.people.name(self.who)
    }

    /// What they may do.
    pub fn rights(&self) -> Rights {
        self.rights
    }

    /// The room.
    pub fn scene(&self) -> RoomScene<'a> {
        self.scene
    }

    /// Whether they have an admin's rights.
    pub fn is_admin(&self) -> bool {
        self.rights.is_power()
    }

    /// Whether they may read every task.
    pub fn sees_all(&self) -> bool {
        self.scene.visibility == Visibility::All || self.is_admin()
    }

    /// How much of a task they may read.
    pub fn sight(&self, task: &Task) -> Sight {
        if self.sees_all() {
            Sight::Whole
        } else if task.statuses.contains_key(self.who) {
            Sight::OwnStatus
        } else {
            Sight::Nothing
        }
    }

    /// Whose tasks are shown when not everybody's fit: admins are shown as many of those as fit, others all of their own.
    pub fn instead_of_all(&self) -> Option<&'a Person> {
        if self.is_admin() { None } else { Some(self.who) }
    }

    /// Answers a query, or refuses it.
    pub fn answer(&self, query: &Query) -> Result<Shown<'a>, Refusal> {
        let RoomScene { people, board, clock, .. } = self.scene;
        match query {
            Query::Users => Ok(Shown::Users(people)),
            Query::Tasks { of } => Ok(Shown::Tasks { of: self.whose(of.as_deref())? }),
            Query::Clock => clock.map(Shown::Clock).ok_or(Refusal::NoClock),
            Query::Show { .. }
            | Query::History { .. }
            | Query::Late
            | Query::Plans
            | Query::Checklists
            | Query::Tokens
                if !self.is_admin() =>
            {
                Err(Refusal::AdminsOnly)
            }
            Query::Show { task } => board.existing(*task).map(Shown::Task),
            Query::History { task } => self.history(*task),
            Query::Late => Ok(Shown::Late(late(board))),
            Query::Plans => Ok(Shown::Plans(board.plan())),
            Query::Sessions => Ok(Shown::Sessions(self.sessions())),
            Query::Tokens => Ok(Shown::Tokens(board.doors())),
            Query::Checklists => Ok(Shown::Checklists(self.scene.checklists, board.plan())),
        }
    }

    /// The browsers with which they are logged in.
    fn sessions(&self) -> Vec<&'a WebSession> {
        let now_ms = self.scene.now.map_or(i64::MIN, |now| now.wall_ms);
        self.scene.board.doors().sessions_of(self.who, now_ms)
    }

    /// What happened to a task, also to one that is not there any more.
    fn history(&self, task: TaskId) -> Result<Shown<'a>, Refusal> {
        let RoomScene { board, room, trail, .. } = self.scene;
        if !board.was_removed(task) {
            board.existing(task)?;
        }
        let entries = trail.into_iter().flat_map(|trail| trail.of(room, task)).collect();
        Ok(Shown::History { task, entries })
    }

    /// Whose tasks are shown to somebody who asks for those of the user called `of`, or for everybody's.
    fn whose(&self, of: Option<&str>) -> Result<Option<&'a Person>, Refusal> {
        let people = self.scene.people;
        let of = match of {
            // A user of a domain that is on a list is in no list of users.
            Some(name) if name == self.own_name() => Some(self.who),
            Some(name) => {
                let unknown = || Refusal::UnknownUser { name: excerpt(name) };
                Some(people.user(name).or_else(|| people.shown_as(name)).ok_or_else(unknown)?)
            }
            None if self.sees_all() => None,
            None => Some(self.who),
        };
        if self.sees_all() || of == Some(self.who) { Ok(of) } else { Err(Refusal::OwnTasksOnly) }
    }
}

/// The tasks that somebody has not finished, oldest first.
fn late(board: &Board) -> Vec<&Task> {
    let mut tasks = board.listed();
    tasks.retain(|task| !task.statuses.is_empty() && !task.is_finished());
    tasks
}

#[cfg(test)]
mod tests;
