//! `lxd waitready`.

use super::Client;
use crate::args::WaitReady;
use crate::error::{Error, Result};
use serde_json::Value;
use shared_api::paths;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// How long after an attempt the next one follows, while there is no socket yet.
const PAUSE: Duration = Duration::from_millis(5);
/// What "never" is to the clock.
const NEVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Waits until the daemon is there and has brought up storage and networks.
///
/// # Errors
/// The time is over.
pub fn wait_ready(arguments: &WaitReady) -> Result<()> {
    let seconds = arguments.timeout;
    let limit = if seconds == 0 { NEVER } else { Duration::from_secs(seconds).min(NEVER) };
    super::run(async |client: Client| {
        let deadline = Instant::now() + limit;
        wait(&client, deadline).await.map_err(|reason| {
            let reason = reason.message;
            Error::unavailable(format_args!(
                "LXD still not running after {seconds}s timeout ({reason})"
            ))
        })
    })
}

/// Waits until the daemon is ready; the last reason why it was not, if that takes too long.
async fn wait(client: &Client, deadline: Instant) -> Result<()> {
    // The daemon answers when it is ready, so that nobody has to ask again.
    let url = paths::with_query(paths::INTERNAL_READY, &[("timeout", "-1")]);
    let mut reason = Error::unavailable("no answer");
    loop {
        match timeout_at(deadline, client.get::<Value>(&url)).await {
            Err(_) => return Err(reason),
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => reason = error,
        }
        if timeout_at(deadline, sleep(PAUSE)).await.is_err() {
            return Err(reason);
        }
    }
}
