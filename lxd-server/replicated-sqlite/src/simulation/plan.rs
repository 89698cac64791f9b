//! What a seed stands for: the group, its settings, what may befall it.

use crate::Options;
use crate::simulation::net::Way;
use rand::Rng;
use rand::rngs::StdRng;
use std::time::Duration;

pub(super) struct Plan {
    /// Who votes at first: 3, 5 or 7.
    pub(super) voters: u64,
    /// Machines beside those.
    pub(super) spares: u64,
    pub(super) keys: u8,
    pub(super) clients: usize,
    /// What a client pauses between two operations at most, in ms.
    pub(super) think: u64,
    /// How long things go wrong, in ms.
    pub(super) trouble: u64,
    /// The longest pause between two faults, in ms.
    pub(super) calm: u64,
    pub(super) options: Options,
    pub(super) usual: Way,
    /// The part of the calls that comes twice.
    pub(super) doubled: f64,
    /// Kinds of faults that this seed has, as bits: few at a time find what all together hide.
    pub(super) faults: u32,
    /// How far clocks go apart: rates are between 2 to the minus and the plus twice this. The heartbeat and the
    /// election timer are a factor of three apart, of which the way takes a part.
    pub(super) drift: f64,
}

impl Plan {
    pub(super) fn draw(rng: &mut StdRng) -> Self {
        let far = rng.random_bool(0.2);
        let usual = match far {
            true => Way { delay: rng.random_range(5..=40), jitter: 20, cut: None },
            false => Way { delay: 0, jitter: rng.random_range(0..=4), cut: None },
        };
        Self {
            voters: [3, 3, 3, 3, 5, 5, 5, 7][rng.random_range(0..8)],
            spares: rng.random_range(0..=2),
            keys: rng.random_range(1..=4),
            clients: rng.random_range(3..=7),
            think: [20, 100, 300][rng.random_range(0..3)],
            trouble: rng.random_range(1_500..=4_000),
            calm: [300, 700, 1_500][rng.random_range(0..3)],
            options: options(rng),
            usual,
            doubled: if rng.random_bool(0.4) { 0.1 } else { 0.0 },
            faults: rng.random(),
            drift: [0.0, 0.05, 0.2][rng.random_range(0..3)],
        }
    }
}

/// Small limits, so that what is rare happens often.
fn options(rng: &mut StdRng) -> Options {
    Options {
        snapshot_every: [8, 30, 1000][rng.random_range(0..3)],
        entries_kept: [0, 5, 1000][rng.random_range(0..3)],
        log_bytes_max: [4 << 10, 64 << 10, 1 << 20][rng.random_range(0..3)],
        check_every: [5, 40][rng.random_range(0..2)],
        deadline: Duration::from_secs([2, 6][rng.random_range(0..2)]),
        elect_on_reset: rng.random_bool(0.8),
        ..Options::default()
    }
}
