//! The demo's own Prosody: on 127.0.0.1 only, in a folder of its own, with the accounts it needs and no way out. Not an
//! example of how to set up a server for others: its certificate is signed by nobody and passwords are stored as they are.

use super::keeper::Keeper;
use crate::cli::secret;
use crate::limits;
use anyhow::{Context, bail};
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use tokio::net::TcpStream;

/// The domain of the users.
pub const HOST: &str = "localhost";
/// The domain of the rooms.
pub const ROOMS: &str = "conference.localhost";
/// The component.
pub const SERVICE: &str = "neerc.localhost";
/// The accounts.
pub const USERS: [&str; 5] = ["admin", "jury1", "hall1", "hall2", "hall3"];

/// The port that XMPP clients try first.
const USUAL_PORT: u16 = 5222;

/// A running Prosody; it ends and its folder is removed when this is dropped.
pub struct Prosody {
    /// Where clients connect.
    pub port: u16,
    /// Where the component connects.
    pub component_port: u16,
    /// The component's secret.
    pub secret: String,
    /// The password of every account.
    pub password: String,
    child: Child,
    keeper: Keeper,
}

impl Prosody {
    /// Starts one with its clients' port at `port`, or at the usual or any free one, and waits until it listens.
    pub async fn start(port: Option<u16>) -> anyhow::Result<Prosody> {
        let Some(program) = find() else {
            bail!(
                "the demo needs Prosody, an XMPP server, which is not installed: apt-get install prosody, or make demo"
            );
        };
        let (port, component_port) = ports(port)?;
        let random = "there is no randomness to be had from /dev/urandom";
        let (secret, password) = (secret::hex(32).context(random)?, secret::hex(5).context(random)?);
        let mut keeper = Keeper::start()?;
        let folder = keeper.folder();
        prepare(folder, &config(folder, port, component_port, &secret), &password)
            .with_context(|| format!("cannot write to {}", folder.display()))?;
        certify(folder)?;
        let child = spawn(&program, folder).with_context(|| format!("cannot start {}", program.display()))?;
        // Watched in any case: with the keeper gone the child still ends when the server is dropped.
        let _ = keeper.watch(child.id());
        let mut server = Prosody { port, component_port, secret, password, child, keeper };
        server.listens().await?;
        Ok(server)
    }

    /// The folder of everything that belongs to the demo.
    pub fn folder(&self) -> &Path {
        self.keeper.folder()
    }

    /// Its certificate, for clients that want to be told whom to believe.
    pub fn certificate(&self) -> PathBuf {
        certificate(self.folder())
    }

    /// What to say of a failure: if Prosody has ended, the last that it said.
    pub fn explain(&mut self, error: anyhow::Error) -> anyhow::Error {
        match self.child.try_wait() {
            Ok(Some(status)) => anyhow::anyhow!("Prosody has ended ({status}); its last words:\n{}", self.tail()),
            _ => error,
        }
    }

    /// Waits until it takes connections. Nothing tells of that, so it is tried.
    async fn listens(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + limits::DEMO_SERVER_START;
        loop {
            if let Some(status) = self.child.try_wait().context("Prosody cannot be waited for")? {
                bail!("Prosody ended at once ({status}); its last words:\n{}", self.tail());
            }
            if is_open(self.component_port).await && is_open(self.port).await {
                return Ok(());
            }
            if Instant::now() > deadline {
                bail!(
                    "Prosody does not listen after {} s; its last words:\n{}",
                    limits::DEMO_SERVER_START.as_secs(),
                    self.tail()
                );
            }
            tokio::time::sleep(limits::DEMO_SERVER_POLL).await;
        }
    }

    fn tail(&self) -> String {
        let read = |name| fs::read(self.folder().join(name)).unwrap_or_default(); // there may be no words at all
        let texts = ["prosody.out", "prosody.log"].map(read);
        tail(&texts.map(|text| String::from_utf8_lossy(&text).into_owned()).concat())
    }
}

impl Drop for Prosody {
    /// All its data goes with it, so it may end as abruptly as it can.
    fn drop(&mut self) {
        let _ = self.child.kill(); // fails if it has ended by itself
        let _ = self.child.wait();
        self.keeper.forget();
    }
}

fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/bin", "/usr/local/bin"].map(PathBuf::from));
    folders.map(|folder| folder.join("prosody")).find(|program| program.is_file())
}

/// The ports for clients and for the component: what is asked for, else what is free.
fn ports(wanted: Option<u16>) -> anyhow::Result<(u16, u16)> {
    let listen = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port));
    let clients = match wanted {
        Some(port) => {
            listen(port).with_context(|| format!("port {port} cannot be used; give another --port, or none"))?
        }
        None => listen(USUAL_PORT).or_else(|_| listen(0)).context("there is no free port on 127.0.0.1")?,
    };
    let component = listen(0).context("there is no free port on 127.0.0.1")?;
    // Both are held until here, so they differ.
    Ok((clients.local_addr()?.port(), component.local_addr()?.port()))
}

