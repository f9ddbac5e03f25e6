//! The parts of the board as HTML: what a page holds, and what is sent alone when it differs. Templates escape what people
//! wrote. Not which parts are sent, and not what is in them: that is the core's grid.

use super::visit::Visit;
use super::{WebSite, limits, standby};
use askama::Template;
use neerc_core::clock::hand::{clock_face, time_of_day};
use neerc_core::face::grid::{
    CellState, Grid, GridBand, GridCell, GridColumn, GridDifference, GridRow, ListedTask, Tally,
};
use neerc_core::face::menu::{self, Act, Item};
use neerc_core::face::words::Language;
use neerc_core::people::{People, Person};
use neerc_core::task::{Kind, TaskId};
use neerc_core::view::View;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What parts are drawn with.
#[derive(Debug, Clone, Copy)]
pub struct Pen<'a> {
    /// For whom.
    pub visit: &'a Visit,
    /// Whether they have an admin's rights.
    pub is_admin: bool,
}

/// A name as it stands in the `id` of an element, which has no blanks and is the same in every language.
pub fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' => slug.push(char::from(byte)),
            byte => slug.push_str(&format!("_{byte:02x}")),
        }
    }
    slug
}

/// The sign of a state, which differs by its shape.
fn sign(state: CellState) -> &'static str {
    match state {
        CellState::NotAssigned => "",
        CellState::Silent => "○",
        CellState::Seen => "◇",
        CellState::Running => "◐",
        CellState::Done => "●",
        CellState::Failed => "■",
    }
}

impl Pen<'_> {
    fn say(&self, key: &str) -> String {
        self.visit.say(key)
    }

    /// Whether there is nothing to press.
    fn only_looks(&self) -> bool {
        self.visit.only_looks()
    }

    fn room(&self) -> &str {
        &self.visit.picture.room
    }

    fn slug(&self, name: &str) -> String {
        slug(name)
    }

    fn sign(&self, state: &CellState) -> &'static str {
        sign(*state)
    }

    /// How long ago something was, as it stands in a cell.
    fn age(&self, since_ms: &i64) -> String {
        let minutes = self.visit.time.wall_ms.saturating_sub(*since_ms).max(0) / 60_000;
        match minutes {
            0..=59 => format!("{minutes} {}", self.say("web-min")),
            60..=1439 => format!("{}:{:02}", minutes / 60, minutes % 60),
            _ => format!("{} {}", minutes / 1440, self.say("web-days")),
        }
    }

    /// A time of day.
    fn time(&self, at_ms: &i64) -> String {
        time_of_day(*at_ms, self.visit.time.zone_ms)
    }

    fn count(&self, tally: &Tally) -> String {
        format!("{}/{}", tally.finished(), tally.all)
    }

    fn group(&self, group: &Option<&str>) -> String {
        let words = self.visit.site.words();
        match group {
            Some(group) => words.named(self.visit.language, "group", (*group).to_owned()),
            None => self.say("web-gone"),
        }
    }

    fn left_out(&self, key: &str, count: &usize) -> String {
        self.visit.lines().count(key, *count)
    }

    /// What somebody can say of a task of that kind by a button.
    fn answers(&self, kind: &Kind) -> &'static [Act] {
        match kind {
            Kind::Todo => &[Act::Start, Act::Done],
            Kind::TodoFail => &[Act::Start, Act::Done, Act::Fail],
            Kind::Confirm => &[Act::Ok],
            Kind::OkFail => &[Act::Ok, Act::Fail],
            Kind::Question => &[Act::Answer],
        }
    }

    /// Whether a text goes with that.
    fn takes_text(&self, kind: &Kind) -> bool {
        self.answers(kind).iter().any(|act| matches!(act, Act::Fail | Act::Answer))
    }

    fn verb(&self, act: &Act) -> &'static str {
        menu::by_act(*act).verb
    }

    fn label(&self, act: &Act) -> String {
        self.visit.lines().item(menu::by_act(*act))
    }
}

#[derive(Template)]
#[template(path = "cell.html")]
struct CellPart<'a> {
    pen: Pen<'a>,
    column: &'a GridColumn<'a>,
    row: &'a GridRow<'a>,
    cell: &'a GridCell<'a>,
}

#[derive(Template)]
#[template(path = "head.html")]
struct HeadPart<'a> {
    pen: Pen<'a>,
    column: &'a GridColumn<'a>,
}

#[derive(Template)]
#[template(path = "tally.html")]
struct TallyPart<'a> {
    pen: Pen<'a>,
    column: &'a GridColumn<'a>,
    band: &'a GridBand<'a>,
    tally: &'a Tally,
}

