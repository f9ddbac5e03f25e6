//! `neerc follow` and `neerc feed`: the log on a second machine.

use super::args::FollowArgs;
use super::{Outcome, failure, load_store};
use crate::follow::{feed, follower};
use crate::service::status;
use std::io;
use std::path::Path;

/// Keeps the log of another machine here, for ever.
pub fn follow(args: &FollowArgs) -> Outcome {
    let config = load_store(&args.config.config)?;
    super::logging::begin(config.log);
    follower::follow(&config.store, &args.command).map_err(failure)
}

/// Feeds the log of this machine to whoever speaks by standard input.
pub fn feed(path: &Path) -> Outcome {
    let config = load_store(path)?;
    super::logging::begin(config.log);
    let file = config.store.local();
    feed::feed(&config.store, &status::path(file), io::stdin(), io::stdout()).map_err(failure)
}
