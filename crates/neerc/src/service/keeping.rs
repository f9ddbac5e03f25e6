//! How safely changes are kept, in both kinds of store, as far as it is to be said: admins are told that there is one copy only
//! where two are wanted, and which changes were lost. Not how copies are made or waited for.

use super::Service;
use super::standing::CopiesStanding;
use super::time::{moment_of, wall_ms};
use crate::limits::{LOST_TASKS_TOLD, LOST_TOLD_MS};
use neerc_core::keeping::{CopyLack, CopyWatch, Keeping, LostChanges};
use neerc_core::notice::{Lost, Notice};
use neerc_core::task::TaskId;
use neerc_store::StoreCopies;

/// What the loop remembers of it.
#[derive(Debug, Default)]
pub(super) struct KeepingWatch {
    copies: CopyWatch,
    /// What is to be told.
    pub now: Keeping,
    /// Of which history the log is.
    pub history: u64,
    /// The changes that were lost last.
    lost: Option<LostChanges>,
}

impl KeepingWatch {
    /// On that history, of which those were lost last.
    pub fn new(history: u64, lost: Option<LostChanges>) -> KeepingWatch {
        KeepingWatch { history, lost, ..KeepingWatch::default() }
    }

    /// When it is to be looked at again, in ms.
    pub fn next_ms(&self) -> i64 {
        self.copies.next_ms()
    }

    /// The changes that were lost last, by what was read anew.
    pub fn lost_were(&mut self, lost: Option<LostChanges>) {
        self.lost = lost;
    }

    /// Looks at what is to be told, from what comes of it that there is one copy only.
    pub fn look(&mut self, lack: Option<CopyLack>, (now_ms, wall_ms): (i64, i64)) -> Keeping {
        let one_copy = self.copies.note(now_ms, wall_ms, lack);
        self.now = Keeping { one_copy, lost: self.lost(wall_ms) };
        self.now
    }

    /// What was lost, as long as it is told.
    fn lost(&self, wall_ms: i64) -> Option<LostChanges> {
        self.lost.filter(|lost| wall_ms.saturating_sub(lost.found_ms) < LOST_TOLD_MS)
    }
}

/// What comes of it that a database is on one machine only.
pub(super) fn lack_of(copies: StoreCopies) -> Option<CopyLack> {
    match copies {
        StoreCopies::Awaited => Some(CopyLack::Waits),
        StoreCopies::Alone => Some(CopyLack::GoesOn),
        StoreCopies::Kept | StoreCopies::Unknown => None,
    }
}

impl Service {
    /// What comes of it that there is one copy only; `None`, where there are two or one is enough.
    pub(super) fn copy_lack(&self) -> Option<CopyLack> {
        match self.holding.copies() {
            StoreCopies::Unknown => self.copying.lack(),
            copies => lack_of(copies),
        }
    }

    /// Whether there is one copy only, where that is known and two are wanted.
    pub(super) fn is_alone(&self) -> Option<bool> {
        let is_known = self.holding.copies() != StoreCopies::Unknown || self.copying.is_wanted();
        is_known.then(|| self.copy_lack().is_some())
    }

    /// The same, for `neerc status`.
    pub(super) fn copies_standing(&self) -> Option<CopiesStanding> {
        let one_only = self.is_alone()?;
        let since = self.keeping.now.one_copy.filter(|_| one_only).map(|one| moment_of(one.since_ms));
        Some(CopiesStanding { one_only, waits: self.copy_lack() == Some(CopyLack::Waits), since })
    }

    /// At the start: says which changes were lost. Clients that have heard of tasks that were made by those are told that there are
    /// none, since nobody else ever would; of all others they are told everything anyway.
    pub(super) fn begin_after_loss(&mut self) {
        let Some(lost) = self.keeping.lost(wall_ms()) else { return };
        let LostChanges { first, last, .. } = lost;
        self.trouble(format!(
            "changes may be missing: the store had revisions {first} to {last}, and ended at revision {} then, since a server \
             took over that had not got them, or an older copy was brought back; look at the tasks that were changed last",
            first.saturating_sub(1)
        ));
        let revision = self.desk.ledger.revision();
        if revision >= first {
            return; // that was at an earlier start
        }
        let count = (last.saturating_sub(first) + 1).min(LOST_TASKS_TOLD);
        let rooms: Vec<_> =
            self.desk.ledger.boards().iter().map(|(room, board)| (room.clone(), board.next_id())).collect();
        for (room, next) in rooms {
            for task in (next..next.saturating_add(count)).map(TaskId) {
                let notice = Notice { task, lost: Lost::Unknown, reminder: None };
                self.front.tell(self.time.now_ms(), &room, revision, notice);
            }
        }
    }

    /// Looks whether there are two copies, and has admins told if that has changed for long.
    pub(super) fn look_at_copies(&mut self) {
        let (lack, now_ms) = (self.copy_lack(), self.time.now_ms());
        let keeping = self.keeping.look(lack, (now_ms, wall_ms()));
        self.front.keeping_stands(keeping);
    }
}
