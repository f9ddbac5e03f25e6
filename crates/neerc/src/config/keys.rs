//! The keys of the configuration: the one list of them. The doc comments here are what `neerc init` writes above each
//! key, and `env` and `default` beside them are what it prints as such, so nothing is said twice.

use super::Secret;
use confique::meta::{Field, FieldKind, Meta};

/// Every key there is, with its words, default and environment variable.
pub const KEYS: &Meta = &<Raw as confique::Config>::META;

/// The whole file, as written.
#[derive(confique::Config)]
#[config(layer_attr(derive(serde::Serialize)), layer_attr(serde(deny_unknown_fields)))]
pub(super) struct Raw {
    /// The connection to the XMPP server.
    #[config(nested)]
    pub(super) component: RawComponent,
    /// The chat rooms whose people and rights the service uses.
    #[config(nested)]
    pub(super) rooms: RawRooms,
    /// Where the tasks are kept.
    #[config(nested)]
    pub(super) store: RawStore,
    /// A group that a task can be given to by one name. Any number of these tables, each with a name and either
    /// members (user names; * stands for any characters, ? for one) or room (a chat room whose members are the group).
    /// Or, with or without a name, a list of people with their groups and the names by which people call them: file (CSV),
    /// command (a program that prints JSON), volunteers (the volunteers service); doc/people.md says how.
    /// In the environment: "Halls=hall*,aux?; Jury=room:jury", which replaces all groups of the file.
    #[config(env = "NEERC_GROUPS")]
    pub(super) groups: Option<Vec<RawGroup>>,
    /// People and groups from an account's contact list, read by XEP-0356. Off without jid.
    #[config(nested)]
    pub(super) directory: RawDirectory,
    /// How tasks are told to people.
    #[config(nested)]
    pub(super) tasks: RawTasks,
    /// The contest clock of every room that no `[[clocks]]` names. Without source it is set by chat alone (`clock start`).
    #[config(nested)]
    pub(super) clock: RawClock,
    /// The clock of some rooms. Any number of these tables, each with rooms and the keys of `[clock]`.
    /// In the environment: "school=manual; jury,finals=json:https://host/clock", which replaces all of the file.
    #[config(env = "NEERC_CLOCKS")]
    pub(super) clocks: Option<Vec<RawRoomClock>>,
    /// Checklists, which admins hand out by one line (`run seating`).
    #[config(nested)]
    pub(super) checklists: RawChecklists,
    /// How much one session may ask.
    #[config(nested)]
    pub(super) limits: RawLimits,
    /// What people are told in words.
    #[config(nested)]
    pub(super) texts: RawTexts,
    /// Whom people can turn to.
    #[config(nested)]
    pub(super) contact: RawContact,
    /// The task board in a browser. Off without listen.
    #[config(nested)]
    pub(super) web: RawWeb,
    /// How the service is, for monitoring: /healthz, /readyz and /metrics. Off without listen.
    #[config(nested)]
    pub(super) operations: RawOperations,
    /// Other systems that are told over HTTP what happens (Standard Webhooks). Any number of these tables, up to 16, each
    /// with url, and secret ("whsec_" and Base64) or secret_file. If wanted: rooms, events (such as "answered"), ca_file and
    /// fingerprint as in `[clock]`, and allow_private: addresses that are not public and may be connected to.
    /// In the environment: "https://host/path whsec_...; ...", which replaces all of the file.
    #[config(env = "NEERC_WEBHOOKS")]
    pub(super) webhooks: Option<Vec<RawWebhook>>,
    /// What the service writes to standard error.
    #[config(nested)]
    pub(super) log: RawLog,
}

