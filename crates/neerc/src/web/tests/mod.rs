//! The board over HTTP, with a loop that keeps one room in memory: what pages and streams show, what they take, and what they
//! refuse.

mod events;
mod guarded;
mod menu;
mod shared;
mod standby;

use super::asks::{WebAsk, WebWish};
use super::picture::{Album, Elsewhere, Picture, Timepiece};
use super::{Web, WebSettings, door};
use crate::service::time::wall_ms;
use neerc_core::board::{Board, Boards, Done};
use neerc_core::change::{Change, Entry};
use neerc_core::command::Command;
use neerc_core::doors::{DoorChange, Entrance, Leaving, WebSession, WebSessionId};
use neerc_core::face::words::Language;
use neerc_core::keeping::Keeping;
use neerc_core::ledger::{Ask, Face, Ledger, Now, Rooms, Stored, Token};
use neerc_core::people::{Affiliation, GroupBook, GroupRule, People, Person, Standing};
use neerc_core::refusal::Refusal;
use neerc_core::view::Visibility;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::watch;

/// How long anything may take on a machine that does other things besides.
const PATIENCE: Duration = Duration::from_secs(60);

fn person(name: &str) -> Person {
    Person::named(name, "localhost")
}

/// The people of the room, for a ledger.
struct Hall(Arc<People>);

impl Rooms for Hall {
    fn people(&mut self, _: &str) -> &People {
        &self.0
    }

    fn is_known(&self, _: &str) -> bool {
        true
    }
}

/// What the loop holds of the room.
struct Room {
    board: Board,
    people: Arc<People>,
    visibility: Visibility,
    serial: u64,
    keeping: Keeping,
    entries: Vec<Entry>,
    albums: watch::Sender<Arc<Album>>,
    /// Who serves, if it is another machine.
    elsewhere: Option<Arc<Elsewhere>>,
}

impl Room {
    fn decide(&mut self, who: &Person, command: &Command) -> Result<Done, Refusal> {
        self.decide_all([WebWish::new("neerc".into(), who.clone(), command.clone())]).remove(0)
    }

    /// Decides what was asked at the same time, by a ledger on what there is.
    fn decide_all(&mut self, wishes: impl IntoIterator<Item = WebWish>) -> Vec<Result<Done, Refusal>> {
        let boards = Boards::from([("neerc".into(), self.board.clone())]);
        let mut ledger = Ledger::new(boards, self.board.revision()).after(self.entries.iter().cloned());
        for (WebWish { room, who, command, request, seen }, number) in wishes.into_iter().zip(0..) {
            ledger.ask(Ask { token: Token { face: Face::Web, number }, room, who, command, request, seen });
        }
        let (now, mut answers) = (Now::from_ms(0, wall_ms()), Vec::new());
        if let Some(entries) = ledger.decide_last(now, &mut Hall(self.people.clone()), &mut answers) {
            answers.extend(ledger.stored(now, Stored::Yes).unwrap().answers);
            self.entries.extend(entries.iter().cloned());
            self.board = ledger.boards()["neerc"].clone();
            self.publish();
        }
        answers.into_iter().map(|answer| answer.outcome).collect()
    }

    fn apply(&mut self, who: &Person, change: Change) {
        let revision = self.board.revision() + 1;
        self.board.apply(revision, &change);
        let (room, by) = ("neerc".into(), who.clone());
        self.entries.push(Entry { revision, room, at_ms: wall_ms(), by, change, request: None });
        self.publish();
    }

    fn publish(&mut self) {
        self.serial += 1;
        let time = Timepiece { taken: Instant::now(), steady_ms: wall_ms(), wall_ms: wall_ms(), zone_ms: 0 };
        let picture = Picture {
            room: "neerc".into(),
            serial: self.serial,
            generation: 0xabc,
            history: 0x5ed,
            taken: time,
            people: self.people.clone(),
            board: Arc::new(self.board.clone()),
            times: None,
            clock: None,
            online: Arc::new(BTreeSet::new()),
            checklists: Arc::new([]),
            entrance: Arc::new(Entrance { url: Some("http://board".into()), codes: Vec::new() }),
            visibility: self.visibility,
            keeping: self.keeping,
            is_connected: true,
        };
        let elsewhere = self.elsewhere.clone();
        self.albums.send_replace(Arc::new(Album { time: Some(time), rooms: vec![Arc::new(picture)], elsewhere }));
    }
}

/// A site with one room: admin and jury1 are its admins, hall1 to hall3 are not. Everybody is logged in, with their name as
/// the secret.
struct Stage {
    web: Web,
    room: Arc<Mutex<Room>>,
    _store: neerc_store::Store,
    _folder: TempDir,
}

/// An answer.
#[derive(Debug)]
struct Got {
    status: u16,
    headers: HashMap<String, String>,
    body: String,
}

fn people(powerful: &[&str]) -> Arc<People> {
    let standing = |name: &str| {
        let affiliation = if powerful.contains(&name) { Affiliation::Admin } else { Affiliation::Member };
        Standing { person: person(name), affiliation }
    };
    let standings = ["admin", "jury1", "hall1", "hall2", "hall3"].map(standing);
    let halls = GroupRule { group: "Halls".into(), patterns: vec!["hall*".to_owned()] };
    let book = GroupBook { rules: vec![halls], ..GroupBook::default() };
    Arc::new(People::build("localhost", "neerc", standings, HashMap::new(), &book))
}