#[derive(Template)]
#[template(path = "person.html")]
struct PersonPart<'a> {
    pen: Pen<'a>,
    row: &'a GridRow<'a>,
}

/// The table.
#[derive(Template)]
#[template(path = "table.html")]
struct TablePart<'a> {
    pen: Pen<'a>,
    grid: &'a Grid<'a>,
}

/// One task in that list.
#[derive(Template)]
#[template(path = "listed.html")]
struct ListedPart<'a> {
    pen: Pen<'a>,
    task: &'a ListedTask<'a>,
}

/// The list for narrow screens.
#[derive(Template)]
#[template(path = "list.html")]
struct ListPart<'a> {
    pen: Pen<'a>,
    tasks: Vec<ListedTask<'a>>,
}

/// What all who see the same board have on their pages.
#[derive(Template)]
#[template(path = "shared.html")]
struct SharedPart<'a> {
    pen: Pen<'a>,
    grid: &'a Grid<'a>,
    menu: Vec<(&'static str, String)>,
    table: String,
    list: String,
}

/// The tasks of whoever looks, with what can be said of them.
#[derive(Template)]
#[template(path = "mine.html")]
struct MinePart<'a> {
    pen: Pen<'a>,
    tasks: Vec<ListedTask<'a>>,
    /// The revision of the board that they are drawn from.
    seen: String,
}

/// Who is there.
#[derive(Template)]
#[template(path = "online.html")]
struct OnlinePart<'a> {
    pen: Pen<'a>,
    is_connected: bool,
    online: Vec<String>,
    looking: Vec<String>,
}

/// What is wrong with how changes are kept.
#[derive(Template)]
#[template(path = "keeping.html")]
struct KeepingPart {
    lines: Vec<String>,
}

/// The contest clock.
#[derive(Template)]
#[template(path = "clock.html")]
struct ClockPart {
    /// What it shows, if it is known.
    face: Option<ClockFace>,
    words: String,
}

struct ClockFace {
    ms: i64,
    shown: String,
    ticks: bool,
}

/// A template as text. None of ours can fail: they write what they are given into a string.
fn render(template: &impl Template) -> String {
    template.render().unwrap_or_default()
}

/// The table of a board.
pub fn table(pen: Pen<'_>, grid: &Grid<'_>) -> String {
    render(&TablePart { pen, grid })
}

/// The same as a list, for narrow screens.
pub fn list(pen: Pen<'_>, grid: &Grid<'_>) -> String {
    render(&ListPart { pen, tasks: listed(grid) })
}

/// What can be done, the filters, the table and the list.
pub fn board(pen: Pen<'_>, view: &View<'_>, grid: &Grid<'_>) -> String {
    let lines = pen.visit.lines();
    let menu = offered(view)
        .filter(|item| !pen.only_looks() || standby::is_shown(item))
        .map(|item| (item.verb, lines.item(item)))
        .collect();
    render(&SharedPart { pen, grid, menu, table: table(pen, grid), list: list(pen, grid) })
}

/// All tasks, in the same way for everybody who sees them: whoever looks stands among the others.
fn listed<'g>(grid: &'g Grid<'_>) -> Vec<ListedTask<'g>> {
    let mut tasks = grid.all_tasks();
    let own = grid.rows().find(|row| row.is_own);
    let places: BTreeMap<&Person, usize> = grid.rows().zip(0..).map(|(row, place)| (row.person, place)).collect();
    for task in &mut tasks {
        if let (Some(row), Some(cell)) = (own, task.own.take())
            && (cell.state.is_open() || cell.state == CellState::Failed)
        {
            task.people.push((row, cell));
            task.people.sort_by_key(|(row, cell)| {
                (!cell.is_late, cell.state != CellState::Failed, cell.state, places.get(row.person))
            });
        }
    }
    tasks
}

/// The people of a task in a list, with what is shown of each.
fn people_of<'t>(task: &'t ListedTask<'_>) -> Vec<(&'t str, &'t GridCell<'t>)> {
    task.people.iter().map(|(row, cell)| (&*row.shown, *cell)).collect()
}

