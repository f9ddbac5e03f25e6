//! The clean end: what was taken is answered, the rooms are left, the store is closed. Not when the service ends.

use super::event::stored;
use super::web::AllFaces;
use super::{Service, ServiceError};
use crate::limits::{SHUTDOWN, SHUTDOWN_STORE, SHUTDOWN_TELLING_MS};
use crate::link::{LinkEvent, Reads};
use crate::webhooks::Webhooks;

impl Service {
    /// Answers what was taken, leaves the rooms, ends the stream and closes the store.
    pub(super) async fn finish(mut self) -> Result<(), ServiceError> {
        tracing::info!("stopping");
        self.supervisor.stopping();
        self.webhooks.iter().for_each(Webhooks::stop);
        if let Some(web) = &mut self.web {
            web.web.bridge.asks = None;
        }
        let deadline = tokio::time::Instant::now() + SHUTDOWN;
        let answered = async {
            while !self.desk.ledger.is_idle() {
                let now = self.now();
                let mut faces = AllFaces { front: &mut self.front, web: &mut self.web };
                let entries = self.desk.decide_last(now, &mut faces);
                self.commit(entries);
                self.take_events();
                if self.committing.is_some() {
                    let outcome = stored(&mut self.committing).await;
                    self.stored(outcome)?;
                }
                self.await_copy().await?;
            }
            self.show_web_last();
            if let Some(web) = &self.web {
                web.web.stop();
            }
            self.flush().await;
            self.front.close();
            self.flush().await;
            Ok(())
        };
        let answered = tokio::time::timeout_at(deadline, answered).await;
        self.link.close();
        if let Some(web) = &mut self.web {
            let _ = tokio::time::timeout_at(deadline, web.web.ended()).await; // whoever reads still is cut off
        }
        if let Ok(Err(error)) = answered {
            return Err(error);
        }
        if self.desk.ledger.revision() > self.snapshot_revision {
            self.snapshot();
        }
        let closed = tokio::time::timeout_at(deadline + SHUTDOWN_STORE, self.store.close()).await;
        if let Ok(Err(error)) = closed {
            tracing::warn!("the store was not closed cleanly, which loses nothing: {error}");
        }
        Ok(())
    }

    /// Writes all that can be written now, answers before all else. What the spacing holds back, and what the server does not
    /// take in a moment, is told after the next start: that should not wait for it.
    async fn flush(&mut self) {
        let until_ms = self.time.now_ms().saturating_add(SHUTDOWN_TELLING_MS);
        let mut has_answered = false;
        while self.link.is_up() && self.holding.may_speak() {
            let now_ms = self.time.now_ms();
            if let Some(output) = self.link.free_output() {
                if has_answered && now_ms >= until_ms {
                    return;
                }
                has_answered = true;
                self.front.transmit(now_ms, self.desk.world(), output, neerc_xmpp::limits::LINK_CHUNK_BYTES);
                if output.is_empty() {
                    return;
                }
            }
            if let LinkEvent::Lost(_) = self.link.next(Reads::Paused).await {
                return;
            }
        }
    }
}
