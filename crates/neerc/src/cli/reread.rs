//! Reads the configuration again for a service that runs or stands by, whenever it is told to: takes what changed as a whole or
//! refuses it as a whole. Beside the loop, so that a slow disk holds up nobody.

use super::{checklists, front_settings, load_given, logging::LogLevel, words};
use crate::checklists::ChecklistFile;
use crate::config::Config;
use crate::config::changes::{GivenKeys, KeyChanges, between};
use crate::service::reload::{ReloadAnswer, ReloadStep, Reloads, Renewal};
use crate::service::time::wall_ms;
use crate::{checklists as lists, clocks, limits, people, warnings};
use neerc_xmpp::front::FrontSettings;
use std::path::PathBuf;
use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, oneshot, watch};

/// A configuration that was taken, and what is read with it.
pub struct Taken {
    /// Its file.
    pub file: PathBuf,
    /// What it says.
    pub config: Config,
    /// Each key as it was given.
    pub given: GivenKeys,
    /// What of it the XMPP side takes.
    pub front: FrontSettings,
    /// What the file of checklists held by then.
    pub checklists: ChecklistFile,
    /// How much is logged.
    pub log: LogLevel,
}

/// What the file says now.
struct Reading {
    config: Config,
    given: GivenKeys,
    front: FrontSettings,
}

impl Taken {
    /// Reads it again for a process that stands by, which goes by little of it yet.
    pub async fn again(&mut self) -> ReloadAnswer {
        self.taken_again().await.unwrap_or_else(|refused| refused)
    }

    async fn taken_again(&mut self) -> Result<ReloadAnswer, ReloadAnswer> {
        let new = self.read().await?;
        let changed = possible(self.changes(&new).standing_by())?;
        let refused = |why: String| ReloadAnswer { changed: changed.clone(), ..ReloadAnswer::refused(why) };
        self.checklists = checklists(&new.config).map_err(|(_, error)| refused(words(&error)))?;
        if !changed.is_empty() {
            self.take(new);
        }
        Ok(ReloadAnswer { taken: true, changed, ..ReloadAnswer::default() })
    }

    async fn read(&self) -> Result<Reading, ReloadAnswer> {
        let file = self.file.clone();
        let read = tokio::task::spawn_blocking(move || {
            let (config, given) = load_given(&file).map_err(|(_, error)| words(&error))?;
            let front = front_settings(&config).map_err(|(_, error)| words(&error))?;
            Ok(Reading { config, given, front })
        });
        let read = read.await.unwrap_or_else(|error| Err(error.to_string()));
        read.map_err(ReloadAnswer::refused)
    }

    fn changes(&self, new: &Reading) -> KeyChanges {
        between((&self.config, &self.given), (&new.config, &new.given))
    }

    fn take(&mut self, new: Reading) {
        for warning in warnings::all(&new.config, std::env::vars_os()) {
            tracing::warn!("{warning}");
        }
        self.log.set(new.config.log.level);
        (self.config, self.given, self.front) = (new.config, new.given, new.front);
    }
}

/// What has changed, if all of it can be taken.
fn possible(KeyChanges { live, restart }: KeyChanges) -> Result<Vec<String>, ReloadAnswer> {
    if restart.is_empty() {
        return Ok(live);
    }
    let why = format!("{} can be changed by a restart only", restart.join(", "));
    Err(ReloadAnswer { changed: live, restart, ..ReloadAnswer::refused(why) })
}

/// What a service runs by, and how it is told of something else.
pub struct Rereader {
    taken: Taken,
    keep_days: watch::Sender<u32>,
    hangup: Option<Signal>,
    asked: mpsc::Receiver<oneshot::Sender<ReloadAnswer>>,
    steps: mpsc::Sender<ReloadStep>,
}

impl Rereader {
    /// One for a service that runs by that configuration, and the service's ends of what joins the two.
    pub fn new(taken: Taken, hangup: Option<Signal>) -> (Rereader, Reloads) {
        let (asks, asked) = mpsc::channel(limits::MESSAGES_WAITING);
        let (sender, steps) = mpsc::channel(limits::MESSAGES_WAITING);
        let keep_days = watch::Sender::new(taken.config.keep_days);
        (Rereader { taken, keep_days, hangup, asked, steps: sender }, Reloads { steps, asks })
    }

    /// How many days of the log are to stay in the database; 0 is all.
    pub fn keep_days(&self) -> watch::Receiver<u32> {
        self.keep_days.subscribe()
    }

    /// Reads it again whenever somebody wants that, for as long as there is a service.
    pub async fn serve(mut self) {
        loop {
            let back = tokio::select! {
                asked = self.asked.recv() => match asked {
                    Some(back) => Some(back),
                    None => return,
                },
                Some(()) = hung_up(&mut self.hangup) => None,
            };
            if self.steps.send(ReloadStep::Begins).await.is_err() {
                return;
            }
            let answer = self.reread().await.unwrap_or_else(|refused| refused);
            if let Some(back) = back {
                let _ = back.send(answer.clone()); // who does not wait is not told
            }
            if self.steps.send(ReloadStep::Over(answer)).await.is_err() {
                return;
            }
        }
    }

    async fn reread(&mut self) -> Result<ReloadAnswer, ReloadAnswer> {
        let new = self.taken.read().await?;
        let changed = possible(self.taken.changes(&new))?;
        if changed.is_empty() {
            return Ok(ReloadAnswer { taken: true, ..ReloadAnswer::default() });
        }
        let refused = |why: String| ReloadAnswer { changed: changed.clone(), ..ReloadAnswer::refused(why) };
        let (config, old) = (&new.config, &self.taken.config);
        let mut renewal = Renewal {
            front: new.front.clone(),
            stored_mib_per_day: config.stored_mib_per_day,
            patience: config.tasks.patience,
            clocks: None,
            lists: None,
            checklists: None,
        };
        if config.checklists != old.checklists {
            let read = checklists(config).map_err(|(_, error)| refused(words(&error)))?;
            let looks = config.checklists.as_ref().map(|file| lists::watch::begin(file, &read));
            renewal.checklists = Some((read.checklists, looks));
        }
        if config.lists != old.lists {
            renewal.lists = Some((config.lists.clone(), people::watch(&config.lists).map_err(refused)?));
        }
        if config.clocks != old.clocks {
            let looks = clocks::watch(&config.clocks, wall_ms).map_err(refused)?;
            renewal.clocks = Some((config.clocks.clone(), looks));
        }
        let (done, taken) = oneshot::channel();
        let ending = |_| ReloadAnswer::refused("the service is ending");
        self.steps.send(ReloadStep::Takes(Box::new(renewal), done)).await.map_err(|_| ending(()))?;
        taken.await.map_err(|_| ending(()))?;
        self.keep_days.send_replace(config.keep_days);
        self.taken.take(new);
        Ok(ReloadAnswer { taken: true, changed, ..ReloadAnswer::default() })
    }
}

/// Over when SIGHUP came.
async fn hung_up(signal: &mut Option<Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    }
}
