//! The server's side of XEP-0114, played by a test: what no real server would hand on, or when.
//!
//! One room with one admin and two halls, and `jury1@elsewhere`, a member with an admin's name on another domain. It
//! answers the requests of the program by itself, and only while a test waits for something.
#![allow(dead_code)] // a toolbox: not every tool is in use at any one time

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use neerc_xmpp::stream::frame::{Frame, FrameLimits, Framer};

use crate::said::Said;
use crate::servers::{Kind, ROOMS, Server, unique};
use crate::service::Neerc;
use crate::wait::{PATIENCE, poll_for};

/// The room that the program is told to serve.
pub const ROOM: &str = "fake";

/// A session of the admin, one of the hall who misbehaves, and one of another hall; all are in the room.
pub const OCCUPANTS: [(&str, &str, &str); 3] = [
    ("Jury", "jury1@localhost/desk", "owner"),
    ("Hall", "hall1@localhost/bad", "member"),
    ("Hall2", "hall2@localhost/desk", "member"),
];

/// How long one side of the stream is looked at when both need it.
const GLANCE: Duration = Duration::from_millis(2);

/// One component stream, server's side.
pub struct FakeServer {
    /// The program's JID.
    pub component: String,
    listener: TcpListener,
    socket: TcpStream,
    framer: Framer,
    heard: VecDeque<Said>,
    outgoing: Vec<u8>,
    chunk: Vec<u8>,
    /// The program has closed the connection.
    is_closed: bool,
}

impl FakeServer {
    /// Starts the program on a fake server, and waits until it is ready. No real server has a part in it: `Neerc` only
    /// takes a name from one.
    #[track_caller]
    pub fn start() -> (Self, Neerc<'static>) {
        Self::start_saying(|_| String::new())
    }

    /// The same; what `first` makes of the program's JID is sent as soon as the program is accepted, so before the
    /// answers to its first requests.
    #[track_caller]
    pub fn start_saying(first: impl Fn(&str) -> String) -> (Self, Neerc<'static>) {
        let (listener, mut neerc) = Self::prepare("");
        let fake = Self::serve(&listener, &mut neerc, first);
        (fake, neerc)
    }

    /// The same with more configuration.
    #[track_caller]
    pub fn start_with(toml_extra: &str) -> (Self, Neerc<'static>) {
        let (listener, mut neerc) = Self::prepare(toml_extra);
        let fake = Self::serve(&listener, &mut neerc, |_| String::new());
        (fake, neerc)
    }

    /// The program, not started, and where it is going to look for its server. `toml_extra` as for [`Neerc::start`].
    pub fn prepare(toml_extra: &str) -> (TcpListener, Neerc<'static>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = Server::shared(Kind::Prosody);
        let neerc = Neerc::prepare(server, &[ROOM], toml_extra);
        neerc.lay(&format!("[component]\nserver = \"127.0.0.1:{port}\"\n"));
        (listener, neerc)
    }

    /// Starts the program (again) and waits until it is ready. See [`Self::start_saying`] for `first`.
    #[track_caller]
    pub fn serve(listener: &TcpListener, neerc: &mut Neerc<'_>, first: impl Fn(&str) -> String) -> Self {
        let old_log = neerc.log().len();
        neerc.spawn();
        let accepted = poll_for(PATIENCE, || {
            let exited = neerc.exited();
            assert!(exited.is_none(), "{exited:?}: {}", neerc.log());
            listener.accept().ok()
        });
        let (socket, _) = accepted.unwrap_or_else(|| panic!("the program does not connect in {PATIENCE:?}"));
        Self::welcome(listener.try_clone().unwrap(), socket, old_log, neerc, first)
    }

    /// Takes the next connection of a program that runs, and waits until it is ready.
    #[track_caller]
    pub fn accept(listener: TcpListener, neerc: &Neerc<'_>) -> Self {
        let accepted = poll_for(PATIENCE, || listener.accept().ok());
        let (socket, _) = accepted.unwrap_or_else(|| panic!("the program does not connect in {PATIENCE:?}"));
        Self::welcome(listener, socket, neerc.log().len(), neerc, |_| String::new())
    }

    /// The old connection is no more, as far as the server knows; takes the next one.
    #[track_caller]
    pub fn accept_again(self, neerc: &Neerc<'_>) -> Self {
        let Self { listener, .. } = self;
        Self::accept(listener, neerc)
    }

