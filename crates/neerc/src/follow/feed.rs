//! The side of the machine that serves: reads the log of the store, also while no service uses it, and says what is new
//! as soon as the service says that there is something. What the follower has is passed on to the service.

use super::wire::{self, FeedLine, FollowerLine};
use crate::limits::{self, FOLLOW_VERSION};
use neerc_core::change::Entry;
use neerc_store::{self as store, Existing, LogReader, StoreError, Url};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Instant;

/// Why the feed ends, but for its follower being gone.
#[derive(Debug, thiserror::Error)]
pub enum FeedError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The follower cannot be spoken to.
    #[error("the follower cannot be spoken to: {0}")]
    Io(#[from] io::Error),
    /// The follower says something else than what it should.
    #[error("the follower says what is not understood: {0}")]
    Strange(String),
}

/// What the feed waits for.
enum Event {
    /// The follower said something.
    Follower(FollowerLine),
    /// The follower is gone.
    Gone(io::Result<()>),
    /// There may be something new in the log.
    Stored,
    /// The service has ended, or cannot be asked.
    Alone,
}

/// Feeds whoever speaks by `reader` and hears by `writer`, until they are gone. A service of that store listens at `socket`.
pub fn feed(url: &Url, socket: &Path, reader: impl Read + Send + 'static, writer: impl Write) -> Result<(), FeedError> {
    let (sender, events) = mpsc::channel();
    let theirs = sender.clone();
    thread::spawn(move || listen(reader, &theirs));
    let mut feed = Feed {
        log: LogReader::of(url),
        writer: io::BufWriter::new(writer),
        service: None,
        said: 0,
        told: None,
        had: 0,
        spoken: Instant::now(),
    };
    match events.recv_timeout(limits::FOLLOW_SILENCE) {
        Ok(Event::Follower(FollowerLine::Follow { version: FOLLOW_VERSION, revision, last })) => {
            if !feed.begin(url, revision, last.as_deref().map(|line| line.get()))? {
                return Ok(());
            }
        }
        Ok(Event::Follower(FollowerLine::Follow { version, .. })) => {
            return feed
                .refuse(format!("the follower speaks version {version}, and this neerc version {FOLLOW_VERSION}"));
        }
        Ok(Event::Gone(gone)) => return gone.map_err(FeedError::Io),
        other => return Err(FeedError::Strange(if other.is_ok() { "no greeting" } else { "nothing" }.to_owned())),
    }
    feed.serve(socket, &events, &sender)
}

