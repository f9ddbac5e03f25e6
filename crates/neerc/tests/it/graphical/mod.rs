//! Chat clients with windows, as people have them: each on a display of its own.
//!
//! They are used as a screen reader uses them (AT-SPI), by the names of what is on the screen, and by what they offer on
//! D-Bus; nothing is aimed at, and nothing depends on where a window stands or whether it has the focus. `eyes.py` does
//! that. When something is not seen in time, a picture of the display is kept in `target/tmp`, and its path is said.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::guard::{self, Process};
use crate::wait::poll_for;

mod dino;
mod gajim;
mod psi;

/// How long anything on a screen may take: these programs need seconds to start where nothing else runs.
const SIGHT: Duration = Duration::from_secs(60);

/// The Python that the system's bindings of AT-SPI are for.
const PYTHON: &str = "/usr/bin/python3";

const REGISTRY: &str = "/usr/libexec/at-spi2-registryd";

/// A bus on which nothing is ever started by itself, so that nothing runs that is not stopped here.
const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=SOCKET</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// Whether `scripts/setup test` could install the client and all that it is used by; says so if not.
fn is_installed(program: &str) -> bool {
    let here = |path: &str| Path::new(path).exists();
    let all = here(program) && here("/usr/bin/Xvfb") && here("/usr/bin/dbus-daemon") && here(REGISTRY);
    if !all {
        eprintln!("********** SKIPPED: no {program}, Xvfb or AT-SPI here; `scripts/setup test` says why **********");
    }
    all
}

/// A display with one client on it. What was started last is stopped first.
struct Desktop {
    name: &'static str,
    dir: PathBuf,
    display: String,
    client: Option<Process>,
    eyes: Process,
    asks: ChildStdin,
    answers: Receiver<String>,
    _registry: Process,
    _buses: [Process; 2],
    _screen: Process,
}

impl Desktop {
    /// An empty one.
    fn new(name: &'static str) -> Self {
        let dir = guard::scratch_dir(name);
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
        let mut screen = Command::new("Xvfb");
        screen.args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"]);
        let out = fs::File::create(dir.join("display")).unwrap();
        let err = fs::File::create(dir.join("xvfb.log")).unwrap();
        let screen = Process::spawn("Xvfb", screen.stdin(Stdio::null()).stdout(out).stderr(err));
        let display = format!(":{}", line_of(&dir.join("display"), "\n").trim());
        let buses = ["bus", "a11y"].map(|name| bus(&dir, name));
        let mut registry = Command::new(REGISTRY);
        surroundings(&mut registry, &dir, &display).env("DBUS_SESSION_BUS_ADDRESS", address(&dir, "a11y"));
        let registry = Process::spawn_logged("at-spi2-registryd", &mut registry, &dir.join("registry.log"));
        let mut eyes = Command::new(PYTHON);
        surroundings(&mut eyes, &dir, &display).args(["-c", include_str!("eyes.py")]);
        let err = fs::File::create(dir.join("eyes.log")).unwrap();
        let streams = eyes.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(err);
        let mut eyes = Process::spawn("eyes", streams);
        let asks = eyes.child().stdin.take().unwrap();
        let seen = eyes.child().stdout.take().unwrap();
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            BufReader::new(seen)
                .lines()
                .map_while(Result::ok)
                .take_while(|line| sender.send(line.clone()).is_ok())
                .count()
        });
        let mut desktop = Self {
            name,
            dir,
            display,
            client: None,
            eyes,
            asks,
            answers,
            _registry: registry,
            _buses: buses,
            _screen: screen,
        };
        desktop.answer("the start of the eyes");
        desktop
    }

    /// Starts the client, which has the folder of the desktop as its home.
    fn start(&mut self, command: &mut Command) {
        surroundings(command, &self.dir, &self.display);
        self.client = Some(Process::spawn_logged(self.name, command, &self.log()));
    }

    /// What the client writes to its terminal.
    fn log(&self) -> PathBuf {
        self.dir.join("client.log")
    }

    /// Sends one request to the eyes.
    fn ask(&mut self, request: &Value) -> Value {
        let sent = writeln!(self.asks, "{request}").and_then(|()| self.asks.flush());
        assert!(sent.is_ok(), "{}: nobody reads {request}\n{}", self.name, self.eyes_log());
        self.answer(&request.to_string())
    }

    /// The next line of the eyes.
    fn answer(&mut self, what: &str) -> Value {
        let Ok(answer) = self.answers.recv_timeout(SIGHT) else {
            panic!("{}: {what} is not answered (ended: {:?})\n{}", self.name, self.eyes.exited(), self.eyes_log())
        };
        serde_json::from_str(&answer).unwrap()
    }

    fn eyes_log(&self) -> String {
        guard::log_tail(&self.dir.join("eyes.log"))
    }

    /// Asks until the answer is as it should be.
    #[track_caller]
    fn until(&mut self, request: &Value, wanted: impl Fn(&Value) -> bool) -> Value {
        let found = poll_for(SIGHT, || {
            let answer = self.ask(request);
            (wanted(&answer)).then_some(answer)
        });
        found.unwrap_or_else(|| self.fail(&request.to_string()))
    }

    /// Keeps a picture and everything that can be read, and panics.
    #[track_caller]
    fn fail(&mut self, what: &str) -> ! {
        let picture = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.png", self.name));
        let kept = self.ask(&json!(["picture", &picture]));
        let tree = self.ask(&json!(["tree"]));
        let lines: Vec<&str> = tree.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let log = guard::log_tail(&self.log());
        panic!(
            "{}: in vain: {what}\na picture of it: {} ({kept})\n{}\n{log}",
            self.name,
            picture.display(),
            lines.join("\n")
        )
    }

    /// Waits until a window shows a text, all of it in one place.
    #[track_caller]
    fn sees(&mut self, window: &str, text: &str) {
        let shows = |answer: &Value| answer.as_array().into_iter().flatten().any(|seen| is_in(seen, text));
        self.until(&json!(["texts", window, text]), shows);
    }

    /// Presses a button as soon as it can be pressed.
    #[track_caller]
    fn presses(&mut self, window: &str, button: &str) {
        self.until(&json!(["press", window, button]), |answer| *answer == json!(true));
    }

    /// Chooses a row as soon as it is there.
    #[track_caller]
    fn chooses(&mut self, window: &str, row: &str) {
        self.until(&json!(["choose", window, row]), |answer| *answer == json!(true));
    }

    /// Fills in the field behind a label as soon as it is there.
    #[track_caller]
    fn fills(&mut self, window: &str, label: &str, text: &str) {
        self.until(&json!(["fill", window, label, text]), |answer| *answer == json!(true));
    }
}

