//! Who wants links in what is said to them.

use super::{Board, Decision};
use crate::change::Change;
use crate::links::{LinksWish, LinksWishes};
use crate::people::Person;
use crate::refusal::Refusal;

impl Board {
    /// Who wants links, and who does not.
    pub fn links(&self) -> &LinksWishes {
        &self.links
    }

    /// The same board with the wishes of a snapshot.
    pub fn with_links(self, links: LinksWishes) -> Board {
        Board { links, ..self }
    }

    pub(super) fn wish_links(&self, who: &Person, wish: LinksWish) -> Result<Decision, Refusal> {
        self.links.check(who)?;
        let is_so = self.links.of(who) == Some(wish);
        Ok(if is_so { Decision::default() } else { Change::Linked { person: who.clone(), wish }.into() })
    }
}
