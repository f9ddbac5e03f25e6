//! The loop's side of webhooks: it says what is on disk, and hears how the endpoints are. Not what they are told.

use super::Service;
use crate::webhooks::Webhooks;
use neerc_core::change::Entry;

impl Service {
    /// The same with endpoints that are told what happens.
    pub fn with_webhooks(self, webhooks: Webhooks) -> Service {
        Service { webhooks: Some(webhooks), ..self }
    }

    /// That is on disk, with all before it.
    pub(super) fn tell_webhooks(&self, newest: Option<&Entry>) {
        if let (Some(webhooks), Some(entry)) = (&self.webhooks, newest) {
            webhooks.stored(entry.revision);
        }
    }
}
