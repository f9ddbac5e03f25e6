//! The clean end: what was taken is answered, the rooms are left, the store is closed. Not when the service ends.

use super::event::stored;
use super::web::AllFaces;
use super::{Service, ServiceError};
use crate::limits::{SHUTDOWN, SHUTDOWN_SILENCE, SHUTDOWN_STORE, SHUTDOWN_TELLING_MS};
use crate::link::{LinkEvent, Reads};
use crate::webhooks::Webhooks;
use neerc_xmpp::front::Front;

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
            self.settle_last().await?;
            self.show_web_last();
            if let Some(web) = &self.web {
                web.web.stop();
            }
            self.flush().await;
            // Lines that waited for their turn have had it.
            self.take_events();
            self.settle_last().await?;
            self.front.hush();
            self.hear_until(Front::is_quiet).await;
            self.front.close();
            if self.front.is_quiet() {
                self.hear_until(Front::has_left).await;
            } else {
                self.flush().await; // to a server that says nothing
            }
            Ok(())
        };
        let answered = tokio::time::timeout_at(deadline, answered).await;
        self.front.close(); // where there was no time for it
        self.link.close();
        let left = tokio::time::timeout_at(deadline + SHUTDOWN_STORE, self.leave_undecided()).await;
        if let Some(web) = &mut self.web {
            let _ = tokio::time::timeout_at(deadline, web.web.ended()).await; // whoever reads still is cut off
        }
        if let Ok(Err(error)) = answered {
            return Err(error);
        }
        if self.desk.ledger.revision() > self.snapshot_revision {
            self.snapshot();
        }
        if left.is_err() {
            tracing::warn!("requests that came while the service was stopping are not answered: the disk is too slow");
        }
        let closed = tokio::time::timeout_at(deadline + SHUTDOWN_STORE, self.store.close()).await;
        if let Ok(Err(error)) = closed {
            tracing::warn!("the store was not closed cleanly, which loses nothing: {error}");
        }
        Ok(())
    }

    /// Decides and stores all that was asked for.
    async fn settle_last(&mut self) -> Result<(), ServiceError> {
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
        Ok(())
    }

    /// Writes what is to be written, and reads what the server sends until `is_over` or nothing came for a while. Read to its
    /// end, a connection is closed in a way that lets the server have all that was written to it.
    async fn hear_until(&mut self, is_over: impl Fn(&Front) -> bool) {
        while self.link.is_up() && !is_over(&self.front) {
            if let Some(output) = self.link.free_output() {
                let (now_ms, chunk) = (self.time.now_ms(), neerc_xmpp::limits::LINK_CHUNK_BYTES);
                self.front.transmit(now_ms, self.desk.world(), output, chunk);
            }
            match tokio::time::timeout(SHUTDOWN_SILENCE, self.link.next(Reads::Wanted)).await {
                Ok(LinkEvent::Received) => {
                    self.front.receive(self.time.now_ms(), self.link.input(), self.desk.world());
                }
                Ok(LinkEvent::Lost(_)) | Err(_) => return, // a server that says nothing is not waited for
                Ok(LinkEvent::Connected | LinkEvent::Written) => {}
            }
        }
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
