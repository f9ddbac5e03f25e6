//! Through real servers: Prosody and ejabberd on the loopback interface, 17 clients that answer as fast as they are
//! answered, and what that costs the service and the server.

use crate::contest::{self, COMPONENT, ROOM};
use crate::drive::Latencies;
use crate::link::PATIENCE;
use crate::process::{Process, folder, free_port};
use crate::table::{Goal, Row, median_run};
use crate::{Outcome, Scale, profile, service};
use memchr::memmem;
use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// How many people answer.
const HALLS: usize = 17;

/// Programs that are an XMPP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Brand {
    Prosody,
    Ejabberd,
}

struct Ports {
    clients: u16,
    component: u16,
}

/// One run's figures.
struct Run {
    rate: f64,
    service: Duration,
    server: Duration,
    latencies: Latencies,
    messages: u64,
}

/// Through both servers.
pub fn servers(scale: Scale) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for brand in [Brand::Prosody, Brand::Ejabberd] {
        let (runs, profile) = through(brand, scale).map_err(|error| format!("{brand:?}: {error}"))?;
        let rates: Vec<f64> = runs.iter().map(|run| run.rate).collect();
        let run = &runs[median_run(&rates)];
        let share = |run: &Run| run.service.as_secs_f64() / run.server.as_secs_f64();
        let answers = run.rate * scale.time.as_secs_f64() * 4.0;
        let more = format!(
            "p50 {:.2} p99 {:.2} ms; CPU per answer: service {:.0} µs, server {:.0} µs; {:.1} messages told for each",
            run.latencies.ms(0.5),
            run.latencies.ms(0.99),
            run.service.as_secs_f64() * 1e6 / answers,
            run.server.as_secs_f64() * 1e6 / answers,
            run.messages as f64 / answers
        );
        let ratios = runs.iter().map(share).collect();
        let name = format!("{brand:?}, {HALLS} clients answer, round trips");
        let row = Row::new(name, rates, "/s").more(more).ratio(ratios, "the server's CPU");
        rows.push(row.goal(Goal::RatioAtMost(0.1)).profile(&profile));
    }
    Ok(rows)
}

fn through(brand: Brand, scale: Scale) -> Outcome<(Vec<Run>, Vec<String>)> {
    let ports = Ports { clients: free_port()?, component: free_port()? };
    let home = folder("server")?;
    let server = start(brand, &home, &ports)?;
    let stop = |error: Box<dyn std::error::Error>| -> Box<dyn std::error::Error> {
        format!("{error}\n{}", server.last_words()).into()
    };
    let own = folder("service")?;
    service::configure(&own, ports.component)?;
    let mut process = Process::spawn(&mut service::command(&own), &own.join("log.txt"))?;
    process.wait_for_words("ready: ", PATIENCE)?;
    let mut admin = Client::login(ports.clients, "admin").map_err(stop)?;
    admin.join("admin")?;
    for hall in 1..=HALLS {
        let item = format!("<item affiliation='member' jid='hall{hall}@localhost'/>");
        let payload = format!("<query xmlns='http://jabber.org/protocol/muc#admin'>{item}</query>");
        admin.ask(ROOM, "set", &payload)?;
    }
    let mut halls =
        (1..=HALLS).map(|hall| Client::login(ports.clients, &format!("hall{hall}"))).collect::<Outcome<Vec<_>>>()?;
    for (index, hall) in halls.iter_mut().enumerate() {
        hall.join(&format!("h{index}"))?;
    }
    for task in 1..=HALLS {
        admin.send(&contest::create(task, HALLS))?;
        admin.answered()?;
    }
    drop(admin); // its socket would fill
    let mut runs = Vec::new();
    for number in 0..scale.runs {
        runs.push(run(&mut halls, number, &process, &server, scale.time * 4)?);
    }
    let (_, profile) = profile::during(&process, || run(&mut halls, scale.runs, &process, &server, scale.time * 4))?;
    drop(halls);
    process.stop(Duration::from_secs(5))?;
    server.stop(Duration::from_secs(5))?;
    Ok((runs, profile))
}

/// All halls answer for that long.
fn run(halls: &mut [Client], number: usize, service: &Process, server: &Process, time: Duration) -> Outcome<Run> {
    let (service_cpu, server_cpu) = (service.cpu(), server.cpu());
    let start = Instant::now();
    let outcomes: Vec<Result<(Latencies, u64, u64), String>> = std::thread::scope(|scope| {
        let answer = |(index, client)| {
            scope.spawn(move || answer_for(client, index + 1, number, time).map_err(|error| error.to_string()))
        };
        let threads: Vec<_> = halls.iter_mut().enumerate().map(answer).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(Err("a client panicked".to_owned()))).collect()
    });
    let seconds = start.elapsed().as_secs_f64();
    let (mut latencies, mut answers, mut messages) = (Latencies::default(), 0, 0);
    for outcome in outcomes {
        let (these, count, told) = outcome?;
        latencies.merge(&these);
        answers += count;
        messages += told;
    }
    Ok(Run {
        rate: answers as f64 / seconds,
        service: service.cpu() - service_cpu,
        server: server.cpu() - server_cpu,
        latencies,
        messages,
    })
}