/// What differs in the list, and in which order it stands if that is another one.
pub fn list_difference(pen: Pen<'_>, old: &Grid<'_>, new: &Grid<'_>) -> String {
    let (old, tasks) = (listed(old), listed(new));
    if old.is_empty() || tasks.is_empty() {
        return render(&ListPart { pen, tasks });
    }
    let known: BTreeMap<TaskId, &ListedTask<'_>> = old.iter().map(|task| (task.column.task, task)).collect();
    let is_alike = |new: &ListedTask<'_>, old: &ListedTask<'_>| {
        (new.column, new.urgency, people_of(new)) == (old.column, old.urgency, people_of(old))
    };
    let differs = |task: &&ListedTask<'_>| known.get(&task.column.task).is_none_or(|old| !is_alike(task, old));
    let mut drawn: String = tasks.iter().filter(differs).map(|task| render(&ListedPart { pen, task })).collect();
    let order = |tasks: &[ListedTask<'_>]| tasks.iter().map(|task| task.column.task).collect::<Vec<_>>();
    if order(&old) != order(&tasks) {
        let ids: Vec<String> = tasks.iter().map(|task| format!("l{}", task.column.task)).collect();
        drawn.push_str(&format!("<p id=\"list-order\" data-order=\"{}\"></p>", ids.join(" ")));
    }
    drawn
}

/// The tasks of whoever looks.
pub fn mine(pen: Pen<'_>, grid: &Grid<'_>) -> String {
    render(&MinePart { pen, tasks: grid.own_tasks(), seen: pen.visit.picture.position(grid.revision) })
}

/// Who is online, and who looks at the room now.
pub fn online(pen: Pen<'_>, looking: &BTreeSet<Person>) -> String {
    let picture = &pen.visit.picture;
    let people: &People = &picture.people;
    let names = |persons: &BTreeSet<Person>| {
        let here = persons.iter().filter(|person| people.rights(person).is_some());
        let mut names: Vec<String> = here.map(|person| people.shown(person).into_owned()).collect();
        names.sort();
        let more = names.len().saturating_sub(limits::NAMES_SHOWN);
        names.truncate(limits::NAMES_SHOWN);
        names.extend((more > 0).then(|| pen.visit.lines().count("and-more", more)));
        names
    };
    let (online, looking) = (names(&picture.online), names(looking));
    render(&OnlinePart { pen, is_connected: picture.is_connected, online, looking })
}

/// What is wrong with how changes are kept: admins see it, and for others the place is empty.
pub fn keeping(pen: Pen<'_>) -> String {
    let (keeping, lines) = (pen.visit.picture.keeping, pen.visit.lines());
    let said = [keeping.one_copy.map(|one| lines.one_copy(one)), keeping.lost.map(|lost| lines.lost(lost))];
    render(&KeepingPart { lines: said.into_iter().flatten().filter(|_| pen.is_admin).collect() })
}

/// Who serves, where this machine only shows.
#[derive(Template)]
#[template(path = "elsewhere.html")]
struct ElsewherePart {
    words: String,
    url: Option<Arc<str>>,
    title: String,
}

/// What stands on every page of a machine that stands by; nothing on those of one that serves.
pub fn elsewhere(site: &WebSite, language: Language) -> Option<String> {
    let album = site.bridge.album();
    let elsewhere = album.elsewhere.as_ref()?;
    let words = standby::words(site, language, elsewhere, album.time.map_or(0, |time| time.zone_ms));
    let title = site.words().say(language, "web-elsewhere-open", &[]);
    Some(render(&ElsewherePart { words, url: elsewhere.url.clone(), title }))
}

/// The contest clock.
pub fn clock(visit: &Visit) -> String {
    let dial = visit.picture.dial(visit.time);
    let words = dial.map_or_else(|| visit.say("web-no-clock"), |dial| visit.lines().clock(dial));
    let face = dial.map(|dial| ClockFace {
        ms: dial.reading.elapsed_ms,
        shown: clock_face(dial.reading.elapsed_ms.saturating_abs()),
        ticks: dial.reading.phase.ticks(),
    });
    render(&ClockPart { face, words })
}

/// What differs in the table; all of it where other people are shown, or tasks are in another order.
pub fn difference(pen: Pen<'_>, old: &Grid<'_>, new: &Grid<'_>) -> String {
    let difference = new.since(old);
    if difference.is_empty() {
        return String::new();
    }
    let (cells, kept) = match &difference {
        GridDifference::Parts { .. } => (parts(pen, new, &difference), None),
        GridDifference::Shape => match columns(old, new) {
            Some(columns) => (String::new(), Some(columns)),
            None => return table(pen, new),
        },
    };
    let mut cells = cells;
    if let Some((gone, added)) = kept {
        let is_kept = |task: TaskId| !gone.contains(&task) && !added.contains(&task);
        let (old, kept) = (of_columns(old, is_kept), of_columns(new, is_kept));
        cells = parts(pen, &kept, &kept.since(&old));
        gone.iter().for_each(|task| cells.push_str(&format!("<th id=\"h{task}\" data-gone></th>")));
        let of_added = of_columns(new, |task| added.contains(&task));
        for (at, column) in of_added.columns.iter().enumerate() {
            cells.push_str(&render(&HeadPart { pen, column }));
            for band in &of_added.bands {
                let tally = band.tallies.get(at).map(|tally| render(&TallyPart { pen, column, band, tally }));
                cells.extend(tally);
                let of_row =
                    |row: &GridRow<'_>| row.cells.get(at).map(|cell| render(&CellPart { pen, column, row, cell }));
                cells.extend(band.rows.iter().filter_map(of_row));
            }
        }
        // How far people are with all tasks differs as well.
        new.rows().for_each(|row| cells.push_str(&render(&PersonPart { pen, row })));
    }
    // Cells by themselves would be read as what they are, and a form behind them as if it stood in a table: as nothing.
    format!("<table><tbody><tr>{cells}</tr></tbody></table>")
}

/// The tasks that are gone from a table, and those that stand behind all others; nothing if more than that has changed.
fn columns(old: &Grid<'_>, new: &Grid<'_>) -> Option<(Vec<TaskId>, Vec<TaskId>)> {
    let rows = |grid: &Grid<'_>| {
        let of_band = |band: &GridBand<'_>| {
            (band.group.map(str::to_owned), band.rows.iter().map(|row| row.person.clone()).collect::<Vec<_>>())
        };
        grid.bands.iter().map(of_band).collect::<Vec<_>>()
    };
    let left_out = |grid: &Grid<'_>| (grid.tasks_left_out, grid.people_left_out, grid.groups.len());
    let tasks = |grid: &Grid<'_>| grid.columns.iter().map(|column| column.task).collect::<Vec<_>>();
    let (before, now) = (tasks(old), tasks(new));
    if before.is_empty() || now.is_empty() || rows(old) != rows(new) || left_out(old) != left_out(new) {
        return None;
    }
    let (old_tasks, new_tasks): (BTreeSet<_>, BTreeSet<_>) = (before.iter().collect(), now.iter().collect());
    let gone: Vec<TaskId> = before.iter().filter(|task| !new_tasks.contains(task)).copied().collect();
    let added: Vec<TaskId> = now.iter().filter(|task| !old_tasks.contains(task)).copied().collect();
    let kept = before.iter().filter(|task| !gone.contains(task));
    kept.chain(&added).eq(&now).then_some((gone, added))
}

