//! Who has the log as well: followers on other machines, and what waits until one of them has it. Not how they are fed.

use super::{Service, ServiceError};
use crate::follow::Alone;
use crate::limits;
use neerc_core::keeping::CopyLack;
use std::collections::BTreeMap;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::sync::watch;
use tokio::time::Instant;

/// Who follows, as the loop and those who are fed share it. Clones refer to the same.
#[derive(Debug, Clone)]
pub struct Copies(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// The newest revision on this disk.
    stored: watch::Sender<u64>,
    /// Up to which revision each follower has the log on its disk.
    held: watch::Sender<Held>,
    /// The newest revision that counts: it is on as many disks as it should be.
    counting: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Held {
    next: u64,
    followers: BTreeMap<u64, u64>,
}

impl Copies {
    /// Nobody follows yet, and that is the newest revision.
    pub fn new(revision: u64) -> Copies {
        let (stored, held) = (watch::Sender::new(revision), watch::Sender::new(Held::default()));
        Copies(Arc::new(Shared { stored, held, counting: Arc::new(AtomicU64::new(revision)) }))
    }

    /// The newest revision that counts, for those who read the log by themselves: what is after it was answered to nobody yet.
    pub fn counting(&self) -> Arc<AtomicU64> {
        self.0.counting.clone()
    }

    /// Everything up to that revision counts.
    pub(super) fn counts(&self, revision: u64) {
        self.0.counting.store(revision, Ordering::SeqCst);
    }

    /// Up to which revision each follower has the log.
    pub fn followers(&self) -> Vec<u64> {
        self.0.held.borrow().followers.values().copied().collect()
    }

    /// Whether nobody follows.
    fn is_empty(&self) -> bool {
        self.0.held.borrow().followers.is_empty()
    }

    /// Everything up to that revision is on this disk.
    pub fn stored(&self, revision: u64) {
        self.0.stored.send_replace(revision);
    }

    /// Waits until a follower has it up to that revision, or, if it is to go on alone, until there is no follower.
    async fn held(&self, revision: u64, alone: Alone) {
        let has = |held: &Held| {
            let goes_on = alone == Alone::GoOn && held.followers.is_empty();
            goes_on || held.followers.values().any(|has| *has >= revision)
        };
        if self.0.held.subscribe().wait_for(has).await.is_err() {
            pending().await // it is held here, so that cannot be
        }
    }

    /// Tells a follower what is new, and hears what it has, until it is gone or silent: a decimal number a line, both ways.
    pub async fn serve(self, reader: impl AsyncRead + Unpin, mut writer: impl AsyncWrite + Unpin) -> io::Result<()> {
        let mut stored = self.0.stored.subscribe();
        let Some(place) = Place::take(&self) else { return Ok(()) };
        let mut lines = BufReader::new(reader).lines();
        let mut newest = *stored.borrow_and_update();
        let mut deadline = Instant::now() + limits::FOLLOW_SILENCE;
        loop {
            writer.write_all(format!("{newest}\n").as_bytes()).await?;
            let said = loop {
                tokio::select! {
                    changed = stored.changed() => break changed.map(|()| *stored.borrow_and_update()),
                    line = tokio::time::timeout_at(deadline, lines.next_line()) => match line {
                        Ok(Ok(Some(line))) => match line.trim().parse() {
                            Ok(revision) => {
                                place.has(revision);
                                deadline = Instant::now() + limits::FOLLOW_SILENCE;
                            }
                            Err(_) => return Ok(()),
                        },
                        Ok(Ok(None)) | Err(_) => return Ok(()),
                        Ok(Err(error)) => return Err(error),
                    },
                }
            };
            match said {
                Ok(revision) => newest = revision,
                Err(_) => return Ok(()),
            }
        }
    }
}

/// The place of a follower among the others, which it leaves on drop.
struct Place {
    copies: Copies,
    id: u64,
}

impl Place {
    /// None if there are enough already.
    fn take(copies: &Copies) -> Option<Place> {
        let mut id = None;
        copies.0.held.send_if_modified(|held| {
            if held.followers.len() < limits::FOLLOWERS {
                held.next += 1;
                id = Some(held.next);
            }
            false // it has nothing yet
        });
        Some(Place { copies: copies.clone(), id: id? })
    }

    fn has(&self, revision: u64) {
        self.copies.0.held.send_modify(|held| {
            held.followers.insert(self.id, revision);
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.copies.0.held.send_modify(|held| {
            held.followers.remove(&self.id);
        });
    }
}

/// What the loop knows of it.
#[derive(Debug)]
pub(super) struct Copying {
    pub copies: Copies,
    /// What to do alone; `None` if no second copy is wanted.
    alone: Option<Alone>,
    /// The batch up to that revision is on this disk and waits.
    waiting: Option<u64>,
    /// That there is no follower was said.
    is_alone: bool,
}

impl Copying {
    pub fn new(copies: Copies, alone: Option<Alone>) -> Copying {
        Copying { copies, alone, waiting: None, is_alone: false }
    }

    /// Whether changes should be on two machines.
    pub fn is_wanted(&self) -> bool {
        self.alone.is_some()
    }

    /// What comes of it that nobody follows, where somebody should.
    pub fn lack(&self) -> Option<CopyLack> {
        let alone = self.alone.filter(|_| self.copies.is_empty())?;
        Some(match alone {
            Alone::Wait => CopyLack::Waits,
            Alone::GoOn => CopyLack::GoesOn,
        })
    }
}

/// What waits is elsewhere too; never, if nothing waits.
pub(super) async fn copied(copying: &mut Copying) {
    match (copying.waiting, copying.alone) {
        (Some(revision), Some(alone)) => copying.copies.held(revision, alone).await,
        _ => pending().await,
    }
    copying.waiting = None;
}

impl Service {
    /// The same, whose log others follow. With `alone`, a change is answered only once it is on two machines.
    pub fn followed_by(self, copies: Copies, alone: Option<Alone>) -> Service {
        Service { copying: Copying::new(copies, alone), ..self }
    }

    /// What was being stored is on this disk. Whether it is to be elsewhere before it counts.
    pub(super) fn waits_for_copy(&mut self) -> bool {
        let Some(newest) = self.desk.ledger.storing().and_then(|entries| entries.last()) else { return false };
        let revision = newest.revision;
        self.copying.copies.stored(revision);
        let Some(alone) = self.copying.alone else { return false };
        let is_alone = self.copying.copies.is_empty();
        if is_alone && !self.copying.is_alone {
            self.trouble(match alone {
                Alone::Wait => {
                    "no other machine follows, so changes wait until one does: start neerc follow there".to_owned()
                }
                Alone::GoOn => {
                    "no other machine follows, so changes are on this machine alone: start neerc follow there"
                        .to_owned()
                }
            });
        } else if !is_alone && self.copying.is_alone {
            tracing::info!("another machine follows again");
        }
        self.copying.is_alone = is_alone;
        self.copying.waiting = Some(revision);
        true
    }

    /// At the end: what waits is waited for.
    pub(super) async fn await_copy(&mut self) -> Result<(), ServiceError> {
        if self.copying.waiting.is_some() {
            copied(&mut self.copying).await;
            self.settle(Ok(()))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Poll;
    use tokio::io::duplex;

    async fn is_done(future: impl Future<Output = ()>) -> bool {
        let mut future = std::pin::pin!(future);
        std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
    }

    #[tokio::test]
    async fn a_change_counts_once_a_follower_has_it_or_there_is_none() {
        let copies = Copies::new(4);
        assert!(!is_done(copies.held(4, Alone::Wait)).await, "nobody has it");
        assert!(is_done(copies.held(4, Alone::GoOn)).await);
        let (ours, theirs) = duplex(100);
        let (reader, writer) = tokio::io::split(ours);
        let serving = tokio::spawn(copies.clone().serve(reader, writer));
        let (theirs, mut say) = tokio::io::split(theirs);
        let mut theirs = BufReader::new(theirs).lines();
        assert_eq!(theirs.next_line().await.unwrap().unwrap(), "4");
        say.write_all(b"3\n").await.unwrap();
        copies.held(3, Alone::Wait).await;
        assert!(!is_done(copies.held(4, Alone::GoOn)).await, "whoever follows is waited for");
        copies.stored(5);
        assert_eq!(theirs.next_line().await.unwrap().unwrap(), "5");
        say.write_all(b"5\n").await.unwrap();
        copies.held(5, Alone::Wait).await;
        assert_eq!(copies.followers(), [5]);
        drop((say, theirs));
        serving.await.unwrap().unwrap();
        assert!(copies.followers().is_empty());
        assert!(!is_done(copies.held(5, Alone::Wait)).await, "it is gone");
    }
}