#[derive(confique::Config)]
#[config(layer_attr(derive(serde::Serialize)), layer_attr(serde(deny_unknown_fields)))]
pub(super) struct RawComponent {
    /// The service's own address, a domain. Required.
    #[config(env = "NEERC_COMPONENT_JID")]
    pub(super) jid: Option<String>,
    /// Where the XMPP server takes component connections, host:port. Openfire's port is 5275.
    #[config(env = "NEERC_COMPONENT_SERVER", default = "127.0.0.1:5347")]
    pub(super) server: String,
    /// The secret shared with the server. Required: this or secret_file, not both.
    #[config(env = "NEERC_COMPONENT_SECRET")]
    pub(super) secret: Option<Secret>,
    /// A file that holds the secret and nothing else, relative to this file. A newline at its end is ignored.
    /// "${CREDENTIALS_DIRECTORY}/NAME" is what systemd hands over by LoadCredential=NAME:FILE.
    #[config(env = "NEERC_COMPONENT_SECRET_FILE")]
    pub(super) secret_file: Option<String>,
    /// The domain of the users: they are called by their short names. Default: jid without its first label.
    #[config(env = "NEERC_COMPONENT_HOST")]
    pub(super) host: Option<String>,
}

#[derive(confique::Config)]
#[config(layer_attr(derive(serde::Serialize)), layer_attr(serde(deny_unknown_fields)))]
pub(super) struct RawRooms {
    /// The domain of the chat rooms. Default: "conference." and component.host.
    #[config(env = "NEERC_ROOMS_SERVICE")]
    pub(super) service: Option<String>,
    /// The rooms, each a world of its own; the first is the default room. Letters, digits and _ only.
    /// In the environment: names with commas between.
    #[config(env = "NEERC_ROOMS_JOIN", default = ["neerc"])]
    pub(super) join: Vec<String>,
    /// The service's name in the rooms. Must not start with "hall": clients list the service among the people.
    #[config(env = "NEERC_ROOMS_NICKNAME", default = "neerc")]
    pub(super) nickname: String,
    /// Whether people in a room without an affiliation there are ordinary users; false: they may do nothing.
    #[config(env = "NEERC_ROOMS_ADMIT_UNAFFILIATED", default = false)]
    pub(super) admit_unaffiliated: bool,
    /// Accounts that become owners of a room where nobody but the service has power, such as one that it has just
    /// made: `["you@example.org"]`. In the environment: with commas between.
    #[config(env = "NEERC_ROOMS_OWNERS", default = [])]
    pub(super) owners: Vec<String>,
    /// The service's address towards the rooms. Default: component.jid. Openfire wants one with a user name, and the
    /// name must be one that no room can have, so with a hyphen in it: "tasks-service@neerc.example.org".
    #[config(env = "NEERC_ROOMS_JID")]
    pub(super) jid: Option<String>,
}

#[derive(confique::Config)]
#[config(layer_attr(derive(serde::Serialize)), layer_attr(serde(deny_unknown_fields)))]
pub(super) struct RawStore {
    /// "sqlite:" and the path of the database, relative to this file; or a PostgreSQL database, which may be on one of
    /// several servers: postgres://neerc@a,b/neerc. Behind a ? it says as to psql how to encrypt and log in: sslmode,
    /// sslrootcert, sslcert, sslkey, channel_binding.
    #[config(env = "NEERC_STORE_URL", default = "sqlite:neerc.db")]
    pub(super) url: String,
    /// Days that the log in the database goes back, 0 to 36500; 0 means that all of it stays there. What is older is moved
    /// into compressed files beside it once a day; the newest 4 MiB of changes always stay.
    #[config(env = "NEERC_STORE_KEEP_DAYS", default = 90)]
    pub(super) keep_days: i64,
    /// How many machines have a change on disk before it is answered, 1 or 2. The second one runs neerc follow.
    #[config(env = "NEERC_STORE_COPIES", default = 1)]
    pub(super) copies: i64,
    /// What happens while there is one copy only, with copies = 2 since no second machine follows, with PostgreSQL since no
    /// synchronous standby confirmed for 10 s: "wait" answers no change until one does, "go on" answers all the same.
    #[config(env = "NEERC_STORE_ALONE", default = "wait")]
    pub(super) alone: String,
    /// With PostgreSQL, a program and its arguments that end neerc on the other machine, or that machine. Who stands by
    /// runs it once the other one no longer renews its lease, and serves then. Ending with 0 within 5 s means that neerc
    /// runs nowhere else any more, so nothing is waited for. NEERC_HOLDER says who served. In the environment: with
    /// commas between.
    #[config(env = "NEERC_STORE_FENCE", default = [])]
    pub(super) fence: Vec<String>,
    /// The file with the password for PostgreSQL, relative to this file. In a unit: "${CREDENTIALS_DIRECTORY}/name".
    #[config(env = "NEERC_STORE_PASSWORD_FILE")]
    pub(super) password_file: Option<String>,
    /// The folder, relative to this file, of what stays on this machine with PostgreSQL: archives of what is older, and
    /// what was replaced. By default the folder of this file.
    #[config(env = "NEERC_STORE_FOLDER")]
    pub(super) folder: Option<String>,
}

