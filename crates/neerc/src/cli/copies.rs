//! `neerc backup` and `neerc restore`.

pub mod moment;

use super::args::{BackupArgs, RestoreArgs};
use super::{Outcome, failure, load_store, out, runtime, usage};
use crate::service::standing::BackupNote;
use crate::service::status;
use anyhow::{Context, anyhow};
use jiff::Zoned;
use neerc_store::{self as store, Copied, LogPoint, Recalled};

/// Copies the store into one file.
pub fn backup(args: &BackupArgs) -> Outcome {
    let config = load_store(&args.config.config)?;
    let existing = if args.force { store::Existing::Replace } else { store::Existing::Keep };
    let copied = store::backup(&config.store, args.file.as_deref(), existing).map_err(failure)?;
    let note = BackupNote { file: copied.file.clone(), revision: copied.revision, ..BackupNote::default() };
    if let Ok(runtime) = runtime() {
        // Where no service runs, none has to know.
        let _ = runtime.block_on(status::tell_backup(&status::path(config.store.local()), note));
    }
    out::line(&format!("{}; it was read again and is whole", holds(&copied)))?;
    match copied.archived {
        0 => Ok(()),
        archived => out::line(&format!(
            "changes 1 to {archived} are in {}, which is to be copied too",
            store::archives_of(&config.store).display()
        )),
    }
}

/// What is in a copy.
fn holds(Copied { file, archived, revision, tasks }: &Copied) -> String {
    let file = file.display();
    match archived {
        0 => format!("{file} holds {revision} changes, {tasks} tasks"),
        _ => format!("{file} holds changes {} to {revision}, {tasks} tasks", archived + 1),
    }
}

/// Puts a backup in the place of the store, or brings it back to a moment.
pub fn restore(args: &RestoreArgs) -> Outcome {
    let config = load_store(&args.config.config)?;
    match (&args.at, &args.file) {
        (Some(at), _) => restore_moment(&config.store, args, at),
        (None, Some(file)) => {
            let store::Restored { now, kept } = store::restore(&config.store, file).map_err(failure)?;
            out::line(&format!("{}, from {}", holds(&now), file.display()))?;
            kept_as(kept.as_deref())
        }
        (None, None) => Err(usage(anyhow!("give the file of a backup, or a moment by --at"))), // clap has said so
    }
}

fn restore_moment(url: &store::Url, args: &RestoreArgs, at: &str) -> Outcome {
    let clock = Zoned::now();
    let moment = moment::parse("--at", at, &clock).map_err(|why| usage(anyhow!(why)))?;
    let words = match moment {
        store::Moment::At(ms) => moment::written(ms, &clock),
        store::Moment::Revision(revision) => format!("change {revision}"),
    };
    let recalled = store::restore_moment(url, args.file.as_deref(), args.into.as_deref(), moment);
    let recalled = recalled.with_context(|| format!("the store cannot be brought back to {words}")).map_err(failure)?;
    let Recalled { now, kept, taken, left_out, left_out_count } = recalled;
    let point = |LogPoint { revision, at_ms }| format!("change {revision}, of {}", moment::written(at_ms, &clock));
    out::line(&format!("{}, as of {words}; it was read again and is whole", holds(&now)))?;
    out::line(&match taken {
        Some(taken) => format!("the last change in it is {}", point(taken)),
        None => "no change is in it".to_owned(),
    })?;
    out::line(&match left_out {
        Some(first) => format!("left out are {left_out_count} changes, the first of them {}", point(first)),
        None => "nothing is left out".to_owned(),
    })?;
    kept_as(kept.as_deref())
}

/// Says where that is which was in the place of what was restored.
fn kept_as(kept: Option<&std::path::Path>) -> Outcome {
    match kept {
        Some(kept) => out::line(&format!("what was in its place is kept as {}", kept.display())),
        None => Ok(()),
    }
}
