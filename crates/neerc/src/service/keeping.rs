//! How safely changes are kept, in both kinds of store, as far as it is to be said: admins are told that there is one copy only
//! where two are wanted. Not how copies are made or waited for.

use super::Service;
use super::standing::CopiesStanding;
use super::time::{moment_of, wall_ms};
use neerc_core::keeping::{CopyLack, CopyWatch, Keeping};
use neerc_store::StoreCopies;

/// What the loop remembers of it.
#[derive(Debug, Default)]
pub(super) struct KeepingWatch {
    copies: CopyWatch,
    /// What is to be told.
    pub now: Keeping,
}

impl KeepingWatch {
    /// When it is to be looked at again, in ms.
    pub fn next_ms(&self) -> i64 {
        self.copies.next_ms()
    }
}

impl Service {
    /// What comes of it that there is one copy only; `None`, where there are two or one is enough.
    pub(super) fn copy_lack(&self) -> Option<CopyLack> {
        match self.holding.copies() {
            StoreCopies::Awaited => Some(CopyLack::Waits),
            StoreCopies::Alone => Some(CopyLack::GoesOn),
            StoreCopies::Kept => None,
            StoreCopies::Unknown => self.copying.lack(),
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

    /// Looks whether there are two copies, and has admins told if that has changed for long.
    pub(super) fn look_at_copies(&mut self) {
        let (lack, now_ms) = (self.copy_lack(), self.time.now_ms());
        self.keeping.now.one_copy = self.keeping.copies.note(now_ms, wall_ms(), lack);
        self.front.keeping_stands(self.keeping.now);
    }
}