async fn is_open(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok()
}

fn prepare(folder: &Path, config: &str, password: &str) -> std::io::Result<()> {
    let accounts = folder.join("data").join(HOST).join("accounts");
    fs::create_dir_all(&accounts)?;
    for user in USERS {
        fs::write(accounts.join(format!("{user}.dat")), format!("return {{ [\"password\"] = {password:?} }};\n"))?;
    }
    fs::write(folder.join("prosody.cfg.lua"), config)
}

fn certificate(folder: &Path) -> PathBuf {
    folder.join("certs").join(format!("{HOST}.crt"))
}

/// Writes a certificate of the server's own, so that clients that insist on encryption come in.
fn certify(folder: &Path) -> anyhow::Result<()> {
    let names = [HOST, ROOMS, SERVICE].map(str::to_owned);
    let made = rcgen::generate_simple_self_signed(names).context("cannot make a certificate")?;
    let file = certificate(folder);
    let write = || {
        fs::create_dir_all(folder.join("certs"))?; // Prosody looks for it, too
        fs::write(&file, made.cert.pem())?;
        fs::write(file.with_extension("key"), made.signing_key.serialize_pem())
    };
    write().with_context(|| format!("cannot write {}", file.display()))
}

fn spawn(program: &Path, folder: &Path) -> std::io::Result<Child> {
    let out = fs::File::create(folder.join("prosody.out"))?;
    let mut command = Command::new(program);
    command.arg("--config").arg(folder.join("prosody.cfg.lua")).arg("-F").current_dir(folder);
    command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
    command.process_group(0); // Ctrl-C is for the demo, which ends Prosody in its turn
    command.spawn()
}

fn config(folder: &Path, port: u16, component_port: u16, secret: &str) -> String {
    format!(
        r#"-- Written by `neerc demo`: a server on this computer only.
local folder = {folder:?}
run_as_root = true -- it may be, and then nothing else needs rights to the folder
pidfile = folder .. "/prosody.pid"
data_path = folder .. "/data"
log = {{ {{ levels = {{ min = "info" }}, to = "file", filename = folder .. "/prosody.log" }} }}

interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{}}
component_interfaces = {{ "127.0.0.1" }}
component_ports = {{ {component_port} }}
network_settings = {{ nagle = false }} -- or a stanza in ten waits 40 ms for the acknowledgement of the one before
modules_disabled = {{ "s2s" }} -- no other server, no name is looked up
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "ping", "carbons", "blocklist", "private", "pep", "smacks" }}
ssl = {{ certificate = folder .. "/certs/{HOST}.crt", key = folder .. "/certs/{HOST}.key" }}
c2s_require_encryption = false -- who likes may do without
allow_unencrypted_plain_auth = true
authentication = "internal_plain"
storage = "internal"

VirtualHost "{HOST}"

Component "{ROOMS}" "muc"
	admins = {{ "{SERVICE}", "admin@{HOST}" }} -- owners of every room
	component_admins_as_room_owners = true -- from Prosody 13 on it has to be said
	muc_room_locking = false
	muc_room_default_persistent = true
	muc_room_default_members_only = true
	muc_room_default_public_jids = true

Component "{SERVICE}"
	component_secret = "{secret}"
"#
    )
}

/// The last lines of a text, indented.
fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.iter().skip(lines.len().saturating_sub(limits::DEMO_TAIL_LINES));
    let indented: Vec<String> = last.map(|line| format!("  {line}")).collect();
    if indented.is_empty() { "  (it said nothing)".to_owned() } else { indented.join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_taken_is_refused_with_advice_and_free_ones_differ() {
        // Another program may take a port as soon as it is free; then the next one is tried.
        let (port, (clients, component)) = std::iter::repeat_with(|| {
            let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = taken.local_addr().unwrap().port();
            let error = ports(Some(port)).unwrap_err();
            assert_eq!(error.to_string(), format!("port {port} cannot be used; give another --port, or none"));
            drop(taken);
            Some((port, ports(Some(port)).ok()?))
        })
        .find_map(|free| free)
        .unwrap();
        assert_eq!(clients, port);
        assert_ne!(component, port);
    }

    #[test]
    fn of_a_long_log_the_end_is_shown() {
        let log: String = (0..100).map(|line| format!("line {line}\n\n")).collect();
        let shown = tail(&log);
        assert_eq!(shown.lines().count(), limits::DEMO_TAIL_LINES);
        assert!(shown.starts_with("  line 85\n") && shown.ends_with("  line 99"), "{shown}");
        assert_eq!(tail("\n"), "  (it said nothing)");
    }
}