/// One hall changes its status again and again, each time when the last change was answered.
fn answer_for(client: &mut Client, hall: usize, run: usize, time: Duration) -> Outcome<(Latencies, u64, u64)> {
    let (mut latencies, mut count) = (Latencies::default(), 0);
    client.messages = 0;
    let end = Instant::now() + time;
    while Instant::now() < end {
        let (task, turn) = (count as usize % HALLS + 1, count as usize / HALLS + run);
        let sent = Instant::now();
        client.send(&contest::answer(hall, task, ["acknowledged", "running", "success"][turn % 3]))?;
        client.answered()?;
        latencies.add(sent.elapsed(), 1);
        count += 1;
    }
    Ok((latencies, count, client.messages))
}

/// A client that knows just enough XMPP.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    messages: u64,
}

impl Client {
    /// Makes an account and logs in with the resource `s0`.
    fn login(port: u16, user: &str) -> Outcome<Client> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut client = Client { stream, buffer: Vec::new(), messages: 0 };
        client.open()?;
        let account = format!("<username>{user}</username><password>12345</password>");
        client.send(&format!(
            "<iq type='set' id='~i' to='localhost'><query xmlns='jabber:iq:register'>{account}</query></iq>"
        ))?;
        client.answered()?;
        let plain = base64(format!("\0{user}\012345").as_bytes());
        client.send(&format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{plain}</auth>"))?;
        client.until(b"<success", b">")?;
        client.open()?;
        let bind = "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>s0</resource></bind>";
        client.send(&format!("<iq type='set' id='~i'>{bind}</iq>"))?;
        client.answered()?;
        client.send("<presence/>")?;
        Ok(client)
    }

    fn open(&mut self) -> Outcome<()> {
        self.send(
            "<?xml version='1.0'?><stream:stream xmlns='jabber:client' to='localhost' version='1.0' \
             xmlns:stream='http://etherx.jabber.org/streams'>",
        )?;
        self.until(b"<stream:features", b"</stream:features>")
    }

    fn join(&mut self, nick: &str) -> Outcome<()> {
        self.send(&format!(
            "<presence to='{ROOM}/{nick}'><x xmlns='http://jabber.org/protocol/muc'><history maxstanzas='0'/></x>\
             </presence>"
        ))?;
        // The own presence with status 110 is the last one.
        self.until(b"110", b"</presence>")
    }

    fn ask(&mut self, to: &str, type_: &str, payload: &str) -> Outcome<()> {
        self.send(&format!("<iq type='{type_}' id='~i' to='{to}'>{payload}</iq>"))?;
        self.answered()
    }

    fn send(&mut self, text: &str) -> Outcome<()> {
        // Requests of the contest name their sender, which the server stamps by itself.
        let text = match (text.find(" from='"), text.find(" to='")) {
            (Some(from), Some(to)) if text.starts_with("<iq") && from < to => {
                format!("{}{}", &text[..from], &text[to..])
            }
            _ => text.to_owned(),
        };
        Ok(self.stream.write_all(text.as_bytes())?)
    }

    /// Waits for the answer to the request under way, and counts what else comes.
    fn answered(&mut self) -> Outcome<()> {
        loop {
            if let Some(at) = memmem::find(&self.buffer, b"~")
                && let Some(length) = memmem::find(&self.buffer[at..], b">")
            {
                let start = memmem::rfind(&self.buffer[..at], b"<iq").unwrap_or(0);
                let stanza = &self.buffer[start..at + length];
                if memmem::find(stanza, b"error").is_some() {
                    let text = String::from_utf8_lossy(&self.buffer[start..]).into_owned();
                    return Err(format!("refused: {text}").into());
                }
                self.messages += memmem::find_iter(&self.buffer[..at], b"</message>").count() as u64;
                self.buffer.drain(..at + length);
                return Ok(());
            }
            self.fill()?;
        }
    }

    fn until(&mut self, start: &[u8], end: &[u8]) -> Outcome<()> {
        loop {
            if let Some(at) = memmem::find(&self.buffer, start)
                && let Some(length) = memmem::find(&self.buffer[at..], end)
            {
                self.buffer.drain(..at + length + end.len());
                return Ok(());
            }
            self.fill()?;
        }
    }

