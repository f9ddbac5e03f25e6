//! A board as a table of values: tasks across, people by their groups down, and in each cell what somebody says of a task.
//! Only what a [`View`] lets its owner see is in it. Not how a cell looks, and not what may be done with it.

mod difference;
mod filter;
mod list;

pub use self::difference::GridDifference;
pub use self::filter::GridFilter;
pub use self::list::{ListedTask, Urgency};

use crate::change::Room;
use crate::face::words::{Language, Words};
use crate::limits;
use crate::moment::DueAt;
use crate::people::{People, Person, fold};
use crate::task::{Kind, Progress, Status, Task, TaskId};
use crate::times::Times;
use crate::view::{Sight, View};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How it stands with one person and one task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CellState {
    /// They do not have the task.
    NotAssigned,
    /// They have said nothing.
    Silent,
    /// They have seen it.
    Seen,
    /// They have begun.
    Running,
    /// They are done, or have answered.
    Done,
    /// They have failed, or say no.
    Failed,
}

impl CellState {
    /// Every value.
    pub const ALL: [CellState; 6] = [
        CellState::NotAssigned,
        CellState::Silent,
        CellState::Seen,
        CellState::Running,
        CellState::Done,
        CellState::Failed,
    ];

    pub(crate) fn of(progress: Progress) -> CellState {
        match progress {
            Progress::None => CellState::Silent,
            Progress::Acknowledged => CellState::Seen,
            Progress::Running => CellState::Running,
            Progress::Success => CellState::Done,
            Progress::Fail => CellState::Failed,
        }
    }

    /// A name for programs: `silent`, `not-assigned`.
    pub fn name(self) -> &'static str {
        match self {
            CellState::NotAssigned => "not-assigned",
            CellState::Silent => "silent",
            CellState::Seen => "seen",
            CellState::Running => "running",
            CellState::Done => "done",
            CellState::Failed => "failed",
        }
    }

    /// Whether something is still expected.
    pub fn is_open(self) -> bool {
        matches!(self, CellState::Silent | CellState::Seen | CellState::Running)
    }
}

/// What one person says of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GridCell<'a> {
    /// How it stands.
    pub state: CellState,
    /// The word for that, which depends on the kind of task.
    pub word: Arc<str>,
    /// The text of the answer, often empty.
    pub value: &'a str,
    /// Since when, in ms since 1970, where that is known. Ages are counted from it by whoever shows them.
    pub since_ms: Option<i64>,
    /// Whether the deadline has passed and something is still expected.
    pub is_late: bool,
}

/// How many people of a task, or of a group, are how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All who have a task.
    pub all: usize,
    /// Who have said nothing.
    pub silent: usize,
    /// Who have seen it.
    pub seen: usize,
    /// Who have begun.
    pub running: usize,
    /// Who are done.
    pub done: usize,
    /// Who have failed.
    pub failed: usize,
    /// Who are late.
    pub late: usize,
}

impl Tally {
    /// Counts one cell.
    fn count(&mut self, state: CellState, is_late: bool) {
        let of_state = match state {
            CellState::NotAssigned => return,
            CellState::Silent => &mut self.silent,
            CellState::Seen => &mut self.seen,
            CellState::Running => &mut self.running,
            CellState::Done => &mut self.done,
            CellState::Failed => &mut self.failed,
        };
        *of_state += 1;
        self.all += 1;
        self.late += usize::from(is_late);
    }

    /// Of whom nothing more is expected.
    pub fn finished(&self) -> usize {
        self.done + self.failed
    }

    /// Of whom something is still expected.
    pub fn open(&self) -> usize {
        self.all - self.finished()
    }
}

/// A task, as the head of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GridColumn<'a> {
    /// Its number.
    pub task: TaskId,
    /// What to do.
    pub title: &'a str,
    /// What kind of answer it asks for.
    pub kind: Kind,
    /// When it was handed out, in ms since 1970.
    pub timestamp_ms: i64,
    /// Its deadline.
    pub due: Option<DueAt>,
    /// When that is, in ms since 1970, where it is known.
    pub due_ms: Option<i64>,
    /// Whether the deadline has passed and something is still expected.
    pub is_late: bool,
    /// How far its people are, whether or not they are shown; of those whom the viewer may see.
    pub tally: Tally,
    /// Revision of its last change.
    pub revision: u64,
}

