//! How the service is, as Prometheus reads it (text format 0.0.4). Rooms and clocks are called by their place in the
//! configuration: no names, titles or addresses stand here, since monitoring is often open to many.

use super::health::{Health, RoomHealth};
use super::meters::Histogram;
use crate::webhooks::EndpointState;
use std::fmt::{Display, Write};

/// What is known outside of the loop.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// Room on the file system of the store, in bytes.
    pub free_bytes: Option<u64>,
    /// How long the store's files are together, in bytes.
    pub store_bytes: Option<u64>,
    /// How much memory the process holds, in bytes.
    pub memory_bytes: Option<u64>,
    /// How much processor time it has taken, in ms.
    pub processor_ms: i64,
}

/// The text so far.
#[derive(Default)]
struct Page(String);

impl Page {
    /// A family of values follows.
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}"); // a string takes everything
    }

    /// One value of a family.
    fn value(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }

    /// A family of one value.
    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.value(name, "", value);
    }

    /// A family of one value, where it is known.
    fn known(&mut self, name: &str, help: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.one(name, "gauge", help, value);
        }
    }

    /// A family with a value for each of a list.
    fn each<V: Display>(&mut self, name: &str, help: &str, of: &str, values: impl Iterator<Item = Option<V>>) {
        self.family(name, "gauge", help);
        self.values(name, of, values);
    }

    /// The same of what only grows.
    fn counts<V: Display>(&mut self, name: &str, help: &str, of: &str, values: impl Iterator<Item = Option<V>>) {
        self.family(name, "counter", help);
        self.values(name, of, values);
    }

    fn values<V: Display>(&mut self, name: &str, of: &str, values: impl Iterator<Item = Option<V>>) {
        for (index, value) in values.enumerate() {
            if let Some(value) = value {
                self.value(name, &format!("{{{of}=\"{index}\"}}"), value);
            }
        }
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.family(name, "histogram", help);
        let bucket = format!("{name}_bucket");
        for (bound_us, count) in histogram.steps() {
            self.value(&bucket, &format!("{{le=\"{}\"}}", seconds(bound_us)), count);
        }
        self.value(&bucket, "{le=\"+Inf\"}", histogram.count());
        self.value(&format!("{name}_sum"), "", seconds(histogram.sum_us));
        self.value(&format!("{name}_count"), "", histogram.count());
    }
}

