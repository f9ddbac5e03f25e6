//! `neerc check`: says of each part whether it works, and what to mend where. It serves for the moment that it takes,
//! so it sees what `run` would see; it does not connect while another neerc serves from the same store.

use crate::cli::Exit;
use crate::out::line;
use crate::service::{Health, Service};
use crate::store::{self, Opened, StoreError, User};
use crate::{Outcome, config, failure, load, runtime, secret, settings, warnings};
use neerc_xmpp::front::FrontSettings;
use neerc_xmpp::probe::RoundTrips;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the server and the rooms are waited for.
const PATIENCE: Duration = Duration::from_secs(8);

/// How much longer than a short stanza a long one may take, in ms: delayed acknowledgements take 40.
const SLOW_MS: i64 = 25;

/// Checks the configuration at `path` and everything it names.
pub fn check(path: &Path) -> Outcome {
    let config = load(path)?;
    let front = settings::front(&config).map_err(crate::usage)?;
    let url = settings::store_url(&config).map_err(crate::usage)?;
    line(&format!("ok    configuration {}", path.display()))?;
    for warning in warnings::all(&config, std::env::vars_os()) {
        line(&format!("WARN  {warning}"))?;
    }
    let config::Store::Sqlite(file) = &config.store;
    let stand_in; // removed once the check is over
    let opened = match find(&url, file) {
        Ok(Found::Store(opened)) => *opened,
        Ok(Found::Nothing) => {
            stand_in = StandIn::make().map_err(failure)?;
            line(&format!("ok    store {url}: there is no store yet; `neerc run` makes it{}", whose(folder(file))))?;
            store::open(&stand_in.url()).map_err(failure)?
        }
        Err(StoreError::InUse { .. } | StoreError::InUseElsewhere { .. }) => {
            return line(&format!(
                "ok    store {url}: a running neerc serves from it; stop that to check the connection as well"
            ));
        }
        Err(error) => {
            line(&format!("WRONG store {url}: {error}"))?;
            return Err(failure(anyhow::anyhow!("the check found something to mend")));
        }
    };
    if file.exists() {
        let tasks: usize = opened.boards.values().map(|board| board.len()).sum();
        line(&format!("ok    store {url}: {} changes, {tasks} tasks{}", opened.revision, whose(file)))?;
    }
    let server = config.component.server.to_string();
    let health = serve(front, server.clone(), opened).map_err(failure)?;
    report(&health, &server, &config.component.jid)
}

/// What there is of a store.
enum Found {
    /// One that was read from beginning to end.
    Store(Box<Opened>),
    /// None, but the place for one.
    Nothing,
}

/// Looks for the store. None is made: it would belong to whoever checks, and the service may be run by somebody else.
fn find(url: &str, file: &Path) -> Result<Found, StoreError> {
    if store::is_new(url)? {
        let probe = folder(file).join(format!(".neerc-check-{}", std::process::id()));
        let made = OpenOptions::new().write(true).create_new(true).open(&probe).and_then(|_| fs::remove_file(&probe));
        return match made {
            Ok(()) => Ok(Found::Nothing),
            Err(source) => Err(StoreError::File { file: file.to_owned(), source }),
        };
    }
    let opened = store::open(url)?;
    store::verify(url)?;
    Ok(Found::Store(Box::new(opened)))
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."))
}

/// Says whose a file is, if it is not of whoever checks.
fn whose(file: &Path) -> String {
    match (User::of(file), User::this()) {
        (Some(owner), Some(this)) if owner != this => format!("; it belongs to {owner}: run neerc as that user"),
        _ => String::new(),
    }
}

/// An empty store for the moment that the check takes.
struct StandIn(PathBuf);

impl StandIn {
    fn make() -> io::Result<StandIn> {
        let folder = std::env::temp_dir().join(format!("neerc-check-{}", secret::hex(8)?));
        DirBuilder::new().mode(0o700).create(&folder)?;
        Ok(StandIn(folder))
    }

    fn url(&self) -> String {
        self.0.join("neerc.db").to_string_lossy().into_owned()
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0)); // what is left of it is empty
    }
}

/// Serves for the moment that it takes to see what there is to see.
fn serve(front: FrontSettings, server: String, opened: Opened) -> Result<Health, anyhow::Error> {
    let runtime = runtime().map_err(|(_, error)| error)?;
    runtime.block_on(async {
        let service = Service::new(front, server, opened, None).probing();
        let mut seen = service.health();
        let mut last = Health::default();
        let enough = async {
            let wait =
                seen.wait_for(|health| health.round_trips.is_some() || (!health.online && !health.troubles.is_empty()));
            let _ = tokio::time::timeout(PATIENCE, wait).await;
        };
        let outcome = service.run(enough).await;
        last.clone_from(&seen.borrow());
        outcome?;
        Ok(last)
    })
}

fn report(health: &Health, server: &str, jid: &str) -> Outcome {
    if health.online || health.rooms.iter().any(|room| room.ready) {
        line(&format!("ok    server {server} accepts {jid}"))?;
    } else {
        line(&format!("WRONG server {server} does not accept {jid}"))?;
    }
    for room in &health.rooms {
        let verdict = if room.ready { "ok   " } else { "WRONG" };
        line(&format!(
            "{verdict} room {}: {} users, {} of them with power; {} tasks",
            room.room, room.users, room.power, room.tasks
        ))?;
    }
    let slow = health.round_trips.is_some_and(|trips| trips.long_ms > SLOW_MS + trips.short_ms);
    if let Some(RoundTrips { short_ms, long_ms }) = health.round_trips {
        let verdict = if slow { "SLOW " } else { "ok   " };
        line(&format!("{verdict} a short stanza takes {short_ms} ms through the server, one of 20 KB {long_ms} ms"))?;
    }
    if slow {
        line(
            "SLOW  long stanzas wait for acknowledgements: in Prosody, put network_settings = { nagle = false } into \
             prosody.cfg.lua, above the first VirtualHost or Component",
        )?;
    }
    for trouble in &health.troubles {
        line(&format!("WRONG {trouble}"))?;
    }
    let fine = health.ready && health.troubles.is_empty();
    if fine { Ok(()) } else { Err((Exit::Failure, anyhow::anyhow!("the check found something to mend"))) }
}