/// A person, as a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GridRow<'a> {
    /// Who.
    pub person: &'a Person,
    /// Their name in packets, which no other person of the room has.
    pub name: &'a str,
    /// Their name as it is shown.
    pub shown: Cow<'a, str>,
    /// Whether this is whoever looks.
    pub is_own: bool,
    /// One for each column.
    pub cells: Vec<GridCell<'a>>,
    /// How far they are with all that is shown.
    pub tally: Tally,
}

/// The people of one group; everybody is in the group that is displayed for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GridBand<'a> {
    /// The group; `None`: people who have tasks and do not belong to the room any more.
    pub group: Option<&'a str>,
    /// Its people.
    pub rows: Vec<GridRow<'a>>,
    /// How far those who are shown are with the task of each column.
    pub tallies: Vec<Tally>,
    /// How far they are with all of them.
    pub tally: Tally,
}

/// A board, as somebody may see it and wants to see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grid<'a> {
    /// Of which room.
    pub room: &'a Room,
    /// Revision of its last change.
    pub revision: u64,
    /// What of it is shown.
    pub filter: GridFilter,
    /// The tasks in wire order.
    pub columns: Vec<GridColumn<'a>>,
    /// The people.
    pub bands: Vec<GridBand<'a>>,
    /// How many more tasks fit the filter, and are too many to be shown.
    pub tasks_left_out: usize,
    /// How many more people would be shown, and are too many.
    pub people_left_out: usize,
    /// Every group of the room, to choose from.
    pub groups: Vec<&'a str>,
}

/// What a grid is made with.
#[derive(Clone, Copy, Debug)]
pub struct GridMaker<'a> {
    /// Where words come from.
    pub words: &'a dyn Words,
    /// In which language.
    pub language: Language,
    /// When answers were given, where it is known.
    pub times: Option<&'a Times>,
}

impl<'a> GridMaker<'a> {
    /// The board that somebody sees.
    pub fn grid(self, view: &View<'a>, filter: &GridFilter) -> Grid<'a> {
        let scene = view.scene();
        let sketch = Sketch { maker: self, view, filter, text: filter.text.as_deref().map(fold) };
        let (mut heads, by_name) = sketch.heads();
        let tasks_left_out = heads.len().saturating_sub(limits::GRID_COLUMNS);
        heads.drain(..tasks_left_out);
        let mut people = sketch.people(&heads, by_name);
        if by_name && people.is_empty() {
            heads.clear(); // the text is nowhere
        }
        let most = (limits::GRID_CELLS / heads.len().max(1)).max(1);
        let people_left_out = people.len().saturating_sub(most);
        people.truncate(most);
        let bands = sketch.bands(&heads, people);
        let columns = heads.into_iter().map(|(_, column)| column).collect();
        let groups: BTreeSet<&str> = scene.people.groups().map(|group| &**group).collect();
        let mut groups: Vec<&str> = groups.into_iter().collect();
        groups.sort_by(|a, b| by_number(a, b));
        let (room, revision, filter) = (scene.room, scene.board.revision(), filter.clone());
        Grid { room, revision, filter, columns, bands, tasks_left_out, people_left_out, groups }
    }
}

impl Grid<'_> {
    /// All rows, of all groups.
    pub fn rows(&self) -> impl Iterator<Item = &GridRow<'_>> {
        self.bands.iter().flat_map(|band| &band.rows)
    }

    /// The column of a task.
    pub fn column(&self, task: TaskId) -> Option<&GridColumn<'_>> {
        self.columns.iter().find(|column| column.task == task)
    }
}

/// What a grid of one view is made of.
struct Sketch<'g, 'a> {
    maker: GridMaker<'a>,
    view: &'g View<'a>,
    filter: &'g GridFilter,
    /// The text that is looked for, as names are compared.
    text: Option<String>,
}

/// A task that is shown, with its column.
type Head<'a> = (&'a Task, GridColumn<'a>);

/// A person who is shown, with the group that they are shown in.
type Placed<'a> = (Option<&'a str>, &'a Person);