    /// Serves a new connection until the program says so in its log, behind `old_log`.
    #[track_caller]
    fn welcome(
        listener: TcpListener,
        socket: TcpStream,
        old_log: usize,
        neerc: &Neerc<'_>,
        first: impl Fn(&str) -> String,
    ) -> Self {
        socket.set_nonblocking(false).unwrap();
        socket.set_nodelay(true).unwrap();
        let framer = Framer::new(FrameLimits { bytes: 1 << 24, ..FrameLimits::default() });
        let component = neerc.jid.clone();
        let (heard, outgoing, chunk) = (VecDeque::new(), Vec::new(), vec![0; 1 << 16]);
        let mut fake = Self { component, listener, socket, framer, heard, outgoing, chunk, is_closed: false };
        fake.send(&format!(
            "<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' \
             xmlns:stream='http://etherx.jabber.org/streams' from='{}' id='1'>",
            fake.component
        ));
        fake.expect(|said| said.name == "handshake");
        fake.send(&format!("<handshake/>{}", first(&fake.component)));
        // Its requests are answered in order, so this comes after the answers to them.
        fake.send(&fake.iq("jury1@localhost/desk", "get", "begun", "<ping xmlns='urn:xmpp:ping'/>"));
        fake.expect(|said| said.id == "begun");
        let deadline = Instant::now() + PATIENCE;
        while !neerc.log().get(old_log..).is_some_and(|new| new.contains("ready: rooms")) {
            assert!(Instant::now() < deadline, "the program is not ready in {PATIENCE:?}");
            fake.read(Duration::from_millis(20));
        }
        fake
    }

    /// Somebody is there with a chat client, and is told things by chat: the sessions in the room are a program's.
    pub fn chats(&mut self, from: &str) {
        self.send(&format!(
            "<presence from='{from}' to='{0}'><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' \
             node='https://gajim.org' ver='v'/></presence><message from='{from}' to='{0}' type='chat'><body>help</body></message>",
            self.component
        ));
        self.expect(|said| said.xml.contains("</body>"));
    }

    /// Waits until somebody is told that by chat. The program is asked for something all the time, so that it has no rest.
    #[track_caller]
    pub fn hears(&mut self, text: &str) -> Said {
        // What is told after a while takes up to a minute.
        let found = poll_for(3 * PATIENCE, || {
            let id = unique("ping");
            self.send(&self.iq(OCCUPANTS[0].1, "get", &id, "<ping xmlns='urn:xmpp:ping'/>"));
            let said = self.expect(|said| said.id == id || said.xml.contains(text));
            said.xml.contains(text).then_some(said)
        });
        found.unwrap_or_else(|| panic!("nobody is told: {text}"))
    }

    /// The address of the room at the service.
    pub fn room_jid(&self) -> String {
        format!("{ROOM}@{}", self.component)
    }

    /// The text of a request as the server would hand it on.
    pub fn iq(&self, from: &str, kind: &str, id: &str, child: &str) -> String {
        format!("<iq from='{from}' to='{}' type='{kind}' id='{id}'>{child}</iq>", self.room_jid())
    }

