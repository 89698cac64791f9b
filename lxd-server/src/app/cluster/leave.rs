//! A server that was removed from its cluster: it finds out, says so, and becomes a server of its own without
//! what it had of the cluster. One that was there when it was removed does that by itself; one that returns
//! waits for an operator's word.

use super::join::database_dir;
use super::{Removal, finish};
use crate::app::{network, storage, undo_log};
use crate::context::Context;
use crate::db::tables::members;
use crate::error::{Context as _, Error, Result};
use crate::failpoint::reached;
use crate::node::{self, Remote, Replica};
use crate::tls;
use futures::FutureExt;
use jiff::tz::TimeZone;
use shared_api::paths;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked whether another member says that this one was removed.
const LOOK: Duration = Duration::from_secs(2);

/// Runs until the daemon stops.
pub async fn heed(ctx: Context) {
    let mut told = String::new();
    loop {
        if super::is_clustered(&ctx) && ctx.db.replica().status().is_removed() {
            match heard(&ctx).await {
                Ok(None) => {}
                Ok(Some(trouble)) if trouble == told => {}
                Ok(Some(trouble)) => {
                    tracing::error!("{trouble}");
                    told = trouble;
                }
                Err(error) => tracing::warn!("This server was removed: {}", error.chain()),
            }
        }
        tokio::select! {
            () = ctx.stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Leaves, or tells what an operator is to know; nothing as long as no member says how it was removed.
async fn heard(ctx: &Context) -> Result<Option<String>> {
    let Some(removal) = ask(ctx).await? else { return Ok(None) };
    if removal.attended {
        return leave(ctx, &removal).await.map(|()| None);
    }
    let trouble = describe(&removal);
    ctx.db.replica().set_trouble(Some(trouble.clone()));
    Ok(Some(trouble))
}

/// How this server was removed, if it was.
///
/// If no member can tell more than its replica does: what its own says.
pub(super) async fn removal(ctx: &Context) -> Result<Option<Removal>> {
    let replica = ctx.node.replica();
    if !replica.is_stand_in() && !replica.db.status().is_removed() {
        return Ok(None);
    }
    match ask(ctx).await {
        Ok(None) | Err(_) if replica.db.status().is_removed() => own_view(ctx).await.map(Some),
        told => told,
    }
}

/// Asks the members one after the other.
pub(super) async fn ask(ctx: &Context) -> Result<Option<Removal>> {
    let replica = ctx.node.replica();
    let cluster = replica.cluster.clone().context("find the cluster's certificate")?;
    let status = replica.db.status();
    let own = status.addresses.get(&status.node).cloned();
    let mut addresses: BTreeSet<String> = status.addresses.into_values().collect();
    addresses.extend(ctx.local.members().await?);
    let others = addresses.into_iter().filter(|address| Some(address) != own.as_ref());
    let mut refusals = Vec::new();
    for address in others.filter(|address| !address.is_empty()) {
        let remote = Remote::new(&address, &cluster.fingerprint, &ctx.tls.server())?;
        match remote.get(paths::INTERNAL_CLUSTER_REMOVAL).await {
            Ok(removal) => return Ok(Some(removal)),
            Err(error) => refusals.push(format!("{address}: {}", error.chain())),
        }
    }
    tracing::debug!("No member tells of a removal: {}", refusals.join("; "));
    Ok(None)
}

/// What this server's replica has of it, which was not there when it was removed.
async fn own_view(ctx: &Context) -> Result<Removal> {
    let node = ctx.node.id();
    let read = ctx.db.read_local(|tx| {
        async move {
            let own = members::get(&mut *tx, node).await?;
            let own = own.ok_or_else(|| {
                Error::unavailable("No member answers that knows what this server had")
            })?;
            let mut parts = storage::parts_of(&mut *tx, node).await?;
            parts.extend(network::parts_of(tx, node).await?);
            Ok(Removal { node, name: own.name, removed_at: None, attended: false, parts })
        }
        .boxed()
    });
    read.await
}

/// In words for users.
pub(super) fn describe(removal: &Removal) -> String {
    let when = removal.removed_at.map(|at| {
        let date = at.to_zoned(TimeZone::UTC);
        format!(" on {}", date.strftime("%Y-%m-%d %H:%M:%S UTC"))
    });
    format!(
        "this server was removed from its cluster, in which it was {}{}. To make it a server of its own, \
         without the storage pools, networks and profiles that it has of the cluster: lxc cluster disable",
        removal.name,
        when.unwrap_or_default()
    )
}

/// A member has said that this one was removed: it leaves now.
pub async fn leave_now(ctx: &Context) -> Result<()> {
    let removal = ask(ctx).await?.filter(|removal| removal.attended);
    leave(ctx, &removal.ok_or_else(|| Error::forbidden("This server was not removed"))?).await
}

/// Makes this server one of its own. A kill in between leaves it removed: it does it again.
pub(super) async fn leave(ctx: &Context, removal: &Removal) -> Result<()> {
    let _joining = ctx.joining.lock().await;
    let former = ctx.node.replica();
    let is_lost = former.is_stand_in();
    if former.cluster.is_none() || !is_lost && former.membership.node != removal.node {
        // Somebody was faster.
        return Ok(());
    }
    let server = ctx.tls.server();
    let shown = tls::public_server(&server)?;
    for part in &removal.parts {
        undo_log::perform(ctx, part.clone()).await?;
    }
    reached("leave: emptied");
    let replica = Arc::new(Replica::found(&database_dir(ctx), &ctx.options).await?);
    let directory = replica.directory.clone();
    ctx.local.arrive(&directory, &[]).await?;
    reached("leave: pointed");
    tls::Identity::remove(&ctx.dir, "cluster");
    ctx.node.show(shown);
    ctx.tls.set_public(server);
    ctx.events.set_location("none");
    finish::exchange(ctx, replica).close().await;
    if let Err(error) = node::remove_others(&database_dir(ctx), &[&directory]) {
        tracing::warn!("The former replica is removed at the next start: {}", error.chain());
    }
    tracing::info!(name = removal.name, "This server has left its cluster");
    Ok(())
}
