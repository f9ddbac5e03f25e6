//! `neerc check`: says of each part whether it works, and what to mend where. It serves for the moment that it takes,
//! so it sees what `run` would see; it does not connect while another neerc serves from the same store.

mod report;

use super::args::Exit;
use super::out::line;
use super::{Outcome, checklists, failure, front_settings, load, runtime, secret};
use crate::clocks::{self, ClockSource, Clockwork};
use crate::people::PeopleList;
use crate::service::health::shows;
use crate::service::health::{Health, RoomHealth};
use crate::service::{Service, status};
use crate::webhooks::Webhook;
use crate::{limits, warnings};
use neerc_core::checklist::Checklist;
use neerc_store::{self as store, Opened, PostgresError, StoreError, Url, User};
use neerc_xmpp::front::FrontSettings;
use neerc_xmpp::server::look;
use report::{Configured, Finding, report};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Checks the configuration at `path` and everything it names.
pub fn check(path: &Path) -> Outcome {
    let config = load(path)?;
    let front = front_settings(&config)?;
    let url = &config.store;
    line(&format!("ok    configuration {}", path.display()))?;
    for warning in warnings::all(&config, std::env::vars_os()) {
        line(&format!("WARN  {warning}"))?;
    }
    if let Some(file) = &config.checklists {
        let read = checklists(&config)?;
        let tasks: usize = read.checklists.iter().map(Checklist::len).sum();
        let (name, count) = (file.display(), read.checklists.len());
        line(&format!("ok    checklists {name}: {count} checklists, {tasks} tasks"))?;
        for warning in read.warnings(file) {
            line(&format!("WARN  {warning}"))?;
        }
    }
    for finding in lists(&config.lists).into_iter().chain(by_hand(&config.clocks)) {
        line(&finding.line())?;
    }
    for finding in webhooks(&config.webhooks) {
        line(&finding.line())?;
    }
    let configured = Configured {
        jid: config.component.jid.as_str(),
        host: config.component.host.as_str(),
        rooms: config.rooms.service.as_str(),
        has_groups: config.groups.is_configured() || !config.lists.is_empty(),
    };
    let file = config.store.local();
    let mut is_there = true;
    let stand_in; // removed once the check is over
    let opened = match find(url, file) {
        Ok(Found::Store(opened)) => *opened,
        Ok(Found::Nothing) => {
            is_there = false;
            stand_in = StandIn::make().map_err(failure)?;
            line(&format!("ok    store {url}: there is no store yet; `neerc run` makes it{}", whose(folder(file))))?;
            store::open(&stand_in.url()).map_err(failure)?
        }
        Err(StoreError::InUse { by, .. }) => return ask_running(url, file, by, configured),
        Err(StoreError::InUseElsewhere { .. }) => {
            return line(&format!(
                "ok    store {url}: a running neerc serves from it by another name; check with its configuration"
            ));
        }
        Err(StoreError::Postgres(PostgresError::Held { holder, .. })) => {
            return line(&format!(
                "ok    store {url}: a running neerc serves from it on another machine: {holder}; check with its configuration"
            ));
        }
        Err(error) => {
            line(&format!("WRONG store {url}: {error}"))?;
            return Err(failure(anyhow::anyhow!("the check found something to mend")));
        }
    };
    for finding in clocks(&config.clocks) {
        line(&finding.line())?; // a running neerc says itself what it reads
    }
    if is_there {
        say_store(url, file, &opened)?;
    }
    let health = serve(front, config.component.server.to_string(), opened).map_err(failure)?;
    conclude(&health, configured)
}

/// What is in a store, and what is not as it should be about it.
fn say_store(url: &Url, file: &Path, opened: &Opened) -> Outcome {
    let tasks: usize = opened.boards.values().map(|board| board.len()).sum();
    let before = match opened.archived_revision {
        0 => String::new(),
        archived => format!(", the first {archived} in archives"),
    };
    line(&format!("ok    store {url}: {} changes{before}, {tasks} tasks{}", opened.revision, whose(file)))?;
    for concern in opened.store.concerns() {
        line(&format!("WARN  store {url}: {concern}"))?;
    }
    for warning in warnings::ahead(&opened.boards, crate::service::time::wall_ms()) {
        line(&format!("WARN  {warning}"))?;
    }
    Ok(())
}

/// What there is of a store.
enum Found {
    /// One that was read from beginning to end.
    Store(Box<Opened>),
    /// None, but the place for one.
    Nothing,
}

