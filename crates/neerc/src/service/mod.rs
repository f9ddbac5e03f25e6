//! The loop: takes what happens, decides, makes durable, applies, answers, tells. The only place that knows both the
//! XMPP side and the store, and the only one that reads the clock.

pub mod archivist;
pub mod backdrop;
mod clocks;
pub mod copies;
mod end;
mod event;
pub mod health;
mod keeping;
mod keys;
mod log;
mod meters;
mod metrics;
mod onlooker;
pub mod operations;
mod people;
pub mod reload;
pub mod space;
pub mod standby;
pub mod standing;
pub mod status;
pub mod supervisor;
pub mod time;
mod undecided;
mod web;
mod webhooks;

use self::copies::{Copies, Copying, copied};
use self::event::{Event, next, stored};
use self::health::Health;
use self::keeping::KeepingWatch;
use self::meters::Gauge;
use self::reload::{ReloadAnswer, ReloadStep};
use self::standing::Remembered;
use self::status::{Question, Questions};
use self::supervisor::Supervisor;
use self::time::{Steady, wall_ms};
use self::web::{AllFaces, WebSide};
use crate::checklists::watch::ChecklistLook;
use crate::clocks::kept::KeptReading;
use crate::clocks::{ClockLook, ClockSource};
use crate::limits::{CHANGES_PER_SNAPSHOT, MESSAGES_WAITING};
use crate::link::{Link, LinkEvent, Reads, unreachable};
use crate::web::door::fresh_secret;
use crate::webhooks::Webhooks;
use neerc_core::checklist::Checklist;
use neerc_core::desk::Desk;
use neerc_core::ledger::{Now, Stored};
use neerc_core::planner::Patience;
use neerc_core::quota::Quota;
use neerc_store::{Committing, Holding, Opened, Store, StoreError};
use neerc_xmpp::front::{Front, FrontEvent, FrontSettings};
use std::future::Future;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::time::Instant;
use tokio::sync::{mpsc, oneshot, watch};

/// Why the service ended by itself.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The store cannot be trusted any more.
    #[error(
        "the store failed in a way that leaves it unknown what is on disk, so nothing was answered and the service ends; start it again, and what is on disk counts"
    )]
    Store(#[source] StoreError),
    /// Another process may serve from the store.
    #[error(
        "the lease that lets this process serve has run out, since the database could not be asked in time or another one \
         took over; so the service ends, and whoever starts it again has it stand by"
    )]
    Ousted,
}

/// Everything the loop holds.
pub struct Service {
    front: Front,
    link: Link,
    store: Store,
    /// For how long it may speak.
    holding: Holding,
    time: Steady,
    desk: Desk,
    /// What the ledger has handed out to be stored.
    committing: Option<Committing>,
    /// Who has the log as well.
    copying: Copying,
    /// What is told of how changes are kept.
    keeping: KeepingWatch,
    snapshot_revision: u64,
    health: watch::Sender<Health>,
    gauge: Gauge,
    looks: Option<mpsc::Receiver<(usize, ClockLook)>>,
    /// Where the clocks are read.
    sources: Vec<ClockSource>,
    /// Takes their last readings, to be kept.
    kept: Option<watch::Sender<Vec<KeptReading>>>,
    /// Lists of people from outside.
    lists: people::Lists,
    /// What the file of checklists holds, each time that it has changed.
    checklists: Option<mpsc::Receiver<ChecklistLook>>,
    /// What is wrong around the service, in words.
    warnings: Option<mpsc::Receiver<String>>,
    questions: Option<mpsc::Receiver<Question>>,
    probes: bool,
    /// The board in browsers, where it is served.
    web: Option<WebSide>,
    /// Who else is told what happens.
    webhooks: Option<Webhooks>,
    supervisor: Supervisor,
    /// Where what was not decided is left to the next process.
    leaves: Option<PathBuf>,
    /// What happens while the configuration is read again, and where that is asked for.
    reloads: Option<mpsc::Receiver<ReloadStep>>,
    rereader: Option<mpsc::Sender<oneshot::Sender<ReloadAnswer>>>,
    /// What is remembered of how it stands.
    remembered: Remembered,
}

