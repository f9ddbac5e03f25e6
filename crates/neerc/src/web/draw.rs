//! The parts of the board as HTML: what a page holds, and what is sent alone when it differs. Templates escape what people
//! wrote. Not which parts are sent, and not what is in them: that is the core's grid.

use super::visit::Visit;
use askama::Template;
use neerc_core::clock::hand::{clock_face, time_of_day};
use neerc_core::face::grid::{
    CellState, Grid, GridBand, GridCell, GridColumn, GridDifference, GridRow, ListedTask, Tally,
};
use neerc_core::face::menu::{self, Act, Item};
use neerc_core::people::{People, Person};
use neerc_core::task::Kind;
use neerc_core::view::View;
use std::collections::BTreeSet;

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

/// The tasks of whoever looks, with what can be said of them.
#[derive(Template)]
#[template(path = "mine.html")]
struct MinePart<'a> {
    pen: Pen<'a>,
    tasks: Vec<ListedTask<'a>>,
    /// The revision of the board that they are drawn from.
    seen: u64,
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

/// All tasks, in the same way for everybody who sees them: whoever looks stands among the others.
fn listed<'g>(grid: &'g Grid<'_>) -> Vec<ListedTask<'g>> {
    let mut tasks = grid.all_tasks();
    let own = grid.rows().find(|row| row.is_own);
    for task in &mut tasks {
        if let (Some(row), Some(cell)) = (own, task.own.take())
            && (cell.state.is_open() || cell.state == CellState::Failed)
        {
            task.people.push((row, cell));
            task.people.sort_by_key(|(_, cell)| (!cell.is_late, cell.state != CellState::Failed, cell.state));
        }
    }
    tasks
}

/// The people of a task in a list, with what is shown of each.
fn people_of<'t>(task: &'t ListedTask<'_>) -> Vec<(&'t str, &'t GridCell<'t>)> {
    task.people.iter().map(|(row, cell)| (&*row.shown, *cell)).collect()
}

/// What differs in the list; all of it where its order does.
pub fn list_difference(pen: Pen<'_>, old: &Grid<'_>, new: &Grid<'_>) -> String {
    let (old, tasks) = (listed(old), listed(new));
    let order = |tasks: &[ListedTask<'_>]| tasks.iter().map(|task| task.column.task).collect::<Vec<_>>();
    if order(&old) != order(&tasks) {
        return render(&ListPart { pen, tasks });
    }
    let is_alike = |new: &ListedTask<'_>, old: &ListedTask<'_>| {
        (new.column, new.urgency, people_of(new)) == (old.column, old.urgency, people_of(old))
    };
    let differing = tasks.iter().zip(&old).filter(|(new, old)| !is_alike(new, old));
    differing.map(|(task, _)| render(&ListedPart { pen, task })).collect()
}

/// The tasks of whoever looks.
pub fn mine(pen: Pen<'_>, grid: &Grid<'_>) -> String {
    render(&MinePart { pen, tasks: grid.own_tasks(), seen: grid.revision })
}

/// Who is online, and who looks at the room now.
pub fn online(pen: Pen<'_>, looking: &BTreeSet<Person>) -> String {
    let picture = &pen.visit.picture;
    let people: &People = &picture.people;
    let names = |persons: &BTreeSet<Person>| {
        let here = persons.iter().filter(|person| people.rights(person).is_some());
        let mut names: Vec<String> = here.map(|person| people.shown(person).into_owned()).collect();
        names.sort();
        names
    };
    let (online, looking) = (names(&picture.online), names(looking));
    render(&OnlinePart { pen, is_connected: picture.is_connected, online, looking })
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

/// What differs in the table; all of it where its shape does.
pub fn difference(pen: Pen<'_>, grid: &Grid<'_>, difference: &GridDifference<'_>) -> String {
    let GridDifference::Parts { cells, columns, tallies, rows, .. } = difference else { return table(pen, grid) };
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
    if drawn.is_empty() {
        return drawn;
    }
    // Cells by themselves would be read as what they are, and a form behind them as if it stood in a table: as nothing.
    format!("<table><tbody><tr>{drawn}</tr></tbody></table>")
}

/// The rows of the menu that whoever looks is offered.
pub fn offered<'v>(view: &'v View<'_>) -> impl Iterator<Item = &'static Item> + use<'v> {
    menu::offered(menu::Needs::Admin).filter(|item| item.is_offered(view))
}
