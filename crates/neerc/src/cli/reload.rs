//! `neerc reload`: has the service that runs read its configuration again.

use super::args::ConfigArgs;
use super::{Outcome, failure, load_place, nobody_there, out, runtime, usage};
use crate::service::status;
use anyhow::{Context, anyhow};

/// Has it read again, and says what came of it.
pub fn reload(args: &ConfigArgs) -> Outcome {
    // What is wrong with the rest of it is said by the service, which may read the secrets.
    let store = load_place(&args.config)?;
    let (file, name) = (store.local(), store.name());
    let answer = runtime()?.block_on(status::ask_reload(&status::path(file)));
    let answer = answer.map_err(|error| nobody_there(error, &name));
    let answer = answer.with_context(|| format!("cannot ask the neerc that uses {}", name.display()));
    match answer.map_err(failure)?.words() {
        Ok(said) => out::line(&said),
        Err(why) => Err(usage(anyhow!(why))),
    }
}
