//! Private XMPP servers on free loopback ports, in folders of their own: Prosody and ejabberd behind one interface.
//!
//! Each has the domains `localhost`, `conference.localhost` (rooms) and the components `neerc.localhost`,
//! `n1.localhost` ... `n99.localhost`, all with one secret; and `elsewhere.localhost`, which owns no rooms and plays a
//! server that federates with this one. Plain text only; nothing leaves 127.0.0.1.
#![allow(dead_code)] // a toolbox: not every tool is in use at any one time

mod ejabberd;
mod home;
pub mod prosody;
mod stock;

use std::collections::VecDeque;
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

pub use home::home;

use crate::guard::{self, Port, Process};
use crate::wait::poll_for;

/// The password of every user.
pub const PASSWORD: &str = "12345";
/// The domain of every user.
pub const HOST: &str = "localhost";
/// The domain of the rooms.
pub const ROOMS: &str = "conference.localhost";
/// The component that plays another server: whoever connects as it may write any address of that domain.
pub const ELSEWHERE: &str = "elsewhere.localhost";
/// What every component authenticates with.
pub const SECRET: &str = "secret";

/// How long a server may take to start: on a machine that does much else, ejabberd has taken over half a minute.
const START: Duration = Duration::from_secs(120);

const NUMBERED_COMPONENTS: u32 = 99;

/// Which server program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Prosody.
    Prosody,
    /// ejabberd.
    Ejabberd,
}

/// How a private server differs from the shared one.
#[derive(Clone, Debug)]
pub struct Options {
    /// The components are implicit owners of every room.
    pub component_is_muc_admin: bool,
    /// Local parts of users who are implicit owners of every room, as a server's administrators are.
    pub service_admins: Vec<String>,
    /// Shared roster groups, name and local parts of the members: readable by the components (XEP-0356) as the roster
    /// of `directory@localhost`. `None`: the server has no privileged entities at all.
    pub groups: Option<Vec<(String, Vec<String>)>>,
    /// More lines for the global part of the configuration file: Lua or YAML.
    pub extra_config: String,
    /// The packaged configuration file with this laid over it, which `neerc init` has printed, in the place of the tests'
    /// own; the other options but `extra_config` count for nothing then.
    pub stock: Option<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            component_is_muc_admin: true,
            service_admins: Vec::new(),
            groups: None,
            extra_config: String::new(),
            stock: None,
        }
    }
}

/// A running server. Methods take `&self`, since tests share servers.
pub struct Server {
    /// Which program it is.
    pub kind: Kind,
    /// The domain of the users, `localhost`.
    pub host: &'static str,
    /// Where clients connect.
    pub c2s_port: u16,
    /// Where components connect.
    pub component_port: u16,
    /// Where [`ELSEWHERE`] connects.
    pub elsewhere_port: u16,
    /// BOSH (`/http-bind`) and WebSocket (`/xmpp-websocket`).
    pub http_port: u16,
    /// The components' secret.
    pub secret: &'static str,
    dir: PathBuf,
    options: Options,
    process: Mutex<Option<Process>>,
    components: Mutex<VecDeque<String>>,
    _ports: [Port; 4],
}

impl Server {
    /// A private Prosody.
    pub fn prosody(options: Options) -> Self {
        Self::launch(Kind::Prosody, options)
    }

    /// A private ejabberd.
    pub fn ejabberd(options: Options) -> Self {
        Self::launch(Kind::Ejabberd, options)
    }

