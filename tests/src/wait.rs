//! Waiting for a condition: the only sleep of the tests.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};

const PAUSE: Duration = Duration::from_millis(10);

/// Asks until `condition` gives a value, or fails after `limit` naming `what`.
pub fn wait_until<T>(
    what: &str,
    limit: Duration,
    condition: impl FnMut() -> Option<T>,
) -> Result<T> {
    wait_until_finely(what, limit, PAUSE, condition)
}

/// [`wait_until`] with another pause between two questions, for measuring.
pub fn wait_until_finely<T>(
    what: &str,
    limit: Duration,
    pause: Duration,
    mut condition: impl FnMut() -> Option<T>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return Ok(value);
        }
        if start.elapsed() > limit {
            bail!("not within {limit:?}: {what}");
        }
        thread::sleep(pause);
    }
}