impl<'a> Sketch<'_, 'a> {
    fn room_people(&self) -> &'a People {
        self.view.scene().people
    }

    fn is_found(&self, text: &str) -> bool {
        self.text.as_deref().is_none_or(|wanted| fold(text).contains(wanted))
    }

    /// The statuses of a task that may be seen.
    fn statuses(&self, task: &'a Task) -> impl Iterator<Item = (&'a Person, &'a Status)> {
        let who = self.view.who();
        let (all, own) = match self.view.sight(task) {
            Sight::Whole => (Some(task.statuses.iter()), None),
            Sight::OwnStatus => (None, task.statuses.get_key_value(who)),
            Sight::Nothing => (None, None),
        };
        all.into_iter().flatten().chain(own)
    }

    fn column(&self, task: &'a Task) -> GridColumn<'a> {
        let scene = self.view.scene();
        let due = scene.board.deadline(task.id).map(|deadline| deadline.due);
        let now = scene.now.map(|now| now.wall_ms);
        let due_ms = due.zip(scene.shown_time()).and_then(|(due, now)| due.wall_ms(now));
        let has_passed = due_ms.zip(now).is_some_and(|(due_ms, now_ms)| due_ms <= now_ms);
        let mut tally = Tally::default();
        for (_, status) in self.statuses(task) {
            let state = CellState::of(status.progress);
            tally.count(state, has_passed && state.is_open());
        }
        let Task { id, title, kind, timestamp_ms, revision, .. } = task;
        let is_late = tally.late > 0;
        let (title, kind, timestamp_ms, revision) = (title.as_str(), *kind, *timestamp_ms, *revision);
        GridColumn { task: *id, title, kind, timestamp_ms, due, due_ms, is_late, tally, revision }
    }

    /// The tasks that are shown, and whether the text that is looked for stands in none of them, but maybe in names.
    fn heads(&self) -> (Vec<Head<'a>>, bool) {
        let GridFilter { mine, open, late, .. } = *self.filter;
        let listed = self.view.scene().board.listed().into_iter();
        let seen = listed.filter(|task| self.view.sight(task) != Sight::Nothing);
        let seen = seen.filter(|task| !mine || task.statuses.contains_key(self.view.who()));
        let made = seen.map(|task| (task, self.column(task)));
        let mut heads: Vec<Head<'a>> =
            made.filter(|(_, column)| (!open || column.tally.open() > 0) && (!late || column.is_late)).collect();
        let number = self.text.as_deref().and_then(|text| TaskId::parse(text).ok());
        let is_meant = |(task, _): &Head<'a>| self.is_found(task.title.as_str()) || Some(task.id) == number;
        let by_name = !heads.iter().any(is_meant) && self.text.is_some();
        heads.retain(|head| by_name || is_meant(head));
        (heads, by_name)
    }

    /// The people who are shown, in the order in which they are.
    fn people(&self, heads: &[Head<'a>], by_name: bool) -> Vec<Placed<'a>> {
        let (people, filter) = (self.room_people(), self.filter);
        let mut found: BTreeSet<&Person> = BTreeSet::new();
        for (task, column) in heads {
            let counts = |status: &Status| match filter {
                GridFilter { late: true, .. } => column.is_late && !status.progress.is_final(),
                GridFilter { open: true, .. } => !status.progress.is_final(),
                _ => true,
            };
            found.extend(self.statuses(task).filter(|(_, status)| counts(status)).map(|(person, _)| person));
        }
        let narrows = filter.open || filter.late || filter.text.is_some() || !self.view.sees_all();
        if !narrows {
            found.extend(people.listed().into_iter().filter(|(_, member)| !member.power).map(|(person, _)| person));
        }
        let group_of = |person: &Person| people.member(person)?.groups.first().map(|group| &**group);
        let mut placed: Vec<Placed<'a>> = found
            .into_iter()
            .filter(|person| !filter.mine || *person == self.view.who())
            .filter(|person| !by_name || self.is_found(&people.shown(person)))
            .map(|person| (group_of(person), person))
            .filter(|(group, _)| filter.group.is_none() || filter.group.as_deref() == *group)
            .collect();
        placed.sort_by(|(group, person), (other_group, other)| {
            let of_group = match (group, other_group) {
                (Some(a), Some(b)) => by_number(a, b),
                (a, b) => a.is_none().cmp(&b.is_none()),
            };
            of_group.then_with(|| by_number(people.name(person), people.name(other)))
        });
        placed
    }

    fn bands(&self, heads: &[Head<'a>], people: Vec<Placed<'a>>) -> Vec<GridBand<'a>> {
        let mut vocabulary = Vocabulary { maker: self.maker, words: BTreeMap::new() };
        let mut bands: Vec<GridBand<'a>> = Vec::new();
        for (group, person) in people {
            let row = self.row(&mut vocabulary, heads, person);
            match bands.last_mut() {
                Some(band) if band.group == group => band.rows.push(row),
                _ => bands.push(GridBand { group, rows: vec![row], tallies: Vec::new(), tally: Tally::default() }),
            }
        }
        for band in &mut bands {
            band.tallies = vec![Tally::default(); heads.len()];
            for row in &band.rows {
                for (cell, tally) in row.cells.iter().zip(&mut band.tallies) {
                    tally.count(cell.state, cell.is_late);
                    band.tally.count(cell.state, cell.is_late);
                }
            }
        }
        bands
    }

    fn row(&self, vocabulary: &mut Vocabulary<'a>, heads: &[Head<'a>], person: &'a Person) -> GridRow<'a> {
        let mut tally = Tally::default();
        let mut cells = Vec::with_capacity(heads.len());
        for head in heads {
            let cell = self.cell(vocabulary, head, person);
            tally.count(cell.state, cell.is_late);
            cells.push(cell);
        }
        let people = self.room_people();
        let is_own = person == self.view.who();
        GridRow { person, name: people.name(person), shown: people.shown(person), is_own, cells, tally }
    }

    fn cell(&self, vocabulary: &mut Vocabulary<'a>, (task, column): &Head<'a>, person: &Person) -> GridCell<'a> {
        let may_see = self.view.sight(task) == Sight::Whole || person == self.view.who();
        let Some(status) = task.statuses.get(person).filter(|_| may_see) else {
            let word = vocabulary.word(task.kind, None);
            return GridCell { state: CellState::NotAssigned, word, value: "", since_ms: None, is_late: false };
        };
        let state = CellState::of(status.progress);
        let known_ms = self.maker.times.and_then(|times| times.of(task.id, person));
        // Whoever has said nothing has had the task since it was handed out.
        let since_ms = known_ms.or_else(|| (state == CellState::Silent).then_some(task.timestamp_ms));
        let word = vocabulary.word(task.kind, Some(status.progress));
        let is_late = column.is_late && state.is_open();
        GridCell { state, word, value: status.value(), since_ms, is_late }
    }
}

/// The words of cells, each asked for once.
struct Vocabulary<'a> {
    maker: GridMaker<'a>,
    words: BTreeMap<(Kind, Option<Progress>), Arc<str>>,
}