impl Stage {
    fn new(visibility: Visibility) -> Stage {
        let folder = TempDir::new().unwrap();
        let url = neerc_store::Url::Sqlite(folder.path().join("neerc.db"));
        let store = neerc_store::open(&url).unwrap().store;
        let listen = "127.0.0.1:0".parse().unwrap();
        let mut web =
            Web::start(WebSettings { listen, url: None, language: Language::English, log: store.log_reader() })
                .unwrap();
        let (albums, people) = (web.bridge.albums.clone(), people(&["admin", "jury1"]));
        let (board, entries) = (Board::default(), Vec::new());
        let mut room = Room {
            board,
            people,
            visibility,
            serial: 0,
            keeping: Keeping::default(),
            entries,
            albums,
            elsewhere: None,
        };
        for (name, id) in ["admin", "jury1", "hall1", "hall2", "hall3"].into_iter().zip(1..) {
            let (id, person, browser) = (WebSessionId(id), person(name), "a browser".into());
            let session = WebSession { id, person: person.clone(), at_ms: wall_ms(), browser };
            room.apply(&person, Change::Door(DoorChange::Admitted { hash: door::hash_of(name), session, link: None }));
        }
        let room = Arc::new(Mutex::new(room));
        let (mut asks, its_room) = (web.bridge.asks.take().unwrap(), room.clone());
        std::thread::spawn(move || {
            while let Some(ask) = asks.blocking_recv() {
                let mut room = its_room.lock().unwrap();
                match ask {
                    WebAsk::Change { wish, reply } => drop(reply.send(room.decide_all([wish]).remove(0))),
                    WebAsk::Codes(_) => {}
                    WebAsk::Trail { task, reply, .. } => {
                        let of_task = room.entries.iter().rev().filter(|entry| entry.change.task() == Some(task));
                        drop(reply.send(of_task.cloned().collect()));
                    }
                }
            }
        });
        Stage { web, room, _store: store, _folder: folder }
    }

    /// Has somebody do something that is not done in a browser: a row of the menu with its fields.
    fn does(&self, who: &str, verb: &str, values: &[(&str, &str)]) {
        let item = neerc_core::face::menu::by_word(verb).unwrap();
        let values: Vec<_> = values.iter().map(|(name, value)| (*name, vec![(*value).to_owned()])).collect();
        let neerc_core::face::menu::Request::Command(command) = neerc_core::face::menu::build(item, &values).unwrap()
        else {
            panic!("{verb} changes nothing")
        };
        self.room.lock().unwrap().decide(&person(who), &command).unwrap();
    }

    /// From now on, these have an admin's rights.
    fn powerful(&self, names: &[&str]) {
        let mut room = self.room.lock().unwrap();
        room.people = people(names);
        room.publish();
    }

    /// From now on, changes are kept like this.
    fn kept(&self, keeping: Keeping) {
        let mut room = self.room.lock().unwrap();
        room.keeping = keeping;
        room.publish();
    }

    /// Another machine serves, or this one again.
    fn elsewhere(&self, elsewhere: Option<Elsewhere>) {
        let mut room = self.room.lock().unwrap();
        room.elsewhere = elsewhere.map(Arc::new);
        room.publish();
    }

    /// Somebody is logged out.
    fn logged_out(&self, who: &str) {
        let leave = neerc_core::doors::DoorCommand::Leave(Leaving::All);
        self.room.lock().unwrap().decide(&person(who), &Command::Door(leave)).unwrap();
    }

    fn agent() -> ureq::Agent {
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
        config.timeout_global(Some(PATIENCE)).build().into()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.web.url)
    }

    fn get(&self, who: &str, path: &str) -> Got {
        got(Self::agent().get(self.url(path)).header("Cookie", format!("neerc-local={who}")).call())
    }

    #[track_caller]
    fn page(&self, who: &str, path: &str) -> String {
        let got = self.get(who, path);
        assert_eq!(got.status, 200, "{path}: {got:?}");
        got.body
    }

    fn post(&self, who: &str, path: &str, form: &[(&str, &str)]) -> Got {
        self.post_with(who, path, form, &[("Sec-Fetch-Site", "same-origin")])
    }

    fn post_with(&self, who: &str, path: &str, form: &[(&str, &str)], headers: &[(&str, &str)]) -> Got {
        let mut request = Self::agent().post(self.url(path)).header("Cookie", format!("neerc-local={who}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        got(request.send_form(form.iter().copied()))
    }
}

fn got(answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Got {
    let mut answer = answer.unwrap();
    let headers = answer.headers().iter();
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
    let body = answer.body_mut().read_to_string().unwrap();
    Got { status: answer.status().as_u16(), headers, body }
}

/// The part of a page that is an element of that `id`, as far as its line goes.
fn line_of<'p>(page: &'p str, id: &str) -> &'p str {
    let needle = format!("id=\"{id}\"");
    let at = page.find(&needle).unwrap_or_else(|| panic!("no {id} in {page}"));
    let from = page[..at].rfind('<').unwrap();
    let end = page[at..].find(['\n']).map_or(page.len(), |end| at + end);
    &page[from..end]
}
