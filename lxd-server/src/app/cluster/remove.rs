//! Takes a member out of the cluster: its row, its certificate and its part in pools and networks go in one
//! transaction; the healing loop takes its vote and its replica; it leaves by itself (`leave`), or is told when
//! it returns.

use super::{Removal, heal, upgrade};
use crate::app::{network, remotes, storage};
use crate::clock;
use crate::context::Context;
use crate::db::Tx;
use crate::db::tables::members::{self, State};
use crate::db::tables::{certificates, removals};
use crate::error::{Context as _, Error, Kind, Result};
use crate::failpoint::reached;
use crate::identity::Identity;
use crate::node::Remote;
use futures::FutureExt;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared_api::paths;
use std::time::Duration;

/// How long the group may take to do without the member, and the member to leave, before the removal is
/// reported without that: both go on by themselves.
const PATIENCE: Duration = Duration::from_secs(10);

/// A member that has just been removed.
#[derive(Serialize, Deserialize)]
struct Gone {
    node: u64,
    address: String,
    attended: bool,
}

/// Removes a member. One that does not answer only with `force`: it keeps what it has until it is told to
/// drop it, and the cluster no longer counts it.
///
/// # Errors
/// Not found; invalid if it is the only one; internal, as in LXD, if it does not answer. Nothing has
/// changed then.
pub async fn remove(ctx: &Context, name: &str, force: bool, who: &Identity) -> Result<()> {
    super::require_clustered(ctx)?;
    upgrade::require_done(&ctx.db)?;
    let attended = is_attended(ctx, name, force).await?;
    let (now, own) = (clock::now(), ctx.node.id());
    let write = ctx.db.write(|tx| {
        async move {
            let member = members::by_name(&mut *tx, name).await?;
            let member = member.filter(|member| member.state != State::Joining);
            let member = member.ok_or_else(|| Error::not_found("Cluster member not found"))?;
            let is_member = |member: &members::Member| member.state != State::Joining;
            if members::list(&mut *tx).await?.iter().filter(|member| is_member(member)).count() == 1
            {
                return Err(Error::invalid("Member is the only member in the cluster"));
            }
            if member.id == own {
                // Requests that remove the member which they came to are passed on.
                return Err(Error::unavailable(
                    "No other member answers that would go on without this one",
                ));
            }
            take_out(tx, &member, now, attended).await?;
            Ok(Gone { node: member.id, address: member.address, attended })
        }
        .boxed()
    });
    let gone = write.await?;
    reached("member: removed");
    tracing::info!(name, node = gone.node, attended = gone.attended, "A member was removed");
    ctx.events.lifecycle("cluster-member-removed", paths::cluster_member(name), who, None);
    match tokio::time::timeout(PATIENCE, heal::taken_out(ctx, gone.node)).await {
        Err(_) => tracing::warn!(name, "The replica of a removed member is still to be taken out"),
        Ok(taken_out) if taken_out && gone.attended => {
            if let Err(error) = see_off(ctx, &gone).await {
                tracing::warn!(name, "A removed member has not left yet: {}", error.chain());
            }
        }
        Ok(_) => {}
    }
    heal::settled(ctx, PATIENCE).await;
    Ok(())
}

/// Whether the member is there to leave by itself.
async fn is_attended(ctx: &Context, name: &str, force: bool) -> Result<bool> {
    let answers = match remotes::named(ctx, name).await {
        Ok(Some(remote)) => remote.probe().await.map_err(|silence| silence.at(&remote.address)),
        // The transaction says what there is to say.
        Ok(None) => Ok(()),
        Err(error) if error.kind == Kind::NotFound => Ok(()),
        Err(error) => return Err(error),
    };
    match answers {
        Ok(()) => Ok(true),
        Err(_) if force => Ok(false),
        Err(error) => Err(Error::internal(format_args!(
            "{}. Start lxd on {name}, or remove it as it is (lxc cluster remove --force)",
            error.chain()
        ))),
    }
}

async fn take_out(
    tx: &mut Tx<'_>,
    member: &members::Member,
    removed_at: Timestamp,
    attended: bool,
) -> Result<()> {
    let mut parts = storage::parts_of(&mut *tx, member.id).await?;
    parts.extend(network::parts_of(&mut *tx, member.id).await?);
    let parts = serde_json::to_string(&parts).context("write what a member has to take back")?;
    if let Some(fingerprint) = certificates::of_member(&mut *tx, &member.name).await? {
        certificates::delete(&mut *tx, &fingerprint).await?;
        let (node, name) = (member.id, member.name.clone());
        let removal = removals::Removal { fingerprint, node, name, removed_at, attended, parts };
        removals::insert(&mut *tx, &removal).await?;
    }
    members::remove(tx, member.id).await
}

/// Has the member leave, and waits until it has.
async fn see_off(ctx: &Context, gone: &Gone) -> Result<()> {
    let (cluster, own) = (ctx.tls.public(), ctx.tls.server());
    let remote = Remote::new(&gone.address, &cluster.fingerprint, &own)?;
    let left = remote.post::<serde_json::Value>(paths::INTERNAL_CLUSTER_LEAVE, &());
    match tokio::time::timeout(PATIENCE, left).await {
        Ok(left) => left.map(drop),
        Err(_) => Err(Error::internal("it takes its time")),
    }
}

/// What the server with this certificate is told of its removal, once its replica is taken out of the group:
/// then nobody counts on it any more.
///
/// # Errors
/// Forbidden, as for any stranger, if it is not one of those.
pub async fn removal(ctx: &Context, fingerprint: &str) -> Result<Removal> {
    upgrade::require_done(&ctx.db)?;
    let read = ctx.db.read(|tx| {
        async move {
            let trusted = certificates::get(&mut *tx, fingerprint).await?.is_some();
            if trusted { Ok(None) } else { removals::get(tx, fingerprint).await }
        }
        .boxed()
    });
    let removal = read.await?;
    let removal = removal.filter(|one| ctx.db.replica().has_removed(one.node));
    let removal = removal.ok_or_else(|| Error::forbidden("not authorized"))?;
    let removals::Removal { node, name, removed_at, attended, parts, .. } = removal;
    let parts = serde_json::from_str(&parts).context("read what a member has to take back")?;
    Ok(Removal { node, name, removed_at: Some(removed_at), attended, parts })
}