    fn fill(&mut self) -> Outcome<()> {
        let mut chunk = [0; 16 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => Err(format!("the server closed: {}", String::from_utf8_lossy(&self.buffer)).into()),
            Ok(count) => {
                self.buffer.extend_from_slice(&chunk[..count]);
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                Err(format!("the server is silent after: {}", String::from_utf8_lossy(&self.buffer)).into())
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) as usize & 63;
            out.push(if digit <= chunk.len() { char::from(DIGITS[value]) } else { '=' });
        }
    }
    out
}

fn start(brand: Brand, home: &Path, ports: &Ports) -> Outcome<Process> {
    let mut command = match brand {
        Brand::Prosody => prosody(home, ports)?,
        Brand::Ejabberd => ejabberd(home, ports)?,
    };
    let mut process = Process::spawn(command.current_dir(home), &home.join("stdout.log"))?;
    let end = Instant::now() + PATIENCE;
    for port in [ports.clients, ports.component] {
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            if Instant::now() > end || !process.is_running()? {
                return Err(format!("it does not serve:\n{}", process.last_words()).into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    Ok(process)
}

fn prosody(home: &Path, ports: &Ports) -> Outcome<Command> {
    let Ports { clients, component } = ports;
    let dir = home.display();
    let text = format!(
        r#"-- One loopback server without encryption that keeps nothing.
run_as_root = true
pidfile = "{dir}/prosody.pid"
data_path = "{dir}"
log = {{ {{ levels = {{ min = "warn" }}, to = "file", filename = "{dir}/server.log" }} }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {clients} }}
c2s_direct_tls_ports = {{}}
component_interfaces = {{ "127.0.0.1" }}
component_ports = {{ {component} }}
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
allow_registration = true
authentication = "internal_plain"
storage = "memory"
modules_disabled = {{ "s2s" }}
modules_enabled = {{ "roster", "saslauth", "disco", "posix", "ping", "register_ibr" }}
VirtualHost "localhost"
Component "conference.localhost" "muc"
	admins = {{ "admin@localhost", "{COMPONENT}" }}
Component "{COMPONENT}"
	component_secret = "secret"
"#
    );
    let file = home.join("prosody.cfg.lua");
    fs::write(&file, text)?;
    let mut command = Command::new("prosody");
    command.arg("--config").arg(file).arg("-F");
    Ok(command)
}

fn ejabberd(home: &Path, ports: &Ports) -> Outcome<Command> {
    let Ports { clients, component } = ports;
    let text = format!(
        r#"# One loopback server without encryption.
loglevel: warning
hosts: ["localhost"]
auth_method: internal
auth_password_format: plain
registration_timeout: infinity
listen:
  - {{port: {clients}, ip: "127.0.0.1", module: ejabberd_c2s, access: all, max_stanza_size: 262144}}
  - port: {component}
    ip: "127.0.0.1"
    module: ejabberd_service
    access: all
    hosts: {{"{COMPONENT}": {{password: "secret"}}}}
acl:
  owners: {{user: ["admin@localhost"], server: ["{COMPONENT}"]}}
access_rules:
  owners: [{{allow: owners}}]
modules:
  mod_disco: {{}}
  mod_muc: {{host: "conference.localhost", access_admin: owners}}
  mod_ping: {{}}
  mod_register: {{ip_access: all}}
  mod_roster: {{}}
"#
    );
    fs::create_dir_all(home.join("mnesia"))?;
    fs::write(home.join("ejabberd.yml"), text)?;
    fs::write(home.join("inetrc"), "{lookup,[\"file\",\"native\"]}.\n")?;
    let mut command = Command::new("erl");
    command
        .args(["-noinput", "+K", "true", "-mnesia", "dir"])
        .arg(format!("\"{}\"", home.join("mnesia").display()))
        .args(["-s", "ejabberd"])
        .env("HOME", home)
        .env("ERL_CRASH_DUMP", "/dev/null")
        .env("ERL_INETRC", home.join("inetrc"))
        .env("EJABBERD_CONFIG_PATH", home.join("ejabberd.yml"))
        .env("EJABBERD_LOG_PATH", home.join("server.log"));
    if let Some(libs) = erlang_libs() {
        command.env("ERL_LIBS", libs);
    }
    Ok(command)
}

/// Where the package keeps ejabberd's code: its own start script knows.
fn erlang_libs() -> Option<String> {
    let scripts = ["/usr/sbin/ejabberdctl", "/usr/bin/ejabberdctl"].map(PathBuf::from);
    let script = scripts.iter().find_map(|path| fs::read_to_string(path).ok())?;
    let value = script.lines().find_map(|line| line.strip_prefix("ERL_LIBS="))?;
    Some(value.trim_matches(['\'', '"']).to_owned())
}
