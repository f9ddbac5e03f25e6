//! A contest whose board is served to browsers: a room with an admin and halls, the service, and how people come in.

use std::time::SystemTime;

use neerc_core::change::{Change, Entry};
use neerc_core::doors::{DoorChange, SecretHash, WebSession, WebSessionId};
use neerc_core::people::Person;
use neerc_store::Url;
use ring::digest;
use serde_json::json;

use super::proxy::Proxy;
use super::{Browser, Driver, Look};
use crate::guard::Port;
use crate::servers::{HOST, Kind, Server, unique};
use crate::service::Neerc;
use crate::slix::{Element, Slix, Stanza, User};
use crate::wait::PATIENCE;

const NS: &str = "http://neerc.ifmo.ru/protocol/neerc";

/// A room with an admin and three halls, its service, and a proxy between that and the browsers.
pub struct Stage {
    host: String,
    pub room: String,
    pub neerc: Neerc<'static>,
    /// The names of the admin and of the halls, which no other test has.
    pub admin: String,
    pub halls: Vec<String>,
    pub proxy: Proxy,
    server: &'static Server,
    /// The admin as they chat.
    pub chat: User<'static>,
    _port: Port,
}

impl Stage {
    /// A room of its own on the server that is shared by all tests.
    #[track_caller]
    pub fn new(toml: &str) -> Self {
        Self::at("127.0.0.1", toml)
    }

    /// The same on a server of that kind.
    #[track_caller]
    pub fn on(kind: Kind, toml: &str) -> Self {
        Self::beside(Server::shared(kind), "127.0.0.1", toml)
    }

    /// The same, under that name of this machine.
    #[track_caller]
    pub fn at(host: &str, toml: &str) -> Self {
        Self::beside(Server::shared(Kind::Prosody), host, toml)
    }

    #[track_caller]
    fn beside(server: &'static Server, host: &str, toml: &str) -> Self {
        let admin = unique("chief");
        let halls: Vec<String> = (1..=3).map(|number| format!("{admin}hall{number}")).collect();
        let mut people = vec![(admin.as_str(), "owner")];
        people.extend(halls.iter().map(|hall| (hall.as_str(), "member")));
        let room = server.room(&people);
        Self::of(server, host, room, admin, halls, toml, Vec::new())
    }

    /// For a room that there is, in which that happened before: how many minutes ago, who did it, and what it was.
    #[track_caller]
    pub fn of(
        server: &'static Server,
        host: &str,
        room: String,
        admin: String,
        halls: Vec<String>,
        toml: &str,
        past: Vec<(i64, String, Change)>,
    ) -> Self {
        let port = Port::reserve();
        let proxy = Proxy::before(port.number);
        let web = format!(
            "[web]\nlisten = \"127.0.0.1:{}\"\nurl = \"http://{host}:{}\"\n\
             [[groups]]\nname = \"Halls\"\nmembers = {halls:?}\n{toml}",
            port.number, proxy.port
        );
        let mut neerc = Neerc::prepare(server, &[&room], &web);
        remember(&neerc, &room, past, halls.iter().chain([&admin]));
        neerc.restart();
        let chat = Slix::shared().login(server, &admin, &unique("chat"));
        Self { host: host.to_owned(), room, neerc, admin, halls, proxy, server, chat, _port: port }
    }

    /// The address of the board, with that behind it.
    pub fn url(&self, tail: &str) -> String {
        format!("http://{}:{}/r/{}{tail}", self.host, self.proxy.port, self.room)
    }

    /// Says a line to the service as somebody, and gives what is answered.
    #[track_caller]
    pub fn says(&self, who: &User<'_>, line: &str) -> String {
        who.asks(&self.neerc.room_jid(&self.room), line)
    }

    /// A link that logs somebody in, as the service sends it by chat.
    #[track_caller]
    pub fn link(&self, who: &User<'_>) -> String {
        let said = self.says(who, "board");
        let link = said.split_whitespace().find(|word| word.starts_with("http"));
        link.unwrap_or_else(|| panic!("no link: {said}")).to_owned()
    }

    /// The server has somebody have this place in the room from now on.
    pub fn stands(&self, name: &str, affiliation: &str) {
        self.server.set_affiliation(&self.room, &format!("{name}@{HOST}"), affiliation);
    }

