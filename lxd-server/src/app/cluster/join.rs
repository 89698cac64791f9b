//! Makes this server a member of an existing cluster, or leaves it and the cluster as they were.
//!
//! What takes each step back is on disk before the step (`undo_log`); the new replica is prepared beside the
//! one in use, and pointing to it is the last step (`finish`).

use super::remote::{self, Invitation};
use super::{Accept, Accepted, finish, heal, preflight};
use crate::app::undo_log;
use crate::app::{config, network, storage};
use crate::context::Context;
use crate::db::tables::members::{self, State};
use crate::db::{Replica as Pointer, SCHEMA_VERSION};
use crate::error::{Error, Result};
use crate::failpoint::reached;
use crate::host;
use crate::limits;
use crate::node::{self, Remotes, Replica};
use crate::tls::{self, Authority, Identity};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt;
use shared_api::cluster::ClusterPut;
use shared_api::paths;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::task::AbortOnDropHandle;

/// How long roles may take to settle before the join is reported done without them.
const SETTLE: Duration = Duration::from_secs(3);

/// Joins as the request says. If it fails, nothing of it is left on either side.
pub async fn join(ctx: &Context, request: &ClusterPut) -> Result<()> {
    let _joining = ctx.joining.lock().await;
    finish::require_free(ctx).await?;
    let invitation = Invitation::of(request)?;
    if let Err(error) = attempt(ctx, request, &invitation).await {
        undo_log::run(ctx).await;
        return Err(error.prefix("Failed to join cluster"));
    }
    heal::settled(ctx, SETTLE).await;
    Ok(())
}

async fn attempt(ctx: &Context, request: &ClusterPut, invitation: &Invitation) -> Result<()> {
    reached("join: begun");
    let address = config::cluster_address(ctx, &request.server_address).await?;
    let listening = config::listen_for_cluster(ctx, &request.server_address).await;
    reached("join: listening");
    let cluster = Arc::new(remote::connect(ctx, invitation).await?);
    undo_log::note(ctx, &invitation.undo()).await?;
    remote::present(ctx, invitation, &cluster).await?;
    reached("join: let in");
    let kept = keep_place(cluster.clone());
    let (name, own) = (invitation.name.as_str(), &request.member_config);
    let joiner = preflight::Joiner { name, address: &address, own };
    let keys = preflight::check(ctx, &cluster, &joiner, listening.map(drop)).await?;
    reached("join: checked");
    let storage_pools = storage::prepare_join(ctx, &cluster, &keys).await?;
    reached("join: pools made");
    let networks = network::prepare_join(ctx, &cluster, &keys).await?;
    reached("join: networks made");
    let (key, public_key) = tls::member_key()?;
    let accept = Accept {
        name: invitation.name.to_string(),
        address,
        architecture: host::architecture_id(),
        schema: SCHEMA_VERSION,
        api: shared_api::extensions::ALL.len(),
        public_key: STANDARD.encode(public_key),
        storage_pools,
        networks,
    };
    let accepted: Accepted = cluster.post(paths::INTERNAL_CLUSTER_ACCEPT, &accept).await?;
    reached("join: accepted");
    let replica = prepare(ctx, &accepted, key).await?;
    reached("join: replica open");
    let mut addresses = vec![cluster.address().to_owned()];
    addresses.extend(accepted.members.into_iter().map(|member| member.address));
    if let Err(error) = enter(ctx, &replica, &addresses, kept).await {
        finish::forget(ctx, Some(&replica)).await?;
        return Err(error);
    }
    reached("join: pointed");
    Ok(())
}

/// Tells the cluster again and again that the joiner is at work, until this is dropped.
fn keep_place(cluster: Arc<Remotes>) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(tokio::spawn(async move {
        loop {
            tokio::time::sleep(limits::JOIN_TIMEOUT / 4).await;
            let kept = cluster.post::<serde_json::Value>(paths::INTERNAL_CLUSTER_JOIN, &()).await;
            if let Err(error) = kept {
                tracing::info!("The cluster was not told that the join goes on: {error}");
            }
        }
    }))
}

/// The replica fills, then the cluster makes this server a member by it.
async fn enter(
    ctx: &Context,
    replica: &Arc<Replica>,
    addresses: &[String],
    kept: AbortOnDropHandle<()>,
) -> Result<()> {
    wait_for_own_row(replica).await?;
    reached("join: replica filled");
    // From here on the time in which this server can become a member is not made longer any more.
    drop(kept);
    finish::activate(ctx, replica, addresses, finish::Patience::OfJoin).await?;
    reached("join: active");
    finish::point_to(ctx, replica.clone()).await
}

/// Opens a new replica beside the one in use and takes streams for it; nothing of it is left if that fails.
pub(super) async fn prepare(
    ctx: &Context,
    accepted: &Accepted,
    key: String,
) -> Result<Arc<Replica>> {
    match open(ctx, accepted, key).await {
        Ok(replica) => {
            ctx.node.serve_streams(Some(replica.clone()));
            Ok(replica)
        }
        Err(error) => {
            finish::forget(ctx, None).await?;
            Err(error)
        }
    }
}

async fn open(ctx: &Context, accepted: &Accepted, key: String) -> Result<Arc<Replica>> {
    let parts = node::Accepted {
        authority: Authority::from_pem(
            accepted.authority_certificate.clone(),
            accepted.authority_key.clone(),
        )?,
        member: Identity::from_pem(accepted.certificate.clone(), key)?,
        cluster: Identity::from_pem(
            accepted.cluster_certificate.clone(),
            accepted.cluster_key.clone(),
        )?,
    };
    let database = database_dir(ctx);
    let directory = Replica::prepare(&database, &parts)?;
    let current = ctx.node.replica().directory.clone();
    ctx.local
        .set_replica(&Pointer { directory: current, joining: Some(directory.clone()) })
        .await?;
    reached("join: directory made");
    Replica::open(&database, &directory, &ctx.options).await.map(Arc::new)
}

/// Waits until the cluster's leader has sent all up to this member's own row: as long as more arrives.
pub(super) async fn wait_for_own_row(replica: &Replica) -> Result<()> {
    let mut applied = replica.db.status().applied;
    while own_state(replica).await.is_none() {
        let more = tokio::time::timeout(limits::JOIN_SILENCE, replica.db.applied_after(applied));
        applied = more
            .await
            .map_err(|_| Error::internal("The cluster's database did not arrive in time"))?;
    }
    Ok(())
}

pub(super) async fn until(replica: &Replica, holds: impl Fn(Option<State>) -> bool) {
    let mut applied = replica.db.status().applied;
    while !holds(own_state(replica).await) {
        applied = replica.db.applied_after(applied).await;
    }
}

async fn own_state(replica: &Replica) -> Option<State> {
    let node = replica.membership.node;
    // Before the first entries have arrived there are no tables.
    let row = replica.db.read_local(|tx| members::get(tx, node).boxed()).await;
    row.ok().flatten().map(|member| member.state)
}

pub(super) fn database_dir(ctx: &Context) -> PathBuf {
    ctx.dir.join("database")
}
