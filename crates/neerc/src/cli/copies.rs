//! `neerc backup` and `neerc restore`.

use super::args::{BackupArgs, RestoreArgs};
use super::{Outcome, failure, load, out};
use neerc_store as store;

/// Copies the store into one file.
pub fn backup(args: &BackupArgs) -> Outcome {
    let config = load(&args.config.config)?;
    let existing = if args.force { store::Existing::Replace } else { store::Existing::Keep };
    let copied = store::backup(&config.store, args.file.as_deref(), existing).map_err(failure)?;
    out::line(&format!(
        "{} holds {} changes, {} tasks; it was read again and is whole",
        copied.file.display(),
        copied.revision,
        copied.tasks
    ))
}

/// Puts a backup in the place of the store.
pub fn restore(args: &RestoreArgs) -> Outcome {
    let config = load(&args.config.config)?;
    let store::Restored { now, kept } = store::restore(&config.store, &args.file).map_err(failure)?;
    out::line(&format!(
        "{} holds {} changes, {} tasks, from {}",
        now.file.display(),
        now.revision,
        now.tasks,
        args.file.display()
    ))?;
    match kept {
        Some(kept) => out::line(&format!("what was in its place is kept as {}", kept.display())),
        None => Ok(()),
    }
}
