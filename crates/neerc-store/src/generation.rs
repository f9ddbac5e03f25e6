//! Of which history a log is, and what was lost of it: numbers that stand in rows of `meta`, which earlier versions leave
//! alone. Whoever remembers a revision may compare the generation: the same revision of another one is another change.

use crate::rows::stored;
use neerc_core::keeping::LostChanges;

/// The number of the history, in files; a database has it beside its lease.
pub(crate) const GENERATION: &str = "generation";

/// What was lost last: the fields of [`LostChanges`], in order.
pub(crate) const LOST: [&str; 4] = ["lost:first", "lost:last", "lost:since_ms", "lost:found_ms"];

/// What those rows say, if all of them are there.
pub(crate) fn lost_of(rows: impl IntoIterator<Item = (String, i64)>) -> Option<LostChanges> {
    let mut values = [None; 4];
    for (key, value) in rows {
        if let Some(place) = LOST.iter().position(|known| *known == key) {
            values[place] = Some(value); // there are as many
        }
    }
    let [Some(first), Some(last), Some(since_ms), Some(found_ms)] = values else { return None };
    Some(LostChanges { first: stored(first), last: stored(last), since_ms, found_ms })
}

/// The revisions that are missing of a log that ends there, where another one is known to have been stored.
pub(crate) fn missing(noted: Option<u64>, ends: u64) -> Option<(u64, u64)> {
    noted.filter(|noted| *noted > ends).map(|noted| (ends.saturating_add(1), noted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_known_once_all_of_its_rows_are_there() {
        let rows = LOST.iter().zip([5, 9, 70, 80]).map(|(key, value)| ((*key).to_owned(), value));
        let lost = LostChanges { first: 5, last: 9, since_ms: 70, found_ms: 80 };
        assert_eq!(lost_of(rows.clone().rev()), Some(lost));
        assert_eq!(lost_of(rows.skip(1)), None);
        assert_eq!(missing(Some(9), 4), Some((5, 9)));
        assert_eq!((missing(Some(4), 4), missing(None, 4)), (None, None));
    }
}