impl Service {
    /// A service on an opened store, linked to the server at `host:port`.
    pub fn new(settings: FrontSettings, server: String, opened: Opened) -> Service {
        let Opened {
            store,
            boards,
            revision,
            snapshot_revision,
            told_revision,
            untold,
            newest,
            generation,
            lost,
            holding,
            ..
        } = opened;
        let time = Steady::start();
        let mut front = Front::new(settings, time.now_ms(), told_revision);
        let desk = Desk::new(boards, revision).after(newest);
        for (room, revision, notice) in desk.ledger.notices(&untold) {
            front.tell(time.now_ms(), &room, revision, notice);
        }
        Service {
            front,
            link: Link::open(server),
            store,
            holding,
            time,
            desk,
            committing: None,
            copying: Copying::new(Copies::new(revision), None),
            keeping: KeepingWatch::new(generation, lost),
            snapshot_revision,
            health: watch::Sender::default(),
            gauge: Gauge::default(),
            looks: None,
            sources: Vec::new(),
            kept: None,
            lists: people::Lists::default(),
            checklists: None,
            warnings: None,
            questions: None,
            probes: false,
            web: None,
            webhooks: None,
            supervisor: Supervisor::default(),
            leaves: None,
            reloads: None,
            rereader: None,
            remembered: Remembered::default(),
        }
    }

    /// The same for a check: it looks whether another connection of the component is open before it enters its rooms,
    /// and measures how long stanzas take through the server once it is ready.
    pub fn probing(mut self) -> Service {
        self.front.look_first();
        Service { probes: true, ..self }
    }

    /// The same, which waits so long for people.
    pub fn patient(self, patience: Patience) -> Service {
        Service { desk: self.desk.patient(patience), ..self }
    }

    /// The same with a limit on what each person may store in a day.
    pub fn within(self, quota: Quota) -> Service {
        Service { desk: self.desk.within(quota), ..self }
    }

    /// The same with checklists, and what comes of looking at their file again.
    pub fn with_checklists(
        mut self,
        checklists: Vec<Checklist>,
        looks: Option<mpsc::Receiver<ChecklistLook>>,
    ) -> Service {
        self.desk.checklists = checklists.into();
        Service { checklists: looks, ..self }
    }

    /// The same, passing on what is found wrong around it.
    pub fn warned_by(self, warnings: mpsc::Receiver<String>) -> Service {
        Service { warnings: Some(warnings), ..self }
    }

    /// The same, and where it can be asked how it is.
    pub fn answering(self) -> (Service, Questions) {
        let (sender, receiver) = mpsc::channel(MESSAGES_WAITING);
        (Service { questions: Some(receiver), ..self }, sender)
    }