/// What each list of people from outside says now. Nobody is asked for: who belongs to a room is not known yet.
fn lists(lists: &[PeopleList]) -> Vec<Finding> {
    let read = |list: &PeopleList| match list.read(Vec::new) {
        Ok(listed) => Finding::Ok(format!("people of {}: {}", list.source, listed.len())),
        Err(why) => Finding::Warn(format!("the list of people at {} cannot be taken: {why}", list.source)),
    };
    lists.iter().map(read).collect()
}

/// Which rooms go by hand, where others do not.
fn by_hand(Clockwork { sources, of_room }: &Clockwork) -> Vec<Finding> {
    let of = |place: usize| {
        let rooms = of_room.iter().filter(|(_, of)| **of == place).map(|(room, _)| &**room);
        if place == 0 { "all other rooms".to_owned() } else { rooms.collect::<Vec<_>>().join(", ") }
    };
    let manual = sources.iter().enumerate().filter(|(_, source)| sources.len() > 1 && **source == ClockSource::Manual);
    manual.map(|(place, source)| Finding::Ok(format!("clock {source}: {}, as set by chat", of(place)))).collect()
}

/// What each contest clock that is read somewhere says now.
fn clocks(clockwork: &Clockwork) -> Vec<Finding> {
    let is_read = |source: &&ClockSource| **source != ClockSource::Manual;
    let look = |source: &ClockSource| {
        let key = match source {
            ClockSource::File(..) => "clock.file or path",
            _ => "url, user and password",
        };
        match clocks::try_look(source, crate::service::time::wall_ms) {
            Ok(reading) => Finding::Ok(format!("clock {source}: {}", reading.map(shows).unwrap_or_default())),
            Err(problem) => Finding::Warn(format!(
                "clock {source} cannot be read ({problem}), so rooms have no contest clock but what is set by chat: correct \
                 {key} in neerc.toml, or have the contest system serve it"
            )),
        }
    };
    clockwork.sources.iter().filter(is_read).map(look).collect()
}

/// Whether what tells other systems may connect to them. Nothing is sent there.
fn webhooks(hooks: &[Webhook]) -> Vec<Finding> {
    let look = |hook: &Webhook| {
        let rooms = if hook.rooms.is_empty() { "all rooms".to_owned() } else { hook.rooms.join(", ") };
        match hook.door().look_up(&hook.address.url) {
            Ok(found) => {
                let ips: Vec<String> = found.iter().map(|address| address.ip().to_string()).collect();
                Finding::Ok(format!("webhook {hook}: at {}; it is told of {rooms}", ips.join(", ")))
            }
            Err(why) => Finding::Warn(format!("webhook {hook} cannot be told what happens: {why}")),
        }
    };
    hooks.iter().map(look).collect()
}

/// Looks for the store. A missing one is not created: it would belong to the user who checks, not to the one who serves.
fn find(url: &Url, file: &Path) -> Result<Found, StoreError> {
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

/// The owner of a file, in words, unless it is the user who checks.
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

    fn url(&self) -> Url {
        Url::Sqlite(self.0.join("neerc.db"))
    }
}

impl Drop for StandIn {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0)); // what is left of it is empty
    }
}

/// Serves until enough is known of the server and the rooms.
fn serve(front: FrontSettings, server: String, opened: Opened) -> Result<Health, anyhow::Error> {
    let runtime = runtime().map_err(|(_, error)| error)?;
    runtime.block_on(async {
        let (service, questions) = Service::new(front, server, opened).probing().answering();
        let (mut last, mut seen) = (Health::default(), Instants::default());
        let watch = async {
            while let Ok(health) = status::ask_service(&questions).await {
                last = health;
                if seen.is_enough(&last, Instant::now()) {
                    break;
                }
                tokio::time::sleep(limits::CHECK_POLL).await;
            }
        };
        service.run(watch).await?;
        Ok(last)
    })
}

/// When things were seen first.
#[derive(Default)]
struct Instants {
    began: Option<Instant>,
    lost: Option<Instant>,
    settled: Option<Instant>,
}

