//! `neerc compact` and `neerc verify`: what is old goes into archives, and whether everything is whole is seen by reading it.

use super::args::{CompactArgs, VerifyArgs};
use super::{Outcome, failure, load_store, out, runtime, secret, usage};
use crate::config::StoreConfig;
use crate::limits;
use crate::service::archivist::{CompactAnswer, CompactReport, CompactRequest, CompactWish};
use crate::service::{status, time};
use anyhow::{Context, anyhow};
use neerc_store::{self as store, Keep, StoreError, Verdict, WholeFile, WholeKind};
use std::path::{Path, PathBuf};

/// Moves what is older than some days into archives: by the service that uses the store, or by itself if none does.
pub fn compact(args: &CompactArgs) -> Outcome {
    let config = load_store(&args.config.config)?;
    let days = match args.keep_days {
        Some(days) => days,
        None if config.keep_days > 0 => config.keep_days,
        None => {
            let why = "store.keep_days is 0: everything is kept. Say what to keep by --keep-days";
            return Err(usage(anyhow!(why)));
        }
    };
    if store::is_new(&config.store).map_err(failure)? {
        return Err(failure(anyhow!("there is no store at {} yet", config.store)));
    }
    let report = match store::open(&config.store) {
        Ok(opened) => alone(opened.store, days)?,
        Err(StoreError::InUse { .. }) => runtime()?.block_on(by_service(&config, days)).map_err(failure)?,
        Err(error) => return Err(failure(error)),
    };
    tell(&config, days, &report)
}

/// Compacts a store that nobody else uses, and gives back its space.
fn alone(store: store::Store, days: u32) -> Result<CompactReport, (super::Exit, anyhow::Error)> {
    runtime()?.block_on(async {
        let done = store.compact(Keep::days(days, time::wall_ms())).await.map_err(failure)?;
        if let Err(error) = store.shrink().await {
            out::complain(&format!("the file stays as long as it is, and what is stored later goes there: {error}"));
        }
        store.close().await.map_err(failure)?;
        Ok(done.into())
    })
}

/// Asks the service that uses the store to do it, and waits.
async fn by_service(config: &StoreConfig, keep_days: u32) -> anyhow::Result<CompactReport> {
    let socket = status::path(config.store.local());
    let id = secret::hex(8).context("there is no randomness to be had from /dev/urandom")?;
    let request = CompactRequest { compact: CompactWish { id, keep_days } };
    let mut tries = limits::STATUS_TRIES;
    loop {
        match status::ask_compact(&socket, &request).await {
            Ok(CompactAnswer { done: Some(report), .. }) => return Ok(report),
            Ok(CompactAnswer { failed: Some(why), .. }) => return Err(anyhow!(why)),
            Ok(_) => tries = limits::STATUS_TRIES,
            // It may be busy, or only just be starting.
            Err(_) if tries > 0 => tries -= 1,
            Err(error) => {
                return Err(error)
                    .with_context(|| format!("cannot ask the neerc that uses {}", config.store.name().display()));
            }
        }
        tokio::time::sleep(limits::COMPACT_ASK).await;
    }
}

fn tell(config: &StoreConfig, days: u32, report: &CompactReport) -> Outcome {
    for (file, first, last) in &report.archives {
        out::line(&format!("{} holds changes {first} to {last}; it was read again and is whole", file.display()))?;
    }
    let file = config.store.name();
    let (file, kept) = (file.display(), report.kept);
    if report.archives.is_empty() {
        out::line(&format!(
            "there is nothing to move: what is not of the last {days} days is needed at a start, or moved"
        ))?;
    }
    match report.archived {
        0 => out::line(&format!("{file} holds all {kept} changes")),
        archived => out::line(&format!("{file} holds {kept} changes, from {} on", archived + 1)),
    }
}

/// Reads files from beginning to end, or the store with its archives.
pub fn verify(args: &VerifyArgs) -> Outcome {
    let files = match args.files.is_empty() {
        false => args.files.clone(),
        true => {
            let url = load_store(&args.config.config)?.store;
            if let store::Url::Postgres(_) = url {
                store::verify(&url).map_err(failure)?;
                out::line(&format!("ok    {url}: a store"))?;
            }
            store::files_of(&url).map_err(failure)?
        }
    };
    let verdicts = store::verify_files(&files);
    for verdict in &verdicts {
        out::line(&said(verdict))?;
    }
    if let Some(first) = first_of(&verdicts).filter(|first| *first > 1) {
        out::line(&format!("      changes 1 to {} are in none of these files", first - 1))?;
    }
    match verdicts.iter().all(Verdict::is_fine) {
        true => Ok(()),
        false => Err(failure(anyhow!("not everything is whole"))),
    }
}

/// The first change that is in any of the files.
fn first_of(verdicts: &[Verdict]) -> Option<u64> {
    let whole = verdicts.iter().filter_map(|verdict| match verdict {
        Verdict::Whole(WholeFile { first, .. }) => Some(*first),
        _ => None,
    });
    whole.min()
}

fn said(verdict: &Verdict) -> String {
    let name = |file: &PathBuf| Path::new(file).display().to_string();
    match verdict {
        Verdict::Whole(WholeFile { file, kind, first, last }) => {
            let what = if *kind == WholeKind::Archive { "an archive" } else { "a store" };
            let holds = match last < first {
                true => "without changes".to_owned(),
                false => format!("with changes {first} to {last}"),
            };
            format!("ok    {}: {what} {holds}", name(file))
        }
        Verdict::Wrong(error) => format!("WRONG {error}"),
        Verdict::Gap { first, last, before } => {
            format!(
                "WRONG {}: changes {first} to {last}, which come before it, are in none of these files",
                name(before)
            )
        }
        Verdict::Strangers { one, other } => {
            format!("WRONG {}: it does not go on with what {} ends with", name(other), name(one))
        }
    }
}
