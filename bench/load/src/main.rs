//! `load`: measures neerc beside what else there is, and prints a table. Run by `bench/run`, in the folder `bench`.
//! The pieces are in pieces.rs, servers.rs and board.rs, reading the table is explained in README.md.

mod bare;
mod board;
mod contest;
mod drive;
mod link;
mod machine;
mod pieces;
mod plot;
mod postgres;
mod process;
mod profile;
mod servers;
mod service;
mod table;

use machine::Machine;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What may fail fails the piece, with words.
type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// How much is measured.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    /// Runs of everything, alternated.
    pub runs: usize,
    /// How long one measurement takes.
    pub time: Duration,
    /// For development: short, and the largest sizes left out.
    pub is_quick: bool,
}

type Piece = fn(Scale) -> Outcome<Vec<table::Row>>;

const PIECES: [(&str, Piece); 11] = [
    ("tiny", pieces::tiny),
    ("tasks", pieces::tasks),
    ("durable", pieces::durable),
    ("postgres", postgres::postgres),
    ("telling", pieces::telling),
    ("mixed", pieces::mixed),
    ("servers", servers::servers),
    ("board", board::board),
    ("memory", pieces::memory),
    ("start", pieces::start),
    ("growth", pieces::growth),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let port = |text: &str| text.parse().unwrap_or(0);
    match words.as_slice() {
        // The baselines that this program starts itself as. They end with an error when their connection is cut.
        ["peer-raw", at] => drop(bare::scanner(port(at), bare::Scan::Framing)),
        ["peer-blind", at] => drop(bare::scanner(port(at), bare::Scan::Blind)),
        ["peer-teller", at, sessions] => drop(bare::teller(port(at), sessions.parse().unwrap_or(1))),
        ["peer-axum", at, page, event] => drop(board::serve(port(at), page.as_ref(), event.as_ref())),
        _ => return measure(&words),
    }
    ExitCode::SUCCESS
}

fn measure(words: &[&str]) -> ExitCode {
    let mut scale = Scale { runs: 5, time: Duration::from_millis(500), is_quick: false };
    let mut profiles = table::Profiles::OfMissed;
    let mut wanted = Vec::new();
    for word in words {
        match PIECES.iter().find(|(name, _)| name == word) {
            Some(piece) => wanted.push(piece),
            None if *word == "--quick" => {
                scale = Scale { runs: 1, time: Duration::from_millis(300), is_quick: true };
            }
            None if *word == "--profiles" => profiles = table::Profiles::OfAll,
            None => {
                let names: Vec<&str> = PIECES.iter().map(|(name, _)| *name).collect();
                eprintln!("usage: bench/run [--quick] [--profiles] [{}]...", names.join("|"));
                return ExitCode::from(2);
            }
        }
    }
    if wanted.is_empty() {
        wanted.extend(&PIECES);
    }
    let mut rows = Vec::new();
    let mut exit = ExitCode::SUCCESS;
    let mut machine = Machine::default();
    for (name, piece) in wanted {
        if let Err(error) = machine.sample() {
            eprintln!("bench: the machine's noise is not known: {error}");
        }
        let start = Instant::now();
        match piece(scale) {
            Ok(more) => {
                eprintln!("bench: {name}, {:.0} s", start.elapsed().as_secs_f64());
                rows.extend(more);
            }
            Err(error) => {
                eprintln!("bench: {name}: {error}");
                exit = ExitCode::FAILURE;
            }
        }
    }
    print!("{}\n{}{}", machine.words(), table::print(&rows), table::print_profiles(&rows, profiles));
    exit
}
