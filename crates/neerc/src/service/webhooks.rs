//! The loop's side of webhooks: it says what is on disk, and hears how the endpoints are. Not what they are told.

use super::Service;
use super::standing::WebhookStanding;
use super::time::{moment_of, wall_ms};
use crate::webhooks::limits::{LOOK_SPACING_MS, TOLD_AFTER_MS};
use crate::webhooks::{EndpointState, Webhooks};
use neerc_core::change::Entry;
use neerc_xmpp::front::{EndpointNews, EndpointTrouble};

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

    /// Has the admins of the rooms told of endpoints that are in trouble, and of those that are well again.
    pub(super) fn look_at_endpoints(&mut self) {
        let now_ms = self.time.now_ms();
        let looked_ms = self.remembered.endpoints_looked_ms;
        let Some(webhooks) = &self.webhooks else { return };
        if looked_ms.is_some_and(|looked_ms| now_ms < looked_ms.saturating_add(LOOK_SPACING_MS)) {
            return;
        }
        self.remembered.endpoints_looked_ms = Some(now_ms);
        let wall_ms = wall_ms();
        let all = webhooks.standing().map(|(hook, state)| EndpointNews {
            host: hook.to_string(),
            rooms: hook.rooms.clone(),
            trouble: trouble(&state, wall_ms),
        });
        self.front.endpoints_stand(all.collect());
    }

    /// How the endpoints are, where the newest change on disk is this one.
    pub(super) fn webhooks_standing(&self, revision: u64) -> Vec<WebhookStanding> {
        let Some(webhooks) = &self.webhooks else { return Vec::new() };
        let all = webhooks.standing().map(|(hook, state)| WebhookStanding {
            to: hook.to_string(),
            behind_changes: revision.saturating_sub(state.heard),
            taken: state.taken,
            failed: state.failed,
            failing_since: state.failing_since_ms.map(moment_of),
            off: state.is_off,
            why: Some(state.why).filter(|why| !why.is_empty()),
        });
        all.collect()
    }
}

/// What admins are to know of an endpoint.
fn trouble(state: &EndpointState, now_ms: i64) -> Option<EndpointTrouble> {
    let is_long = |since_ms: &i64| now_ms.saturating_sub(*since_ms) >= TOLD_AFTER_MS;
    match state.failing_since_ms.filter(is_long) {
        _ if state.is_off => Some(EndpointTrouble::Off),
        since_ms => since_ms.map(|since_ms| EndpointTrouble::Failing { since_ms }),
    }
}