    /// How the service is, as it changes.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// Serves until `stop` is over, then answers what was taken, leaves and closes the store.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), ServiceError> {
        self.clocks_set();
        self.begin_after_loss();
        let mut stop = pin!(stop);
        loop {
            if !self.holding.may_speak() {
                return Err(self.ousted());
            }
            self.look_at_standby();
            self.look_at_copies();
            self.advance();
            self.tell_supervisor();
            self.gauge.turned();
            let event = self.next(stop.as_mut()).await;
            self.gauge.woken();
            match event {
                Event::Stop => return self.finish().await,
                Event::Ousted => return Err(self.ousted()),
                Event::Stored(outcome) => self.stored(outcome)?,
                Event::Copied => self.settle(Ok(()))?,
                Event::Trouble(trouble) => self.trouble(trouble),
                Event::Clock(feed, look) => self.clock_read(feed, look),
                Event::People(look) => self.list_read(look),
                Event::Checklists(look) => self.checklists_read(look),
                Event::Reload(step) => self.reload_step(step),
                Event::Question(Question::Reload(back)) => self.reload_asked(back),
                Event::Question(Question::Key(request, back)) => self.key_asked(&request, back),
                Event::Question(Question::Standing(back)) => {
                    let standing = self.standing();
                    tokio::task::spawn_blocking(move || drop(back.send(standing.1(standing.0))));
                }
                Event::Question(Question::BackedUp(note)) => self.backed_up(note),
                Event::Question(Question::Health(back)) => {
                    let meters = self.measure();
                    self.note_health(|health| health.meters = meters);
                    let _ = back.send(self.health.borrow().clone()); // who does not wait is not told
                }
                Event::Web(ask) => self.web_asked(ask),
                Event::Due => self.timeout(),
                Event::Link(event) => self.link_event(event),
            }
        }
    }

    /// The next thing that happens. Of several, what comes first here: the disk is never left idle, and what people send
    /// waits for everything else.
    async fn next(&mut self, stop: Pin<&mut impl Future<Output = ()>>) -> Event {
        let due = tokio::time::sleep_until(self.wake_at().into());
        let reads = if self.is_congested() { Reads::Paused } else { Reads::Wanted };
        let mut nothing = None;
        let asks = match &mut self.web {
            Some(web) if !self.desk.ledger.is_full() => &mut web.web.bridge.asks,
            _ => &mut nothing,
        };
        tokio::select! {
            biased;
            () = stop => Event::Stop,
            () = self.holding.ended() => Event::Ousted,
            outcome = stored(&mut self.committing) => Event::Stored(outcome),
            () = copied(&mut self.copying) => Event::Copied,
            trouble = next(&mut self.warnings) => Event::Trouble(trouble),
            (feed, look) = next(&mut self.looks) => Event::Clock(feed, look),
            look = next(&mut self.lists.looks) => Event::People(look),
            look = next(&mut self.checklists) => Event::Checklists(look),
            step = next(&mut self.reloads) => Event::Reload(step),
            question = next(&mut self.questions) => Event::Question(question),
            ask = next(asks) => Event::Web(ask),
            () = due => Event::Due,
            event = self.link.next(reads) => Event::Link(event),
        }
    }

    /// Another process may serve from now on: nothing more is said, not even a farewell.
    fn ousted(&mut self) -> ServiceError {
        self.link.close();
        ServiceError::Ousted
    }

    /// Does all that can be done without waiting.
    fn advance(&mut self) {
        self.decide();
        let now_ms = self.time.now_ms();
        self.gauge.link(self.link.is_up() && !self.link.is_free(), now_ms);
        if let Some(output) = self.link.free_output() {
            self.front.transmit(now_ms, self.desk.world(), output, neerc_xmpp::limits::LINK_CHUNK_BYTES);
        }
        self.front.resume(now_ms, self.desk.world());
        self.decide();
        self.show_web();
        self.look_at_endpoints();
    }

    /// Decides what is asked; an answer may bring the next ask, as where several chat lines came at once.
    fn decide(&mut self) {
        let now = self.now();
        self.desk.look_at_plans(now, &mut AllFaces { front: &mut self.front, web: &mut self.web });
        self.take_events();
        loop {
            let waiting = self.desk.ledger.waiting();
            self.decide_waiting();
            if self.desk.ledger.waiting() == waiting {
                return; // all that is left waits for the disk
            }
            self.take_events();
        }
    }

    fn is_congested(&self) -> bool {
        self.front.is_congested() || self.desk.ledger.is_full()
    }

    fn wake_at(&self) -> Instant {
        let mut wake_ms = self.front.next_timeout_ms().min(self.desk.next_due_ms());
        if self.link.is_free() {
            wake_ms = wake_ms.min(self.front.next_transmit_ms());
        }
        let now_ms = self.time.now_ms();
        let beat_ms = self.supervisor.next_ms(now_ms).min(now_ms.saturating_add(self.holding.left_ms()));
        let beat_ms = beat_ms.min(self.keeping.next_ms());
        self.time.at(wake_ms.min(self.desk.ledger.next_commit_ms()).min(self.web_wake_ms()).min(beat_ms))
    }

    /// Does what is due.
    fn timeout(&mut self) {
        let now_ms = self.time.now_ms();
        self.front.timeout(now_ms);
        if self.desk.tick(now_ms, &mut AllFaces { front: &mut self.front, web: &mut self.web }) {
            self.desk.clocks.set_zone(time::zone_ms()); // it changes twice a year
        }
    }

    fn link_event(&mut self, event: LinkEvent) {
        let now_ms = self.time.now_ms();
        match event {
            LinkEvent::Connected => self.front.connected(now_ms),
            LinkEvent::Received => {
                self.front.time_of_day(now_ms, wall_ms());
                self.front.receive(now_ms, self.link.input(), self.desk.world());
            }
            LinkEvent::Written => {}
            LinkEvent::Lost(error) => {
                let refusal = self.front.silent_refusal();
                self.front.disconnected();
                self.lost(refusal.unwrap_or_else(|| unreachable(self.link.server(), &error)));
            }
        }
    }

    fn take_events(&mut self) {
        while let Some(event) = self.front.poll() {
            match event {
                FrontEvent::Ask(ask) => self.desk.ask(ask, fresh_secret),
                FrontEvent::Online => {
                    self.link.accepted();
                    self.remembered.connected_ms = Some(self.time.now_ms());
                    tracing::info!("connected to {}", self.link.server());
                    self.note_health(|health| (health.online, health.lost) = (true, None));
                }
                FrontEvent::Ready => {
                    let rooms: Vec<&str> = self.front.rooms().map(|watch| &*watch.room).collect();
                    tracing::info!("ready: rooms {}", rooms.join(", "));
                    for watch in self.front.rooms().filter(|watch| !watch.people().has_power()) {
                        tracing::warn!(
                            "nobody but the service has power in {}: name owners in rooms.owners, or have the server do it; \
                             neerc check prints the command",
                            watch.jid.as_str()
                        );
                    }
                    self.note_health(|health| health.ready = true);
                    if self.probes {
                        self.front.probe(self.time.now_ms());
                    }
                }
                FrontEvent::RoomCreated(room) => tracing::info!("created the room {room}, which was missing"),
                FrontEvent::OwnersNamed { room, owners } => {
                    tracing::info!("nobody had power in the room {room}: {owners} became owners, as rooms.owners says");
                }
                FrontEvent::Trouble(trouble) => self.trouble(trouble),
                FrontEvent::Ended(why) => {
                    self.front.disconnected();
                    self.link.reconnect();
                    self.lost(why);
                }
                FrontEvent::Told(revision) => self.told(revision),
                FrontEvent::TakenUp { young, old } => self.taken_up(young, old),
                FrontEvent::Probed(round_trips) => self.note_health(|health| health.round_trips = Some(round_trips)),
            }
        }
    }

    /// The file of checklists has changed. What is gone through goes on as it was begun.
    fn checklists_read(&mut self, look: ChecklistLook) {
        match look {
            ChecklistLook::File(read) => {
                tracing::info!("the file of checklists was read again: {} checklists", read.checklists.len());
                self.desk.checklists = read.checklists.into();
            }
            ChecklistLook::Wrong(why) => self.trouble(why),
        }
    }

    // Writes

    fn now(&self) -> Now {
        Now { steady_us: self.time.now_us(), wall_ms: wall_ms() }
    }

    /// Decides what waits; begins to make it durable, unless something is being made durable already.
    fn decide_waiting(&mut self) {
        let now = self.now();
        let entries = self.desk.decide(now, &mut AllFaces { front: &mut self.front, web: &mut self.web });
        self.commit(entries);
    }

    /// What was to be stored is on disk, or not.
    fn stored(&mut self, outcome: Result<(), StoreError>) -> Result<(), ServiceError> {
        self.committing = None;
        self.gauge.committed(outcome.is_ok());
        if outcome.is_ok() && self.waits_for_copy() {
            return Ok(());
        }
        self.settle(outcome)
    }

    /// What was to be stored counts now, or is refused.
    fn settle(&mut self, outcome: Result<(), StoreError>) -> Result<(), ServiceError> {
        let stored = match &outcome {
            Ok(()) => Stored::Yes,
            Err(error) if error.is_fatal() => Stored::Unknown,
            Err(_) => Stored::No,
        };
        let mut settled = match (self.desk.ledger.stored(self.now(), stored), outcome) {
            (Ok(settled), Ok(())) => settled,
            (Ok(settled), Err(error)) => {
                let refused = settled.refused;
                self.trouble(format!("{refused} changes were refused because they could not be stored: {error}"));
                settled
            }
            (Err(_), outcome) => return outcome.map_err(ServiceError::Store),
        };
        self.copying.copies.counts(self.desk.ledger.revision());
        self.commit(settled.next.take());
        self.gauge.changed(settled.entries.last(), self.time.now_ms());
        settled.entries.iter().for_each(log::change);
        self.tell_webhooks(settled.entries.last());
        self.desk.clocks.set_zone(time::zone_ms());
        let now = self.now();
        self.desk.settle(now, settled, &mut AllFaces { front: &mut self.front, web: &mut self.web });
        if self.desk.ledger.revision() - self.snapshot_revision >= CHANGES_PER_SNAPSHOT {
            self.snapshot();
        }
        Ok(())
    }

    fn snapshot(&mut self) {
        self.snapshot_revision = self.desk.ledger.revision();
        self.store.snapshot(self.snapshot_revision, self.desk.ledger.boards().clone());
    }
}