/// One `[[groups]]`, as written.
#[derive(serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGroup {
    pub(super) name: Option<String>,
    pub(super) members: Option<Vec<String>>,
    pub(super) room: Option<String>,
    pub(super) file: Option<String>,
    pub(super) command: Option<Vec<String>>,
    pub(super) user: Option<String>,
    pub(super) volunteers: Option<String>,
    pub(super) token_file: Option<String>,
    pub(super) ca_file: Option<String>,
    pub(super) year: Option<u32>,
    pub(super) day: Option<u32>,
    pub(super) poll_s: Option<i64>,
}

#[derive(confique::Config)]
#[config(layer_attr(derive(serde::Serialize)), layer_attr(serde(deny_unknown_fields)))]
pub(super) struct RawDirectory {
    /// The account whose contact list names the people and their groups. The service needs the right to read it.
    #[config(env = "NEERC_DIRECTORY_JID")]
    pub(super) jid: Option<String>,
    /// Seconds between two readings, 1 to 86400.
    #[config(env = "NEERC_DIRECTORY_POLL_S", default = 60)]
    pub(super) poll_s: i64,
}

#[derive(confique::Config)]
#[config(layer_attr(derive(serde::Serialize)), layer_attr(serde(deny_unknown_fields)))]
pub(super) struct RawTasks {
    /// What ordinary users see: "all" tasks, or only their "own".
    #[config(env = "NEERC_TASKS_VISIBILITY", default = "all")]
    pub(super) visibility: String,
    /// Whether each change is also sent as the bare packet that the protocol's wiki page describes.
    #[config(env = "NEERC_TASKS_WIKI_PACKET", default = true)]
    pub(super) wiki_packet: bool,
    /// Least milliseconds between two updates of one task to one session, 0 to 10000. Under 50 some clients end on the
    /// older state.
    #[config(env = "NEERC_TASKS_SPACING_MS", default = 50)]
    pub(super) spacing_ms: i64,
    /// Most bytes of one outgoing stanza, 16384 to 524288. Prosody closes the connection above 524288.
    #[config(env = "NEERC_TASKS_MAX_STANZA_BYTES", default = 262144)]
    pub(super) max_stanza_bytes: i64,
    /// Minutes from one reminder of a deadline that has passed to the next, 1 to 1440.
    #[config(env = "NEERC_TASKS_REMIND_MIN", default = 5)]
    pub(super) remind_min: i64,
    /// Minutes after which admins are asked no more whether a planned task is to be handed out, 0 to 10080; 0 means that they
    /// are for ever.
    #[config(env = "NEERC_TASKS_PLAN_LAPSES_MIN", default = 60)]
    pub(super) plan_lapses_min: i64,
}

