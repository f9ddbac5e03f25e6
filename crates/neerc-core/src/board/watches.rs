//! Who may watch what.

use super::{Board, Decision};
use crate::change::Change;
use crate::people::{Admin, Person};
use crate::refusal::Refusal;
use crate::watch::{Watch, Watched, Watches};

impl Board {
    /// What people watch.
    pub fn watches(&self) -> &Watches {
        &self.watches
    }

    /// The same board with what people watch by a snapshot.
    pub fn with_watches(self, watches: Watches) -> Board {
        Board { watches, ..self }
    }

    pub(super) fn watch(&self, _: Admin, who: &Person, wanted: Watched) -> Result<Decision, Refusal> {
        if let Watched::Task(task) = wanted {
            self.existing(task)?;
        }
        let watch = self.watches.with(who, wanted)?;
        Ok(self.watched(who, watch))
    }

    pub(super) fn unwatch(&self, _: Admin, who: &Person, wanted: Option<Watched>) -> Decision {
        self.watched(who, self.watches.without(who, wanted))
    }

    fn watched(&self, who: &Person, watch: Watch) -> Decision {
        if self.watches.of(who).cloned().unwrap_or_default() == watch {
            return Decision::default();
        }
        Change::Watched { person: who.clone(), watch }.into()
    }
}