    /// Runs a command of the program in the folder of the service.
    #[track_caller]
    pub fn runs(&self, arguments: &[&str]) {
        let ran = self.neerc.command().args(arguments).output().unwrap();
        assert!(ran.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr));
    }

    /// A browser in which somebody is logged in and sees the board.
    #[track_caller]
    pub fn browser<'d>(&self, driver: &'d Driver, name: &str, look: Look) -> Browser<'d> {
        let browser = driver.browser(look);
        let cookie = json!({"name": "neerc-local", "value": name, "url": self.url(""), "path": "/", "httpOnly": true, "sameSite": "Lax"});
        browser.debug("Network.setCookie", cookie);
        browser.open(&self.url(""));
        browser.sees_in("h1", &self.room);
        self.is_true(&browser);
        browser
    }

    /// Waits until a page is kept true: its stream is open.
    #[track_caller]
    pub fn is_true(&self, browser: &Browser<'_>) {
        browser.until("return document.body.classList.contains('is-stale')", json!([]), |stale| *stale == json!(false));
    }

    /// One more member of the room comes into it, under that nick.
    #[track_caller]
    pub fn comes(&self, name: &str, nick: &str) -> User<'static> {
        self.server.register(name);
        self.stands(name, "member");
        let guest = Slix::shared().login(self.server, name, &unique("guest"));
        guest.join(&self.room, nick);
        guest
    }

    /// Somebody with a client that speaks the NEERC protocol, who is in the room and told of everything.
    #[track_caller]
    pub fn client(&self, name: &str) -> User<'static> {
        let client = Slix::shared().login(self.server, name, &unique("client"));
        client.join(&self.room, name);
        client.iq(&self.neerc.room_jid(&self.room), "get", &format!("<query xmlns='{NS}#tasks'/>"));
        client
    }

    /// Hands out a task to all halls by chat.
    #[track_caller]
    pub fn hands_out(&self, kind: &str, title: &str) {
        let said = self.says(&self.chat, &format!("@{kind} Halls {title}"));
        assert!(said.contains("is handed out to 3 people"), "{said}");
    }

    /// Hands out a task with that title to all halls as a client does.
    #[track_caller]
    pub fn hands_out_as_is(&self, title: &str) {
        let status = |hall: &String| format!("<status for='{hall}' type='none' value=''/>");
        let statuses: String = self.halls.iter().map(status).collect();
        let title = escaped(title);
        let child = format!("<task xmlns='{NS}#task' title='{title}' type='todofail'>{statuses}</task>");
        let answer = self.chat.iq(&self.neerc.room_jid(&self.room), "set", &child);
        assert_eq!(answer.kind(), "result", "{}", answer.xml);
    }

    /// Answers a task as a client does.
    #[track_caller]
    pub fn answers(&self, client: &User<'_>, task: u64, status: &str, value: &str) {
        let value = escaped(value);
        let child = format!("<taskstatus xmlns='{NS}#taskstatus' id='t{task}' type='{status}' value='{value}'/>");
        let answer = client.iq(&self.neerc.room_jid(&self.room), "set", &child);
        assert_eq!(answer.kind(), "result", "{}", answer.xml);
    }

    /// Waits until a client is told that somebody says this of a task.
    #[track_caller]
    pub fn hears(&self, client: &User<'_>, name: &str, status: &str) {
        let says = |element: &Element| {
            element.name == "status" && (element.attr("for"), element.attr("type")) == (name, status)
        };
        let told = |stanza: &Stanza| {
            stanza
                .child_ns("x", &format!("{NS}#tasks"))
                .is_some_and(|x| x.children.iter().any(|task| task.children.iter().any(says)))
        };
        client.expect_message(told, PATIENCE);
    }

    /// Waits until a page shows that state in the cell of somebody.
    #[track_caller]
    pub fn shows(&self, browser: &Browser<'_>, task: u64, name: &str, state: &str) {
        let script = "const e = document.getElementById(arguments[0]); return e ? ' ' + e.className + ' ' : null";
        let wanted = format!(" {state} ");
        browser.until(script, json!([format!("t{task}-{name}")]), |seen| super::is_in(seen, &wanted));
    }
}

fn escaped(text: &str) -> String {
    let mut escaped = Vec::new();
    neerc_xmpp::xml::escape_attr(&mut escaped, text);
    String::from_utf8(escaped).unwrap()
}

/// The time of day, in ms since 1970, as the service will read it.
#[allow(clippy::disallowed_methods)]
pub fn now_ms() -> i64 {
    i64::try_from(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis()).unwrap()
}

/// The hash of a secret, as the log keeps it.
pub fn hash_of(secret: &str) -> SecretHash {
    let digest = digest::digest(&digest::SHA256, secret.as_bytes());
    SecretHash::new(digest.as_ref().try_into().unwrap())
}

/// Has the log of a store that is not in use say what happened, and that everybody is logged in from now on with their name
/// as the secret.
fn remember<'n>(
    neerc: &Neerc<'_>,
    room: &str,
    past: Vec<(i64, String, Change)>,
    names: impl Iterator<Item = &'n String>,
) {
    let now_ms = now_ms();
    let logins = names.zip(1..).map(|(name, id)| {
        let hash = hash_of(name);
        let (id, browser) = (WebSessionId(id), "a browser of the tests".into());
        let session = WebSession { id, person: Person::named(name, HOST), at_ms: now_ms, browser };
        (0, name.clone(), Change::Door(DoorChange::Admitted { hash, session, link: None }))
    });
    let all = past.into_iter().chain(logins).zip(1..);
    let entries: Vec<Entry> = all
        .map(|((ago_min, name, change), revision)| {
            let (room, by) = (room.into(), Person::named(&name, HOST));
            Entry { revision, room, at_ms: now_ms - ago_min * 60_000, by, change, request: None }
        })
        .collect();
    let store = neerc_store::open(&Url::Sqlite(neerc.dir.join("neerc.db"))).unwrap().store;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        store.commit(entries).await.unwrap();
        store.close().await.unwrap();
    });
}
