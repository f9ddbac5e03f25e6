//! How safely the log is kept, as admins are told: whether it is on one machine only where it should be on two, and whether
//! some of it was lost. What is found out by whoever runs the store; here is only what of that is said, and when.

use crate::limits::COPY_TOLD_AFTER_MS;

/// What admins of every room are to know of how changes are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keeping {
    /// There is one copy only, where another one is wanted.
    pub one_copy: Option<OneCopy>,
    /// Changes that may be missing.
    pub lost: Option<LostChanges>,
}

/// There is one copy of the changes only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OneCopy {
    /// Since when, in ms since 1970.
    pub since_ms: i64,
    /// What comes of it.
    pub lack: CopyLack,
}

/// What comes of it that the second machine is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyLack {
    /// Changes wait for it.
    Waits,
    /// They are answered all the same.
    GoesOn,
}

/// Changes that were stored once, and are not in the log: a machine took over that had not got them, or an older copy was
/// brought back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostChanges {
    /// The first revision that may have been another change.
    pub first: u64,
    /// The last one that is known to have been stored.
    pub last: u64,
    /// When the last change happened that is left, in ms since 1970.
    pub since_ms: i64,
    /// When that was noticed, in ms since 1970.
    pub found_ms: i64,
}

/// Whether there are two copies, from one moment to the next. What is over soon is not told.
#[derive(Clone, Debug, Default)]
pub struct CopyWatch {
    /// What was told last.
    told: Option<OneCopy>,
    /// What is so now, if it is not what was told.
    turned: Option<Turned>,
}

#[derive(Clone, Copy, Debug)]
struct Turned {
    /// By the steady clock.
    at_ms: i64,
    /// In ms since 1970.
    wall_ms: i64,
}

impl CopyWatch {
    /// So it is now, by the steady clock and the time of day; what admins are to be told.
    pub fn note(&mut self, now_ms: i64, wall_ms: i64, lack: Option<CopyLack>) -> Option<OneCopy> {
        match (&mut self.told, lack) {
            (Some(told), Some(lack)) => {
                told.lack = lack;
                self.turned = None;
            }
            (None, None) => self.turned = None,
            (told, lack) => {
                let turned = *self.turned.get_or_insert(Turned { at_ms: now_ms, wall_ms });
                if now_ms >= turned.at_ms.saturating_add(COPY_TOLD_AFTER_MS) {
                    *told = lack.map(|lack| OneCopy { since_ms: turned.wall_ms, lack });
                    self.turned = None;
                }
            }
        }
        self.told
    }

    /// When it is to be looked at again, in ms.
    pub fn next_ms(&self) -> i64 {
        self.turned.map_or(i64::MAX, |turned| turned.at_ms.saturating_add(COPY_TOLD_AFTER_MS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    const LONG: i64 = COPY_TOLD_AFTER_MS;

    #[test]
    fn what_is_over_soon_is_not_told_and_what_lasts_is_told_with_its_beginning() {
        let mut watch = CopyWatch::default();
        let (away, back) = (Some(CopyLack::Waits), None);
        let mut note =
            |now_ms: i64, lack| watch.note(now_ms, 1_000_000 + now_ms, lack).map(|one| one.since_ms - 1_000_000);
        for round in 0..5 {
            let at = round * LONG;
            assert_eq!(note(at, away), None);
            assert_eq!(note(at + LONG - 1, away), None);
            assert_eq!(note(at + LONG - 1, back), None, "it was over soon");
        }
        let at = 10 * LONG;
        assert_eq!(note(at, away), None);
        assert_eq!(note(at + LONG, away), Some(at));
        assert_eq!(note(at + LONG + 1, back), Some(at), "it may not last");
        assert_eq!(note(at + LONG + 2, away), Some(at));
        assert_eq!(note(at + 2 * LONG, back), Some(at));
        assert_eq!(note(at + 3 * LONG - 1, back), Some(at));
        assert_eq!(note(at + 3 * LONG, back), None);
    }

    #[test]
    fn whether_changes_wait_is_told_at_once_and_it_is_looked_again_in_time() {
        let mut watch = CopyWatch::default();
        assert_eq!(watch.next_ms(), i64::MAX);
        assert_eq!(watch.note(5, 70, Some(CopyLack::Waits)), None);
        assert_eq!(watch.next_ms(), 5 + LONG);
        let told = watch.note(5 + LONG, 70 + LONG, Some(CopyLack::Waits));
        assert_eq!(told, Some(OneCopy { since_ms: 70, lack: CopyLack::Waits }));
        assert_eq!(watch.next_ms(), i64::MAX);
        let told = watch.note(6 + LONG, 71 + LONG, Some(CopyLack::GoesOn));
        assert_eq!(told, Some(OneCopy { since_ms: 70, lack: CopyLack::GoesOn }));
    }
}
