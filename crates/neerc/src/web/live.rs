//! What keeps pages true: a stream of events for each browser (server-sent events). Of each change only the parts that differ
//! are sent, drawn once for all who see the same. A stream begins with what its page does not show yet, ends with its session,
//! and holds nothing back for a reader who does not keep up: they are sent the difference to what they have, whatever that is.

use super::WebSite;
use super::board::filter;
use super::door::Pass;
use super::draw::{self, Pen};
use super::drawn::SharedSight;
use super::limits;
use super::picture::Picture;
use super::server::end;
use super::visit::Visit;
use axum::body::{Body, Bytes};
use axum::extract::RawQuery;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName};
use axum::response::{IntoResponse, Response};
use futures_core::Stream;
use neerc_core::change::Room;
use neerc_core::face::grid::GridFilter;
use neerc_core::people::{Person, Rights};
use neerc_core::refusal::Refusal;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::convert::Infallible;
use std::future::pending;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

/// Which picture a page shows.
pub fn id_of(picture: &Picture) -> String {
    format!("{:x}-{}", picture.generation, picture.serial)
}

/// From which picture of a room to which.
type Leap = (Room, u64, u64);

/// What is told of the way from one picture to another.
#[derive(Debug, Default)]
struct Step {
    /// To whose own tasks something happened.
    own_news: BTreeSet<Person>,
    /// The event for all who see the same.
    told: HashMap<SharedSight, Bytes>,
}

/// Who looks at a room.
#[derive(Debug, Default)]
struct Lookers {
    /// How many streams each of them has.
    streams: BTreeMap<Person, usize>,
    /// All of them.
    people: Arc<BTreeSet<Person>>,
}

/// What streams share.
#[derive(Debug, Default)]
struct Shared {
    /// Pictures that some page shows, by room and serial.
    shown: HashMap<Room, BTreeMap<u64, Arc<Picture>>>,
    steps: HashMap<Leap, Step>,
    /// How much of that there is, in bytes.
    told_bytes: usize,
    /// Who looks at each room.
    looking: HashMap<Room, Lookers>,
    /// The streams of each session or token, the oldest first; a stream ends when its sender is dropped.
    streams: HashMap<Pass, VecDeque<(u64, oneshot::Sender<()>)>>,
    next_stream: u64,
}

/// The streams of all browsers.
#[derive(Debug)]
pub struct Streams {
    shared: Mutex<Shared>,
    /// Counts how often somebody came or went.
    comings: watch::Sender<u64>,
}

impl Default for Streams {
    fn default() -> Streams {
        Streams { shared: Mutex::default(), comings: watch::Sender::new(0) }
    }
}

impl Streams {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A page shows this picture.
    pub fn note_shown(&self, picture: &Arc<Picture>) {
        let mut shared = self.shared();
        let shown = shared.shown.entry(picture.room.clone()).or_default();
        shown.insert(picture.serial, picture.clone());
        if shown.len() > limits::PICTURES_KEPT {
            shown.pop_first();
        }
    }

    /// The picture that a page says it shows, if it is of this run of the service and still known.
    fn shown(&self, newest: &Picture, id: &str) -> Option<Arc<Picture>> {
        let (generation, serial) = id.split_once('-')?;
        let is_ours = u64::from_str_radix(generation, 16).ok()? == newest.generation;
        let serial: u64 = serial.parse().ok()?;
        let known = self.shared().shown.get(&newest.room)?.get(&serial).filter(|_| is_ours).cloned();
        known.filter(|known| known.generation == newest.generation)
    }

    /// Who looks at a room now.
    pub fn looking(&self, room: &str) -> Arc<BTreeSet<Person>> {
        self.shared().looking.get(room).map(|lookers| lookers.people.clone()).unwrap_or_default()
    }

    /// The same, with how often somebody came or went before.
    pub fn looking_after(&self, room: &str) -> (u64, Arc<BTreeSet<Person>>) {
        let comings = *self.comings.borrow();
        (comings, self.looking(room))
    }

    /// What all who see the same are told of a leap, and whether it is about somebody's own tasks as well.
    fn told(&self, leap: &Leap, sight: &SharedSight, who: &Person) -> Option<(Bytes, bool)> {
        let shared = self.shared();
        let step = shared.steps.get(leap)?;
        step.told.get(sight).map(|told| (told.clone(), step.own_news.contains(who)))
    }

