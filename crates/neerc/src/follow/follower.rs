//! The side of the second machine: starts the program that joins the two, keeps what comes in a store of its own, and says
//! what is on disk here. A store that follows serves nobody; it is an ordinary store at every moment.

use super::wire::{self, FeedLine, FollowerLine};
use crate::limits::{self, CHANGES_PER_SNAPSHOT, FOLLOW_VERSION};
use neerc_core::board::Boards;
use neerc_core::change::Entry;
use neerc_store::{self as store, LogReader, Opened, Store, StoreError, Url};
use serde_json::value::RawValue;
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

/// Why following ends for good.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The store here cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The other machine does not want to be followed.
    #[error("the other machine refuses: {0}")]
    Refused(String),
}

/// Why it is tried again.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("{0} could not be started: {1}")]
    Start(String, io::Error),
    #[error("the connection ended")]
    Ended,
    #[error("nothing was heard for {0:?}")]
    Silent(Duration),
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("what was said is not what follows: {0}")]
    Strange(String),
    #[error(transparent)]
    Final(#[from] FollowError),
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Broken {
        Broken::Final(FollowError::Store(error))
    }
}

/// What the reader of the connection hands over.
enum Heard {
    Line(FeedLine),
    /// More of a copy of a store has come.
    Copying,
    /// All of it is in that file.
    Copy(Passing),
    End(io::Error),
}

/// A file for a copy on its way; removed on drop.
struct Passing(std::path::PathBuf);

impl Drop for Passing {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0)); // it is in its place, or of no use
    }
}

/// Follows for ever, by what that command joins this process to.
pub fn follow(url: &Url, command: &[OsString]) -> Result<(), FollowError> {
    let mut log = Log::open(url)?;
    tracing::info!("this store has the log up to revision {}", log.revision);
    let mut pause = *limits::FOLLOW_PAUSES.start();
    loop {
        let began = log.revision;
        let broken = match log.follow(command) {
            Broken::Final(error) => return Err(error),
            broken => broken,
        };
        if log.revision > began {
            pause = *limits::FOLLOW_PAUSES.start();
        }
        tracing::warn!("not following since revision {}: {broken}; tried again in {pause:?}", log.revision);
        thread::sleep(pause);
        pause = (pause * 2).min(*limits::FOLLOW_PAUSES.end());
    }
}

/// The log here.
struct Log {
    url: Url,
    store: Store,
    boards: Boards,
    revision: u64,
    snapshot_revision: u64,
}

impl Log {
    fn open(url: &Url) -> Result<Log, StoreError> {
        let Opened { store, boards, revision, snapshot_revision, .. } = store::open(url)?;
        Ok(Log { url: url.clone(), store, boards, revision, snapshot_revision })
    }

    /// Follows until that is not possible any more.
    fn follow(&mut self, command: &[OsString]) -> Broken {
        let mut joined = match Joined::start(command, &self.url) {
            Ok(joined) => joined,
            Err(error) => return error,
        };
        let Err(broken) = self.take(&mut joined) else { return Broken::Ended };
        broken
    }

    /// Never returns without an error.
    fn take(&mut self, joined: &mut Joined) -> Result<(), Broken> {
        joined.say(&FollowerLine::Follow { version: FOLLOW_VERSION, revision: self.revision, last: self.last()? })?;
        match joined.next()? {
            Heard::Line(FeedLine::Feed { version: FOLLOW_VERSION, revision }) => {
                tracing::info!("following; the other machine has the log up to revision {revision}");
            }
            Heard::Line(FeedLine::Feed { version, .. }) => {
                let why = format!("it speaks version {version}, and this neerc version {FOLLOW_VERSION}");
                return Err(Broken::Final(FollowError::Refused(why)));
            }
            Heard::Line(FeedLine::Refused(why)) => return Err(Broken::Final(FollowError::Refused(why))),
            other => return Err(other.strange()),
        }
        loop {
            let mut heard = Some(joined.next()?);
            let mut changes = Vec::new();
            while let Some(Heard::Line(FeedLine::Change(line))) = &heard {
                let last = self.revision.saturating_add(changes.len() as u64);
                changes.push(store::read_line(line.get(), last).map_err(Broken::Strange)?);
                let more = changes.len() < limits::FOLLOW_CHANGES;
                heard = if more { joined.heard.try_recv().ok() } else { None };
            }
            self.keep(changes)?;
            match heard {
                None | Some(Heard::Line(FeedLine::Beat(_))) => {}
                Some(Heard::Line(FeedLine::Told { told, marks })) => {
                    self.store.told(told.min(self.revision));
                    self.store.mark(marks).wait()?;
                }
                Some(Heard::Copy(copy)) => self.replace(&copy)?,
                Some(Heard::End(error)) => return Err(error.into()),
                Some(other) => return Err(other.strange()),
            }
            joined.say(&FollowerLine::Have(self.revision))?;
        }
    }