/// A table with some of its columns only.
fn of_columns<'g>(grid: &Grid<'g>, is_wanted: impl Fn(TaskId) -> bool) -> Grid<'g> {
    let wanted: Vec<bool> = grid.columns.iter().map(|column| is_wanted(column.task)).collect();
    fn keep<T>(all: &mut Vec<T>, wanted: &[bool]) {
        let mut wanted = wanted.iter();
        all.retain(|_| wanted.next().copied().unwrap_or(false));
    }
    let mut grid = grid.clone();
    keep(&mut grid.columns, &wanted);
    for band in &mut grid.bands {
        keep(&mut band.tallies, &wanted);
        band.rows.iter_mut().for_each(|row| keep(&mut row.cells, &wanted));
    }
    grid
}

/// The parts that differ, one after the other.
fn parts(pen: Pen<'_>, grid: &Grid<'_>, difference: &GridDifference<'_>) -> String {
    let GridDifference::Parts { cells, columns, tallies, rows, .. } = difference else { return String::new() };
    let mut drawn = String::new();
    for (band, row, at) in cells {
        let row = grid.bands.get(*band).and_then(|band| band.rows.get(*row));
        if let (Some(row), Some(column)) = (row, grid.columns.get(*at))
            && let Some(cell) = row.cells.get(*at)
        {
            drawn.push_str(&render(&CellPart { pen, column, row, cell }));
        }
    }
    for column in columns.iter().filter_map(|at| grid.columns.get(*at)) {
        drawn.push_str(&render(&HeadPart { pen, column }));
    }
    for (band, at) in tallies {
        if let (Some(band), Some(column)) = (grid.bands.get(*band), grid.columns.get(*at))
            && let Some(tally) = band.tallies.get(*at)
        {
            drawn.push_str(&render(&TallyPart { pen, column, band, tally }));
        }
    }
    for (band, row) in rows {
        if let Some(row) = grid.bands.get(*band).and_then(|band| band.rows.get(*row)) {
            drawn.push_str(&render(&PersonPart { pen, row }));
        }
    }
    drawn
}

/// The rows of the menu that whoever looks is offered.
fn offered<'v>(view: &'v View<'_>) -> impl Iterator<Item = &'static Item> + use<'v> {
    menu::offered(menu::Needs::Admin).filter(|item| item.is_offered(view))
}
