//! The undo log of founding and joining: what takes a step back is on this host's disk before the step is
//! taken. A failure goes back over it; after a kill the next start does.

use super::{config, network, storage};
use crate::context::Context;
use crate::error::{Context as _, Error, Kind, Result};
use crate::node::Remotes;
use serde::{Deserialize, Serialize};
use shared_api::config::Map;
use shared_api::paths;
use std::time::Duration;

/// How long a cluster is asked to forget a join: it forgets by itself when the join's time is over.
const ABANDON: Duration = Duration::from_secs(3);

/// What takes back a step that was done, or was only about to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Undo {
    /// Listen as this configuration of the host says.
    Listen(Map),
    /// Have the cluster that shows this certificate (SHA-256, hex) at these addresses forget the join.
    Abandon { addresses: Vec<String>, fingerprint: String },
    /// Delete a pool, whose place was free.
    DeletePool { name: String, driver: String, config: Map },
    /// Delete a network.
    DeleteNetwork { name: String, config: Map },
    /// Bring a network back to these keys.
    RestoreNetwork { name: String, config: Map },
}

/// Notes what takes back the next step; the step is taken once this has returned.
pub async fn note(ctx: &Context, undo: &Undo) -> Result<()> {
    let text = serde_json::to_string(undo).context("write what takes a step back")?;
    ctx.local.push_undo(&text).await
}

/// Takes everything back, the latest step first. What cannot be is logged, and left.
pub async fn run(ctx: &Context) {
    loop {
        let gone = match ctx.local.last_undo().await {
            Ok(None) => return,
            Ok(Some((number, text))) => {
                match serde_json::from_str(&text) {
                    Ok(undo) => {
                        if let Err(error) = perform(ctx, undo).await {
                            tracing::warn!("A step could not be taken back: {}", error.chain());
                        }
                    }
                    Err(error) => tracing::warn!(%error, text, "A step cannot be taken back"),
                }
                ctx.local.pop_undo(number).await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = gone {
            tracing::warn!("The next start goes on taking steps back: {}", error.chain());
            return;
        }
    }
}

/// Takes one step back; does nothing where that is done.
pub async fn perform(ctx: &Context, undo: Undo) -> Result<()> {
    tracing::info!(?undo, "Taking a step back");
    match undo {
        Undo::Listen(former) => {
            config::restore(ctx, &former).await;
            Ok(())
        }
        Undo::Abandon { addresses, fingerprint } => abandon(ctx, &addresses, &fingerprint).await,
        Undo::DeletePool { name, driver, config } => {
            storage::discard(ctx, name, driver, config).await
        }
        Undo::DeleteNetwork { name, config } => network::discard(ctx, name, config).await,
        Undo::RestoreNetwork { name, config } => network::bring_back(ctx, name, config).await,
    }
}

async fn abandon(ctx: &Context, addresses: &[String], fingerprint: &str) -> Result<()> {
    let cluster = Remotes::new(addresses, fingerprint, &ctx.tls.server())?;
    match tokio::time::timeout(ABANDON, cluster.delete(paths::INTERNAL_CLUSTER_JOIN)).await {
        // It does not know of the join.
        Ok(Err(error)) if error.kind == Kind::Forbidden => Ok(()),
        Ok(done) => done,
        Err(_) => Err(Error::internal("No member was told in time that a join has ended")),
    }
}
