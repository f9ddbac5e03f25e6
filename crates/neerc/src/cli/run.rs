//! `neerc run`: everything wired together, until somebody ends it.

use super::args::RunArgs;
use super::reread::{Rereader, Taken};
use super::{Exit, Outcome, failure, front_settings, load_given, runtime};
use crate::config::Config;
use crate::program::Program;
use crate::service::archivist::Archivist;
use crate::service::copies::Copies;
use crate::service::operations::Operations;
use crate::service::standby::{Admitted, StandbyFaces, stand_by};
use crate::service::supervisor::Supervisor;
use crate::service::{self, Service, backdrop, space, status};
use crate::web::{Web, WebSettings};
use crate::webhooks::{Office, Webhooks};
use crate::{checklists, clocks, limits, people, warnings};
use anyhow::Context as _;
use neerc_store::{self as store, LogReader};
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Serves until told to stop.
pub fn run(args: &RunArgs) -> Outcome {
    let path: &Path = &args.config.config;
    let runtime = runtime()?;
    // From here on SIGHUP does not end the process any more: it waits until there is a service to take something.
    let hangup = runtime.block_on(async { signal(SignalKind::hangup()) });
    let (config, given) = load_given(path)?;
    let level = super::logging::begin(config.log);
    let read = super::checklists(&config)?;
    let front = front_settings(&config)?;
    let of_checklists = config.checklists.iter().flat_map(|file| read.warnings(file));
    warn(of_checklists.chain(warnings::all(&config, std::env::vars_os())));
    let hangup = hangup.inspect_err(|error| {
        tracing::warn!("SIGHUP cannot be waited for, so the configuration is read again by neerc reload only: {error}");
    });
    let (mut supervisor, mut hangup, mut stop) = (supervisor(), hangup.ok(), pin!(stop_signal()));
    let mut taken = Taken { file: path.to_owned(), config, given, front, checklists: read, log: level };
    let opened = runtime.block_on(opened(&mut taken, args, (&mut supervisor, &mut hangup), stop.as_mut()))?;
    let Some(Admitted { opened, web }) = opened else { return Ok(()) };
    let (config, settings, read) = (taken.config.clone(), taken.front.clone(), std::mem::take(&mut taken.checklists));
    let (store, archivist) = (opened.store.clone(), Archivist::new(opened.store.clone()));
    let copies = Copies::new(opened.revision);
    let log = opened.store.log_reader().up_to(copies.counting());
    tracing::info!("store opened: revision {}, {} changes still to be told", opened.revision, opened.untold.len());
    warn(warnings::ahead(&opened.boards, service::time::wall_ms()));
    let file = config.store.local().to_owned();
    runtime.block_on(async {
        tokio::spawn(taken.log.repeats().sum_up());
        let (rereader, reloads) = Rereader::new(taken, hangup);
        let keep_days = rereader.keep_days();
        tokio::spawn(rereader.serve());
        let socket = status::StatusSocket::listen(&file);
        let kept = clocks::kept::beside(&file);
        let (sender, warnings) = tokio::sync::mpsc::channel(limits::MESSAGES_WAITING);
        tokio::spawn(space::watch(file.clone(), sender.clone()));
        tokio::spawn(archivist.clone().watch(keep_days, sender.clone()));
        for concern in opened.store.concerns() {
            let _ = sender.try_send(concern.clone()); // the log has it in any case
        }
        let office = Office {
            log: log.clone(),
            store: opened.store.clone(),
            host: config.component.host.as_str().to_owned(),
            generation: opened.generation,
            troubles: sender,
            wall_ms: service::time::wall_ms,
        };
        let webhooks = Webhooks::start(config.webhooks.clone(), office, opened.revision).await.map_err(failure)?;
        let looks =
            clocks::watch(&config.clocks, service::time::wall_ms).map_err(anyhow::Error::msg).map_err(failure)?;
        let service = Service::new(settings, config.component.server.to_string(), opened).by_clocks(
            config.clocks.clone(),
            looks,
            kept,
        );
        let reread = config.checklists.as_ref().map(|file| checklists::watch::begin(file, &read));
        let service = service.with_webhooks(webhooks).with_checklists(read.checklists, reread);
        let looks = people::watch(&config.lists).map_err(anyhow::Error::msg).map_err(failure)?;
        let (service, questions) = service.with_people(config.lists.clone(), looks).answering();
        answer_monitoring(config.operations, &questions, &file).await?;
        match socket {
            Ok(status) => drop(tokio::spawn(status.keeping(archivist).feeding(copies.clone()).serve(questions))),
            Err(error) => tracing::debug!("neerc check cannot ask this process how it is: {error}"),
        }
        let service = with_board(service, &config, (log, web), store)?;
        let quota = neerc_core::quota::Quota::new(config.stored_mib_per_day);
        let service = service.within(quota).followed_by(copies, config.alone);
        let service = service.reloading(reloads).supervised_by(supervisor).patient(config.tasks.patience);
        service.stored_in(&config.store).taking_up(&file).warned_by(warnings).run(stop).await.map_err(failure)
    })
}

