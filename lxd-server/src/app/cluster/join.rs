//! Makes this server a member of an existing cluster, or leaves it and the cluster as they were.
//!
//! The new replica is prepared beside the one in use; pointing to it is the last step (`finish`). A
//! kill before the request for activation leaves what the next start removes, but for pools, bridges
//! and the addresses to listen on, which a retry takes over; the cluster undoes its side in time.

use super::remote::{self, Invitation};
use super::{Accept, Accepted, finish, heal};
use crate::app::undo::Undo;
use crate::app::{config, network, storage};
use crate::context::Context;
use crate::db::tables::members::{self, State};
use crate::db::{Replica as Pointer, SCHEMA_VERSION};
use crate::error::{Error, Result};
use crate::host;
use crate::limits;
use crate::node::{self, Replica};
use crate::tls::{self, Authority, Identity};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt;
use shared_api::cluster::ClusterPut;
use shared_api::paths;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long roles may take to settle before the join is reported done without them.
const SETTLE: Duration = Duration::from_secs(3);

/// Joins as the request says. If it fails, nothing of it is left on either side.
pub async fn join(ctx: &Context, request: &ClusterPut) -> Result<()> {
    let _joining = ctx.joining.lock().await;
    finish::require_free(ctx).await?;
    let invitation = Invitation::of(request)?;
    let mut undo = Undo::new();
    match attempt(ctx, request, &invitation, &mut undo).await {
        Ok(()) => undo.disarm(),
        Err(error) => {
            undo.run().await;
            return Err(error.prefix("Failed to join cluster"));
        }
    }
    heal::settled(ctx, SETTLE).await;
    Ok(())
}

async fn attempt<'a>(
    ctx: &'a Context,
    request: &ClusterPut,
    invitation: &Invitation,
    undo: &mut Undo<'a>,
) -> Result<()> {
    let address = config::listen_for_cluster(ctx, &request.server_address, undo).await?;
    let remote = remote::connect(ctx, invitation).await?;
    let gone = remote.clone();
    undo.push("have the cluster forget the join", async move {
        // It forgets by itself when the join's time is over.
        let _ = gone.delete(paths::INTERNAL_CLUSTER_JOIN).await;
    });
    remote::present(ctx, invitation, &remote).await?;
    let storage_pools = storage::prepare_join(ctx, &remote, &request.member_config, undo).await?;
    let networks = network::prepare_join(ctx, &remote, &request.member_config, undo).await?;
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
    let accepted: Accepted = remote.post(paths::INTERNAL_CLUSTER_ACCEPT, &accept).await?;
    let replica = prepare(ctx, &accepted, key, undo).await?;
    wait_for_own_row(&replica).await?;
    let others = accepted.members.iter().map(|member| member.address.clone());
    let mut addresses = vec![remote.address.clone()];
    addresses.extend(others.filter(|address| *address != remote.address));
    finish::activate(ctx, &replica, &addresses, finish::Patience::OfJoin).await?;
    finish::point_to(ctx, replica).await
}

/// Opens a new replica beside the one in use and takes streams for it.
pub(super) async fn prepare<'a>(
    ctx: &'a Context,
    accepted: &Accepted,
    key: String,
    undo: &mut Undo<'a>,
) -> Result<Arc<Replica>> {
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
    undo.push("remove the prepared replica", {
        let (database, current) = (database.clone(), current.clone());
        async move {
            let kept = Pointer { directory: current.clone(), joining: None };
            let forgotten = ctx.local.set_replica(&kept).await;
            let removed = node::remove_others(&database, &[&current]);
            if let Err(error) = forgotten.and(removed) {
                tracing::warn!("Undoing a join: {}", error.chain());
            }
        }
    });
    let pointer = Pointer { directory: current, joining: Some(directory.clone()) };
    ctx.local.set_replica(&pointer).await?;
    let replica = Arc::new(Replica::open(&database, &directory, &ctx.options).await?);
    undo.push("close the prepared replica", {
        let replica = replica.clone();
        async move {
            ctx.node.serve_streams(None);
            replica.db.close().await;
        }
    });
    ctx.node.serve_streams(Some(replica.clone()));
    Ok(replica)
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