    /// Sends text.
    pub fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes());
    }

    /// Sends bytes.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        assert!(self.send_unheard(bytes, PATIENCE), "the program does not read for {PATIENCE:?}");
    }

    /// Sends bytes without reading anything. What the program does not take within `limit` goes out later, before
    /// everything else; says whether it took all.
    pub fn send_unheard(&mut self, bytes: &[u8], limit: Duration) -> bool {
        self.outgoing.extend_from_slice(bytes);
        let is_sent = self.flush(limit);
        assert!(!self.is_closed, "the program has closed the connection");
        is_sent
    }

    fn flush(&mut self, limit: Duration) -> bool {
        self.socket.set_write_timeout(Some(limit)).unwrap();
        while !self.outgoing.is_empty() {
            match self.socket.write(&self.outgoing) {
                Ok(count) => drop(self.outgoing.drain(..count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {} // this process was stopped for a while
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return false,
                Err(_) => self.is_closed = true,
            }
            if self.is_closed {
                return false;
            }
        }
        true
    }

    /// Waits for a stanza of the program, leaving aside those before it.
    #[track_caller]
    pub fn expect(&mut self, wanted: impl Fn(&Said) -> bool) -> Said {
        self.expect_or_end(wanted).expect("the program has closed the connection")
    }

    /// The same; `None` if the program closes the connection instead.
    #[track_caller]
    pub fn expect_or_end(&mut self, wanted: impl Fn(&Said) -> bool) -> Option<Said> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            while let Some(said) = self.heard.pop_front() {
                if wanted(&said) {
                    return Some(said);
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the program did not say it in {PATIENCE:?}");
            if self.is_closed {
                return None;
            }
            self.read_or_end(left);
        }
    }

    /// The next stanza of the program, if it says one within `limit`.
    pub fn hear(&mut self, limit: Duration) -> Option<Said> {
        if self.heard.is_empty() {
            self.read(limit);
        }
        self.heard.pop_front()
    }

    fn read(&mut self, limit: Duration) {
        self.read_or_end(limit);
        assert!(!self.is_closed, "the program has closed the connection");
    }

    /// Reads what there is, answering what is the server's to answer.
    fn read_or_end(&mut self, limit: Duration) {
        // A server that waited for the program to read before it reads itself would wait for ever.
        let limit = if self.outgoing.is_empty() || self.flush(GLANCE) { limit } else { limit.min(GLANCE) };
        self.socket.set_read_timeout(Some(limit)).unwrap();
        let count = match self.socket.read(&mut self.chunk) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return,
            Ok(0) | Err(_) => {
                self.is_closed = true;
                return;
            }
            Ok(count) => count,
        };
        self.framer.push(&self.chunk[..count]);
        let mut stanzas = Vec::new();
        loop {
            match self.framer.next_frame().expect("the program writes XML") {
                None => break,
                Some(Frame::Stanza(bytes)) => stanzas.push(Said::read(std::str::from_utf8(bytes).unwrap())),
                Some(Frame::Open(_) | Frame::Close) => {}
                Some(other) => panic!("the program has sent {other:?}"),
            }
        }
        for said in stanzas {
            match self.answer(&said) {
                Some(answer) => self.outgoing.extend_from_slice(answer.as_bytes()),
                None => self.heard.push_back(said),
            }
        }
        self.flush(GLANCE);
    }

    /// What a server answers to the program's own requests.
    fn answer(&self, said: &Said) -> Option<String> {
        let (component, id, room) = (&self.component, &said.id, format!("{ROOM}@{ROOMS}"));
        let result =
            |child: &str| format!("<iq type='result' id='{id}' from='{}' to='{component}'>{child}</iq>", said.to);
        if said.name == "presence" && said.to == format!("{room}/neerc") {
            let others = OCCUPANTS.map(|(nick, jid, affiliation)| self.occupant(nick, jid, affiliation));
            return Some(format!(
                "{}<presence from='{room}/neerc' to='{component}'><x xmlns='http://jabber.org/protocol/muc#user'>\
                 <item jid='{component}' affiliation='owner' role='moderator'/><status code='110'/></x></presence>\
                 <message type='groupchat' from='{room}' to='{component}'><subject/></message>",
                others.concat()
            ));
        }
        if said.name != "iq" || said.kind != "get" || !(said.to == room || said.to == "localhost") {
            return None;
        }
        let ns = "http://jabber.org/protocol/muc#admin";
        if said.payload.1 != ns {
            return Some(result(""));
        }
        if said.xml.contains(" role='") {
            // This server gives no lists by role, so what its presences say is all that there is.
            let stanzas = "urn:ietf:params:xml:ns:xmpp-stanzas";
            let error = format!("<error type='auth'><forbidden xmlns='{stanzas}'/></error>");
            return Some(format!("<iq type='error' id='{id}' from='{}' to='{component}'>{error}</iq>", said.to));
        }
        let people = match () {
            () if said.xml.contains("'owner'") => vec![("owner", "jury1@localhost")],
            () if said.xml.contains("'member'") => {
                ["hall1@localhost", "hall2@localhost", "jury1@elsewhere"].map(|jid| ("member", jid)).into()
            }
            () => Vec::new(),
        };
        let item = |(affiliation, jid)| format!("<item affiliation='{affiliation}' jid='{jid}'/>");
        Some(result(&format!("<query xmlns='{ns}'>{}</query>", people.into_iter().map(item).collect::<String>())))
    }

    /// The presence by which a room tells of an occupant.
    pub fn occupant(&self, nick: &str, jid: &str, affiliation: &str) -> String {
        format!(
            "<presence from='{ROOM}@{ROOMS}/{nick}' to='{}'><x xmlns='http://jabber.org/protocol/muc#user'>\
             <item jid='{jid}' affiliation='{affiliation}' role='participant'/></x></presence>",
            self.component
        )
    }
}