impl Vocabulary<'_> {
    /// The word for an answer to that kind of task; `None`: for whoever does not have it.
    fn word(&mut self, kind: Kind, progress: Option<Progress>) -> Arc<str> {
        let GridMaker { words, language, .. } = self.maker;
        let ask = || match progress {
            Some(progress) => words.answer(language, kind, progress),
            None => words.say(language, "not-assigned", &[]),
        };
        self.words.entry((kind, progress)).or_insert_with(|| ask().into()).clone()
    }
}

/// Compares names as people order them: `Hall 2` before `Hall 10`.
pub(super) fn by_number(a: &str, b: &str) -> Ordering {
    let (mut a_left, mut b_left) = (a, b);
    loop {
        let (Some(x), Some(y)) = (a_left.chars().next(), b_left.chars().next()) else {
            return a_left.len().cmp(&b_left.len()).then_with(|| a.cmp(b));
        };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (n, m) = (digits(&mut a_left), digits(&mut b_left));
            match n.len().cmp(&m.len()).then_with(|| n.cmp(m)) {
                Ordering::Equal => continue,
                unequal => return unequal,
            }
        }
        match x.to_lowercase().cmp(y.to_lowercase()) {
            Ordering::Equal => {
                a_left = a_left.get(x.len_utf8()..).unwrap_or_default();
                b_left = b_left.get(y.len_utf8()..).unwrap_or_default();
            }
            unequal => return unequal,
        }
    }
}

/// Takes the digits off the front, and leading zeros off those.
fn digits<'t>(text: &mut &'t str) -> &'t str {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = text.strip_suffix(rest).unwrap_or_default();
    *text = rest;
    digits.trim_start_matches('0')
}

#[cfg(test)]
mod tests;
