//! The command line: what each command does, with a file for it, and how each ends.

mod args;
mod asks;
mod check;
mod copies;
mod demo;
mod follow;
mod groups;
mod history;
mod init;
mod keep;
mod keys;
mod logging;
mod manual;
mod out;
mod reload;
mod reread;
mod run;
mod secret;
mod standby;
mod status;

use self::args::{Cli, CliCommand, Exit, StandbyAsk};
use crate::checklists;
use crate::config::changes::GivenKeys;
use crate::config::{self, Config, StoreConfig};
use anyhow::{Context, anyhow};
use clap::Parser;
use neerc_store::{LogReader, Url};
use neerc_xmpp::front::FrontSettings;
use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

/// Does what the command line asks for.
pub fn main() -> ExitCode {
    let outcome = match Cli::try_parse() {
        Ok(cli) => act(cli.command),
        Err(asked) => return explain(&asked),
    };
    match outcome {
        Ok(()) => Exit::Fine.into(),
        Err((exit, error)) => {
            out::complain(&words(&error));
            exit.into()
        }
    }
}

fn act(command: CliCommand) -> Outcome {
    match command {
        CliCommand::Run(args) => run::run(&args),
        CliCommand::Follow(args) => follow::follow(&args),
        CliCommand::Feed(args) => follow::feed(&args.config),
        CliCommand::Status(args) => status::status(&args),
        CliCommand::Standby(StandbyAsk::Status(args)) => standby::status(&args),
        CliCommand::Reload(args) => reload::reload(&args),
        CliCommand::Check(args) => check::check(&args.config),
        CliCommand::Backup(args) => copies::backup(&args),
        CliCommand::Restore(args) => copies::restore(&args),
        CliCommand::Compact(args) => keep::compact(&args),
        CliCommand::Verify(args) => keep::verify(&args),
        CliCommand::LoginLink(args) => keys::login_link(args),
        CliCommand::Token(args) => keys::token(args),
        CliCommand::Tasks(args) => asks::tasks(&args),
        CliCommand::Task(args) => asks::task(args),
        CliCommand::Answer(args) => asks::answer(&args),
        CliCommand::Late(args) => asks::late(&args),
        CliCommand::Clock(args) => asks::clock(&args),
        CliCommand::Log(args) => history::log(&args),
        CliCommand::Export(args) => history::export(&args),
        CliCommand::Groups(args) => groups::groups(&args),
        CliCommand::Init(args) => init::init(&args),
        CliCommand::Demo(args) => demo::demo(&args),
        CliCommand::Completions(args) => manual::completions(&args),
        CliCommand::Man(args) => manual::write(&args),
    }
}

/// The help that was asked for, or what is wrong with the command line.
fn explain(asked: &clap::Error) -> ExitCode {
    match out::printed(asked.print()) {
        _ if asked.use_stderr() => Exit::Usage.into(),
        Ok(()) => Exit::Fine.into(),
        Err((exit, error)) => {
            out::complain(&words(&error));
            exit.into()
        }
    }
}

/// What went wrong, then each cause that is not in the words of those before it already.
fn words(error: &anyhow::Error) -> String {
    let mut said = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if said.is_empty() {
            said = cause;
        } else if !said.contains(&cause) {
            said.push_str(": ");
            said.push_str(&cause);
        }
    }
    said
}

/// What a command comes to: how the program ends, and what is said of it.
type Outcome = Result<(), (Exit, anyhow::Error)>;

fn usage(error: impl Into<anyhow::Error>) -> (Exit, anyhow::Error) {
    (Exit::Usage, error.into())
}

fn failure(error: impl Into<anyhow::Error>) -> (Exit, anyhow::Error) {
    (Exit::Failure, error.into())
}

fn load(path: &Path) -> Result<Config, (Exit, anyhow::Error)> {
    load_given(path).map(|(config, _)| config)
}

/// What the store is used with. Whoever reads it or looks after it speaks to no chat server, and may not be given the secret.
fn load_store(path: &Path) -> Result<StoreConfig, (Exit, anyhow::Error)> {
    config::check_variables(std::env::vars_os()).map_err(usage)?;
    Config::load_store(path, |name| std::env::var(name).ok()).map_err(usage)
}

/// Where the store is. Whoever asks the service that uses it needs no secret, and may not be given those of systemd.
fn load_place(path: &Path) -> Result<Url, (Exit, anyhow::Error)> {
    config::check_variables(std::env::vars_os()).map_err(usage)?;
    Config::load_place(path, |name| std::env::var(name).ok()).map_err(usage)
}

/// The same with each key as it was given.
fn load_given(path: &Path) -> Result<(Config, GivenKeys), (Exit, anyhow::Error)> {
    config::check_variables(std::env::vars_os()).map_err(usage)?;
    Config::load_given(path, |name| std::env::var(name).ok()).map_err(usage)
}

/// What it means that the service that uses this store cannot be asked.
fn nobody_there(error: io::Error, store: &Path) -> anyhow::Error {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
            anyhow!("no neerc serves from {}; start it first: neerc run", store.display())
        }
        _ => anyhow::Error::new(error),
    }
}

/// What stands in a store that follows the one of another machine, if a process has it do so.
fn following(store: &Url) -> Option<String> {
    let pid = neerc_store::user_of(store)?;
    let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let follows = command.split(|byte| *byte == 0).nth(1) == Some(b"follow");
    let newest = LogReader::of(store).newest().ok().filter(|_| follows)?;
    Some(format!(
        "neerc follow (process {pid}) keeps it up with another machine; the log is here up to revision {newest}"
    ))
}

/// What the XMPP side takes, with a secret of this process.
fn front_settings(config: &Config) -> Result<FrontSettings, (Exit, anyhow::Error)> {
    let nick_seed = secret::hex(16).context("there is no randomness to be had from /dev/urandom").map_err(failure)?;
    Ok(config.front_settings(nick_seed))
}

/// What the file of checklists holds; nothing if there is none.
fn checklists(config: &Config) -> Result<checklists::ChecklistFile, (Exit, anyhow::Error)> {
    let Some(file) = &config.checklists else { return Ok(checklists::ChecklistFile::default()) };
    let read = checklists::read_file(file).with_context(|| format!("the file of checklists, {}", file.display()));
    read.map_err(usage)
}

fn runtime() -> Result<tokio::runtime::Runtime, (Exit, anyhow::Error)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("the program's runtime could not be started").map_err(failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use neerc_store::StoreError;

    #[test]
    fn a_cause_was_said_twice_where_the_error_above_it_says_it_too() {
        let source = || io::Error::other("no such file");
        let error = anyhow::Error::new(StoreError::File { file: "a.db".into(), source: source() });
        assert_eq!(words(&error), "cannot use a.db: no such file");
        assert_eq!(words(&anyhow::Error::new(source()).context("cannot start")), "cannot start: no such file");
    }
}
