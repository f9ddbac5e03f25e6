//! How rows of the menu are found: by what they do, by their node, by the words people type.

use super::{Act, Item, Needs, ROWS};
use crate::face::line::look;
use crate::near;
use crate::refusal::{Refusal, excerpt};
use std::collections::HashMap;
use std::sync::OnceLock;

/// The rows of the menu that are offered to somebody with or without an admin's rights.
pub fn offered(needs: Needs) -> impl Iterator<Item = &'static Item> {
    ROWS.iter().filter(move |item| item.needs == Needs::User || needs == Needs::Admin)
}

/// The row of an ad-hoc command.
pub fn by_node(node: &str) -> Option<&'static Item> {
    ROWS.iter().find(|item| item.node == node)
}

/// The row for this.
pub fn by_act(act: Act) -> &'static Item {
    ROWS.iter().find(|item| item.act == act).unwrap_or(&ROWS[0]) // a test looks up every act
}

/// The row that a word in any language is for; case is ignored, and so are the dots of `ё`.
pub fn by_word(word: &str) -> Result<&'static Item, Refusal> {
    find_word(word).ok_or_else(|| {
        let plain = plain(word);
        let nearest = near::nearest(&plain, ROWS.iter().flat_map(Item::words));
        let nearest = nearest.and_then(|near| ROWS.iter().flat_map(Item::words).find(|word| *word == near));
        Refusal::UnknownVerb { verb: excerpt(word), nearest }
    })
}

/// The same, where it does not matter which word was most likely meant.
pub(in crate::face) fn find_word(word: &str) -> Option<&'static Item> {
    static LOOKS: OnceLock<HashMap<String, &'static Item>> = OnceLock::new();
    let plain = plain(word);
    let exact = ROWS.iter().find(|item| item.words().any(|known| known == plain));
    // Letters of two alphabets that look alike make words that nobody can tell apart.
    let looks = || LOOKS.get_or_init(|| ROWS.iter().flat_map(|row| row.words().map(move |w| (look(w), row))).collect());
    exact.or_else(|| if plain.is_ascii() { None } else { looks().get(&look(&plain)).copied() })
}

fn plain(word: &str) -> String {
    word.to_lowercase().replace('ё', "е")
}