    /// Notes what was drawn for that.
    fn note_told(&self, leap: Leap, sight: SharedSight, told: Bytes, own_news: BTreeSet<Person>) {
        let mut shared = self.shared();
        let more = told.len() + limits::TOLD_ENTRY_BYTES;
        if shared.told_bytes + more > limits::TOLD_BYTES {
            shared.steps.clear();
            shared.told_bytes = 0;
        }
        shared.told_bytes += more;
        let step = shared.steps.entry(leap).or_insert_with(|| Step { own_news, told: HashMap::new() });
        if let Some(old) = step.told.insert(sight, told) {
            shared.told_bytes -= old.len() + limits::TOLD_ENTRY_BYTES; // it was counted when it was noted
        }
    }

    fn begin(self: &Arc<Self>, visit: &Visit) -> (Looking, oneshot::Receiver<()>) {
        let (sender, ended) = oneshot::channel();
        let mut shared = self.shared();
        let number = shared.next_stream;
        shared.next_stream += 1;
        let room = visit.picture.room.clone();
        // Whom a wall was made for is not before it.
        let who = (!visit.pass.is_wall()).then(|| visit.who.clone());
        if let Some(who) = &who {
            let lookers = shared.looking.entry(room.clone()).or_default();
            let own = lookers.streams.entry(who.clone()).or_default();
            *own += 1;
            if *own == 1 {
                Arc::make_mut(&mut lookers.people).insert(who.clone());
            }
        }
        let most = if visit.pass.is_wall() { limits::STREAMS_PER_TOKEN } else { limits::STREAMS_PER_SESSION };
        let of_pass = shared.streams.entry(visit.pass).or_default();
        of_pass.push_back((number, sender));
        if of_pass.len() > most {
            of_pass.pop_front();
        }
        drop(shared);
        self.comings.send_modify(|comings| *comings += 1);
        (Looking { streams: self.clone(), room, who, pass: visit.pass, number }, ended)
    }
}

/// Somebody looks at a room, as long as this lives.
struct Looking {
    streams: Arc<Streams>,
    room: Room,
    /// Nobody, where it is a wall.
    who: Option<Person>,
    pass: Pass,
    number: u64,
}

impl Drop for Looking {
    fn drop(&mut self) {
        let mut shared = self.streams.shared();
        if let (Some(who), Some(lookers)) = (&self.who, shared.looking.get_mut(&self.room))
            && let Some(own) = lookers.streams.get_mut(who)
        {
            *own -= 1;
            if *own == 0 {
                lookers.streams.remove(who);
                Arc::make_mut(&mut lookers.people).remove(who);
            }
        }
        if let Some(streams) = shared.streams.get_mut(&self.pass) {
            streams.retain(|(number, _)| *number != self.number);
            if streams.is_empty() {
                shared.streams.remove(&self.pass);
            }
        }
        drop(shared);
        self.streams.comings.send_modify(|comings| *comings += 1);
    }
}

/// The events of one stream, as they come.
pub struct Events(pub mpsc::Receiver<Bytes>);

impl Stream for Events {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}

/// Opens a stream.
pub async fn open(visit: Visit, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    stream(visit, &query.unwrap_or_default(), &headers)
}

/// The events for somebody, from the picture on that the address or the browser names.
pub fn stream(visit: Visit, query: &str, headers: &HeaderMap) -> Response {
    let resumed = headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let since = super::board::form(query).into_iter().find(|(name, _)| name == "since").map(|(_, since)| since);
    let since = resumed.filter(|id| !id.is_empty()).or(since).unwrap_or_default();
    let (sender, events) = mpsc::channel(1);
    tokio::spawn(Reader::new(visit, filter(query), sender).read(since));
    let kept = (CACHE_CONTROL, "no-store");
    // A proxy that gathers what it passes on would hold events back.
    let headers = [(CONTENT_TYPE, "text/event-stream"), kept, (HeaderName::from_static("x-accel-buffering"), "no")];
    (headers, Body::from_stream(Events(events))).into_response()
}

/// An event as it stands in a stream. Each line is marked by itself, so nothing that people wrote begins another event.
pub fn event(name: &str, id: Option<&str>, data: &str) -> String {
    let mut event = format!("event: {name}\n");
    if let Some(id) = id {
        event.push_str(&format!("id: {id}\n"));
    }
    for line in data.split(['\n', '\r']) {
        event.push_str("data: ");
        event.push_str(line);
        event.push('\n');
    }
    event.push('\n');
    event
}

