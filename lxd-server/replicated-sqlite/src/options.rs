//! What can be tuned, with the defaults that the measurements led to.

use std::time::Duration;

/// Times and limits of a member. All members of a group should use the same times.
#[derive(Clone, Debug)]
pub struct Options {
    /// How often the leader tells the others that it lives, and how long it waits for their word. So this must be
    /// longer than a round trip: a leader that nobody answers in time may neither read nor write.
    pub heartbeat: Duration,
    /// A follower that no longer stands by its leader campaigns after a random time between these two. Also how
    /// long it waits for votes. A third more than `heartbeat`.
    pub election_min: Duration,
    /// See `election_min`. Also how long a follower stands by a leader it heard from.
    pub election_max: Duration,
    /// Multiplies all times, for slow networks and crowded machines.
    pub latency_factor: u32,
    /// Entries between two snapshots.
    pub snapshot_every: u64,
    /// Entries kept in the log though a snapshot holds them, for members that lag a little.
    pub entries_kept: u64,
    /// Bytes in the log above which a snapshot is made and the log cut back before its time.
    pub log_bytes_max: u64,
    /// Bytes that one transaction may change at most.
    pub change_bytes_max: usize,
    /// How long a closure may hold the writer.
    pub closure_max: Duration,
    /// How long a read or write is tried for before its caller hears of trouble.
    pub deadline: Duration,
    /// Campaign as soon as the leader's connection is reset, instead of waiting for its silence.
    pub elect_on_reset: bool,
    /// Entries between two comparisons of all tables on all members.
    pub check_every: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_millis(300),
            election_min: Duration::from_millis(400),
            election_max: Duration::from_millis(700),
            latency_factor: 1,
            snapshot_every: 5000,
            entries_kept: 5000,
            log_bytes_max: 16 << 20,
            change_bytes_max: 16 << 20,
            closure_max: Duration::from_secs(1),
            deadline: Duration::from_secs(30),
            elect_on_reset: true,
            check_every: 10_000,
        }
    }
}

impl Options {
    /// The times that are to be multiplied, multiplied.
    pub(crate) fn scaled(&self) -> Self {
        let factor = self.latency_factor.max(1);
        Self {
            heartbeat: self.heartbeat * factor,
            election_min: self.election_min * factor,
            election_max: self.election_max * factor,
            latency_factor: 1,
            ..self.clone()
        }
    }

    /// No word from a majority for this long: there is none.
    pub(crate) fn silence(&self) -> Duration {
        self.election_max * 2
    }
}
