//! Waiting for the cluster that is to be joined.

use crate::app::cluster::Surveyed;
use crate::client::Client;
use crate::error::{Kind, Result};
use shared_api::cluster::ClusterPut;
use shared_api::paths;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// How long after an attempt the next one follows.
const PAUSE: Duration = Duration::from_millis(500);

/// Waits until a member of the cluster can be reached; not at all if none is to be joined.
///
/// # Errors
/// The time is over, or a member refuses.
pub(super) async fn wait(client: &Client, wanted: &ClusterPut, limit: Duration) -> Result<()> {
    let joins = !wanted.cluster_address.is_empty();
    if !joins || limit.is_zero() {
        return Ok(());
    }
    let deadline = Instant::now() + limit;
    loop {
        let pause = Instant::now() + PAUSE;
        match survey(client, wanted).await {
            Err(error) if error.kind == Kind::Unavailable && pause < deadline => {}
            done => {
                return done.map(drop).map_err(|error| error.prefix("Failed to join cluster"));
            }
        }
        sleep_until(pause).await;
    }
}

/// What a member of the cluster shows to whoever wants to join as `wanted` says.
pub(super) async fn survey(client: &Client, wanted: &ClusterPut) -> Result<Surveyed> {
    client.post(paths::INTERNAL_INIT_SURVEY, wanted).await
}