/// Over when others look than were told of; many who come at once are told of together.
async fn comers(
    site: &WebSite,
    room: &str,
    told: &Arc<BTreeSet<Person>>,
    comings: &mut watch::Receiver<u64>,
    from: Instant,
) {
    while site.streams.looking(room) == *told {
        if comings.changed().await.is_err() {
            pending::<()>().await; // then the service ends, which is noticed elsewhere
        }
    }
    tokio::time::sleep_until(from).await;
}

/// One stream.
struct Reader {
    /// What was sent last.
    visit: Visit,
    rights: Option<Rights>,
    filter: GridFilter,
    sender: mpsc::Sender<Bytes>,
    looked: Arc<BTreeSet<Person>>,
    /// When it is told next who else looks, if that is others than it was told.
    looks_at: Instant,
}

/// Why a stream wakes up.
enum Wake {
    News,
    Beat,
    /// The service ends.
    Stop,
    /// The session has too many streams.
    Full,
    /// Nobody reads it any more.
    Gone,
}

impl Reader {
    fn new(visit: Visit, filter: GridFilter, sender: mpsc::Sender<Bytes>) -> Reader {
        let rights = visit.picture.people.rights(&visit.who);
        Reader { visit, rights, filter, sender, looked: Arc::default(), looks_at: Instant::now() }
    }

    async fn read(mut self, since: String) {
        let site = self.visit.site.clone();
        let (looking, mut full) = site.streams.begin(&self.visit);
        let (_present, is_wall) = (site.crowd.streams.enter(), self.visit.pass.is_wall());
        let (mut albums, mut comings) = (site.bridge.albums(), site.streams.comings.subscribe());
        let mut stopped = site.stopped.clone();
        albums.mark_changed();
        let mut first = format!("retry: {}\n\n", limits::RETRY_MS);
        match site.streams.shown(&self.visit.picture, &since) {
            Some(shown) => {
                // The page was drawn by the rights of then.
                self.rights = shown.people.rights(&self.visit.who);
                self.visit.picture = shown;
            }
            None => first.push_str(&event("reload", Some(&id_of(&self.visit.picture)), "")),
        }
        if self.sender.send(first.into()).await.is_err() {
            return;
        }
        let mut beat = interval(limits::BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let wake = tokio::select! {
                biased;
                () = end(&mut stopped) => Wake::Stop,
                () = self.sender.closed() => Wake::Gone,
                _ = &mut full => Wake::Full,
                changed = albums.changed() => if changed.is_ok() { Wake::News } else { Wake::Stop },
                () = comers(&site, &self.visit.picture.room, &self.looked, &mut comings, self.looks_at), if !is_wall => Wake::News,
                _ = beat.tick() => Wake::Beat,
            };
            // What happens until there is room again is sent together.
            let Ok(Ok(room)) = timeout(limits::STALLED, self.sender.clone().reserve_owned()).await else { break };
            albums.mark_unchanged();
            match self.news(&wake) {
                Ok(news) if news.is_empty() => {}
                Ok(news) => drop(room.send(news)),
                Err(last) => {
                    room.send(last.into());
                    break;
                }
            }
        }
        drop(looking);
    }

    /// What has to be sent; `Err`: and nothing after it.
    fn news(&mut self, wake: &Wake) -> Result<Bytes, String> {
        match wake {
            Wake::Stop | Wake::Gone => return Err("retry: 1000\n\n".to_owned()),
            Wake::Full => return Err(event("full", None, "")),
            Wake::News | Wake::Beat => {}
        }
        let visit = self.visit.again();
        if self.visit.only_looks() && !visit.only_looks() {
            // This machine serves from now on. The page has to be another one, once there is one.
            let is_read = !visit.picture.people.is_empty();
            return if is_read { Err(event("rights", None, "")) } else { Ok(Bytes::new()) };
        }
        let who = self.visit.pass.holder(&visit.picture, visit.time.wall_ms);
        let rights = visit.picture.people.rights(&visit.who);
        if who.as_ref() != Some(&visit.who) || rights.is_none() {
            return Err(event("bye", None, ""));
        }
        if rights != self.rights {
            // The page has to be another one; it begins a stream of its own.
            return Err(event("rights", None, ""));
        }
        let (told, has_own_news) = self.told(&visit).map_err(|_| event("bye", None, ""))?;
        let own = self.own_parts(&visit, has_own_news).map_err(|_| event("bye", None, ""))?;
        let is_beat = matches!(wake, Wake::Beat);
        self.visit = visit;
        if own.is_empty() && !is_beat {
            return Ok(told); // shared with all who see the same
        }
        let mut news = String::from_utf8_lossy(&told).into_owned();
        if !own.is_empty() {
            let at = id_of(&self.visit.picture);
            news.push_str(&event("cells", Some(&at), &format!("{at}\n{own}")));
        }
        if is_beat {
            let elsewhere = draw::elsewhere(&self.visit.site, self.visit.language).unwrap_or_default();
            news.push_str(&event("beat", None, &format!("{}{elsewhere}", draw::clock(&self.visit))));
        }
        Ok(news.into())
    }

