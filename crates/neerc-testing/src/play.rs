//! Plays a fuzz target on the stable compiler: every input of its corpus, and a bounded number of seeded mutations of
//! each. Real fuzzing is done by the targets themselves.

use crate::trust;
use std::fs;
use std::path::Path;

/// Pieces that mutations put in; what the grammars are made of.
const PIECES: [&str; 24] = [
    "<",
    ">",
    "/>",
    "'",
    "\"",
    "&amp;",
    "&#x41;",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?",
    "?>",
    "<!",
    "</a>",
    "<a>",
    " type='get'",
    " xmlns='n'",
    "\0",
    "\n",
    "\r",
    "й",
    "\u{ffff}",
    "=",
];

/// Plays one target. `check` panics when a promise is broken.
pub fn survives(target: &str, check: fn(&[u8])) {
    let corpus = corpus(target);
    assert!(!corpus.is_empty(), "no corpus of {target}");
    for (name, input) in &corpus {
        tried(check, input, &format!("{target}/{name}"));
    }
    let mut random = Random(0x6e65_6572_6300 + target.len() as u64);
    let mutants = trust::times(4_000, 40_000);
    for n in 0..mutants {
        let (name, input) = &corpus[n % corpus.len()];
        let mut mutant = input.clone();
        for _ in 0..=random.below(3) {
            mutate(&mut mutant, &corpus[random.below(corpus.len())].1, &mut random);
        }
        tried(check, &mutant, &format!("mutant {n} of {target}/{name}"));
    }
    let inputs = corpus.len() + mutants;
    trust::report("P4", &format!("mutated inputs of the fuzz target {target}"), inputs, "0 panics");
}

/// Runs one input; on a panic says which it was, so that it can be put into the corpus.
fn tried(check: fn(&[u8]), input: &[u8], what: &str) {
    if let Err(panic) = std::panic::catch_unwind(|| check(input)) {
        eprintln!("{what} fails: b\"{}\"", input.escape_ascii());
        std::panic::resume_unwind(panic);
    }
}

/// The inputs kept of a target, by name.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut inputs: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap())
        })
        .collect();
    inputs.sort();
    inputs
}

fn mutate(input: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let at = random.below(input.len() + 1);
    let end = at + random.below((input.len() - at).min(64) + 1);
    match random.below(6) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 => drop(input.drain(at..end)),
        2 => drop(input.splice(at..at, PIECES[random.below(PIECES.len())].bytes())),
        3 => {
            let copy = input[at..end].to_vec();
            let to = random.below(input.len() + 1);
            input.splice(to..to, copy);
        }
        4 if !other.is_empty() => {
            let from = random.below(other.len());
            let len = random.below((other.len() - from).min(200) + 1);
            input.splice(at..end, other[from..from + len].iter().copied());
        }
        _ => drop(input.splice(at..end, PIECES[random.below(PIECES.len())].bytes())),
    }
}

/// A small generator (splitmix64), so that every run tries the same.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % bound.max(1) as u64) as usize
    }
}
