//! Ordinary XMPP clients: sessions of slixmpp in one Python process (`slix/agent.py`), driven over its pipes.
//!
//! Every stanza a session receives lands in its mailbox, in order. What completes a request (an answer, the own presence
//! in a room) is in the mailbox together with all that came before it, so tests never sleep to be sure.
#![allow(dead_code)] // a toolbox: not every tool is in use at any one time

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::guard::{self, Process};
use crate::servers::{PASSWORD, ROOMS, Server, unique};
use crate::wait::{PATIENCE, poll_for};

/// An XML element, as a tree.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Element {
    /// Local name.
    pub name: String,
    /// Namespace.
    pub ns: String,
    /// Attributes; `xml:lang` under that name.
    pub attrs: BTreeMap<String, String>,
    /// Text before the first child.
    pub text: String,
    /// Child elements.
    pub children: Vec<Element>,
    /// The text of the whole stanza; empty below the top.
    #[serde(default)]
    pub xml: String,
}

/// A stanza is an element with `message`, `presence` or `iq` as name.
pub type Stanza = Element;

impl Element {
    /// An attribute, empty if absent.
    pub fn attr(&self, name: &str) -> &str {
        self.attrs.get(name).map_or("", String::as_str)
    }

    /// The first child of that name, in whatever namespace.
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The first child of that name and namespace.
    pub fn child_ns(&self, name: &str, ns: &str) -> Option<&Element> {
        self.children.iter().find(|child| child.name == name && child.ns == ns)
    }

    /// This element or the first below it of that name.
    pub fn find(&self, name: &str) -> Option<&Element> {
        if self.name == name { Some(self) } else { self.children.iter().find_map(|child| child.find(name)) }
    }

    /// The text of `<body/>`, empty if absent.
    pub fn body(&self) -> &str {
        self.child("body").map_or("", |body| &body.text)
    }

    /// The stanza's `type`, empty if absent.
    pub fn kind(&self) -> &str {
        self.attr("type")
    }

    /// The stanza's error, if it is one.
    pub fn error(&self) -> Option<StanzaError> {
        let error = self.child("error").filter(|_| self.kind() == "error")?;
        let condition = error.children.iter().find(|child| child.name != "text");
        Some(StanzaError {
            condition: condition.map(|child| child.name.clone()).unwrap_or_default(),
            kind: error.attr("type").to_owned(),
            code: error.attr("code").to_owned(),
            text: error.child("text").map(|text| text.text.clone()).unwrap_or_default(),
        })
    }
}

/// What an error stanza says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StanzaError {
    /// `forbidden`, `item-not-found`...
    pub condition: String,
    /// `auth`, `cancel`, `modify`, `wait`.
    pub kind: String,
    /// The legacy code, `403`; empty if there was none.
    pub code: String,
    /// The words.
    pub text: String,
}

/// One Python process with any number of sessions.
pub struct Slix {
    input: Mutex<ChildStdin>,
    shared: Arc<Shared>,
    next: AtomicU64,
    log: PathBuf,
    _process: Process,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    news: Condvar,
}

#[derive(Default)]
struct State {
    mailboxes: HashMap<u64, Mailbox>,
    replies: HashMap<u64, Result<Value, String>>,
    ended: bool,
}

#[derive(Default)]
struct Mailbox {
    stanzas: Vec<Stanza>,
    closed: Option<String>,
}

