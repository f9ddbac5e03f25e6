//! What a process that stands by is asked by commands of its machine, by the socket that is the service's later, and by SIGHUP:
//! how it stands, and to read its configuration again. What it has taken of that counts once it serves.

use super::super::health::{Health, SAID_ALWAYS};
use super::super::reload::ReloadAnswer;
use super::super::standing::ServiceStanding;
use super::super::status::{KeyAnswer, Question, StatusSocket};
use super::super::supervisor::Supervisor;
use super::super::time::Steady;
use crate::limits::{MESSAGES_WAITING, STANDBY_REREAD};
use neerc_store::Standby;
use std::future::pending;
use std::path::PathBuf;
use tokio::signal::unix::Signal;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Who asks, and how the configuration is read again.
pub(super) struct Asked<'a, R> {
    /// Where the store is on this machine.
    store: PathBuf,
    hangup: &'a mut Option<Signal>,
    reread: R,
    socket: Option<(mpsc::Receiver<Question>, JoinHandle<()>)>,
    time: Steady,
}

/// What somebody wants.
pub(super) enum Wish {
    /// That the configuration be read again.
    Reload,
    /// An answer.
    Answer(Question),
}

impl<R: AsyncFnMut() -> ReloadAnswer> Asked<'_, R> {
    /// Nobody can ask yet.
    pub fn new(store: PathBuf, hangup: &mut Option<Signal>, reread: R, time: Steady) -> Asked<'_, R> {
        Asked { store, hangup, reread, socket: None, time }
    }

    /// Listens for commands, as soon as the socket can be no other process's.
    pub fn listen(&mut self, standby: &Standby) {
        if self.socket.is_some() || !standby.has_place() {
            return;
        }
        match StatusSocket::listen(&self.store) {
            Ok(socket) => {
                let (questions, asked) = mpsc::channel(MESSAGES_WAITING);
                self.socket = Some((asked, tokio::spawn(socket.serve(questions))));
            }
            Err(error) => tracing::debug!("no command can ask this process how it stands: {error}"),
        }
    }

    /// What is wanted next.
    pub async fn next(&mut self) -> Wish {
        let hung_up = async {
            match self.hangup {
                Some(hangup) => drop(hangup.recv().await),
                None => pending().await,
            }
        };
        let asked = async {
            match &mut self.socket {
                Some((asked, _)) => asked.recv().await,
                None => None,
            }
        };
        tokio::select! {
            () = hung_up => Wish::Reload,
            Some(question) = asked => Wish::Answer(question),
        }
    }

    /// Does that, for a process that stands by in these words.
    pub async fn answer(&mut self, wish: Wish, (words, revision): (&str, u64), supervisor: &mut Supervisor) {
        let version = || env!("CARGO_PKG_VERSION").to_owned();
        let (words, age_ms) = (words.to_owned(), self.time.age_ms());
        // Who does not wait is not told.
        match wish {
            Wish::Reload => drop(self.reload(supervisor).await),
            Wish::Answer(Question::Reload(back)) => drop(back.send(self.reload(supervisor).await)),
            Wish::Answer(Question::Standing(back)) => {
                drop(back.send(ServiceStanding::standing_by(words, revision, age_ms)));
            }
            Wish::Answer(Question::Health(back)) => {
                let standing_by = Some(words);
                drop(back.send(Health { version: version(), age_ms, standing_by, ..Health::default() }));
            }
            Wish::Answer(Question::Key(_, back)) => {
                drop(back.send(KeyAnswer::refused(format!("this process serves nobody yet: {words}"))));
            }
            Wish::Answer(Question::BackedUp(_)) => {} // whoever serves is on another machine
        }
    }

    async fn reload(&mut self, supervisor: &mut Supervisor) -> ReloadAnswer {
        supervisor.reloading();
        let answer = (self.reread)().await;
        supervisor.reloaded();
        say(&answer);
        answer
    }

    /// This process serves from now on: by the configuration as it is now, if all of it can be taken, and its service is asked.
    pub async fn serves(mut self) {
        match timeout(STANDBY_REREAD, (self.reread)()).await {
            Ok(answer) if answer.taken && answer.changed.is_empty() => {}
            Ok(answer) => say(&answer),
            Err(_) => {
                tracing::warn!(
                    "the configuration cannot be read within {STANDBY_REREAD:?}, so it counts as it was read last"
                );
            }
        }
        if let Some((_, serving)) = self.socket.take() {
            serving.abort();
            let _ = serving.await; // it has ended one way or the other
        }
    }
}

fn say(answer: &ReloadAnswer) {
    match answer.words() {
        Ok(said) => tracing::info!("{said}"),
        Err(why) => tracing::warn!(target: SAID_ALWAYS, "{why}"),
    }
}
