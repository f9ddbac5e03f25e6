//! What the loop wakes up for. Not what it does then.

use super::reload::ReloadStep;
use super::status::Question;
use crate::checklists::watch::ChecklistLook;
use crate::clocks::ClockLook;
use crate::link::LinkEvent;
use crate::people::ListLook;
use crate::web::asks::WebAsk;
use neerc_store::{Committing, StoreError};
use std::future::pending;
use std::pin::Pin;
use tokio::sync::mpsc;

/// What the loop wakes up for.
pub(super) enum Event {
    /// The service is to end.
    Stop,
    /// Another process may serve from now on.
    Ousted,
    /// What was being stored is on disk, or not.
    Stored(Result<(), StoreError>),
    /// It is on another machine as well.
    Copied,
    /// Something is wrong around the service, in words.
    Trouble(String),
    /// A contest clock was looked at: which of those that are read, and what came of it.
    Clock(usize, ClockLook),
    /// The reader of a list of people has something to say.
    People(ListLook),
    /// The file of checklists has changed.
    Checklists(ChecklistLook),
    /// The configuration is being read again.
    Reload(ReloadStep),
    /// A command on this machine asks something.
    Question(Question),
    /// Something is asked on the web.
    Web(WebAsk),
    /// Something is due.
    Due,
    /// Something happened on the link.
    Link(LinkEvent),
}

/// What came of what is being stored; never, if nothing is.
pub(super) async fn stored(committing: &mut Option<Committing>) -> Result<(), StoreError> {
    match committing {
        Some(committing) => Pin::new(committing).await,
        None => pending().await,
    }
}

/// The next of what comes from beside the loop; never, if nothing does.
pub(super) async fn next<T>(receiver: &mut Option<mpsc::Receiver<T>>) -> T {
    if let Some(receiver) = receiver
        && let Some(next) = receiver.recv().await
    {
        return next;
    }
    pending().await
}
