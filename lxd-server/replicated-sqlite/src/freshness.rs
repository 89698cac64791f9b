//! How old a member's data is: the last moment of which it has all that was committed by then.
//!
//! A leader knows when a majority last stood by it. Another member has its leader's word with each message:
//! what was committed when it was sent. Applied that far, it has all that was committed at that moment.

use crate::types::Metrics;
use openraft::Instant as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

/// Clones share it.
#[derive(Clone, Default)]
pub(crate) struct Freshness(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    /// All that was committed at this moment is applied.
    current: Option<Instant>,
    /// The next such moment, and up to which index has to be applied for it.
    next: Option<(Instant, u64)>,
}

impl Freshness {
    /// Nothing after `index` was committed at that moment; `applied` is where this member is now.
    pub(crate) fn promise(&self, moment: Instant, index: u64, applied: u64) {
        let mut known = self.known();
        known.settle(applied);
        // One at a time: a busy member that always lags a little would never reach the latest.
        if known.next.is_none() && known.current.is_none_or(|current| current < moment) {
            known.next = Some((moment, index));
            known.settle(applied);
        }
    }

    /// What a leader knows by its last majority; another member's metrics say nothing.
    pub(crate) fn lead(&self, metrics: &Metrics, applied: u64) {
        let (acked, committed) = (metrics.last_quorum_acked, metrics.cluster_committed);
        if let Some((acked, committed)) = acked.zip(committed)
            && let Some(moment) = Instant::now().checked_sub(acked.elapsed())
        {
            self.promise(moment, committed.index, applied);
        }
    }

    /// The last moment of which this member has everything; `None` if none is known.
    pub(crate) fn current(&self, applied: u64) -> Option<Instant> {
        let mut known = self.known();
        known.settle(applied);
        known.current
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn settle(&mut self, applied: u64) {
        if let Some((moment, _)) = self.next.take_if(|(_, index)| *index <= applied) {
            self.current = Some(moment);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn only_what_is_applied_counts() {
        let (freshness, start) = (Freshness::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(freshness.current(9), None);
        freshness.promise(at(1), 5, 5);
        assert_eq!(freshness.current(5), Some(at(1)));
        // It lags: the leader's later words wait for the first of them.
        freshness.promise(at(2), 8, 6);
        freshness.promise(at(3), 20, 7);
        assert_eq!(freshness.current(7), Some(at(1)));
        assert_eq!(freshness.current(8), Some(at(2)));
        freshness.promise(at(4), 8, 8);
        assert_eq!(freshness.current(8), Some(at(4)));
        // Words that come late make nothing older.
        freshness.promise(at(3), 8, 8);
        assert_eq!(freshness.current(8), Some(at(4)));
    }
}
