//! Starting what is measured: the real service on a store of its own, and the peers that do the same simple job.

use crate::Outcome;
use crate::contest::{self, Cast};
use crate::link::{Link, PATIENCE, listen};
use crate::process::{Process, folder};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The release build of the service, as seen from the folder of the bench.
const BINARY: &str = "target/release/neerc";

/// The running service with its stand-in server.
pub struct Service {
    /// The process.
    pub process: Process,
    /// The server's side.
    pub link: Link,
    /// Where its configuration and store are.
    pub folder: PathBuf,
}

/// Writes a configuration for a server on that port, with more at its end. Sessions may ask as often as can be said without turning the count
/// of their requests off.
pub fn configure(folder: &Path, port: u16, more: &str) -> Outcome<()> {
    let text = format!(
        "[component]\njid = \"neerc.localhost\"\nserver = \"127.0.0.1:{port}\"\nsecret = \"secret\"\n\
         [rooms]\nservice = \"conference.localhost\"\njoin = [\"neerc\"]\n[store]\nurl = \"sqlite:neerc.db\"\n\
         [limits]\nrequests_per_second = 100000\nrequests_burst = 100000\nanswers_kib_per_second = 0\n{more}"
    );
    Ok(fs::write(folder.join("neerc.toml"), text)?)
}

/// The program.
pub fn program() -> Command {
    Command::new(BINARY)
}

/// The command that serves with the configuration of a folder.
pub fn command(folder: &Path) -> Command {
    let mut command = program();
    command.args(["run", "--config"]).arg(folder.join("neerc.toml"));
    command
}

impl Service {
    /// Starts it on an empty store and makes the tasks.
    pub fn start(cast: Cast, tasks: usize, people: usize) -> Outcome<Service> {
        let mut service = Service::start_in(folder("service")?, cast)?;
        service.create(tasks, people)?;
        service.come_in(cast)?;
        Ok(service)
    }

    /// Each session asks for its tasks once, as clients do when they come in. Those that never ask are told of all tasks
    /// little by little, which would go on for minutes beside what is measured.
    fn come_in(&mut self, cast: Cast) -> Outcome<()> {
        self.link.count(&["~r"]);
        let mut left = 0;
        for session in 0..cast.sessions {
            self.link.send(contest::read(&cast.session(session), "tasks").as_bytes())?;
            left += 1;
            while left >= 64 || (session + 1 == cast.sessions && left > 0) {
                left -= self.link.read()?.counts[0].min(left);
            }
        }
        Ok(())
    }

    /// Starts it on whatever is in the folder, and waits until it answers.
    pub fn start_in(folder: PathBuf, cast: Cast) -> Outcome<Service> {
        Service::start_with(folder, cast, "")
    }

    /// The same with more configuration.
    pub fn start_with(folder: PathBuf, cast: Cast, more: &str) -> Outcome<Service> {
        let (listener, port) = listen()?;
        configure(&folder, port, more)?;
        let process = Process::spawn(&mut command(&folder), &folder.join("log.txt"))?;
        let settled = Link::accept(&listener, PATIENCE).and_then(|mut link| {
            link.settle(cast)?;
            Ok(link)
        });
        let link = settled.map_err(|error| format!("neerc: {error}\n{}", process.last_words()))?;
        Ok(Service { process, link, folder })
    }

    /// Makes tasks, the first being number 1 on an empty store.
    pub fn create(&mut self, tasks: usize, people: usize) -> Outcome<()> {
        self.link.count(&["~w"]);
        let mut left = 0;
        for task in 1..=tasks {
            self.link.send(contest::create(task, people).as_bytes())?;
            left += 1;
            while left >= 64 || (task == tasks && left > 0) {
                left -= self.link.read()?.counts[0].min(left);
            }
        }
        Ok(())
    }
}

/// Programs that do the echo job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Looks at every byte once and sends what it has precomputed: the limit.
    Raw,
    /// libstrophe (C).
    Libstrophe,
    /// tokio-xmpp (Rust).
    TokioXmpp,
    /// @xmpp/component (node).
    XmppJs,
    /// slixmpp (Python).
    Slixmpp,
    /// Searches only for the ends of stanzas: what the sockets can do.
    Blind,
}

impl Peer {
    /// All, the limit first.
    pub const ALL: [Peer; 6] = [Peer::Raw, Peer::Libstrophe, Peer::TokioXmpp, Peer::XmppJs, Peer::Slixmpp, Peer::Blind];

    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Peer::Raw => "raw scanner",
            Peer::Libstrophe => "libstrophe",
            Peer::TokioXmpp => "tokio-xmpp",
            Peer::XmppJs => "@xmpp/component",
            Peer::Slixmpp => "slixmpp",
            Peer::Blind => "blind search",
        }
    }

    fn command(self) -> Outcome<Command> {
        Ok(match self {
            Peer::Raw | Peer::Blind => {
                let mut command = Command::new(std::env::current_exe()?);
                command.arg(if self == Peer::Raw { "peer-raw" } else { "peer-blind" });
                command
            }
            Peer::Libstrophe => Command::new("target/peers/libstrophe"),
            Peer::TokioXmpp => Command::new("target/release/peer-tokio-xmpp"),
            Peer::XmppJs => {
                let mut command = Command::new("node");
                command.arg("peers/xmpp.js/echo.js");
                command
            }
            Peer::Slixmpp => {
                let mut command = Command::new("../target/venv/bin/python");
                command.arg("peers/slixmpp/echo.py");
                command
            }
        })
    }

    /// Starts it and accepts its connection.
    pub fn start(self) -> Outcome<(Process, Link)> {
        let (listener, port) = listen()?;
        let mut command = self.command()?;
        command.arg(port.to_string());
        let process = Process::spawn(&mut command, &folder("peer")?.join("log.txt"))?;
        let link = Link::accept(&listener, PATIENCE);
        let link = link.map_err(|error| format!("{}: {error}\n{}", self.name(), process.last_words()))?;
        Ok((process, link))
    }
}
