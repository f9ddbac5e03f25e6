//! `neerc groups import`: puts a table of people in the place of the list that the service reads.

use super::args::ConfigArgs;
use super::{Outcome, failure, load, out, usage};
use crate::config::Config;
use crate::people::{self, ListSource, Listed};
use anyhow::{Context, anyhow};
use clap::{Args, Subcommand};
use rustix::fs::{Gid, Uid, fchown};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Arguments of `groups`.
#[derive(Debug, Args)]
pub struct GroupsArgs {
    /// What to do with them.
    #[command(subcommand)]
    pub command: GroupsCommand,
}

/// What can be done with groups.
#[derive(Debug, Subcommand)]
pub enum GroupsCommand {
    /// Take who people are and their groups from a CSV file
    ///
    /// The first line of the file names its columns: name (of the account), display (how people call them) and groups
    /// (several with semicolons between them); the last two may be missing. The table is read whole first, then it
    /// replaces the file of the configuration's [[groups]] file, which a running service reads again by itself.
    #[command(after_long_help = "Examples:\n  neerc groups import halls.csv")]
    Import(ImportArgs),
}

/// Arguments of `groups import`.
#[derive(Debug, Args)]
pub struct ImportArgs {
    /// The table
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The configuration
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Does what is asked for.
pub fn groups(args: &GroupsArgs) -> Outcome {
    let GroupsCommand::Import(args) = &args.command;
    let config = load(&args.config.config)?;
    let list = list_of(&config).map_err(usage)?;
    let table =
        fs::read(&args.file).with_context(|| format!("cannot read {}", args.file.display())).map_err(failure)?;
    let new = people::read_table(&table).map_err(|why| usage(anyhow!("{}: {why}", args.file.display())))?;
    // What cannot be read is replaced all the same.
    let old = people::read_file(list).unwrap_or_default();
    replace(list, &table).with_context(|| format!("cannot write {}", list.display())).map_err(failure)?;
    out::line(&format!("{}: {}", list.display(), difference(&old, &new)))
}

/// The one file of the configuration.
fn list_of(config: &Config) -> anyhow::Result<&Path> {
    let files = config.lists.iter().filter_map(|list| match &list.source {
        ListSource::File(path) => Some(path.as_path()),
        _ => None,
    });
    match files.collect::<Vec<_>>()[..] {
        [file] => Ok(file),
        [] => {
            Err(anyhow!("no list is read from a file: add to the configuration\n\n[[groups]]\nfile = \"people.csv\""))
        }
        _ => Err(anyhow!("several lists are read from files: put the table in the place of the one that is meant")),
    }
}

/// What is other now, in words.
fn difference(old: &[Listed], new: &[Listed]) -> String {
    let by_name =
        |list: &'_ [Listed]| list.iter().map(|one| (one.name.clone(), one.clone())).collect::<BTreeMap<_, _>>();
    let (old, new) = (by_name(old), by_name(new));
    let added = new.keys().filter(|name| !old.contains_key(*name)).count();
    let gone = old.keys().filter(|name| !new.contains_key(*name)).count();
    let changed = new.iter().filter(|(name, one)| old.get(*name).is_some_and(|known| known != *one)).count();
    let groups: BTreeSet<&str> = new.values().flat_map(|one| &one.groups).map(String::as_str).collect();
    let (people, groups) = (new.len(), groups.len());
    format!("{people} people in {groups} groups: {added} are new, {changed} are other than before, {gone} are gone")
}

/// Whole or not at all, and as readable as what was there.
fn replace(path: &Path, table: &[u8]) -> io::Result<()> {
    let replaced = fs::metadata(path).ok();
    let mut part = path.as_os_str().to_owned();
    part.push(format!(".{}.part", std::process::id()));
    let part = PathBuf::from(part);
    drop(fs::remove_file(&part)); // what a killed process may have left
    let mode = replaced.as_ref().map_or(0o644, |replaced| replaced.mode() & 0o777);
    let written = fill(&part, table, mode, replaced.as_ref()).and_then(|()| fs::rename(&part, path));
    written.inspect_err(|_| drop(fs::remove_file(&part)))
}

fn fill(part: &Path, table: &[u8], mode: u32, replaced: Option<&fs::Metadata>) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(mode).open(part)?;
    if let Some(replaced) = replaced {
        let _ = fchown(&file, Some(Uid::from_raw(replaced.uid())), Some(Gid::from_raw(replaced.gid()))); // refused to all but root
    }
    file.write_all(table)?;
    file.sync_all()
}
