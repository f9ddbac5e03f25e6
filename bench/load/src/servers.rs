//! Through real servers: Prosody and ejabberd on the loopback interface, real connections of all clients, and what the
//! service costs beside the server.

use crate::contest::{self, COMPONENT, Cast, NS, ROOM};
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
/// The room of a contest.
const CONTEST: Cast = Cast { members: 20, sessions: 120 };
/// Requests per second in a contest of the real size, and in one of ten times that.
const CONTEST_RATES: [f64; 2] = [10.0, 100.0];

/// Programs that are an XMPP server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Brand {
    Prosody,
    /// With the settings that it has by itself.
    ProsodyWithNagle,
    Ejabberd,
}

struct Ports {
    clients: u16,
    component: u16,
}

/// One run's figures.
struct Run {
    seconds: f64,
    requests: u64,
    service: Duration,
    server: Duration,
    /// Of writes, and of all requests where only one kind is sent.
    latencies: Latencies,
    read_latencies: Latencies,
    messages: u64,
}

impl Run {
    fn rate(&self) -> f64 {
        self.requests as f64 / self.seconds
    }

    /// The service's processor time beside the server's.
    fn share(&self) -> f64 {
        self.service.as_secs_f64() / self.server.as_secs_f64()
    }

    fn words(&self) -> String {
        let each = |time: Duration| time.as_secs_f64() * 1e6 / self.requests.max(1) as f64;
        format!(
            "CPU per request: service {:.0} µs, server {:.0} µs; {:.1} messages told for each",
            each(self.service),
            each(self.server),
            self.messages as f64 / self.requests.max(1) as f64
        )
    }
}

/// Through both servers.
pub fn servers(scale: Scale) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for brand in [Brand::Prosody, Brand::Ejabberd] {
        let failed = |error| format!("{brand:?}: {error}");
        rows.extend(halls_only(brand, scale).map_err(failed)?);
        rows.extend(contests(brand, scale).map_err(failed)?);
    }
    rows.extend(nagle(scale)?);
    Ok(rows)
}

/// A server with the service beside it, and the room's owner. Stopped when it is dropped.
struct Site {
    server: Process,
    service: Process,
    ports: Ports,
    admin: Client,
}

