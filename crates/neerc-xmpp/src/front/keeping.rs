//! What admins of all rooms are told of how changes are kept: that there is one copy only, and two again; which changes may be
//! missing. Not when that is so.

use super::Front;
use super::admins::AdminWord;
use neerc_core::keeping::{Keeping, LostChanges, OneCopy};
use neerc_core::people::Person;
use neerc_core::world::World;
use std::collections::BTreeSet;

/// What is to be said of that.
#[derive(Debug, Default)]
pub(super) struct KeepingWords {
    keeping: Keeping,
    told_one_copy: BTreeSet<Person>,
    told_lost: BTreeSet<Person>,
}

impl KeepingWords {
    /// Whether somebody may have to hear something.
    pub fn waits(&self) -> bool {
        self.keeping != Keeping::default() || !self.told_one_copy.is_empty()
    }
}

impl Front {
    /// So changes are kept now.
    pub fn keeping_stands(&mut self, keeping: Keeping) {
        let words = &mut self.keeping_words;
        if words.keeping == keeping {
            return;
        }
        let lack = |one: Option<OneCopy>| one.map(|one| one.lack);
        if keeping.one_copy.is_some() && lack(words.keeping.one_copy) != lack(keeping.one_copy) {
            words.told_one_copy.clear(); // it is another trouble
        }
        if words.keeping.lost != keeping.lost {
            words.told_lost.clear();
        }
        words.keeping = keeping;
        self.plan_words.is_due = true;
    }

    /// Says what waits to those who are there by now.
    pub(super) fn say_keeping_words(&mut self, world: World<'_>) {
        let mut words = std::mem::take(&mut self.keeping_words);
        let KeepingWords { keeping: Keeping { one_copy, lost }, told_one_copy, told_lost } = &mut words;
        let (one_copy, lost): (Option<OneCopy>, Option<LostChanges>) = (*one_copy, *lost);
        let word = if one_copy.is_some() { AdminWord::IsSo } else { AdminWord::IsOver };
        self.tell_admins(&[], word, told_one_copy, world, &|answers| match one_copy {
            Some(one) => answers.one_copy(one),
            None => answers.two_copies(),
        });
        if let Some(lost) = lost {
            self.tell_admins(&[], AdminWord::IsSo, told_lost, world, &|answers| answers.lost(lost));
        }
        self.keeping_words = words;
    }
}