    /// The newest change as a line.
    fn last(&self) -> Result<Option<Box<RawValue>>, Broken> {
        let entries = LogReader::of(&self.url).read_all(self.revision.saturating_sub(1), 1)?;
        let line = entries.first().map(store::write_line).transpose()?;
        Ok(line.map(RawValue::from_string).transpose().map_err(io::Error::from)?)
    }

    /// Makes changes durable.
    fn keep(&mut self, changes: Vec<Entry>) -> Result<(), Broken> {
        let Some(newest) = changes.last().map(|entry| entry.revision) else { return Ok(()) };
        for entry in &changes {
            self.boards.entry(entry.room.clone()).or_default().replay(entry);
        }
        self.store.commit(changes).wait()?;
        self.revision = newest;
        if self.revision - self.snapshot_revision >= CHANGES_PER_SNAPSHOT {
            self.snapshot_revision = self.revision;
            self.store.snapshot(self.revision, self.boards.clone());
        }
        Ok(())
    }

    /// Puts a copy in the place of the store.
    fn replace(&mut self, copy: &Passing) -> Result<(), Broken> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        runtime.block_on(self.store.clone().close())?;
        let restored = store::restore(&self.url, &copy.0)?;
        if let Some(kept) = restored.kept {
            tracing::info!("the store that was here is kept as {}", kept.display());
        }
        *self = Log::open(&self.url)?;
        tracing::info!("took a copy of the other machine's store, of revision {}", self.revision);
        Ok(())
    }
}

impl Heard {
    fn strange(self) -> Broken {
        match self {
            Heard::Line(line) => Broken::Strange(format!("{line:?}").chars().take(200).collect()),
            Heard::Copying | Heard::Copy(_) => Broken::Strange("a copy of a store".to_owned()),
            Heard::End(error) => error.into(),
        }
    }
}

/// The program that joins the two, which ends with this.
struct Joined {
    child: Child,
    stdin: Option<ChildStdin>,
    heard: Receiver<Heard>,
}

impl Joined {
    fn start(command: &[OsString], url: &Url) -> Result<Joined, Broken> {
        let Some((program, args)) = command.split_first() else {
            return Err(Broken::Start("nothing".to_owned(), io::ErrorKind::NotFound.into()));
        };
        let mut command = Command::new(program);
        let started = command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = started.map_err(|error| Broken::Start(program.to_string_lossy().into_owned(), error))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let (sender, heard) = mpsc::sync_channel(limits::FOLLOW_CHANGES);
        let mut name = url.local().as_os_str().to_owned();
        name.push(".following");
        if let Some(stdout) = stdout {
            thread::spawn(move || {
                let mut reader = BufReader::new(stdout);
                while sender.send(hear(&mut reader, &name, &sender)).is_ok() {}
            });
        }
        Ok(Joined { child, stdin, heard })
    }

    fn say(&mut self, line: &FollowerLine) -> io::Result<()> {
        let Some(stdin) = &mut self.stdin else { return Ok(()) };
        wire::write(stdin, line)?;
        stdin.flush()
    }

    fn next(&mut self) -> Result<Heard, Broken> {
        loop {
            match self.next_of_all()? {
                Heard::Copying => {}
                heard => return Ok(heard),
            }
        }
    }

    fn next_of_all(&mut self) -> Result<Heard, Broken> {
        match self.heard.recv_timeout(limits::FOLLOW_SILENCE) {
            Ok(Heard::End(error)) if error.kind() == io::ErrorKind::UnexpectedEof => Err(Broken::Ended),
            Ok(heard) => Ok(heard),
            Err(RecvTimeoutError::Timeout) => Err(Broken::Silent(limits::FOLLOW_SILENCE)),
            Err(RecvTimeoutError::Disconnected) => Err(Broken::Ended),
        }
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        drop(self.stdin.take());
        drop(self.child.kill()); // it may have ended by itself
        drop(self.child.wait());
    }
}

/// The next thing that the other machine says. While it takes long, `heard` is told of it.
fn hear(reader: &mut BufReader<ChildStdout>, name: &OsString, heard: &SyncSender<Heard>) -> Heard {
    match wire::read(reader) {
        Ok(Some(FeedLine::Copy(bytes))) => receive(reader, bytes, name, heard).map_or_else(Heard::End, Heard::Copy),
        Ok(Some(line)) => Heard::Line(line),
        Ok(None) => Heard::End(io::ErrorKind::UnexpectedEof.into()),
        Err(error) => Heard::End(error),
    }
}

/// Puts a copy that comes into a file.
fn receive(reader: &mut impl Read, bytes: u64, name: &OsString, heard: &SyncSender<Heard>) -> io::Result<Passing> {
    let passing = Passing(name.into());
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&passing.0)?;
    let mut left = bytes;
    while left > 0 {
        let came = io::copy(&mut reader.take(left.min(limits::FOLLOW_COPY_BYTES)), &mut file)?;
        if came == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the copy was cut short"));
        }
        left -= came;
        let _ = heard.send(Heard::Copying); // whoever followed may have gone
    }
    file.sync_all()?;
    Ok(passing)
}
