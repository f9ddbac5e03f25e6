//! Reads the configuration again for a service that runs, whenever it is told to: takes what changed as a whole or refuses it
//! as a whole. Beside the loop, so that a slow disk holds up nobody.

use super::{checklists, front_settings, load_given, logging::LogLevel, words};
use crate::config::Config;
use crate::config::changes::{GivenKeys, KeyChanges, between};
use crate::service::reload::{ReloadAnswer, ReloadStep, Reloads, Renewal};
use crate::service::time::wall_ms;
use crate::{checklists as lists, clocks, limits, people, warnings};
use std::path::{Path, PathBuf};
use tokio::signal::unix::Signal;
use tokio::sync::{mpsc, oneshot};

/// What a service runs by, and how it is told of something else.
pub struct Rereader {
    file: PathBuf,
    config: Config,
    given: GivenKeys,
    log: LogLevel,
    hangup: Option<Signal>,
    asked: mpsc::Receiver<oneshot::Sender<ReloadAnswer>>,
    steps: mpsc::Sender<ReloadStep>,
}

impl Rereader {
    /// One for a service that runs by that configuration, and the service's ends of what joins the two.
    pub fn new(
        file: &Path,
        config: Config,
        given: GivenKeys,
        log: LogLevel,
        hangup: Option<Signal>,
    ) -> (Rereader, Reloads) {
        let (asks, asked) = mpsc::channel(limits::MESSAGES_WAITING);
        let (sender, steps) = mpsc::channel(limits::MESSAGES_WAITING);
        let file = file.to_owned();
        (Rereader { file, config, given, log, hangup, asked, steps: sender }, Reloads { steps, asks })
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
        let file = self.file.clone();
        let read = tokio::task::spawn_blocking(move || {
            let (config, given) = load_given(&file).map_err(|(_, error)| words(&error))?;
            let front = front_settings(&config).map_err(|(_, error)| words(&error))?;
            Ok((config, given, front))
        });
        let read = read.await.unwrap_or_else(|error| Err(error.to_string()));
        let (config, given, front) = read.map_err(ReloadAnswer::refused)?;
        let KeyChanges { live, restart } = between((&self.config, &self.given), (&config, &given));
        if !restart.is_empty() {
            let why = format!("{} can be changed by a restart only", restart.join(", "));
            return Err(ReloadAnswer { changed: live, restart, ..ReloadAnswer::refused(why) });
        }
        if live.is_empty() {
            return Ok(ReloadAnswer { taken: true, ..ReloadAnswer::default() });
        }
        let refused = |why: String| ReloadAnswer { changed: live.clone(), ..ReloadAnswer::refused(why) };
        for warning in warnings::all(&config, std::env::vars_os()) {
            tracing::warn!("{warning}");
        }
        let mut renewal = Renewal {
            front,
            stored_mib_per_day: config.stored_mib_per_day,
            clocks: None,
            lists: None,
            checklists: None,
        };
        if config.checklists != self.config.checklists {
            let read = checklists(&config).map_err(|(_, error)| refused(words(&error)))?;
            let looks = config.checklists.as_ref().map(|file| lists::watch::begin(file, &read));
            renewal.checklists = Some((read.checklists, looks));
        }
        if config.lists != self.config.lists {
            renewal.lists = Some((config.lists.clone(), people::watch(&config.lists).map_err(refused)?));
        }
        if config.clocks != self.config.clocks {
            let looks = clocks::watch(&config.clocks, wall_ms).map_err(refused)?;
            renewal.clocks = Some((config.clocks.clone(), looks));
        }
        let (done, taken) = oneshot::channel();
        let ending = |_| ReloadAnswer::refused("the service is ending");
        self.steps.send(ReloadStep::Takes(Box::new(renewal), done)).await.map_err(|_| ending(()))?;
        taken.await.map_err(|_| ending(()))?;
        self.log.set(config.log.level);
        (self.config, self.given) = (config, given);
        Ok(ReloadAnswer { taken: true, changed: live, ..ReloadAnswer::default() })
    }
}

/// Over when SIGHUP came.
async fn hung_up(signal: &mut Option<Signal>) -> Option<()> {
    match signal {
        Some(signal) => signal.recv().await,
        None => std::future::pending().await,
    }
}