impl Instants {
    /// Whether nothing more is to be expected. A refusal is tried again for some time, for what was there before may only
    /// just be going; where some rooms are not to be entered, the others are.
    fn is_enough(&mut self, health: &Health, now: Instant) -> bool {
        let is_over = |since: &mut Option<Instant>, holds: bool, time: Duration| {
            *since = if holds { Some(since.unwrap_or(now)) } else { None };
            since.is_some_and(|since| now - since >= time)
        };
        let of = |room: &RoomHealth| health.troubles.iter().any(|trouble| trouble.text.contains(&room.jid));
        let is_settled = health.online && health.rooms.iter().all(|room| room.ready || of(room));
        let began = *self.began.get_or_insert(now);
        let has_measured =
            health.round_trips.is_some() && health.knows_groups && health.rooms.iter().all(|room| room.ready);
        let is_silence =
            health.online && !health.ready && health.troubles.iter().any(|trouble| !trouble.text.contains('@'));
        let is_doubled = health.lost.as_ref().is_some_and(|why| why.starts_with(look::ANOTHER));
        is_doubled
            || has_measured && health.troubles.is_empty()
            || is_over(&mut self.lost, !health.online && health.lost.is_some(), limits::CHECK_REFUSED)
            || is_over(
                &mut self.settled,
                is_settled && !health.troubles.is_empty() || is_silence,
                limits::CHECK_SETTLED,
            )
            || now - began >= limits::CHECK_PATIENCE
    }
}

/// Prints what was found, and says how the check ends.
fn conclude(health: &Health, configured: Configured<'_>) -> Outcome {
    let found = report(health, configured);
    for finding in &found {
        line(&finding.line())?;
    }
    match found.iter().any(|finding| matches!(finding, Finding::Wrong(_))) {
        true => Err((Exit::Failure, anyhow::anyhow!("the check found something to mend"))),
        false => Ok(()),
    }
}

/// Asks the service that serves from the store how it is. Nothing is connected to: on some servers a second connection
/// takes stanzas from the first.
fn ask_running(url: &Url, file: &Path, by: Option<u32>, configured: Configured<'_>) -> Outcome {
    let who = by.map(|pid| format!(" (process {pid})")).unwrap_or_default();
    let socket = status::path(file);
    let health = match runtime()?.block_on(status::ask(&socket)) {
        Ok(health) => health,
        Err(error) => {
            if let Some(words) = super::following(url) {
                return line(&format!("ok    store {url}: {words}"));
            }
            line(&format!(
                "WRONG store {url}: a running neerc{who} serves from it and cannot be asked how it is by {} ({error}): it \
                 may be stopped or of an older version, or you are not its user",
                socket.display()
            ))?;
            return Err((Exit::Failure, anyhow::anyhow!("the check found something to mend")));
        }
    };
    let since = lasted(health.age_ms);
    if let Some(words) = &health.standing_by {
        let version = &health.version;
        return line(&format!("ok    store {url}: a neerc{who}, version {version}, for {since}: {words}"));
    }
    line(&format!(
        "ok    store {url}: a running neerc{who} serves from it, version {}, for {since}; this is what it says",
        health.version
    ))?;
    let is_still_so = |text: &str| health.rooms.iter().any(|room| room.trouble.as_deref() == Some(text));
    let is_old = |at_ms: i64| health.ready && health.age_ms - at_ms > limits::CHECK_NEWS_MS;
    let (old, new): (Vec<_>, Vec<_>) =
        health.troubles.iter().partition(|trouble| is_old(trouble.at_ms) && !is_still_so(&trouble.text));
    let now = Health { troubles: new.into_iter().cloned().collect(), ..health.clone() };
    let outcome = conclude(&now, configured);
    for trouble in old {
        let ago = lasted(health.age_ms - trouble.at_ms);
        line(&format!("      {ago} ago: {}", trouble.text))?;
    }
    outcome
}

/// A time as people say it.
fn lasted(ms: i64) -> String {
    match ms / 1_000 {
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7_200 => format!("{} min", seconds / 60),
        seconds @ ..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_tried_again_before_it_counts() {
        let (mut seen, began) = (Instants::default(), Instant::now());
        let lost = Health { lost: Some("refused".to_owned()), ..Health::default() };
        assert!(!seen.is_enough(&lost, began));
        assert!(!seen.is_enough(&lost, began + limits::CHECK_REFUSED / 2));
        let online = Health { online: true, ..Health::default() };
        assert!(!seen.is_enough(&online, began + limits::CHECK_REFUSED / 2));
        assert!(!seen.is_enough(&lost, began + limits::CHECK_REFUSED));
        assert!(seen.is_enough(&lost, began + limits::CHECK_REFUSED * 2));
        assert_eq!(
            (lasted(119_999), lasted(3_600_000), lasted(90_000_000)),
            ("119 s".into(), "60 min".into(), "25 h".into())
        );
    }
}
