//! The configuration was read again while the service runs: what of it the loop takes, between two of its turns, and who
//! hears of it. Not how it is read and what can be taken: that is `cli/reread.rs` and `config/changes.rs`.

use super::Service;
use crate::checklists::watch::ChecklistLook;
use crate::clocks::{ClockLook, ClockSource, Clockwork};
use crate::people::{ListLook, PeopleList};
use neerc_core::checklist::Checklist;
use neerc_core::planner::Patience;
use neerc_xmpp::front::FrontSettings;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot};

/// What the loop takes at once; what is not there stays as it is.
#[derive(Debug)]
pub struct Renewal {
    /// What the XMPP side takes.
    pub front: FrontSettings,
    /// MiB of changes of one person in a day; 0 means without limit.
    pub stored_mib_per_day: u64,
    /// How long it is waited for people.
    pub patience: Patience,
    /// Other clocks, and what comes of looking at them.
    pub clocks: Option<(Clockwork, mpsc::Receiver<(usize, ClockLook)>)>,
    /// Other lists of people, and what comes of reading them.
    pub lists: Option<(Vec<PeopleList>, mpsc::Receiver<ListLook>)>,
    /// Other checklists, and what comes of looking at their file again.
    pub checklists: Option<(Vec<Checklist>, Option<mpsc::Receiver<ChecklistLook>>)>,
}

/// What happens while the configuration is read again.
#[derive(Debug)]
pub enum ReloadStep {
    /// It begins.
    Begins,
    /// This is to be taken; said back once it is.
    Takes(Box<Renewal>, oneshot::Sender<()>),
    /// It is over.
    Over(ReloadAnswer),
}

/// What came of it, as whoever asked for it is told.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReloadAnswer {
    /// The configuration counts as it is in the file.
    #[serde(default)]
    pub taken: bool,
    /// The keys that have changed and can be taken while the service runs.
    #[serde(default)]
    pub changed: Vec<String>,
    /// The keys that have changed and need a restart. If there are any, nothing was taken.
    #[serde(default)]
    pub restart: Vec<String>,
    /// Why nothing was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

impl ReloadAnswer {
    /// Nothing was taken, for this reason.
    pub fn refused(why: impl ToString) -> ReloadAnswer {
        ReloadAnswer { refused: Some(why.to_string()), ..ReloadAnswer::default() }
    }

    /// In a sentence; `Err` where nothing was taken.
    pub fn words(&self) -> Result<String, String> {
        match (self.taken, &self.refused) {
            (true, _) if self.changed.is_empty() => Ok("nothing has changed in the configuration".to_owned()),
            (true, _) => Ok(format!("the configuration was taken as it is now: {}", self.changed.join(", "))),
            (false, why) => {
                let why = why.as_deref().unwrap_or("the service has not said why");
                Err(format!("the changed configuration was not taken, and all stays as it was: {why}"))
            }
        }
    }
}

/// Where the loop hears of it, and where it has it done.
#[derive(Debug)]
pub struct Reloads {
    /// What happens.
    pub steps: mpsc::Receiver<ReloadStep>,
    /// Who wants it done.
    pub asks: mpsc::Sender<oneshot::Sender<ReloadAnswer>>,
}

impl Service {
    /// The same with a configuration that can be read again.
    pub fn reloading(self, Reloads { steps, asks }: Reloads) -> Service {
        Service { reloads: Some(steps), rereader: Some(asks), ..self }
    }

    /// A command on this machine wants the configuration to be read again.
    pub(super) fn reload_asked(&self, back: oneshot::Sender<ReloadAnswer>) {
        let refused = |back: oneshot::Sender<ReloadAnswer>, why| {
            let _ = back.send(ReloadAnswer::refused(why)); // who does not wait is not told
        };
        match self.rereader.as_ref().map(|asks| asks.try_send(back)) {
            Some(Ok(())) | None => {}
            Some(Err(mpsc::error::TrySendError::Full(back))) => {
                refused(back, "it is being read already, again and again")
            }
            Some(Err(mpsc::error::TrySendError::Closed(back))) => refused(back, "the service is ending"),
        }
    }

    /// The configuration is being read again.
    pub(super) fn reload_step(&mut self, step: ReloadStep) {
        match step {
            ReloadStep::Begins => self.supervisor.reloading(),
            ReloadStep::Takes(renewal, done) => {
                self.renew(*renewal);
                let _ = done.send(()); // nobody waits for it where the process ends
            }
            ReloadStep::Over(answer) => {
                self.supervisor.reloaded();
                match answer.words() {
                    Ok(said) => tracing::info!("{said}"),
                    Err(why) => self.trouble_asked_for(why),
                }
            }
        }
    }

    fn renew(&mut self, renewal: Renewal) {
        let Renewal { front, stored_mib_per_day, patience, clocks, lists, checklists } = renewal;
        if let Some(web) = &mut self.web {
            web.web.speak(front.language);
            web.visibility = front.visibility;
        }
        self.front.renew(self.time.now_ms(), front);
        self.desk.ledger.allow(stored_mib_per_day);
        self.desk.wait_so_long(patience);
        if let Some((lists, looks)) = lists {
            self.renew_people(lists, looks);
        }
        if let Some((checklists, looks)) = checklists {
            (self.desk.checklists, self.checklists) = (checklists.into(), looks);
        }
        if let Some((Clockwork { sources, of_room }, looks)) = clocks {
            let before = |source: &ClockSource| self.sources.iter().position(|known| known == source);
            let kept: Vec<Option<usize>> = sources.iter().map(before).collect();
            self.desk.clocks.renew(of_room, &kept);
            (self.sources, self.looks) = (sources, Some(looks));
            self.front.say_clocks(&mut self.desk.clocks);
        }
        self.note_health(|_| {});
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_of_it_is_said_in_a_sentence() {
        let taken = ReloadAnswer {
            taken: true,
            changed: vec!["groups".into(), "texts.language".into()],
            ..ReloadAnswer::default()
        };
        assert_eq!(taken.words().unwrap(), "the configuration was taken as it is now: groups, texts.language");
        let same = ReloadAnswer { taken: true, ..ReloadAnswer::default() };
        assert_eq!(same.words().unwrap(), "nothing has changed in the configuration");
        assert!(ReloadAnswer::refused("so").words().unwrap_err().ends_with("stays as it was: so"));
        let written = serde_json::to_string(&same).unwrap();
        assert_eq!(written, r#"{"taken":true,"changed":[],"restart":[]}"#);
        assert_eq!(serde_json::from_str::<ReloadAnswer>(&written).unwrap(), same);
    }
}