#[derive(confique::Config)]
#[config(layer_attr(derive(serde::Serialize)), layer_attr(serde(deny_unknown_fields)))]
pub(super) struct RawClock {
    /// Where it is read: "file" (the clock.xml of PCMS2), "clics" (the Contest API of DOMjudge, the CDS, PC^2, Kattis),
    /// "json" (a document of three fields, from any script), or "manual". What is set by chat counts until `clock follow`.
    #[config(env = "NEERC_CLOCK_SOURCE")]
    pub(super) source: Option<String>,
    /// The file, relative to this file, for "file" or "json"; read every second.
    #[config(env = "NEERC_CLOCK_PATH")]
    pub(super) path: Option<String>,
    /// The contest's own address for "clics", the document's for "json".
    #[config(env = "NEERC_CLOCK_URL")]
    pub(super) url: Option<String>,
    /// The account there, with password or password_file.
    #[config(env = "NEERC_CLOCK_USER")]
    pub(super) user: Option<String>,
    /// Its password.
    #[config(env = "NEERC_CLOCK_PASSWORD")]
    pub(super) password: Option<Secret>,
    /// A file that holds the password and nothing else, relative to this file.
    #[config(env = "NEERC_CLOCK_PASSWORD_FILE")]
    pub(super) password_file: Option<String>,
    /// Certificates to believe besides those of the system: a PEM file, relative to this file.
    #[config(env = "NEERC_CLOCK_CA_FILE")]
    pub(super) ca_file: Option<String>,
    /// The SHA-256 of the only certificate to believe, whoever signed it.
    #[config(env = "NEERC_CLOCK_FINGERPRINT")]
    pub(super) fingerprint: Option<String>,
    /// The short form of source = "file" with this path.
    #[config(env = "NEERC_CLOCK_FILE")]
    pub(super) file: Option<String>,
}

/// One `[[clocks]]`, as written.
#[derive(serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRoomClock {
    pub(super) rooms: Option<Vec<String>>,
    pub(super) source: Option<String>,
    pub(super) path: Option<String>,
    pub(super) url: Option<String>,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) password_file: Option<String>,
    pub(super) ca_file: Option<String>,
    pub(super) fingerprint: Option<String>,
}

/// One `[[webhooks]]`, as written.
#[derive(serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWebhook {
    pub(super) url: Option<String>,
    pub(super) secret: Option<Secret>,
    pub(super) secret_file: Option<String>,
    pub(super) rooms: Option<Vec<String>>,
    pub(super) events: Option<Vec<String>>,
    pub(super) allow_private: Option<Vec<String>>,
    pub(super) ca_file: Option<String>,
    pub(super) fingerprint: Option<String>,
}

#[derive(confique::Config)]
#[config(layer_attr(derive(serde::Serialize)), layer_attr(serde(deny_unknown_fields)))]
pub(super) struct RawChecklists {
    /// The file that holds them, relative to this file: the desktop client's scripts.yaml, or one with names and steps.
    /// It is read at the start, and again whenever it has changed.
    #[config(env = "NEERC_CHECKLISTS_FILE")]
    pub(super) file: Option<String>,
}

#[derive(confique::Config)]
#[config(layer_attr(derive(serde::Serialize)), layer_attr(serde(deny_unknown_fields)))]
pub(super) struct RawLimits {
    /// Requests each second that one session may send in the long run, 0 to 100000; 0 means without limit.
    #[config(env = "NEERC_LIMITS_REQUESTS_PER_SECOND", default = 20)]
    pub(super) requests_per_second: i64,
    /// Requests that one session may send at once after a pause, 1 to 100000.
    #[config(env = "NEERC_LIMITS_REQUESTS_BURST", default = 60)]
    pub(super) requests_burst: i64,
    /// The same for owners and admins of a room, 1 to 100000: a desktop client sends a request for each line that is
    /// pasted and each task that is removed.
    #[config(env = "NEERC_LIMITS_REQUESTS_BURST_OF_POWER", default = 1000)]
    pub(super) requests_burst_of_power: i64,
    /// KiB each second that all sessions of one account are answered in the long run, 0 to 1000000; 0 means without
    /// limit. Prosody takes some 1000 of everybody's together.
    #[config(env = "NEERC_LIMITS_ANSWERS_KIB_PER_SECOND", default = 128)]
    pub(super) answers_kib_per_second: i64,
    /// KiB that all sessions of one account are answered after a pause, 1 to 1000000. They are handed out at four times
    /// the rate above.
    #[config(env = "NEERC_LIMITS_ANSWERS_BURST_KIB", default = 4096)]
    pub(super) answers_burst_kib: i64,
    /// MiB that one person's changes may take of the disk in a day, 0 to 1000000; 0 means without limit. Owners and admins
    /// may take 16 times as much. What was taken before a restart is forgotten.
    #[config(env = "NEERC_LIMITS_STORED_MIB_PER_DAY", default = 64)]
    pub(super) stored_mib_per_day: i64,
}

