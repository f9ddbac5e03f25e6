//! Who the people of the rooms are is kept beside the log for machines that stand by, which have it from nobody else. Not what
//! they make of it.

use crate::limits::{BACKDROP_CLOCK_MS, BACKDROP_SPACING};
use crate::web::picture::{Album, Picture};
use neerc_core::clocks::LastHeard;
use neerc_store::{Backdrop, RoomBackdrop, Store, StoreError};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::sleep;

/// Keeps it true until there are no more pictures.
pub async fn keep(mut albums: watch::Receiver<Arc<Album>>, store: Store, url: Arc<str>) {
    let mut kept = Backdrop::default();
    while albums.changed().await.is_ok() {
        let album = albums.borrow_and_update().clone();
        let rooms = album.rooms.iter().filter(|picture| !picture.people.is_empty());
        let rooms: Vec<RoomBackdrop> = rooms.map(|picture| backdrop(picture, &album, &kept)).collect();
        if album.elsewhere.is_some() || rooms.is_empty() {
            continue;
        }
        let now = Backdrop { url: Some(url.clone()), rooms };
        let (before, again) = (kept.clone(), store.clone());
        let work =
            move || if before.is_like(&now) { Ok(None) } else { again.show_before(&now).map(|done| Some((done, now))) };
        let done = match tokio::task::spawn_blocking(work).await {
            Ok(Ok(Some((done, now)))) => done.await.map(|()| kept = now),
            Ok(Ok(None)) => Ok(()),
            Ok(Err(error)) => Err(error),
            Err(_) => return, // it panicked, which was said, or the program ends
        };
        match done {
            Ok(()) => {}
            Err(error @ (StoreError::Gone | StoreError::Broken { .. })) => {
                tracing::debug!("who is there is kept no more: {error}");
                return;
            }
            Err(error) => {
                tracing::debug!("who is there could not be kept for machines that stand by: {error}");
                albums.mark_changed();
            }
        }
        sleep(BACKDROP_SPACING).await;
    }
}

/// What a room is shown before. A clock that runs on as it did is not told anew.
fn backdrop(picture: &Picture, album: &Album, kept: &Backdrop) -> RoomBackdrop {
    let by_feed = picture.clock.as_ref().filter(|clock| clock.set.is_none());
    let clock = album.time.zip(by_feed).map(|(time, clock)| {
        let (now, clock) = (time.now(), clock.clock);
        let reading = clock.at(now.steady_ms);
        LastHeard { reading, heard_ms: now.wall_ms, over_ms: clock.over_ms(now.steady_ms) }
    });
    let before = kept.rooms.iter().find(|room| room.room == picture.room).and_then(|room| room.clock);
    let clock = match (before, clock) {
        (Some(before), Some(now)) if runs_on(&before, &now) => Some(before),
        _ => clock,
    };
    RoomBackdrop { room: picture.room.clone(), people: picture.people.clone(), visibility: picture.visibility, clock }
}

/// Whether a clock shows about what one would think who heard it before.
fn runs_on(before: &LastHeard, now: &LastHeard) -> bool {
    let gone_ms = now.heard_ms.saturating_sub(before.heard_ms);
    let thought = before.reading.carried(gone_ms);
    let is_over = thought.phase == now.reading.phase && !thought.phase.ticks();
    thought.phase == now.reading.phase
        && thought.total_ms == now.reading.total_ms
        && thought.elapsed_ms.abs_diff(now.reading.elapsed_ms) < BACKDROP_CLOCK_MS.unsigned_abs()
        && (!is_over || before.over_ms.saturating_add(gone_ms).abs_diff(now.over_ms) < BACKDROP_CLOCK_MS.unsigned_abs())
}
