//! `neerc`: when it is done. The command line, and the wiring of configuration, store, feeds and service.

#![warn(clippy::print_stdout, clippy::print_stderr)] // these macros panic where nobody listens: see `out`

mod check;
mod cli;
#[doc(hidden)]
pub mod config; // for its fuzz target alone
mod demo;
mod feed;
mod health;
mod init;
mod link;
mod out;
mod secret;
mod service;
mod settings;
mod space;
mod status;
mod text;
mod warnings;

use anyhow::Context;
use clap::Parser;
use cli::{Action, Cli, Exit};
use config::Config;
use neerc_store as store;
use std::path::Path;
use std::process::ExitCode;

/// Does what the command line asks for.
pub fn main() -> ExitCode {
    let outcome = match Cli::try_parse() {
        Ok(cli) => act(cli.action),
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

fn act(action: Action) -> Outcome {
    match action {
        Action::Run(args) => run(&args.config),
        Action::Check(args) => check::check(&args.config),
        Action::Backup(args) => backup(&args),
        Action::Restore(args) => restore(&args),
        Action::Init(args) => init(&args),
        Action::Demo(args) => demo::demo(&args),
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
    config::check_variables(std::env::vars_os()).map_err(usage)?;
    Config::load(path, |name| std::env::var(name).ok()).map_err(usage)
}

fn store_url(config: &Config) -> Result<&store::Url, (Exit, anyhow::Error)> {
    settings::store_url(config).map_err(usage)
}

fn runtime() -> Result<tokio::runtime::Runtime, (Exit, anyhow::Error)> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("the program's runtime could not be started").map_err(failure)
}

fn run(path: &Path) -> Outcome {
    let config = load(path)?;
    log_to_stderr(config.log_level);
    let settings = settings::front(&config).map_err(usage)?;
    for warning in warnings::all(&config, std::env::vars_os()) {
        tracing::warn!("{warning}");
    }
    let opened = store::open(store_url(&config)?).map_err(failure)?;
    tracing::info!("store opened: revision {}, {} changes still to be told", opened.revision, opened.untold.len());
    for warning in warnings::ahead(&opened.boards, service::wall_ms()) {
        tracing::warn!("{warning}");
    }
    let store::Url::Sqlite(file) = config.store;
    runtime()?.block_on(async {
        let socket = status::Status::listen(&file);
        let (sender, warnings) = tokio::sync::mpsc::channel(4);
        tokio::spawn(space::watch(file, sender));
        let readings = config.clock.map(|clock| {
            let (sender, receiver) = tokio::sync::mpsc::channel(4);
            tokio::spawn(feed::clock_file::watch(clock.file, service::wall_ms, sender));
            receiver
        });
        let service = service::Service::new(settings, config.component.server.to_string(), opened, readings);
        let (service, questions) = service.answering();
        match socket {
            Ok(status) => drop(tokio::spawn(status.serve(questions))),
            Err(error) => tracing::debug!("neerc check cannot ask this process how it is: {error}"),
        }
        let service = service.within(neerc_core::quota::Quota::new(u64::from(config.limits.stored_mib_per_day)));
        service.warned_by(warnings).run(stop_signal()).await.map_err(failure)
    })
}

/// Over when the program is asked to end, by SIGTERM or SIGINT.
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let (term, int) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    match (term, int) {
        (Ok(mut term), Ok(mut int)) => {
            tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        }
        _ => {
            tracing::warn!(
                "signals cannot be waited for; the service ends only when it is killed, which loses nothing"
            );
            std::future::pending().await
        }
    }
}

fn backup(args: &cli::BackupArgs) -> Outcome {
    let config = load(&args.config.config)?;
    let existing = if args.force { store::Existing::Replace } else { store::Existing::Keep };
    let copied = store::backup(store_url(&config)?, args.file.as_deref(), existing).map_err(failure)?;
    out::line(&format!(
        "{} holds {} changes, {} tasks; it was read again and is whole",
        copied.file.display(),
        copied.revision,
        copied.tasks
    ))
}

fn restore(args: &cli::RestoreArgs) -> Outcome {
    let config = load(&args.config.config)?;
    let store::Restored { now, kept } = store::restore(store_url(&config)?, &args.file).map_err(failure)?;
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

fn init(args: &cli::InitArgs) -> Outcome {
    let secret = secret::hex(32).context("there is no randomness to be had from /dev/urandom").map_err(failure)?;
    let existing = if args.force { init::Existing::Replace } else { init::Existing::Keep };
    let wish = init::Wish { kind: args.server, host: &args.host, admins: &args.admin, secret: &secret };
    let text = init::run(&args.config, wish, existing).map_err(usage)?;
    out::text(&text)
}

fn log_to_stderr(level: config::Level) {
    let filter = tracing_subscriber::EnvFilter::new(format!("neerc={0}", level.as_str()));
    let ansi = std::env::var_os("NO_COLOR").is_none() && std::io::IsTerminal::is_terminal(&std::io::stderr());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(ansi)
        .with_target(false)
        // It would complain of a log that cannot be written by writing to it, which panics: a full disk ended the service.
        .log_internal_errors(false)
        .init();
}

#[cfg(test)]
mod tests {
    use super::*;
    use neerc_store::StoreError;
    use std::io;

    #[test]
    fn a_cause_was_said_twice_where_the_error_above_it_says_it_too() {
        let source = || io::Error::other("no such file");
        let error = anyhow::Error::new(StoreError::File { file: "a.db".into(), source: source() });
        assert_eq!(words(&error), "cannot use a.db: no such file");
        assert_eq!(words(&anyhow::Error::new(source()).context("cannot start")), "cannot start: no such file");
    }
}
