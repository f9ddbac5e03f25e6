//! Where a store in PostgreSQL is: the servers that may have it, who logs in there, and what is kept on this machine.

use crate::encryption::{Encryption, TlsMode};
use crate::limits;
use std::fmt;
use std::path::{Path, PathBuf};
use tokio_postgres::Config;
use tokio_postgres::config::{ChannelBinding, Host, SslMode, TargetSessionAttrs};

/// Where a local server listens if the address names none.
const SOCKETS: &str = "/var/run/postgresql";
const WRITE: &str = "write postgres://USER@HOST/DATABASE";

/// The servers of a database, of which one may be written to at a time.
#[derive(Clone, PartialEq, Eq)]
pub struct Servers {
    config: Config,
    encryption: Encryption,
    /// What the files on this machine are called like: archives, the lock.
    local: PathBuf,
    /// Without a synchronous standby, commits go on.
    goes_on: bool,
}

/// One of them, as it is connected to.
pub(crate) struct Server {
    /// As it is shown.
    pub label: String,
    /// Its name as a certificate has it; empty where there is none.
    pub host: String,
    pub config: Config,
    pub encryption: Encryption,
}

impl Servers {
    /// Reads an address that begins with `postgres:`. The error says what is wrong with it, without what it holds.
    pub fn parse(text: &str, folder: &Path) -> Result<Servers, String> {
        if !text.contains("://") {
            return Err(String::from(WRITE));
        }
        let (mut encryption, text) = Encryption::take(text, folder)?;
        let mut config: Config = text.parse().map_err(|error: tokio_postgres::Error| why(&error))?;
        if config.get_dbname().is_none_or(str::is_empty) {
            return Err(format!("it names no database; {WRITE}"));
        }
        if config.get_user().is_none_or(str::is_empty) {
            return Err(format!("it names no user; {WRITE}"));
        }
        if config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(name) if name.contains('@'))) {
            return Err(String::from("it has more than one @; write %40 for one in the password"));
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host_path(SOCKETS);
        }
        if config.get_channel_binding() == ChannelBinding::Require {
            if config.get_hosts().iter().any(|host| matches!(host, Host::Unix(_))) {
                return Err(String::from(
                    "channel_binding=require needs TLS, which a Unix socket has not: leave it out",
                ));
            }
            encryption = encryption.bound()?;
        }
        let (hosts, ports) = (config.get_hosts().len().max(config.get_hostaddrs().len()), config.get_ports().len());
        if ports > 1 && ports != hosts {
            return Err(format!(
                "it names {hosts} hosts and {ports} ports; give each host its own, as in a:5432,b:5433"
            ));
        }
        config.application_name("neerc").target_session_attrs(TargetSessionAttrs::ReadWrite);
        config.connect_timeout(limits::CONNECT).tcp_user_timeout(limits::UNANSWERED).keepalives(true);
        config.keepalives_idle(limits::KEEPALIVE_IDLE).keepalives_interval(limits::KEEPALIVE_INTERVAL);
        config.keepalives_retries(limits::KEEPALIVE_RETRIES);
        Ok(Servers { config, encryption, local: folder.join("neerc"), goes_on: false })
    }

    /// Whether the address holds a password.
    pub fn has_password(&self) -> bool {
        self.config.get_password().is_some()
    }

    /// The same, where changes are not to wait for a synchronous standby that is away for long.
    pub fn going_on(mut self) -> Servers {
        self.goes_on = true;
        self
    }

    /// Whether they are not.
    pub fn goes_on(&self) -> bool {
        self.goes_on
    }

    /// The same with a password.
    pub fn with_password(mut self, password: &str) -> Servers {
        self.config.password(password);
        self
    }

    /// The same with another folder for what is kept on this machine.
    pub fn in_folder(mut self, folder: &Path) -> Servers {
        self.local = folder.join("neerc");
        self
    }

    /// What the files on this machine are called like, which are kept beside such a store.
    pub fn local(&self) -> &Path {
        &self.local
    }

    /// Whether there are several, so that one may have what another one loses.
    pub(crate) fn are_several(&self) -> bool {
        self.config.get_hosts().len() > 1
    }

    /// Its name, as it is shown: without the password.
    pub fn name(&self) -> PathBuf {
        PathBuf::from(self.to_string())
    }

    /// The same servers as long as they follow another one.
    pub(crate) fn followers(mut self) -> Servers {
        self.config.target_session_attrs(TargetSessionAttrs::ReadOnly);
        self
    }

    /// Each server by itself, in the order in which they are tried.
    pub(crate) fn each(&self) -> Vec<Server> {
        let (hosts, addresses) = (self.config.get_hosts(), self.config.get_hostaddrs());
        (0..hosts.len().max(addresses.len())).map(|at| self.only(at)).collect()
    }

    /// One server alone.
    fn only(&self, at: usize) -> Server {
        let whole = &self.config;
        let mut config = Config::new();
        let address = whole.get_hostaddrs().get(at).map(ToString::to_string).unwrap_or_default();
        let mut mode = self.encryption.mode;
        let host = match whole.get_hosts().get(at) {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(path)) => {
                config.host_path(path);
                mode = TlsMode::Disable; // what goes through it leaves the machine not
                String::new()
            }
            None => address,
        };
        if !host.is_empty() {
            config.host(&host);
        }
        whole.get_hostaddrs().get(at).map(|address| config.hostaddr(*address));
        config.port(self.port(at));
        whole.get_user().map(|user| config.user(user));
        whole.get_dbname().map(|name| config.dbname(name));
        whole.get_password().map(|password| config.password(password));
        whole.get_options().map(|options| config.options(options));
        whole.get_application_name().map(|name| config.application_name(name));
        config.ssl_mode(match mode {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        });
        config.ssl_negotiation(whole.get_ssl_negotiation()).channel_binding(whole.get_channel_binding());
        config.target_session_attrs(whole.get_target_session_attrs());
        config.connect_timeout(limits::CONNECT).tcp_user_timeout(limits::UNANSWERED).keepalives(true);
        config.keepalives_idle(limits::KEEPALIVE_IDLE).keepalives_interval(limits::KEEPALIVE_INTERVAL);
        config.keepalives_retries(limits::KEEPALIVE_RETRIES);
        let encryption = Encryption { mode, ..self.encryption.clone() };
        Server { label: self.label(at), host, config, encryption }
    }

    fn port(&self, at: usize) -> u16 {
        let ports = self.config.get_ports();
        ports.get(at).or(ports.first()).copied().unwrap_or(limits::POSTGRES_PORT)
    }

    /// A server as it is shown.
    fn label(&self, at: usize) -> String {
        let host = match self.config.get_hosts().get(at) {
            Some(Host::Tcp(host)) => host.clone(),
            Some(Host::Unix(path)) => path.display().to_string(),
            None => self.config.get_hostaddrs().get(at).map(ToString::to_string).unwrap_or_default(),
        };
        match self.port(at) {
            limits::POSTGRES_PORT => host,
            port => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<_> = self.each().into_iter().map(|server| server.label).collect();
        let (user, name) = (self.config.get_user().unwrap_or_default(), self.config.get_dbname().unwrap_or_default());
        write!(f, "postgres://{user}@{}/{name}", hosts.join(","))
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Servers({self})")
    }
}

/// What is wrong with an address. The parser's words name options and repeat no values.
fn why(error: &tokio_postgres::Error) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
    format!("{error}{source}")
}