impl Site {
    /// Starts both, and lets members into the room.
    fn start(brand: Brand, members: usize) -> Outcome<Site> {
        let ports = Ports { clients: free_port()?, component: free_port()? };
        let home = folder("server")?;
        let server = start(brand, &home, &ports)?;
        let own = folder("service")?;
        service::configure(&own, ports.component, "")?;
        let mut service = Process::spawn(&mut service::command(&own), &own.join("log.txt"))?;
        service.wait_for_words("ready: ", PATIENCE)?;
        let admin = Client::login(ports.clients, "admin", "s0");
        let mut admin = admin.map_err(|error| format!("{error}\n{}", server.last_words()))?;
        admin.join("admin")?;
        for hall in 1..=members {
            let item = format!("<item affiliation='member' jid='hall{hall}@localhost'/>");
            let payload = format!("<query xmlns='http://jabber.org/protocol/muc#admin'>{item}</query>");
            admin.ask(ROOM, "set", &payload)?;
        }
        // The service reads the lists once it has heard that they changed.
        let known = format!("<query xmlns='{NS}#tasks' for='hall{members}'/>");
        let deadline = Instant::now() + PATIENCE;
        while let Err(error) = admin.ask(COMPONENT, "get", &known) {
            if Instant::now() > deadline {
                return Err(error);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(Site { server, service, ports, admin })
    }

    /// Makes tasks, before the others are there to be told.
    fn create(&mut self, tasks: usize) -> Outcome<()> {
        for task in 1..=tasks {
            self.admin.send(&contest::create(task, HALLS))?;
            self.admin.answered()?;
        }
        Ok(())
    }

    fn enter(&self, cast: Cast) -> Outcome<Vec<Client>> {
        let enter = |number: usize| {
            let (hall, resource) = (number % cast.members + 1, number / cast.members);
            let mut client = Client::login(self.ports.clients, &format!("hall{hall}"), &format!("s{resource}"))?;
            client.join(&format!("n{number}"))?;
            Ok(client)
        };
        (0..cast.sessions).map(enter).collect()
    }

    /// What `work` costs both; it is done by each client in a thread of its own.
    fn run(&self, clients: &mut [Client], work: impl Fn(usize, &mut Client) -> Outcome<Share> + Sync) -> Outcome<Run> {
        let (service_cpu, server_cpu) = (self.service.cpu(), self.server.cpu());
        let start = Instant::now();
        let shares: Vec<Result<Share, String>> = std::thread::scope(|scope| {
            let work = &work;
            let threads: Vec<_> = clients
                .iter_mut()
                .enumerate()
                .map(|(index, client)| scope.spawn(move || work(index, client).map_err(|error| error.to_string())))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or(Err("a client panicked".to_owned()))).collect()
        });
        let mut run = Run {
            seconds: start.elapsed().as_secs_f64(),
            requests: 0,
            service: self.service.cpu() - service_cpu,
            server: self.server.cpu() - server_cpu,
            latencies: Latencies::default(),
            read_latencies: Latencies::default(),
            messages: 0,
        };
        for share in shares {
            let share = share?;
            run.requests += share.requests;
            run.messages += share.messages;
            run.latencies.merge(&share.latencies);
            run.read_latencies.merge(&share.read_latencies);
        }
        Ok(run)
    }
}

/// What one client came to.
#[derive(Default)]
struct Share {
    requests: u64,
    messages: u64,
    latencies: Latencies,
    read_latencies: Latencies,
}

/// Halls that ask as fast as they are answered: for next to nothing, for a list, and to change their status.
fn halls_only(brand: Brand, scale: Scale) -> Outcome<Vec<Row>> {
    let mut site = Site::start(brand, HALLS)?;
    site.create(HALLS)?;
    let mut halls = site.enter(Cast { members: HALLS, sessions: HALLS })?;
    site.admin.close()?; // its socket would fill
    let time = scale.time * 2;
    let list = format!("#tasks of {} KB", contest::task_list_answer(HALLS, HALLS).len() / 1_000);
    let mut kinds: [(&str, String, Vec<Run>); 3] = [
        ("ping", "#ping".to_owned(), Vec::new()),
        ("tasks", list, Vec::new()),
        ("answer", "status change".to_owned(), Vec::new()),
    ];
    for number in 0..scale.runs {
        for (kind, _, runs) in &mut kinds {
            runs.push(site.run(&mut halls, |hall, client| ask_on(client, kind, hall + 1, number, time))?);
        }
    }
    let mut rows = Vec::new();
    for (kind, name, runs) in kinds {
        let work = || site.run(&mut halls, |hall, client| ask_on(client, kind, hall + 1, scale.runs, time));
        let (_, words) = profile::during(&site.service, work)?;
        let rates: Vec<f64> = runs.iter().map(Run::rate).collect();
        let run = &runs[median_run(&rates)];
        let more = format!("p50 {:.2} p99 {:.2} ms; {}", run.latencies.ms(0.5), run.latencies.ms(0.99), run.words());
        let row = Row::new(format!("{brand:?}, {HALLS} clients, {name}"), rates, "/s").more(more);
        let row = row.ratio(runs.iter().map(Run::share).collect(), "the server's CPU");
        rows.push(row.goal(Goal::RatioAtMost(0.1)).profile(&words));
    }
    Ok(rows)
}

/// One hall asks again and again, each time when the last request was answered.
fn ask_on(client: &mut Client, kind: &str, hall: usize, run: usize, time: Duration) -> Outcome<Share> {
    let mut share = Share::default();
    client.messages = 0;
    let end = Instant::now() + time;
    while Instant::now() < end {
        let (task, turn) = (share.requests as usize % HALLS + 1, share.requests as usize / HALLS + run);
        let sent = Instant::now();
        client.send(&match kind {
            "answer" => contest::answer(hall, task, ["acknowledged", "running", "success"][turn % 3]),
            read => contest::read("", read),
        })?;
        client.answered()?;
        share.latencies.add(sent.elapsed(), 1);
        share.requests += 1;
    }
    share.messages = client.messages;
    Ok(share)
}

/// A contest: the sessions, the tasks and the mixture of the piece `mixed`.
fn contests(brand: Brand, scale: Scale) -> Outcome<Vec<Row>> {
    let mut site = Site::start(brand, CONTEST.members)?;
    site.create(100)?;
    let mut clients = site.enter(CONTEST)?;
    clients.push(site.admin.another()?);
    let time = scale.time * 8;
    let mut runs: [Vec<Run>; 2] = Default::default();
    let mut take_part =
        |rate: f64, number: usize| site.run(&mut clients, |index, client| take_part(client, index, rate, number, time));
    for number in 0..scale.runs {
        for (rate, runs) in CONTEST_RATES.into_iter().zip(&mut runs) {
            runs.push(take_part(rate, number)?);
        }
    }
    let (_, words) = profile::during(&site.service, || take_part(CONTEST_RATES[1], scale.runs))?;
    let row = |(name, runs): (&str, Vec<Run>)| {
        let p99s: Vec<f64> = runs.iter().map(|run| run.latencies.ms(0.99)).collect();
        let run = &runs[median_run(&p99s)];
        let more = format!(
            "p50 {:.2} ms; reads p50 {:.2} p99 {:.2} ms; {:.0} requests/s; {}",
            run.latencies.ms(0.5),
            run.read_latencies.ms(0.5),
            run.read_latencies.ms(0.99),
            run.rate(),
            run.words()
        );
        let row = Row::new(format!("{brand:?}, contest, {name}, p99 of writes"), p99s, "ms").more(more);
        let row = row.ratio(runs.iter().map(Run::share).collect(), "the server's CPU");
        row.goal(Goal::RatioAtMost(0.1)).profile(&words)
    };
    Ok(["real size", "10 times real"].into_iter().zip(runs).map(row).collect())
}

/// One session of a contest (the last is the admin's): sends its requests when they are due, and reads what comes.
fn take_part(client: &mut Client, index: usize, rate: f64, run: usize, time: Duration) -> Outcome<Share> {
    let mut share = Share::default();
    client.messages = 0;
    let (start, is_admin) = (Instant::now(), index == CONTEST.sessions);
    // Of 20 requests one is the admin's.
    let (rate, phase) = if is_admin {
        (rate / 20.0, 0.5)
    } else {
        (rate * 0.95 / CONTEST.sessions as f64, index as f64 / CONTEST.sessions as f64)
    };
    for number in 0.. {
        let due = start + Duration::from_secs_f64((number as f64 + phase) / rate);
        if due > start + time {
            break;
        }
        client.read_until(due)?;
        let turn = run * 1_000 + number;
        let session = index + number * CONTEST.sessions;
        let (request, is_write) = match session % 19 {
            _ if is_admin => (contest::assign(turn % 100 + 1, 18 + turn / 100 % 3, turn), true),
            0..8 if index % CONTEST.members < HALLS => {
                let (hall, task) = (index % CONTEST.members + 1, (turn * 7 + index) % 100 + 1);
                (contest::answer(hall, task, ["running", "success", "acknowledged"][turn % 3]), true)
            }
            8..16 => (contest::read("", "tasks"), false),
            _ => (contest::read("", "users"), false),
        };
        let sent = Instant::now();
        client.send(&request)?;
        client.answered()?;
        if is_write { &mut share.latencies } else { &mut share.read_latencies }.add(sent.elapsed(), 1);
        share.requests += 1;
    }
    client.read_until(start + time)?;
    share.messages = client.messages;
    Ok(share)
}

/// One client that asks for a list, one request at a time, through a Prosody that writes pieces of 8 KiB and waits for
/// the acknowledgement of each, and through one that is told not to.
fn nagle(scale: Scale) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for (brand, name) in [(Brand::ProsodyWithNagle, "as it comes"), (Brand::Prosody, "nagle = false")] {
        let mut site = Site::start(brand, HALLS)?;
        site.create(HALLS)?;
        let mut one = site.enter(Cast { members: HALLS, sessions: 1 })?;
        let mut p50s = Vec::new();
        for _ in 0..scale.runs {
            let run = site.run(&mut one, |_, client| ask_on(client, "tasks", 1, 0, scale.time))?;
            p50s.push(run.latencies.ms(0.5));
        }
        let bytes = contest::task_list_answer(HALLS, HALLS).len() / 1_000;
        rows.push(Row::new(format!("Prosody {name}, one client, #tasks of {bytes} KB, p50"), p50s, "ms"));
    }
    Ok(rows)
}

