//! What the program prints. Nobody may be listening, and a disk behind the output may be full: neither is a panic. Not
//! the log, which goes its own way.

use super::{Outcome, failure};
use anyhow::Context;
use std::io::{self, ErrorKind, Write};

/// Writes to standard output at once.
pub fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Prints a line. A reader who has gone away wants no more, which is no failure: the command goes on to its end, and how
/// it ends says the rest.
pub fn line(text: &str) -> Outcome {
    printed(write(&format!("{text}\n")))
}

/// Prints text that ends its own lines.
pub fn text(text: &str) -> Outcome {
    printed(write(text))
}

/// What became of printing something.
pub fn printed(outcome: io::Result<()>) -> Outcome {
    match outcome {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.context("cannot write to standard output").map_err(failure),
    }
}

/// Says what went wrong; if not even that can be said, the exit code does.
pub fn complain(text: &str) {
    drop(writeln!(io::stderr(), "neerc: {text}"));
}