#[derive(confique::Config)]
#[config(layer_attr(derive(serde::Serialize)), layer_attr(serde(deny_unknown_fields)))]
pub(super) struct RawTexts {
    /// The language of those whose client does not tell theirs: "en" or "ru".
    #[config(env = "NEERC_TEXTS_LANGUAGE", default = "en")]
    pub(super) language: String,
}

#[derive(confique::Config)]
#[config(layer_attr(derive(serde::Serialize)), layer_attr(serde(deny_unknown_fields)))]
pub(super) struct RawContact {
    /// URIs of whoever runs the service, such as `["xmpp:admin@example.org", "mailto:admin@example.org"]`; clients show
    /// them. In the environment: with commas between.
    #[config(env = "NEERC_CONTACT_ADMIN", default = [])]
    pub(super) admin: Vec<String>,
}

#[derive(confique::Config)]
#[config(layer_attr(derive(serde::Serialize)), layer_attr(serde(deny_unknown_fields)))]
pub(super) struct RawWeb {
    /// Where browsers, or a proxy with TLS before them, connect to: an IP address and a port.
    #[config(env = "NEERC_WEB_LISTEN")]
    pub(super) listen: Option<String>,
    /// Under which address people open the board, for links that are sent to them. Required unless listen is on this
    /// machine only (127.0.0.1, ::1).
    #[config(env = "NEERC_WEB_URL")]
    pub(super) url: Option<String>,
}

#[derive(confique::Config)]
#[config(layer_attr(derive(serde::Serialize)), layer_attr(serde(deny_unknown_fields)))]
pub(super) struct RawOperations {
    /// Where monitoring connects to: an IP address and a port. Anybody who can connect may read it.
    #[config(env = "NEERC_OPERATIONS_LISTEN")]
    pub(super) listen: Option<String>,
}

#[derive(confique::Config)]
#[config(layer_attr(derive(serde::Serialize)), layer_attr(serde(deny_unknown_fields)))]
pub(super) struct RawLog {
    /// error, warn, info, debug or trace.
    #[config(env = "NEERC_LOG_LEVEL", default = "info")]
    pub(super) level: String,
    /// text or json. Under systemd, text goes to the journal with fields.
    #[config(env = "NEERC_LOG_FORMAT", default = "text")]
    pub(super) format: String,
    /// utc or local: in whose time. The journal has its own.
    #[config(env = "NEERC_LOG_TIME", default = "utc")]
    pub(super) time: String,
}

pub(super) type RawLayer = <Raw as confique::Config>::Layer;

/// The environment variables that give a setting.
pub fn variables() -> impl Iterator<Item = &'static str> {
    let of = |field: &Field| match field.kind {
        FieldKind::Leaf { env, .. } => env,
        FieldKind::Nested { .. } => None,
    };
    KEYS.fields.iter().flat_map(move |field| match field.kind {
        FieldKind::Nested { meta } => meta.fields.iter().filter_map(of).collect::<Vec<_>>(),
        FieldKind::Leaf { .. } => of(field).into_iter().collect(),
    })
}

/// The environment variable of a key such as `tasks.spacing_ms`.
pub(super) fn variable(key: &str) -> Option<&'static str> {
    let mut fields = KEYS.fields;
    for part in key.split('.') {
        match fields.iter().find(|field| field.name == part)?.kind {
            FieldKind::Nested { meta } => fields = meta.fields,
            FieldKind::Leaf { env, .. } if key.ends_with(part) => return env,
            FieldKind::Leaf { .. } => return None,
        }
    }
    None
}
