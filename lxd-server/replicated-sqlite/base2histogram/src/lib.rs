//! Stands in for base2histogram under openraft, with the part of its API that openraft names.
//!
//! openraft notes batch sizes in histograms that it shows only with its feature `runtime-stats`, which is off
//! here. The original keeps the tables of all its resolutions for that, 25 MiB in each process. This one keeps
//! nothing: with that feature on, openraft would show zeros.

use std::fmt;
use std::marker::PhantomData;

/// Takes values and keeps none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram<T = ()>(PhantomData<T>);

impl<T> Default for Histogram<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Histogram<T> {
    /// A new one.
    #[must_use]
    pub const fn new() -> Self {
        Self(PhantomData)
    }

    /// Takes a value.
    pub const fn record(&mut self, _: u64) {}

    /// Takes a value that was seen that often.
    pub const fn record_n(&mut self, _: u64, _: u64) {}

    /// That nothing is kept.
    #[must_use]
    pub fn percentile_stats(&self) -> PercentileStats {
        PercentileStats::default()
    }
}

/// How values are distributed: below `pN` are N per cent of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct PercentileStats {
    pub samples: u64,
    pub p0_1: u64,
    pub p1: u64,
    pub p5: u64,
    pub p10: u64,
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub p99_9: u64,
}

impl fmt::Display for PercentileStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} samples", self.samples)
    }
}

/// Histograms side by side.
#[derive(Clone, Debug, Default)]
pub struct AsciiChart;

impl AsciiChart {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }

    /// One more.
    #[must_use]
    pub fn add(self, _: &str, _: Histogram) -> Self {
        self
    }
}

impl fmt::Display for AsciiChart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nothing is kept")
    }
}