    /// The parts that differ for this reader beside what all are told.
    fn own_parts(&mut self, visit: &Visit, has_own_news: bool) -> Result<String, Refusal> {
        let mut parts = String::new();
        if visit.pass.is_wall() {
            // Nobody's own tasks stand on it, nor who is there.
        } else {
            if has_own_news {
                let mine = GridFilter { mine: true, ..GridFilter::default() };
                let view = visit.board_view()?;
                let pen = Pen { visit, is_admin: visit.is_admin(&view) };
                parts.push_str(&draw::mine(pen, &visit.grid(&view, &mine)));
            }
            let looked = visit.site.streams.looking(&visit.picture.room);
            let has_comers = looked != self.looked && Instant::now() >= self.looks_at;
            if visit.picture.keeping != self.visit.picture.keeping {
                let view = visit.board_view()?;
                parts.push_str(&draw::keeping(Pen { visit, is_admin: visit.is_admin(&view) }));
            }
            if has_comers || self.is_online_news(visit) {
                parts.push_str(&draw::online(Pen { visit, is_admin: false }, &looked));
                self.looks_at = Instant::now() + limits::COMERS;
                self.looked = looked;
            }
        }
        if visit.elsewhere.as_ref().map(|now| now.revision) != self.visit.elsewhere.as_ref().map(|was| was.revision) {
            parts.push_str(&draw::elsewhere(&visit.site, visit.language).unwrap_or_default());
        }
        if visit.picture.clock != self.visit.picture.clock {
            parts.push_str(&draw::clock(visit));
        }
        Ok(parts)
    }

    fn is_online_news(&self, visit: &Visit) -> bool {
        let (old, new) = (&self.visit.picture, &visit.picture);
        old.is_connected != new.is_connected
            || !Arc::ptr_eq(&old.online, &new.online)
            || !Arc::ptr_eq(&old.people, &new.people)
    }

    /// The event that tells all who see the same what differs on the board, and whether it is about the reader's own tasks as
    /// well; nothing where the page shows that picture.
    fn told(&self, visit: &Visit) -> Result<(Bytes, bool), Refusal> {
        let (old, new) = (&self.visit.picture, &visit.picture);
        if old.serial == new.serial {
            return Ok((Bytes::new(), false));
        }
        let view = visit.board_view()?;
        let (leap, sight) = ((new.room.clone(), old.serial, new.serial), visit.sight(&view, &self.filter));
        let streams = &visit.site.streams;
        if let Some(told) = streams.told(&leap, &sight, &visit.who) {
            return Ok(told);
        }
        streams.note_shown(new);
        let told = event("cells", Some(&id_of(new)), &format!("{}\n{}", id_of(old), self.board(visit)?));
        let (told, own_news) = (Bytes::from(told), own_news(old, new));
        let has_own_news = own_news.contains(&visit.who);
        streams.note_told(leap, sight, told.clone(), own_news);
        Ok((told, has_own_news))
    }

    /// What differs in the table and the list.
    fn board(&self, visit: &Visit) -> Result<String, Refusal> {
        let (old_view, view) = (self.visit.board_view()?, visit.board_view()?);
        let (old, new) = (self.visit.grid(&old_view, &self.filter), visit.grid(&view, &self.filter));
        let pen = Pen { visit, is_admin: visit.is_admin(&view) };
        Ok(draw::difference(pen, &old, &new) + &draw::list_difference(pen, &old, &new))
    }
}

/// To whose tasks anything has happened, of those who have or had them.
fn own_news(old: &Picture, new: &Picture) -> BTreeSet<Person> {
    if Arc::ptr_eq(&old.board, &new.board) {
        return BTreeSet::new();
    }
    let state = |picture: &Picture, id| {
        let task = picture.board.task(id)?;
        Some((task.revision, picture.board.deadline(id).cloned()))
    };
    let changed = |picture: &Picture, other: &Picture| {
        let changed = picture.board.tasks().filter(|task| state(picture, task.id) != state(other, task.id));
        changed.flat_map(|task| task.statuses.keys()).cloned().collect::<BTreeSet<_>>()
    };
    let mut people = changed(old, new);
    people.append(&mut changed(new, old));
    people
}
