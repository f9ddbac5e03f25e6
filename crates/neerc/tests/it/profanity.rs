//! Profanity, a standard client for terminals, driven as a person would: in tmux, by its keyboard and its screen.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::guard::{self, Process};
use crate::servers::{HOST, Kind, PASSWORD, Server};
use crate::service::Neerc;
use crate::wait::{PATIENCE, poll_for};

/// A profanity in a terminal of its own, logged in.
pub struct Profanity {
    dir: PathBuf,
    terminal: Process,
}

impl Profanity {
    /// Starts it and logs in.
    pub fn login(server: &Server, user: &str) -> Profanity {
        server.register(user);
        let profanity = Profanity::start();
        let port = server.c2s_port;
        profanity.types(&format!("/connect {user}@{HOST} server 127.0.0.1 port {port} tls disable"));
        profanity.gives(PASSWORD);
        profanity
    }

    /// Starts it.
    pub fn start() -> Profanity {
        let dir = guard::scratch_dir("profanity");
        let mut command = Command::new("tmux");
        command.args(["-D", "-f", "/dev/null", "-S"]).arg(dir.join("tmux"));
        let terminal = Process::spawn_logged("tmux", &mut command, &dir.join("tmux.log"));
        let profanity = Profanity { dir, terminal };
        poll_for(PATIENCE, || profanity.dir.join("tmux").exists().then_some(())).expect("tmux listens");
        let folder = profanity.dir.display();
        let program =
            format!("env HOME={folder} XDG_CONFIG_HOME={folder}/c XDG_DATA_HOME={folder}/d LANG=C.UTF-8 profanity");
        profanity.tmux(&["new-session", "-d", "-x", "160", "-y", "60", &program]);
        profanity.wait_for("first time starting");
        profanity
    }

    /// Gives the password that it asks for.
    pub fn gives(&self, password: &str) {
        self.wait_for("Enter password:");
        self.types(password);
        self.wait_for("logged in successfully");
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(self.dir.join("tmux")).args(arguments).stdin(Stdio::null());
        let output = command.output().expect("tmux runs");
        assert!(output.status.success(), "tmux {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Types a line and the Enter key.
    pub fn types(&self, line: &str) {
        self.tmux(&["send-keys", "-l", line]);
        self.tmux(&["send-keys", "Enter"]);
    }

    /// Types a line and waits for what is answered.
    #[track_caller]
    pub fn says(&self, line: &str, answer: &str) {
        self.types(line);
        self.wait_for(answer);
    }

    /// What is on the screen.
    pub fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Waits until the screen shows a text.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        let seen = poll_for(PATIENCE, || self.screen().contains(text).then_some(()));
        assert!(seen.is_some(), "profanity does not show {text:?}:\n{}", self.screen());
    }
}

impl Drop for Profanity {
    fn drop(&mut self) {
        self.terminal.terminate();
    }
}

fn a_standard_client_learns_what_the_service_is(kind: Kind) {
    let server = Server::shared(kind);
    let room = server.room(&[("hall1", "member")]);
    let neerc = Neerc::start(server, &[&room], "");
    let profanity = Profanity::login(server, "hall1");
    let service = &neerc.jid;
    profanity.types(&format!("/disco info {service}"));
    profanity.wait_for("NEERC service");
    profanity.wait_for("urn:xmpp:ping");
    profanity.wait_for("http://neerc.ifmo.ru/protocol/neerc#tasks");
    profanity.types(&format!("/disco items {service}"));
    profanity.wait_for(&neerc.room_jid(&room));
    // Profanity asks these of contacts only; its console sends the same requests to a service.
    profanity.types("/xmlconsole");
    profanity.types(&format!("<iq type='get' id='p1' to='{service}'><ping xmlns='urn:xmpp:ping'/></iq>"));
    profanity.wait_for("RECV:");
    poll_for(PATIENCE, || answers(&profanity.screen(), "p1").then_some(())).expect("the ping is answered");
    profanity.types(&format!("<iq type='get' id='v1' to='{service}'><query xmlns='jabber:iq:version'/></iq>"));
    profanity.wait_for("<name>neerc</name>");
    profanity.wait_for(env!("CARGO_PKG_VERSION"));
}

/// Whether the console shows the result of the request with that id, in whatever order its attributes are.
fn answers(screen: &str, id: &str) -> bool {
    let screen = screen.replace(['\n', '"', '\''], "");
    let received = screen.split("RECV:").skip(1);
    received
        .map(|stanza| stanza.split("SENT:").next().unwrap_or(""))
        .any(|stanza| stanza.contains(&format!("id={id}")) && stanza.contains("type=result"))
}

on_both!(a_standard_client_learns_what_the_service_is);
