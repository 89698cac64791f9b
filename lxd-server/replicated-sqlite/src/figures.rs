//! Counts and times of a member since it was opened, for whoever watches it.
//! Noting one costs an atomic addition or two; nobody waits for anybody.

use crate::db::Db;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a member has counted since it was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Figures {
    /// Transactions that were begun here and took effect.
    pub transactions: u64,
    /// Runs of such transactions that the leader found to rest on data that is no more.
    pub conflicts: u64,
    /// Transactions of other members that this one ran again as the leader.
    pub replays: u64,
    /// Linearizable reads that were begun here.
    pub reads: u64,
    /// Questions for a read index; each answers all who wait.
    pub read_indexes: u64,
    /// From proposing a log entry until it is applied here, as the leader.
    pub commits: Times,
    /// Transactions of the log's file, each with its fdatasync.
    pub log_writes: Times,
    /// Making snapshots.
    pub snapshots: Times,
    /// Size of the last snapshot made here.
    pub snapshot_bytes: u64,
    /// Bytes of all entries in the log.
    pub log_bytes: u64,
    /// Index of the last durable entry of the log.
    pub log_index: u64,
    /// Leaders that this member has followed, or been; one that is elected again counts again.
    pub leaders: u64,
}

/// How often something happened, and how long it took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// How many took at most as long as the bound of the same place in [`Times::BOUNDS`] and longer than the one
    /// before; the last took longer than all bounds.
    pub counts: [u64; BUCKETS],
    /// All of them together.
    pub total: Duration,
}

const BUCKETS: usize = Times::BOUNDS.len() + 1;

impl Times {
    /// In microseconds.
    pub const BOUNDS: [u64; 16] = [
        50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000,
        1_000_000, 2_500_000, 10_000_000,
    ];
}

/// Notes times, from any number of threads at once.
#[derive(Debug, Default)]
pub struct Timer {
    counts: [AtomicU64; BUCKETS],
    /// In nanoseconds: enough for 584 years.
    total: AtomicU64,
}

impl Timer {
    /// Notes one.
    pub fn note(&self, took: Duration) {
        let micros = took.as_nanos().div_ceil(1000);
        let bucket = Times::BOUNDS.partition_point(|bound| u128::from(*bound) < micros);
        self.counts[bucket].fetch_add(1, Ordering::Relaxed);
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.total.fetch_add(nanos, Ordering::Relaxed);
    }

    /// What was noted so far.
    pub fn times(&self) -> Times {
        let count = |bucket: usize| self.counts[bucket].load(Ordering::Relaxed);
        Times {
            counts: std::array::from_fn(count),
            total: Duration::from_nanos(self.total.load(Ordering::Relaxed)),
        }
    }
}

/// A number that only grows, but for [`Counter::set`].
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: usize) {
        self.0.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Where the parts of a member note what goes into its [`Figures`].
#[derive(Debug, Default)]
pub(crate) struct Meters {
    pub(crate) transactions: Counter,
    pub(crate) conflicts: Counter,
    pub(crate) replays: Counter,
    pub(crate) reads: Counter,
    pub(crate) read_indexes: Counter,
    pub(crate) commits: Timer,
    pub(crate) log_writes: Timer,
    pub(crate) snapshots: Timer,
    pub(crate) snapshot_bytes: Counter,
    pub(crate) leaders: Counter,
}

impl Db {
    /// What this member has counted since it was opened.
    #[must_use]
    pub fn figures(&self) -> Figures {
        let (meters, extent) = (&self.0.meters, *self.0.log.extent().borrow());
        Figures {
            transactions: meters.transactions.get(),
            conflicts: meters.conflicts.get(),
            replays: meters.replays.get(),
            reads: meters.reads.get(),
            read_indexes: meters.read_indexes.get(),
            commits: meters.commits.times(),
            log_writes: meters.log_writes.times(),
            snapshots: meters.snapshots.times(),
            snapshot_bytes: meters.snapshot_bytes.get(),
            log_bytes: extent.bytes,
            log_index: extent.last(),
            leaders: meters.leaders.get(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_once_where_it_belongs() {
        let timer = Timer::default();
        for micros in [0, 50, 51, 10_000_000, 10_000_001] {
            timer.note(Duration::from_micros(micros));
        }
        timer.note(Duration::from_nanos(50_001));
        let times = timer.times();
        let mut expected = [0; BUCKETS];
        (expected[0], expected[1], expected[15], expected[16]) = (2, 2, 1, 1);
        assert_eq!(times.counts, expected);
        assert_eq!(times.total, Duration::from_nanos(20_000_152_001));
    }
}