    /// A private server of the given kind.
    pub fn launch(kind: Kind, options: Options) -> Self {
        let ports = [Port::reserve(), Port::reserve(), Port::reserve(), Port::reserve()];
        let server = Self {
            kind,
            host: HOST,
            c2s_port: ports[0].number,
            component_port: ports[1].number,
            http_port: ports[2].number,
            elsewhere_port: ports[3].number,
            secret: SECRET,
            dir: guard::scratch_dir(match kind {
                Kind::Prosody => "prosody",
                Kind::Ejabberd => "ejabberd",
            }),
            options,
            process: Mutex::new(None),
            components: Mutex::new(all_components().into()),
            _ports: ports,
        };
        match kind {
            Kind::Prosody => prosody::prepare(&server),
            Kind::Ejabberd => ejabberd::prepare(&server),
        }
        server.start();
        match kind {
            Kind::Prosody => {}
            Kind::Ejabberd => ejabberd::create_groups(&server),
        }
        server
    }

    /// The one server of this kind that many tests use at once: use own room names, and never stop it.
    pub fn shared(kind: Kind) -> &'static Self {
        static PROSODY: OnceLock<Server> = OnceLock::new();
        static EJABBERD: OnceLock<Server> = OnceLock::new();
        let cell = match kind {
            Kind::Prosody => &PROSODY,
            Kind::Ejabberd => &EJABBERD,
        };
        cell.get_or_init(|| Self::launch(kind, Options::default()))
    }

    /// Starts it again with the same data and ports, and waits until it serves.
    pub fn start(&self) {
        let mut slot = self.process();
        assert!(slot.is_none(), "{:?} runs already", self.kind);
        let mut process = match self.kind {
            Kind::Prosody => prosody::spawn(self),
            Kind::Ejabberd => ejabberd::spawn(self),
        };
        let up = poll_for(START, || {
            if let Some(status) = process.exited() {
                return Some(Err(status));
            }
            self.serves().then_some(Ok(()))
        });
        match up {
            Some(Ok(())) => *slot = Some(process),
            Some(Err(status)) => panic!("{:?} ended with {status} while starting\n{}", self.kind, self.log()),
            None => panic!("{:?} does not serve after {START:?}\n{}", self.kind, self.log()),
        }
    }

    /// Stops it in an orderly way; the data stays.
    pub fn stop(&self) {
        let stopped = self.process().take();
        drop(stopped.expect("the server runs"));
    }

    /// Kills it with SIGKILL; the data stays as it is.
    pub fn kill_hard(&self) {
        let killed = self.process().take();
        killed.expect("the server runs").kill();
    }

    /// Freezes it (`STOP`), lets it go on (`CONT`), or any other signal.
    pub fn signal(&self, signal: &str) {
        self.process().as_mut().expect("the server runs").signal(signal);
    }

    /// The id of the server's process.
    pub fn pid(&self) -> u32 {
        self.process().as_ref().expect("the server runs").pid()
    }

    /// The ends of its logs, for a panic's message.
    pub fn log(&self) -> String {
        ["stdout.log", "server.log"].map(|name| guard::log_tail(&self.dir.join(name))).concat()
    }

    /// Creates the account `user@localhost`, unless it exists.
    pub fn register(&self, user: &str) {
        self.register_many(&[user]);
    }

    /// Creates many accounts, those that do not exist yet.
    pub fn register_many<S: AsRef<str>>(&self, users: &[S]) {
        let users: Vec<&str> = users.iter().map(AsRef::as_ref).collect();
        match self.kind {
            Kind::Prosody => prosody::register(self, &users),
            Kind::Ejabberd => ejabberd::register(self, &users),
        }
    }

    /// Creates a persistent, members-only, non-anonymous room.
    pub fn create_room(&self, room: &str) {
        match self.kind {
            Kind::Prosody => prosody::create_room(self, room),
            Kind::Ejabberd => ejabberd::create_room(self, room),
        }
    }

    /// Destroys a room.
    pub fn destroy_room(&self, room: &str) {
        match self.kind {
            Kind::Prosody => prosody::destroy_room(self, room),
            Kind::Ejabberd => ejabberd::destroy_room(self, room),
        }
    }

    /// Sets `owner`, `admin`, `member`, `none` or `outcast` of a bare JID, as the server's administrator does.
    pub fn set_affiliation(&self, room: &str, bare_jid: &str, affiliation: &str) {
        match self.kind {
            Kind::Prosody => prosody::set_affiliation(self, room, bare_jid, affiliation),
            Kind::Ejabberd => ejabberd::set_affiliation(self, room, bare_jid, affiliation),
        }
    }

    /// Whether administrators of the rooms' component own its rooms only by an option: from Prosody 13 on.
    pub fn needs_owners_option(&self) -> bool {
        self.kind == Kind::Prosody && self.log_holds("version 13.")
    }

    fn log_holds(&self, text: &str) -> bool {
        std::fs::read_to_string(self.dir.join("server.log")).is_ok_and(|log| log.contains(text))
    }

    /// Whether it takes ordinary requests of a component that has privileges. ejabberd 24.12 loses all of them, without an
    /// answer; 23.01 does not, and 25.03 is said not to.
    pub fn hears_privileged(&self) -> bool {
        match self.kind {
            Kind::Prosody => true,
            Kind::Ejabberd => !((24, 12)..(25, 3)).contains(&ejabberd::version(self)),
        }
    }

    /// Gives somebody a place in a room by the command that `neerc init` prints: Prosody's as it stands, ejabberd's by its
    /// other way in, since the tests' server has no node name.
    pub fn place(&self, printed: &str, room: &str, bare_jid: &str, affiliation: &str) {
        match self.kind {
            Kind::Prosody => {
                let said = prosody::control(self, printed);
                assert!(said.contains("true") || said.contains("OK"), "{printed}: {said}");
            }
            Kind::Ejabberd => {
                assert!(printed.starts_with(&format!("ejabberdctl set_room_affiliation {room} {ROOMS} ")), "{printed}");
                ejabberd::set_affiliation(self, room, bare_jid, affiliation);
            }
        }
    }

    /// A new room with a name of its own, whose people (local part, affiliation) have accounts: its local part.
    pub fn room(&self, people: &[(&str, &str)]) -> String {
        let room = unique("room");
        self.create_room(&room);
        self.register_many(&people.iter().map(|(user, _)| *user).collect::<Vec<_>>());
        for (user, affiliation) in people {
            self.set_affiliation(&room, &format!("{user}@{HOST}"), affiliation);
        }
        room
    }

    /// Takes a component's domain that nobody else uses; the first of each server is `neerc.localhost`.
    pub fn take_component(&self) -> String {
        let taken = self.components.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        taken.expect("fewer than 100 services at once")
    }

    /// Gives back what [`Self::take_component`] gave; it becomes the last in the queue.
    pub fn give_component(&self, component: String) {
        self.components.lock().unwrap_or_else(PoisonError::into_inner).push_back(component);
    }

    fn process(&self) -> MutexGuard<'_, Option<Process>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serves(&self) -> bool {
        let open = |port| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
        let ports: &[u16] = match self.options.stock {
            Some(_) => &[self.c2s_port], // whether there is one for components is what is tried
            None => &[self.c2s_port, self.component_port, self.http_port],
        };
        ports.iter().copied().all(open)
            && match self.kind {
                Kind::Prosody => prosody::shell_is_open(self),
                Kind::Ejabberd => ejabberd::api_is_open(self),
            }
    }
}

impl Drop for Server {
    /// Nobody needs the data any more, so there is no point in the seconds that an orderly end takes.
    fn drop(&mut self) {
        if let Some(mut process) = self.process().take() {
            process.kill();
        }
    }
}

fn all_components() -> Vec<String> {
    let numbered = (1..=NUMBERED_COMPONENTS).map(|number| format!("n{number}.{HOST}"));
    std::iter::once(format!("neerc.{HOST}")).chain(numbered).collect()
}

/// `prefix1`, `prefix2`, ...: a name no other test of this process gets.
pub fn unique(prefix: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    format!("{prefix}{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
