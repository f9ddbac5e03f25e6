//! A board as a list of tasks, for screens that are too narrow for a table: what is most urgent first.

use super::{CellState, Grid, GridCell, GridColumn, GridRow};

/// How urgent a task is for whoever looks, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Urgency {
    /// Its deadline has passed.
    Late,
    /// Somebody has failed.
    Failed,
    /// Something is still expected.
    Open,
    /// Nothing more is.
    Finished,
}

impl Urgency {
    /// A name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Urgency::Late => "late",
            Urgency::Failed => "failed",
            Urgency::Open => "open",
            Urgency::Finished => "finished",
        }
    }
}

/// A task in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedTask<'g> {
    /// The task, with its counts.
    pub column: &'g GridColumn<'g>,
    /// How urgent it is.
    pub urgency: Urgency,
    /// What whoever looks says of it; `None` if they do not have it.
    pub own: Option<&'g GridCell<'g>>,
    /// The others of the task, of whom something is expected or who have failed, most urgent first.
    pub people: Vec<(&'g GridRow<'g>, &'g GridCell<'g>)>,
}

impl<'g> Grid<'g> {
    /// The tasks of whoever looks: what is late first, then what is open, the oldest first; then what is finished, the
    /// newest first.
    pub fn own_tasks(&'g self) -> Vec<ListedTask<'g>> {
        let Some(row) = self.rows().find(|row| row.is_own) else { return Vec::new() };
        let cells = self.columns.iter().zip(&row.cells);
        let mut tasks: Vec<ListedTask<'g>> = cells
            .filter(|(_, cell)| cell.state != CellState::NotAssigned)
            .map(|(column, cell)| {
                let urgency = match cell.state {
                    _ if cell.is_late => Urgency::Late,
                    state if state.is_open() => Urgency::Open,
                    _ => Urgency::Finished,
                };
                ListedTask { column, urgency, own: Some(cell), people: Vec::new() }
            })
            .collect();
        sort(&mut tasks);
        tasks
    }

    /// All tasks, for whoever looks after them: late ones first, then those that failed, then open ones.
    pub fn all_tasks(&'g self) -> Vec<ListedTask<'g>> {
        let mut tasks: Vec<ListedTask<'g>> = Vec::with_capacity(self.columns.len());
        for (at, column) in self.columns.iter().enumerate() {
            let urgency = match &column.tally {
                _ if column.is_late => Urgency::Late,
                tally if tally.failed > 0 => Urgency::Failed,
                tally if tally.open() > 0 || tally.all == 0 => Urgency::Open,
                _ => Urgency::Finished,
            };
            let (mut own, mut people) = (None, Vec::new());
            for row in self.rows() {
                match row.cells.get(at) {
                    Some(cell) if row.is_own => own = Some(cell).filter(|cell| cell.state != CellState::NotAssigned),
                    Some(cell) if cell.state.is_open() || cell.state == CellState::Failed => people.push((row, cell)),
                    _ => {}
                }
            }
            people.sort_by_key(|(_, cell)| (!cell.is_late, cell.state != CellState::Failed, cell.state));
            tasks.push(ListedTask { column, urgency, own, people });
        }
        sort(&mut tasks);
        tasks
    }
}

fn sort(tasks: &mut [ListedTask<'_>]) {
    tasks.sort_by_key(|task| {
        let at_ms = task.column.timestamp_ms;
        (task.urgency, if task.urgency == Urgency::Finished { at_ms.saturating_neg() } else { at_ms })
    });
}