impl Drop for Desktop {
    fn drop(&mut self) {
        if let Some(mut client) = self.client.take() {
            client.kill();
        }
        self.eyes.kill();
    }
}

fn is_in(seen: &Value, text: &str) -> bool {
    seen.as_str().is_some_and(|seen| seen.contains(text))
}

fn address(dir: &Path, name: &str) -> String {
    format!("unix:path={}", dir.join(name).display())
}

/// What every program of a desktop has in its environment: nothing of the machine's own desktop.
fn surroundings<'a>(command: &'a mut Command, dir: &Path, display: &str) -> &'a mut Command {
    for gone in ["WAYLAND_DISPLAY", "XAUTHORITY", "SESSION_MANAGER", "NO_AT_BRIDGE", "GTK_MODULES", "LANGUAGE"] {
        command.env_remove(gone);
    }
    for folder in ["HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"] {
        command.env(folder, dir);
    }
    command.env("DISPLAY", display).env("LC_ALL", "C.UTF-8").env("LANG", "C.UTF-8").env("GDK_BACKEND", "x11");
    command.env("QT_QPA_PLATFORM", "xcb").env("QT_LINUX_ACCESSIBILITY_ALWAYS_ON", "1");
    command.env("GSETTINGS_BACKEND", "memory").env("GIO_USE_VFS", "local").env("GTK_USE_PORTAL", "0");
    command.env("DBUS_SESSION_BUS_ADDRESS", address(dir, "bus")).env("AT_SPI_BUS_ADDRESS", address(dir, "a11y"));
    command.current_dir(dir)
}

/// A D-Bus daemon that listens in the folder under this name.
fn bus(dir: &Path, name: &str) -> Process {
    let config = dir.join(format!("{name}.conf"));
    fs::write(&config, BUS.replace("SOCKET", &dir.join(name).display().to_string())).unwrap();
    let said = dir.join(format!("{name}.address"));
    let mut daemon = Command::new("dbus-daemon");
    daemon.arg("--nofork").arg("--print-address=1").arg("--config-file").arg(config).stdin(Stdio::null());
    let err = fs::File::create(dir.join(format!("{name}.log"))).unwrap();
    let daemon = Process::spawn("dbus-daemon", daemon.stdout(fs::File::create(&said).unwrap()).stderr(err));
    line_of(&said, "\n");
    daemon
}

/// The text of a file as soon as there is `mark` in it.
fn line_of(path: &Path, mark: &str) -> String {
    let text = || Some(fs::read_to_string(path).unwrap_or_default()).filter(|text| text.contains(mark));
    poll_for(SIGHT, text).unwrap_or_else(|| panic!("nothing in {}", path.display()))
}
