//! `neerc check`: says of each part whether it works, and what to mend where. It serves for the moment that it takes,
//! so it sees what `run` would see; it does not connect while another neerc serves from the same store.

use crate::cli::Exit;
use crate::service::{Health, Service};
use crate::store::{self, StoreError};
use crate::{Outcome, failure, load, runtime, settings};
use neerc_xmpp::probe::RoundTrips;
use std::path::Path;
use std::time::Duration;

/// How long the server and the rooms are waited for.
const PATIENCE: Duration = Duration::from_secs(8);

/// How much longer than a short stanza a long one may take, in ms: delayed acknowledgements take 40.
const SLOW_MS: i64 = 25;

/// Checks the configuration at `path` and everything it names.
pub fn check(path: &Path) -> Outcome {
    let config = load(path)?;
    let front = settings::front(&config).map_err(crate::usage)?;
    println!("ok    configuration {}", path.display());
    let url = settings::store_url(&config);
    let opened = match store::open(&url) {
        Ok(opened) => opened,
        Err(StoreError::InUse { .. }) => {
            println!("ok    store {url}: a running neerc serves from it; stop that to check the connection as well");
            return Ok(());
        }
        Err(error) => {
            println!("WRONG store {url}: {error}");
            return Err(failure(anyhow::anyhow!("the check found something to mend")));
        }
    };
    if let Err(error) = store::verify(&url) {
        println!("WRONG store {url}: {error}");
        return Err(failure(anyhow::anyhow!("the check found something to mend")));
    }
    let tasks: usize = opened.boards.values().map(|board| board.len()).sum();
    println!("ok    store {url}: {} changes, {tasks} tasks", opened.revision);
    let server = config.component.server.to_string();
    let jid = config.component.jid.clone();
    let health = runtime()?.block_on(async {
        let service = Service::new(front, server.clone(), opened, None).probing();
        let mut seen = service.health();
        let mut last = Health::default();
        let enough = async {
            let wait =
                seen.wait_for(|health| health.round_trips.is_some() || (!health.online && !health.troubles.is_empty()));
            let _ = tokio::time::timeout(PATIENCE, wait).await;
        };
        let outcome = service.run(enough).await;
        last.clone_from(&seen.borrow());
        outcome.map(|()| last)
    });
    report(&health.map_err(failure)?, &server, &jid)
}

fn report(health: &Health, server: &str, jid: &str) -> Outcome {
    if health.online || health.rooms.iter().any(|room| room.ready) {
        println!("ok    server {server} accepts {jid}");
    } else {
        println!("WRONG server {server} does not accept {jid}");
    }
    for room in &health.rooms {
        let verdict = if room.ready { "ok   " } else { "WRONG" };
        println!(
            "{verdict} room {}: {} users, {} of them with power; {} tasks",
            room.room, room.users, room.power, room.tasks
        );
    }
    let slow = health.round_trips.is_some_and(|trips| trips.long_ms > SLOW_MS + trips.short_ms);
    if let Some(RoundTrips { short_ms, long_ms }) = health.round_trips {
        let verdict = if slow { "SLOW " } else { "ok   " };
        println!("{verdict} a short stanza takes {short_ms} ms through the server, one of 20 KB {long_ms} ms");
    }
    if slow {
        println!(
            "SLOW  long stanzas wait for acknowledgements: in Prosody, put network_settings = {{ nagle = false }} into \
             prosody.cfg.lua, above the first VirtualHost or Component"
        );
    }
    for trouble in &health.troubles {
        println!("WRONG {trouble}");
    }
    let fine = health.ready && health.troubles.is_empty();
    if fine { Ok(()) } else { Err((Exit::Failure, anyhow::anyhow!("the check found something to mend"))) }
}