/// µs in seconds, exactly.
fn seconds(us: u64) -> String {
    let text = format!("{}.{:06}", us / 1_000_000, us % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// ms in seconds, exactly.
fn seconds_of(ms: i64) -> String {
    seconds(u64::try_from(ms).unwrap_or(0).saturating_mul(1_000))
}

/// All of it.
pub fn text(health: &Health, around: &Surroundings) -> String {
    let mut page = Page::default();
    leader(&mut page, 1);
    page.one("neerc_uptime_seconds", "gauge", "For how long the service has been running.", seconds_of(health.age_ms));
    connection(&mut page, health);
    changes(&mut page, health);
    rooms(&mut page, health);
    page.each(
        "neerc_clock_age_seconds",
        "How long ago a contest clock was last heard.",
        "clock",
        health.clocks.iter().map(|clock| clock.age_ms.map(seconds_of)),
    );
    page.each(
        "neerc_clock_failing",
        "Whether a contest clock cannot be read now.",
        "clock",
        health.clocks.iter().map(|clock| Some(u8::from(clock.trouble.is_some()))),
    );
    let [connections, streams] = health.meters.web.map_or([None; 2], |counts| counts.map(Some));
    page.known("neerc_web_connections", "Connections of browsers and programs.", connections);
    page.known("neerc_web_streams", "Pages and programs that are told at once what changes.", streams);
    webhooks(&mut page, health);
    let followers = &health.meters.followers;
    page.one("neerc_followers", "gauge", "Other machines that keep the log as well.", followers.len());
    let behind = followers.iter().max().map(|has| health.meters.revision.saturating_sub(*has));
    page.known("neerc_followers_behind_changes", "How many of the newest changes none of them has yet.", behind);
    page.known("neerc_store_free_bytes", "Room on the file system of the store.", around.free_bytes);
    page.known("neerc_store_bytes", "How long the files of the store are.", around.store_bytes);
    page.known("process_resident_memory_bytes", "Memory that the process holds.", around.memory_bytes);
    let processor = "Processor time that the process has taken.";
    page.one("process_cpu_seconds_total", "counter", processor, seconds_of(around.processor_ms));
    page.0
}

/// All that is said of a process that stands by, which knows of so many changes.
pub fn standby_text(revision: u64) -> String {
    let mut page = Page::default();
    leader(&mut page, 0);
    stored(&mut page, revision);
    page.0
}

fn leader(page: &mut Page, leads: u8) {
    page.family("neerc_build_info", "gauge", "The version of the program.");
    page.value("neerc_build_info", &format!("{{version=\"{}\"}}", env!("CARGO_PKG_VERSION")), 1);
    page.one("neerc_leader", "gauge", "Whether this process serves; 0 while it stands by for another one.", leads);
}

fn stored(page: &mut Page, revision: u64) {
    page.one("neerc_changes_total", "counter", "Changes on disk, in all rooms and since ever.", revision);
}

fn webhooks(page: &mut Page, health: &Health) {
    let endpoints = &health.meters.webhooks;
    if endpoints.is_empty() {
        return;
    }
    let of = |value: fn(&EndpointState) -> u64| endpoints.iter().map(move |endpoint| Some(value(endpoint)));
    let revision = health.meters.revision;
    let behind = endpoints.iter().map(|endpoint| Some(revision.saturating_sub(endpoint.heard)));
    page.each(
        "neerc_webhook_behind_changes",
        "How many of the newest changes are still to be told.",
        "webhook",
        behind,
    );
    let failing = of(|endpoint| endpoint.failing_since_ms.is_some().into());
    page.each("neerc_webhook_failing", "Whether the last message was not taken.", "webhook", failing);
    let off = of(|endpoint| endpoint.is_off.into());
    page.each("neerc_webhook_off", "Whether the endpoint wants nothing more.", "webhook", off);
    let taken = of(|endpoint| endpoint.taken);
    page.counts("neerc_webhook_taken_total", "How many messages were taken.", "webhook", taken);
    let failed = of(|endpoint| endpoint.failed);
    page.counts("neerc_webhook_failures_total", "How many times a message was not taken.", "webhook", failed);
}

fn connection(page: &mut Page, health: &Health) {
    let meters = &health.meters;
    let accepted = "Whether the chat server has accepted the service.";
    page.one("neerc_connected", "gauge", accepted, u8::from(health.online));
    page.one("neerc_ready", "gauge", "Whether every room is joined and read.", u8::from(health.ready));
    let losses = "How often there was no connection any more, or none could be opened.";
    page.one("neerc_connection_losses_total", "counter", losses, meters.losses);
    let blocked = "For how long the chat server has not taken what is sent to it.";
    page.one("neerc_link_blocked_seconds", "gauge", blocked, seconds_of(meters.blocked_ms));
    let congested = "Whether nothing is read from the chat server, since too much waits to be sent to it.";
    page.one("neerc_link_congested", "gauge", congested, u8::from(meters.is_congested));
    let troubles = "How often something was to be mended; the log says what.";
    page.one("neerc_troubles_total", "counter", troubles, meters.troubles);
    page.histogram("neerc_turn_seconds", "How long the service took for one turn of its loop.", &meters.turns);
}

fn changes(page: &mut Page, health: &Health) {
    let meters = &health.meters;
    stored(page, meters.revision);
    page.histogram("neerc_commit_seconds", "How long it took to have changes on disk.", &meters.commits);
    page.one("neerc_commit_failures_total", "counter", "How often that failed.", meters.failed_commits);
    let failing = "Whether the last changes could not be stored.";
    page.one("neerc_store_failing", "gauge", failing, u8::from(meters.is_store_failing));
    let alone =
        "Whether there is one copy only, since no synchronous standby of the database is connected or nobody follows.";
    page.known("neerc_store_alone", alone, meters.is_store_alone.map(u8::from));
    page.one("neerc_asks_waiting", "gauge", "Requests that wait to be on disk.", meters.waiting);
    let untold = "How many of the newest changes somebody may not have heard of.";
    page.one("neerc_untold_changes", "gauge", untold, meters.untold_changes);
    let age = "For how long at least somebody may not have heard of a change.";
    page.one("neerc_untold_seconds", "gauge", age, seconds_of(meters.untold_ms));
}

fn rooms(page: &mut Page, health: &Health) {
    let mut each = |name, help, value: &dyn Fn(&RoomHealth) -> usize| {
        page.each(name, help, "room", health.rooms.iter().map(|room| Some(value(room))));
    };
    each("neerc_room_ready", "Whether the service is in a room and knows its people.", &|room| usize::from(room.ready));
    each("neerc_room_users", "Users of a room.", &|room| room.users);
    each("neerc_room_admins", "Users of a room that have power.", &|room| room.power);
    each("neerc_room_tasks", "Tasks of a room.", &|room| room.tasks);
    let sessions = health.meters.sessions.iter().copied().map(Some);
    page.each("neerc_room_sessions", "Sessions of people in a room that are told of changes.", "room", sessions);
}

#[cfg(test)]
mod tests {
    use super::super::health::{ClockHealth, RoomHealth};
    use super::super::meters::Meters;
    use super::*;
    use std::collections::BTreeSet;
    use std::time::Duration;

    fn full() -> (Health, Surroundings) {
        let room = RoomHealth {
            room: "secret-room".into(),
            jid: "secret-room@secret.example".into(),
            ready: true,
            users: 3,
            power: 1,
            tasks: 2,
            trouble: Some("secret trouble".into()),
        };
        let clock = ClockHealth {
            source: "https://secret.example/clock".into(),
            shows: Some("secret".into()),
            age_ms: Some(1_500),
            trouble: Some("secret".into()),
        };
        let endpoint = EndpointState { taken: 5, heard: 1, ..EndpointState::default() };
        let mut meters = Meters {
            sessions: vec![4, 0],
            untold_ms: 2_050,
            revision: 3,
            is_store_alone: Some(true),
            ..Meters::default()
        };
        (meters.web, meters.webhooks, meters.followers) = (Some([7, 6]), vec![endpoint], vec![1, 2]);
        meters.turns.note(Duration::from_micros(150));
        let health = Health {
            server: "secret.example:5347".into(),
            lost: Some("secret".into()),
            software: Some("secret".into()),
            empty_groups: vec!["secret".into()],
            rooms: vec![room.clone(), room],
            clocks: vec![clock, ClockHealth { source: String::new(), shows: None, age_ms: None, trouble: None }],
            meters,
            ..Health::default()
        };
        (health, Surroundings { free_bytes: Some(1), store_bytes: Some(2), memory_bytes: Some(3), processor_ms: 4 })
    }

    #[test]
    fn what_is_tried_and_described_here_is_all_that_the_program_can_say() {
        let (health, around) = full();
        let text = text(&health, &around);
        let said: BTreeSet<_> =
            text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
        let (program, _) = include_str!("metrics.rs").split_once("#[cfg(test)]").unwrap();
        let quoted = program.split('"').filter(|text| text.starts_with("neerc_") || text.starts_with("process_"));
        assert_eq!(said, quoted.collect::<BTreeSet<_>>());
    }

    /// The metrics that a text holds, by name and labels, as a strict reader takes it.
    fn samples(text: &str) -> Vec<(String, f64)> {
        let is_name = |name: &str| {
            !name.is_empty() && name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_')
        };
        let (mut family, mut seen, mut samples) = ("", BTreeSet::new(), Vec::new());
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(seen.insert(name), "{name} twice");
                assert!(["gauge", "counter", "histogram"].contains(&kind));
                assert_eq!(kind == "counter", name.ends_with("_total"), "{name}");
                family = name;
            } else if !line.starts_with("# HELP ") {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let name = series.split('{').next().unwrap();
                let ends = ["", "_bucket", "_sum", "_count"];
                assert!(is_name(name) && ends.iter().any(|end| name == format!("{family}{end}")), "{line}");
                samples.push((series.to_owned(), value.parse().unwrap()));
            }
        }
        let series: BTreeSet<_> = samples.iter().map(|(series, _)| series).collect();
        assert_eq!(series.len(), samples.len(), "a series stands twice");
        samples
    }

    #[test]
    fn the_text_is_what_prometheus_reads_and_names_nobody() {
        let (health, around) = full();
        let text = text(&health, &Surroundings { store_bytes: None, ..around });
        assert!(!text.contains("secret"), "{text}");
        let samples = samples(&text);
        let value = |series: &str| samples.iter().find(|(name, _)| name == series).map(|(_, value)| *value);
        assert_eq!(value("neerc_turn_seconds_bucket{le=\"0.0001\"}"), Some(0.0));
        assert_eq!(value("neerc_turn_seconds_bucket{le=\"0.001\"}"), Some(1.0));
        assert_eq!(value("neerc_turn_seconds_sum"), Some(0.000_15));
        assert_eq!(value("neerc_untold_seconds"), Some(2.05));
        assert_eq!(value("neerc_room_sessions{room=\"0\"}"), Some(4.0));
        assert_eq!(value("neerc_room_users{room=\"1\"}"), Some(3.0));
        assert_eq!(value("neerc_clock_age_seconds{clock=\"0\"}"), Some(1.5));
        assert_eq!(value("neerc_clock_age_seconds{clock=\"1\"}"), None, "it was never heard");
        assert_eq!(value("neerc_store_bytes"), None, "it is not known");
        assert_eq!(value("neerc_web_streams"), Some(6.0));
        assert_eq!(value("neerc_followers_behind_changes"), Some(1.0));
        assert_eq!(value("neerc_webhook_behind_changes{webhook=\"0\"}"), Some(2.0));
    }

    #[test]
    fn the_reference_has_every_number() {
        let (health, around) = full();
        let text = text(&health, &around);
        let mut made = String::from(
            "# Metrics\n\nWhat `/metrics` of `[operations] listen` says, in the text format of Prometheus (0.0.4). Rooms, clocks and \
             webhooks are counted from 0, in the order of the configuration. [Running the service](../operations.md) says which of them \
             answers what.\n\n| metric | kind | what it says |\n|---|---|---|\n",
        );
        let mut help = "";
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                help = rest.split_once(' ').unwrap().1;
            } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
                let labels: BTreeSet<_> = text
                    .lines()
                    .filter_map(|line| line.strip_prefix(name)?.strip_prefix('{')?.split('=').next())
                    .collect();
                let labels = labels.into_iter().map(|label| format!("{{{label}}}")).collect::<String>();
                made += &format!("| `{name}{labels}` | {kind} | {help} |\n");
            }
        }
        crate::book::holds("reference/metrics.md", &made);
    }
}