/// Reads what a follower says.
fn listen(reader: impl Read, events: &Sender<Event>) {
    let mut reader = BufReader::new(reader);
    let gone = loop {
        match wire::read(&mut reader) {
            Ok(Some(line)) => match events.send(Event::Follower(line)) {
                Ok(()) => {}
                Err(_) => return, // the feed has ended
            },
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    let _ = events.send(Event::Gone(gone)); // the feed may have ended
}

struct Feed<W: Write> {
    log: LogReader,
    writer: io::BufWriter<W>,
    /// Where the service is told what the follower has.
    service: Option<UnixStream>,
    /// All up to that revision was said.
    said: u64,
    told: Option<(u64, BTreeMap<String, u64>)>,
    /// The follower has it up to that revision.
    had: u64,
    /// When something was said last.
    spoken: Instant,
}

impl<W: Write> Feed<W> {
    fn refuse(&mut self, why: String) -> Result<(), FeedError> {
        wire::write(&mut self.writer, &FeedLine::Refused(why))?;
        Ok(self.writer.flush()?)
    }

    /// Says where the log begins for a follower that has it up to that revision; whether it goes on.
    fn begin(&mut self, url: &Url, revision: u64, last: Option<&str>) -> Result<bool, FeedError> {
        let floor = self.log.floor()?.revision;
        let ours = self.log.read_all(revision.saturating_sub(1), 1)?;
        let ours = ours.first().filter(|entry| entry.revision == revision);
        let is_same = |ours: &Entry| {
            let theirs = last.and_then(|line| store::read_line(line, revision.saturating_sub(1)).ok());
            theirs.is_some_and(|theirs| theirs == *ours)
        };
        if revision > floor && !ours.is_some_and(is_same) {
            let what = if ours.is_some() { "another change of that number is here" } else { "the log here is shorter" };
            self.refuse(format!(
                "the follower has the log up to revision {revision}, which is of another history: {what}; if this machine is \
                 the right one, move the follower's store away, and it begins anew"
            ))?;
            return Ok(false);
        }
        let newest = self.log.newest()?;
        wire::write(&mut self.writer, &FeedLine::Feed { version: FOLLOW_VERSION, revision: newest })?;
        // What is in archives cannot be compared.
        self.said = if revision <= floor && floor > 0 { self.copy(url)? } else { revision };
        Ok(true)
    }

    /// Sends the whole store; up to which revision.
    fn copy(&mut self, url: &Url) -> Result<u64, FeedError> {
        let passing = Passing::beside(url);
        let copied = store::backup(url, Some(&passing.0), Existing::Replace)?;
        let mut file = File::open(&passing.0)?;
        wire::write(&mut self.writer, &FeedLine::Copy(file.metadata()?.len()))?;
        io::copy(&mut file, &mut self.writer)?;
        Ok(copied.revision)
    }

    fn serve(&mut self, socket: &Path, events: &Receiver<Event>, sender: &Sender<Event>) -> Result<(), FeedError> {
        let mut asked: Option<Instant> = None;
        loop {
            if self.service.is_none() && asked.is_none_or(|asked| asked.elapsed() >= limits::FOLLOW_POLL) {
                self.service = ask_service(socket, sender);
                asked = Some(Instant::now());
                self.pass_on();
            }
            self.say()?;
            match events.recv_timeout(limits::FOLLOW_POLL) {
                Ok(Event::Follower(FollowerLine::Have(revision))) => {
                    self.had = revision;
                    self.pass_on();
                }
                Ok(Event::Follower(FollowerLine::Follow { .. })) => {
                    return Err(FeedError::Strange("a second greeting".to_owned()));
                }
                Ok(Event::Gone(gone)) => return gone.map_err(FeedError::Io),
                Ok(Event::Alone) => self.service = None,
                Ok(Event::Stored) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()), // a sender is held here
            }
        }
    }

    /// Says all that is new.
    fn say(&mut self) -> Result<(), FeedError> {
        loop {
            let entries = self.log.read_all(self.said, limits::FOLLOW_CHANGES)?;
            for entry in &entries {
                let line = serde_json::value::RawValue::from_string(store::write_line(entry)?);
                wire::write(&mut self.writer, &FeedLine::Change(line.map_err(io::Error::from)?))?;
                self.said = entry.revision;
            }
            if !entries.is_empty() {
                self.spoken = Instant::now();
                self.writer.flush()?;
            }
            if entries.len() < limits::FOLLOW_CHANGES {
                break;
            }
        }
        let told = (self.log.told()?.min(self.said), self.log.marks()?);
        if self.told.as_ref() != Some(&told) {
            let line = FeedLine::Told { told: told.0, marks: told.1.clone() };
            wire::write(&mut self.writer, &line)?;
            self.told = Some(told);
            self.spoken = Instant::now();
        } else if self.spoken.elapsed() >= limits::FOLLOW_BEAT {
            wire::write(&mut self.writer, &FeedLine::Beat(self.said))?;
            self.spoken = Instant::now();
        }
        Ok(self.writer.flush()?)
    }

    /// Tells the service what the follower has.
    fn pass_on(&mut self) {
        if let Some(service) = &mut self.service
            && service.write_all(format!("{}\n", self.had).as_bytes()).is_err()
        {
            self.service = None;
        }
    }
}

/// Has the service say when something is new, if one runs.
fn ask_service(socket: &Path, events: &Sender<Event>) -> Option<UnixStream> {
    let mut stream = UnixStream::connect(socket).ok()?;
    stream.write_all(format!("{}\n", wire::FOLLOW).as_bytes()).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    // A service of an earlier version answers something else.
    reader.read_line(&mut line).ok()?;
    line.trim().parse::<u64>().ok()?;
    let events = events.clone();
    thread::spawn(move || {
        let mut line = String::new();
        while reader.read_line(&mut line).is_ok_and(|bytes| bytes > 0) {
            line.clear();
            if events.send(Event::Stored).is_err() {
                return;
            }
        }
        let _ = events.send(Event::Alone); // the feed may have ended
    });
    Some(stream)
}

/// A name for a file beside a store; the file is removed on drop.
struct Passing(std::path::PathBuf);

impl Passing {
    fn beside(url: &Url) -> Passing {
        let file = url.local();
        let mut name = file.canonicalize().unwrap_or_else(|_| file.to_owned()).into_os_string();
        name.push(format!(".feed-{}", std::process::id()));
        Passing(name.into())
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0)); // it may not have been made
    }
}
