//! That this process may serve: for as long as a lease lasts that something else renews, or for as long as it runs. And who
//! does, where it may not.

use crate::limits::{LEASE_MARGIN_MS, LEASE_TTL_MS};
use std::future::{pending, poll_fn};
use std::pin::pin;
use std::task::Poll;
use tokio::sync::watch;

/// What is known of who serves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WhoServes {
    /// Who it is, in words.
    pub holder: String,
    /// The last revision that is known to be stored.
    pub revision: u64,
    /// Why nothing newer is known, if that is so.
    pub trouble: Option<String>,
}

/// Whether what is stored is on another machine as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreCopies {
    /// Nothing is known of it, or nobody wants it to be.
    #[default]
    Unknown,
    /// A synchronous standby is connected.
    Kept,
    /// None is, and commits wait for one.
    Awaited,
    /// None is any more, and commits go on.
    Alone,
}

/// Whether this process may store and speak. Clones tell the same.
#[derive(Clone, Debug, Default)]
pub struct Holding(Option<Limited>);

#[derive(Clone, Debug)]
struct Limited {
    /// Until when, by the clock that is asked; in the past once that is over.
    until_ms: watch::Receiver<i64>,
    steady_ms: fn() -> i64,
    copies: watch::Receiver<StoreCopies>,
}

impl Holding {
    /// Until this process ends: a lock of the file system is kept as long.
    pub fn forever() -> Holding {
        Holding::default()
    }

    /// Until a time that somebody sets, by a clock that nobody can. Whoever sets it may be gone: then it is that time.
    pub fn until(
        until_ms: watch::Receiver<i64>,
        steady_ms: fn() -> i64,
        copies: watch::Receiver<StoreCopies>,
    ) -> Holding {
        Holding(Some(Limited { until_ms, steady_ms, copies }))
    }

    /// Whether what is stored is on another machine as well.
    pub fn copies(&self) -> StoreCopies {
        self.0.as_ref().map_or(StoreCopies::Unknown, |limited| *limited.copies.borrow())
    }

    /// How long it still lasts, in ms, if it is not made longer. To be asked right before something is said.
    pub fn left_ms(&self) -> i64 {
        let left = |limited: &Limited| limited.until_ms.borrow().saturating_sub((limited.steady_ms)());
        self.0.as_ref().map_or(i64::MAX, left)
    }

    /// For how long it lasts at most, in ms, if it is not made longer; `None` where it lasts as long as the process.
    pub fn longest_ms(&self) -> Option<i64> {
        self.0.as_ref().map(|_| LEASE_TTL_MS - LEASE_MARGIN_MS)
    }

    /// Whether this process may speak.
    pub fn may_speak(&self) -> bool {
        self.left_ms() > 0
    }

    /// Over when it has ended: as soon as it is taken back, and where it has run out, whenever whoever waits looks. That its
    /// time has come wakes nobody by itself.
    pub async fn ended(&mut self) {
        let Some(limited) = self.0.clone() else { return pending().await };
        let is_over = move || *limited.until_ms.borrow() <= (limited.steady_ms)();
        let Some(Limited { until_ms, .. }) = &mut self.0 else { return pending().await };
        let mut is_set = true;
        while is_set {
            let mut changed = pin!(until_ms.changed());
            is_set = poll_fn(|context| match is_over() {
                true => Poll::Ready(None),
                false => changed.as_mut().poll(context).map(Some),
            })
            .await
            .is_some_and(|changed| changed.is_ok());
            if is_over() {
                return;
            }
        }
        poll_fn(|_| if is_over() { Poll::Ready(()) } else { Poll::Pending }).await // nobody makes it longer any more
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::{Context, Waker};

    #[test]
    fn it_lasts_until_its_time_and_ends_at_once_where_that_is_taken_back() {
        assert!(Holding::forever().may_speak());
        assert_eq!(Holding::forever().longest_ms(), None);
        let (set, until_ms) = watch::channel(1_500);
        let mut holding = Holding::until(until_ms, || 1_000, watch::channel(StoreCopies::Kept).1);
        assert_eq!((holding.left_ms(), holding.may_speak()), (500, true));
        assert!(holding.longest_ms().is_some_and(|longest_ms| longest_ms < LEASE_TTL_MS));
        let other = holding.clone();
        let mut context = Context::from_waker(Waker::noop());
        {
            let mut ended = pin!(holding.ended());
            assert_eq!(ended.as_mut().poll(&mut context), Poll::Pending);
            set.send_replace(2_000);
            assert_eq!(ended.as_mut().poll(&mut context), Poll::Pending);
            set.send_replace(i64::MIN);
            assert_eq!(ended.as_mut().poll(&mut context), Poll::Ready(()));
        }
        assert!(!other.may_speak());
        let mut other = other;
        assert_eq!(pin!(other.ended()).poll(&mut context), Poll::Ready(()));
        set.send_replace(1_000);
        assert!(!other.may_speak(), "not at that very moment");
    }
}