/// A client that knows just enough XMPP.
struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    messages: u64,
    port: u16,
    user: String,
}

impl Client {
    /// Makes an account, if there is none, and logs in.
    fn login(port: u16, user: &str, resource: &str) -> Outcome<Client> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut client = Client { stream, buffer: Vec::new(), messages: 0, port, user: user.to_owned() };
        client.open()?;
        if resource == "s0" {
            let account = format!("<username>{user}</username><password>12345</password>");
            client.send(&format!(
                "<iq type='set' id='~i' to='localhost'><query xmlns='jabber:iq:register'>{account}</query></iq>"
            ))?;
            client.answered()?;
        }
        let plain = base64(format!("\0{user}\012345").as_bytes());
        client.send(&format!("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{plain}</auth>"))?;
        client.until(b"<success", b">")?;
        client.open()?;
        let bind = format!("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>{resource}</resource></bind>");
        client.send(&format!("<iq type='set' id='~i'>{bind}</iq>"))?;
        client.answered()?;
        client.send("<presence/>")?;
        Ok(client)
    }

    /// Another session of the same user, in the place of this one.
    fn another(&mut self) -> Outcome<Client> {
        self.close()?;
        Client::login(self.port, &self.user, "s1")
    }

    fn close(&mut self) -> Outcome<()> {
        self.send("</stream:stream>")?;
        Ok(self.stream.shutdown(std::net::Shutdown::Write)?)
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
        let mut from = 0;
        loop {
            if let Some(at) = memmem::find(&self.buffer[from..], b"~").map(|at| from + at)
                && let Some(length) = memmem::find(&self.buffer[at..], b">")
            {
                let start = memmem::rfind(&self.buffer[..at], b"<iq").unwrap_or(0);
                let head = &self.buffer[start..at + length + 1];
                let is_whole = head.ends_with(b"/>");
                let end = if is_whole { Some(0) } else { memmem::find(&self.buffer[at + length..], b"</iq>") };
                if let Some(rest) = end {
                    if memmem::find(head, b"error").is_some() {
                        let text = String::from_utf8_lossy(&self.buffer[start..]).into_owned();
                        self.drop_counted(at + length + rest);
                        return Err(format!("refused: {text}").into());
                    }
                    self.drop_counted(at + length + rest);
                    return Ok(());
                }
                from = at;
            } else {
                from = self.buffer.len().saturating_sub(1).max(from);
            }
            self.fill()?;
        }
    }

    /// Reads and counts whatever comes until then.
    fn read_until(&mut self, end: Instant) -> Outcome<()> {
        while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            self.stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
            match self.fill() {
                Ok(()) => self.drop_counted(self.buffer.len().saturating_sub(MESSAGE_END.len() - 1)),
                Err(_) if Instant::now() + Duration::from_millis(2) >= end => {} // that was the time
                Err(error) => return Err(error),
            }
        }
        self.stream.set_read_timeout(Some(PATIENCE))?;
        Ok(())
    }

    /// Counts the messages that end before that place, and drops what is before it.
    fn drop_counted(&mut self, before: usize) {
        self.messages += memmem::find_iter(&self.buffer, MESSAGE_END).take_while(|at| *at < before).count() as u64;
        self.buffer.drain(..before);
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

const MESSAGE_END: &[u8] = b"</message>";

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
        Brand::Prosody => prosody(home, ports, "network_settings = { nagle = false } -- as neerc init advises")?,
        Brand::ProsodyWithNagle => prosody(home, ports, "")?,
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

fn prosody(home: &Path, ports: &Ports, network: &str) -> Outcome<Command> {
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
{network}
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
