//! What is told of one task: as it is, as what has changed in it, or that it is gone. Each is written once for all who are told
//! the same. Not who is told: that is the outbox's.

use super::FrontSettings;
use crate::neerc::Notification;
use crate::notify::{DueTelling, Hears, Key, Outbox, Recipient};
use neerc_core::people::Person;
use neerc_core::task::Task;
use neerc_core::view::{Sight, View};
use std::borrow::Cow;

/// What was written last of one task, at one revision of it: a telling that the link takes in parts goes on with it.
#[derive(Debug)]
pub(super) struct Written {
    key: Key,
    revision: u64,
    whole: Option<Notification>,
    difference: Option<Difference>,
}

/// What has changed of a task since a revision, for those who are then told of everything up to another.
#[derive(Debug)]
struct Difference {
    since: u64,
    told: u64,
    said: Notification,
}

/// The difference that sessions are told which ask for differences.
#[derive(Debug)]
enum Known {
    /// Nobody has needed it yet; as it was written before, for whoever was told then.
    Unasked(Option<Difference>),
    /// It is worked out; none where only the whole task will do.
    Asked(Option<Difference>),
}

/// The telling of one task.
pub(super) struct Telling<'t> {
    settings: &'t FrontSettings,
    outbox: &'t Outbox,
    due: &'t DueTelling,
    /// As it is now; none if it is gone.
    task: Option<&'t Task>,
    whole: Option<Notification>,
    difference: Known,
    removal: Option<Notification>,
}

impl<'t> Telling<'t> {
    /// Begins; with the words of the last one where it was of the same state of this task.
    pub fn new(
        settings: &'t FrontSettings,
        outbox: &'t Outbox,
        due: &'t DueTelling,
        task: Option<&'t Task>,
        written: Option<Written>,
    ) -> Telling<'t> {
        let is_same =
            |written: &Written| written.key == due.key && task.is_some_and(|task| task.revision == written.revision);
        let (whole, difference) = match written.filter(is_same) {
            Some(Written { whole, difference, .. }) => (whole, difference),
            None => (None, None),
        };
        Telling { settings, outbox, due, task, whole, difference: Known::Unasked(difference), removal: None }
    }

    /// What a session is told; `view`: what its user may see in the room, if they are anybody there.
    pub fn to(&mut self, session: &Recipient, view: Option<View<'_>>) -> Option<Cow<'_, Notification>> {
        let view = view?;
        let Some(task) = self.task else {
            // Of a task that is gone whoever saw all tasks hears, and who tried to change it.
            let hears = view.sees_all() || session.awaits(self.due.key.1) || self.has_lost(session);
            return hears.then(|| Cow::Borrowed(self.removal()));
        };
        match view.sight(task) {
            Sight::Whole => {
                if session.hears == Hears::Differences {
                    self.work_out_difference(task);
                }
                match &self.difference {
                    Known::Asked(Some(Difference { said, .. })) if session.hears == Hears::Differences => {
                        Some(Cow::Borrowed(said))
                    }
                    _ => {
                        let whole =
                            self.whole.take().unwrap_or_else(|| self.write(task, Sight::Whole, &session.person));
                        Some(Cow::Borrowed(self.whole.insert(whole)))
                    }
                }
            }
            Sight::OwnStatus => Some(Cow::Owned(self.write(task, Sight::OwnStatus, &session.person))),
            Sight::Nothing => self.has_lost(session).then(|| Cow::Borrowed(self.removal())),
        }
    }

    fn has_lost(&self, session: &Recipient) -> bool {
        self.due.lost.include(&session.person)
    }

    fn write(&self, task: &Task, sight: Sight, of: &Person) -> Notification {
        let FrontSettings { component, host, wiki_packet, max_stanza_bytes, .. } = self.settings;
        Notification::task(component, host.domain(), task, sight, of, *wiki_packet, *max_stanza_bytes)
    }

    fn removal(&mut self) -> &Notification {
        let FrontSettings { component, wiki_packet, .. } = self.settings;
        self.removal.get_or_insert_with(|| Notification::removal(component, self.due.key.1, *wiki_packet))
    }

    /// Works out what has changed since these sessions were told of the task, the first time that it is needed.
    fn work_out_difference(&mut self, task: &Task) {
        let Known::Unasked(before) = &mut self.difference else { return };
        let before = before.take();
        self.difference = Known::Asked(self.new_difference(task, before));
    }

    fn new_difference(&self, task: &Task, before: Option<Difference>) -> Option<Difference> {
        let since = Some(self.due.since).filter(|since| *since != u64::MAX)?;
        let told = self.outbox.told_with(self.due.key);
        if let Some(before) = before.filter(|before| (before.since, before.told) == (since, told)) {
            return Some(before);
        }
        let changed = task.changed_since(since)?;
        let FrontSettings { component, host, max_stanza_bytes, .. } = self.settings;
        let said = Notification::difference(component, host.domain(), task, &changed, told);
        (said.len() <= *max_stanza_bytes).then_some(Difference { since, told, said })
    }

    /// What a telling that goes on with the same state of the task need not write again.
    pub fn into_written(self) -> Option<Written> {
        let Telling { due, task, whole, difference: Known::Unasked(difference) | Known::Asked(difference), .. } = self;
        task.map(|task| Written { key: due.key, revision: task.revision, whole, difference })
    }
}
