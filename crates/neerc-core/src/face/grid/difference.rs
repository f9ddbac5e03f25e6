//! What differs between two states of one board as the same person sees them, so that little has to be sent.

use super::{Grid, GridBand, GridColumn};
use crate::people::Person;
use crate::task::TaskId;

/// What differs in the newer of two grids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GridDifference<'g> {
    /// Other tasks or people are shown, or in another order: the table has to be made anew.
    Shape,
    /// The same tasks and people are shown.
    Parts {
        /// Cells: the places of their band, of their row in it, and of their column.
        cells: Vec<(usize, usize, usize)>,
        /// Places of columns whose head differs: title, counts, deadline.
        columns: Vec<usize>,
        /// Places of bands and columns where the counts differ.
        tallies: Vec<(usize, usize)>,
        /// People whose name or counts differ: the places of their band, and of their row in it.
        rows: Vec<(usize, usize)>,
        /// The newer one.
        of: &'g Grid<'g>,
    },
}

impl GridDifference<'_> {
    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        match self {
            GridDifference::Shape => false,
            GridDifference::Parts { cells, columns, tallies, rows, .. } => {
                cells.is_empty() && columns.is_empty() && tallies.is_empty() && rows.is_empty()
            }
        }
    }
}

/// The tasks that are shown, and the people.
fn shape<'g>(grid: &'g Grid<'_>) -> impl Iterator<Item = (Option<TaskId>, Option<&'g str>, Option<&'g Person>)> {
    let columns = grid.columns.iter().map(|column| (Some(column.task), None, None));
    let rows = grid.bands.iter().flat_map(|band| band.rows.iter().map(|row| (None, band.group, Some(row.person))));
    columns.chain(rows)
}

/// Whether two heads of a column would be drawn alike.
fn is_alike(new: &GridColumn<'_>, old: &GridColumn<'_>) -> bool {
    let GridColumn { task, title, kind, timestamp_ms, due, due_ms: _, is_late, tally, revision: _ } = new;
    // When a deadline is counts anew with each look at a contest clock; what is said of it is the deadline itself.
    (task, title, kind, timestamp_ms, due, is_late, tally)
        == (&old.task, &old.title, &old.kind, &old.timestamp_ms, &old.due, &old.is_late, &old.tally)
}

impl Grid<'_> {
    /// What is different from an older grid.
    pub fn since(&self, older: &Grid<'_>) -> GridDifference<'_> {
        let is_same_shape = shape(self).eq(shape(older))
            && (self.tasks_left_out, self.people_left_out, &self.groups)
                == (older.tasks_left_out, older.people_left_out, &older.groups);
        if !is_same_shape {
            return GridDifference::Shape;
        }
        let columns = self.columns.iter().zip(&older.columns).enumerate();
        let columns = columns.filter(|(_, (new, old))| !is_alike(new, old)).map(|(at, _)| at).collect();
        let (mut cells, mut tallies, mut rows) = (Vec::new(), Vec::new(), Vec::new());
        for (band_at, (new, old)) in self.bands.iter().zip(&older.bands).enumerate() {
            let (of_band, of_rows) = new.since(old);
            cells.extend(of_band.into_iter().map(|(row, column)| (band_at, row, column)));
            rows.extend(of_rows.into_iter().map(|row| (band_at, row)));
            let of_columns = new.tallies.iter().zip(&old.tallies).enumerate();
            tallies.extend(of_columns.filter(|(_, (new, old))| new != old).map(|(column, _)| (band_at, column)));
        }
        GridDifference::Parts { cells, columns, tallies, rows, of: self }
    }
}

impl GridBand<'_> {
    /// The cells that differ, by row and column, and the rows that do.
    fn since(&self, older: &GridBand<'_>) -> (Vec<(usize, usize)>, Vec<usize>) {
        let (mut cells, mut rows) = (Vec::new(), Vec::new());
        for (row_at, (new, old)) in self.rows.iter().zip(&older.rows).enumerate() {
            if (&new.shown, new.tally) != (&old.shown, old.tally) {
                rows.push(row_at);
            }
            let of_columns = new.cells.iter().zip(&old.cells).enumerate();
            cells.extend(of_columns.filter(|(_, (new, old))| new != old).map(|(column, _)| (row_at, column)));
        }
        (cells, rows)
    }
}