impl Slix {
    /// The one process that all tests may use.
    pub fn shared() -> &'static Self {
        static ONE: OnceLock<Slix> = OnceLock::new();
        ONE.get_or_init(Self::start)
    }

    /// A process of its own.
    pub fn start() -> Self {
        let log = guard::scratch_dir("slix").join("slix.log");
        let mut command = Command::new(python());
        command
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/slix/agent.py"))
            // No session uses TLS, and the system's certificates would cost each one 60 ms.
            .env("SSL_CERT_FILE", "/dev/null")
            .env("SSL_CERT_DIR", "/dev/null")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log).unwrap());
        let mut process = Process::spawn("slixmpp", &mut command);
        let input = process.child().stdin.take().expect("stdin is a pipe");
        let output = process.child().stdout.take().expect("stdout is a pipe");
        let shared = Arc::new(Shared::default());
        let reader = Arc::clone(&shared);
        std::thread::spawn(move || reader.read(output));
        Self { input: Mutex::new(input), shared, next: AtomicU64::new(1), log, _process: process }
    }

    /// Logs in and sends the initial presence. The account has to exist.
    pub fn login(&self, server: &Server, user: &str, resource: &str) -> User<'_> {
        let user = self.connect(server, user, resource);
        user.send("<presence/>");
        user
    }

    /// Logs in without any presence.
    #[track_caller]
    pub fn connect(&self, server: &Server, user: &str, resource: &str) -> User<'_> {
        let session = self.next.fetch_add(1, Ordering::Relaxed);
        self.shared.state().mailboxes.insert(session, Mailbox::default());
        let jid = format!("{user}@{}/{resource}", server.host);
        let (host, port) = ("127.0.0.1", server.c2s_port);
        let request =
            json!({"op": "login", "session": session, "jid": jid, "password": PASSWORD, "host": host, "port": port});
        match self.request(request) {
            Ok(bound) => User { jid: bound.as_str().unwrap_or(&jid).to_owned(), session, slix: self },
            Err(failure) => panic!("{jid} cannot log in: {failure}\n{}", server.log()),
        }
    }

    /// Logs many users in at once, each with the same resource.
    pub fn login_many<S: AsRef<str> + Sync>(&self, server: &Server, users: &[S], resource: &str) -> Vec<User<'_>> {
        std::thread::scope(|scope| {
            let logins: Vec<_> =
                users.iter().map(|user| scope.spawn(|| self.login(server, user.as_ref(), resource))).collect();
            logins.into_iter().map(|login| login.join().expect("the login works")).collect()
        })
    }

    fn request(&self, mut request: Value) -> Result<Value, String> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        request["id"] = json!(id);
        writeln!(self.input.lock().unwrap_or_else(PoisonError::into_inner), "{request}")
            .unwrap_or_else(|error| panic!("slixmpp is gone: {error}\n{}", guard::log_tail(&self.log)));
        // The process has time limits of its own; this one is for the case that it hangs.
        let reply = self.shared.wait(PATIENCE * 2, |state| state.replies.remove(&id));
        reply.unwrap_or_else(|| panic!("slixmpp does not answer {request}\n{}", guard::log_tail(&self.log)))
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, output: ChildStdout) {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let line: Value = serde_json::from_str(&line).expect("the agent writes JSON");
            self.take(line);
            self.news.notify_all();
        }
        self.state().ended = true;
        self.news.notify_all();
    }

    fn take(&self, mut line: Value) {
        let mut state = self.state();
        if let Some(id) = line["reply"].as_u64() {
            let failure = line["failure"].as_str().map(str::to_owned);
            let reply = failure.map_or_else(|| Ok(line["value"].take()), Err);
            state.replies.insert(id, reply);
        } else if let Some(mailbox) = line["session"].as_u64().and_then(|session| state.mailboxes.get_mut(&session)) {
            match line.get_mut("stanza").map(Value::take) {
                Some(stanza) => mailbox.stanzas.push(serde_json::from_value(stanza).expect("a tree")),
                None => mailbox.closed = Some(line["closed"].as_str().unwrap_or_default().to_owned()),
            }
        }
    }

    /// Waits until `look` finds something; `None` after `limit` or when the process has ended.
    fn wait<T>(&self, limit: Duration, mut look: impl FnMut(&mut State) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + limit;
        let mut state = self.state();
        loop {
            if let Some(found) = look(&mut state) {
                return Some(found);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || state.ended {
                return None;
            }
            state = self.news.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// One session; logs out on drop.
pub struct User<'a> {
    /// The full JID.
    pub jid: String,
    session: u64,
    slix: &'a Slix,
}

impl User<'_> {
    /// The JID without the resource.
    pub fn bare_jid(&self) -> &str {
        self.jid.split('/').next().unwrap_or_default()
    }

    /// Sends text as it is, waits for nothing.
    #[track_caller]
    pub fn send(&self, xml: &str) {
        self.ask(json!({"op": "send", "xml": xml}));
    }

    /// Sends an IQ and gives its answer, result or error. `child` is the XML inside it.
    #[track_caller]
    pub fn iq(&self, to: &str, kind: &str, child: &str) -> Stanza {
        let id = crate::servers::unique("q");
        self.iq_as_is(&id, &format!("<iq to='{to}' type='{kind}' id='{id}'>{child}</iq>"))
    }

    /// Sends the text of an IQ that has that id, and gives the answer with that id.
    #[track_caller]
    pub fn iq_as_is(&self, id: &str, xml: &str) -> Stanza {
        self.stanza(json!({"op": "iq", "xml": xml, "stanza_id": id}))
    }

    /// Runs an ad-hoc command with these values of its fields as the library's plugins do: `step` (the form is filled in
    /// from the start) or `forms`. Its last answer.
    #[track_caller]
    pub fn command(&self, to: &str, node: &str, way: &str, values: &Value) -> Stanza {
        self.stanza(json!({"op": "command", "to": to, "node": node, "way": way, "values": values}))
    }

    /// Enters a room (its local part) under a nick; panics if the room refuses.
    #[track_caller]
    pub fn join(&self, room: &str, nick: &str) {
        if let Err(error) = self.try_join(room, nick) {
            panic!("{} cannot join {room}: {error:?}", self.jid);
        }
    }

    /// Enters a room (its local part) under a nick.
    #[track_caller]
    pub fn try_join(&self, room: &str, nick: &str) -> Result<(), StanzaError> {
        let x = "<x xmlns='http://jabber.org/protocol/muc'/>";
        let answer = self.presence(room, nick, "", x);
        answer.error().map_or(Ok(()), Err)
    }

    /// Leaves a room.
    #[track_caller]
    pub fn leave(&self, room: &str, nick: &str) {
        self.presence(room, nick, "type='unavailable'", "");
    }

    #[track_caller]
    fn presence(&self, room: &str, nick: &str, attributes: &str, child: &str) -> Stanza {
        let occupant = format!("{room}@{ROOMS}/{nick}");
        let mut to = Vec::new();
        neerc_xmpp::xml::escape_attr(&mut to, &occupant);
        let to = String::from_utf8(to).expect("it was text");
        let xml = format!("<presence to='{to}' {attributes}>{child}</presence>");
        self.stanza(json!({"op": "presence", "xml": xml, "occupant": occupant}))
    }

    /// Says a line in a room.
    #[track_caller]
    pub fn say(&self, room: &str, body: &str) {
        self.send(&format!("<message to='{room}@{ROOMS}' type='groupchat'><body>{body}</body></message>"));
    }

    /// The answer to a line of chat.
    #[track_caller]
    pub fn asks(&self, to: &str, line: &str) -> String {
        self.replied(to, line).body().to_owned()
    }

    /// The same as it came, which may be an error. What else the service says is in another thread.
    #[track_caller]
    pub fn replied(&self, to: &str, line: &str) -> Stanza {
        let thread = unique("thread");
        self.send(&format!(
            "<message to='{to}' type='chat' id='{thread}'><body>{line}</body><thread>{thread}</thread></message>"
        ));
        let is_it = |message: &Stanza| {
            let is_error = message.error().is_some() && message.attr("id") == thread;
            is_error || message.find("thread").is_some_and(|found| found.text == thread)
        };
        self.expect_message(is_it, PATIENCE)
    }

    /// Asks until the answer holds something; the answer.
    #[track_caller]
    pub fn reads(&self, to: &str, line: &str, wanted: &str) -> String {
        let mut last = String::new();
        let found = poll_for(PATIENCE, || {
            last = self.asks(to, line);
            last.contains(wanted).then(|| last.clone())
        });
        found.unwrap_or_else(|| panic!("{line} never says {wanted:?}, but {last}"))
    }

    /// A round trip to `to` (a component, the server, ...): what it had sent before the answer is in the mailbox then.
    #[track_caller]
    pub fn sync(&self, to: &str) {
        self.iq(to, "get", "<ping xmlns='urn:xmpp:ping'/>");
    }

    /// All in the mailbox, in the order it came.
    pub fn stanzas(&self) -> Vec<Stanza> {
        self.slix.shared.state().mailboxes.get(&self.session).map(|mailbox| mailbox.stanzas.clone()).unwrap_or_default()
    }

    /// The messages in the mailbox.
    pub fn messages(&self) -> Vec<Stanza> {
        self.stanzas().into_iter().filter(|stanza| stanza.name == "message").collect()
    }

    /// The presences in the mailbox.
    pub fn presences(&self) -> Vec<Stanza> {
        self.stanzas().into_iter().filter(|stanza| stanza.name == "presence").collect()
    }

    /// Empties the mailbox.
    pub fn clear(&self) {
        if let Some(mailbox) = self.slix.shared.state().mailboxes.get_mut(&self.session) {
            mailbox.stanzas.clear();
        }
    }

    /// Takes the first stanza out of the mailbox that `wanted` accepts, waiting for it.
    #[track_caller]
    pub fn expect(&self, wanted: impl Fn(&Stanza) -> bool, limit: Duration) -> Stanza {
        let found = self.slix.shared.wait(limit, |state| {
            let stanzas = &mut state.mailboxes.get_mut(&self.session)?.stanzas;
            let place = stanzas.iter().position(&wanted)?;
            Some(stanzas.remove(place))
        });
        found.unwrap_or_else(|| {
            panic!("{} did not get it in {limit:?}. {self:?}\n{}", self.jid, guard::log_tail(&self.slix.log))
        })
    }

    /// [`Self::expect`], messages only.
    #[track_caller]
    pub fn expect_message(&self, wanted: impl Fn(&Stanza) -> bool, limit: Duration) -> Stanza {
        self.expect(|stanza| stanza.name == "message" && wanted(stanza), limit)
    }

    /// [`Self::expect`], presences only.
    #[track_caller]
    pub fn expect_presence(&self, wanted: impl Fn(&Stanza) -> bool, limit: Duration) -> Stanza {
        self.expect(|stanza| stanza.name == "presence" && wanted(stanza), limit)
    }

    /// Waits until the server has ended the stream.
    #[track_caller]
    pub fn expect_closed(&self, limit: Duration) -> String {
        let closed = self.slix.shared.wait(limit, |state| state.mailboxes.get(&self.session)?.closed.clone());
        closed.unwrap_or_else(|| panic!("the stream of {} is still open", self.jid))
    }

    /// Ends the connection without a word, as a laptop does when its lid closes.
    #[track_caller]
    pub fn cut(&self) {
        self.ask(json!({"op": "cut"}));
    }

    #[track_caller]
    fn stanza(&self, request: Value) -> Stanza {
        serde_json::from_value(self.ask(request)).expect("a tree")
    }

    #[track_caller]
    fn ask(&self, mut request: Value) -> Value {
        request["session"] = json!(self.session);
        match self.slix.request(request.clone()) {
            Ok(value) => value,
            Err(failure) => panic!("{}: {failure}: {request}\n{self:?}", self.jid),
        }
    }
}

impl fmt::Debug for User<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Mailbox of {}:", self.jid)?;
        self.stanzas().iter().try_for_each(|stanza| writeln!(f, "  {}", stanza.xml))
    }
}

impl Drop for User<'_> {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // A session that the server has closed cannot log out; nothing to do about it.
            drop(self.slix.request(json!({"op": "logout", "session": self.session})));
        }
        self.slix.shared.state().mailboxes.remove(&self.session);
    }
}

/// The interpreter of the virtual environment that `scripts/setup test` makes.
fn python() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/python");
    let python = std::env::var_os("NEERC_VENV").map_or(here, |venv| Path::new(&venv).join("bin/python"));
    assert!(python.exists(), "{} is missing: run `scripts/setup test`", python.display());
    python
}