fn warn(warnings: impl IntoIterator<Item = String>) {
    for warning in warnings {
        tracing::warn!("{warning}");
    }
}

/// Ends whoever served on another machine, by a program.
fn end(words: &[String], order: &store::FenceOrder) -> Result<(), String> {
    let database = if order.database_is_here { "here" } else { "elsewhere" };
    let environment = [("NEERC_HOLDER", &*order.holder), ("NEERC_DATABASE", database)];
    Program { words, user: None, environment: &environment, patience: limits::FENCE_PROGRAM }.run().map(drop)
}

/// The store, as soon as it may be opened; nothing if the program is to end before that.
async fn opened(
    taken: &mut Taken,
    args: &RunArgs,
    heard: (&mut Supervisor, &mut Option<Signal>),
    stop: impl Future<Output = ()>,
) -> Result<Option<Admitted>, (Exit, anyhow::Error)> {
    let config = &taken.config;
    // On a file a second process is a mistake, unless it is told to stand by; a database is there to be shared.
    if !args.standby && matches!(config.store, store::Url::Sqlite(_)) {
        let opened = store::open(&config.store).map_err(failure)?;
        return Ok(Some(Admitted { opened, web: None }));
    }
    let log = LogReader::of(&config.store);
    let logs = match &config.store {
        // What is not on another machine yet counts only for whoever serves.
        store::Url::Sqlite(_) if config.alone.is_some() => Vec::new(),
        _ => std::iter::once(log.clone()).chain(LogReader::of_followers(&config.store)).collect(),
    };
    let faces = StandbyFaces {
        store: config.store.local().to_owned(),
        operations: config.operations,
        web: web_settings(config, log),
        logs,
    };
    let standby = store::Standby::of(&config.store, service::time::steady_ms);
    let fence = config.fence.clone();
    let standby = match fence.is_empty() {
        false => standby.with_fence(store::Fence::by(move |order| end(&fence, order))),
        true => standby,
    };
    stand_by(standby, faces, heard, stop, async || taken.again().await).await.map_err(failure)
}

/// The same with the board, where that is wanted.
fn with_board(
    service: Service,
    config: &Config,
    (log, web): (LogReader, Option<Web>),
    store: store::Store,
) -> Result<Service, (Exit, anyhow::Error)> {
    let Some(settings) = web_settings(config, log) else { return Ok(service) };
    let at = settings.listen;
    let web = match web {
        Some(web) => {
            web.speak(config.language); // it may have been changed meanwhile
            web.read_by(settings.log);
            web
        }
        None => {
            let web = Web::start(settings);
            web.with_context(|| format!("the board cannot be served at {at}")).map_err(failure)?
        }
    };
    tracing::info!("the board is served at {}", web.url);
    tokio::spawn(backdrop::keep(web.bridge.albums.subscribe(), store, web.url.to_string().into()));
    Ok(service.with_web(web, config.tasks.visibility))
}

/// Where the board is, if that is wanted.
fn web_settings(config: &Config, log: LogReader) -> Option<WebSettings> {
    let at = config.web.clone()?;
    Some(WebSettings { listen: at.listen, url: at.url, language: config.language, log })
}

/// Answers monitoring, where that is wanted.
async fn answer_monitoring(at: Option<SocketAddr>, questions: &status::Questions, store: &Path) -> Outcome {
    let Some(at) = at else { return Ok(()) };
    let operations = Operations::listen(at, questions.clone(), store).await;
    let operations = operations.with_context(|| format!("monitoring cannot be answered at {at}")).map_err(failure)?;
    tracing::info!("monitoring is answered at http://{}", operations.address().unwrap_or(at));
    tokio::spawn(operations.serve());
    Ok(())
}

/// Whoever watches over this process.
fn supervisor() -> Supervisor {
    Supervisor::of(|name| std::env::var_os(name), std::process::id()).unwrap_or_else(|error| {
        tracing::warn!("whoever started this process waits to hear how it stands, and cannot be told: {error}");
        Supervisor::default()
    })
}

/// Over when the program is asked to end, by SIGTERM or SIGINT.
pub async fn stop_signal() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_to_end_a_service_is_told_whose_and_says_why_it_cannot() {
        let order = store::FenceOrder { holder: "alpha (1 2)".to_owned(), database_is_here: true };
        let run = |script: &str| end(&["/bin/sh", "-c", script].map(str::to_owned), &order);
        assert_eq!(run("[ \"$NEERC_HOLDER $NEERC_DATABASE\" = 'alpha (1 2) here' ]"), Ok(()));
        assert_eq!(run("echo no route >&2; exit 255"), Err("it ended with exit status: 255: no route".to_owned()));
        assert_eq!(run("exec sleep 60"), Err("it did not end within 5 s".to_owned()));
    }
}
