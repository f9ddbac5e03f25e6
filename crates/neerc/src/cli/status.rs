//! `neerc status`: how the service that runs on this machine stands.

use super::args::StatusArgs;
use super::{Outcome, failure, following, load_place, nobody_there, out, runtime};
use crate::service::status;
use anyhow::Context;

/// Asks it, and prints the answer.
pub fn status(args: &StatusArgs) -> Outcome {
    let store = load_place(&args.config.config)?;
    let (file, name) = (store.local(), store.name());
    let standing = runtime()?.block_on(status::ask_standing(&status::path(file)));
    if let (Err(_), Some(words), false) = (&standing, following(&store), args.json) {
        return out::line(&format!("{}: {words}", name.display()));
    }
    let standing = standing.map_err(|error| nobody_there(error, &name));
    let standing = standing.with_context(|| format!("cannot ask the neerc that uses {}", name.display()));
    let standing = standing.map_err(failure)?;
    if args.json {
        return out::line(&serde_json::to_string_pretty(&standing).map_err(failure)?);
    }
    out::text(&standing.lines())
}
