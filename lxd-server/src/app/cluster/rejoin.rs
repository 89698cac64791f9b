//! A member whose replica is lost (its log is damaged, gone or an old one) has lost its vote: it never acts
//! under its node id again. It asks the others for another id, and is filled from them like a joiner; its
//! name, its certificate and what it has on its host stay. The leader's healing loop takes the old id out.
//!
//! A kill in between leaves the lost replica in use: the next start asks again, and gets yet another id.

use super::join::{prepare, wait_for_own_row};
use super::{Accepted, Rejoin, accept, finish, leave};
use crate::context::Context;
use crate::db::SCHEMA_VERSION;
use crate::db::tables::certificates::{self, Kind};
use crate::db::tables::members;
use crate::error::{Context as _, Error, Result};
use crate::node::Remote;
use crate::tls;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures::FutureExt;
use shared_api::paths;
use std::time::Duration;

/// The pause before the members are asked again.
const AGAIN: Duration = Duration::from_secs(2);

/// Asks until this server has a new place, or learns that it was removed, or the daemon stops. The caller sees to it that nobody founds or
/// joins a cluster meanwhile.
pub async fn rejoin(ctx: &Context) {
    let mut told = String::new();
    loop {
        match attempt(ctx).await {
            Ok(()) => {
                tracing::info!(node = ctx.node.id(), "This server has a new place in its cluster");
                return;
            }
            Err(error) => {
                let why = error.chain();
                if why != told {
                    tracing::error!("This server waits for a new place in its cluster: {why}");
                }
                told = why;
                if let Ok(Some(removal)) = leave::ask(ctx).await {
                    let trouble = leave::describe(&removal);
                    tracing::error!("{trouble}");
                    ctx.db.replica().set_trouble(Some(trouble));
                    return;
                }
            }
        }
        tokio::select! {
            () = ctx.stop.cancelled() => return,
            () = tokio::time::sleep(AGAIN) => {}
        }
    }
}

async fn attempt(ctx: &Context) -> Result<()> {
    let (key, public_key) = tls::member_key()?;
    let request = Rejoin {
        schema: SCHEMA_VERSION,
        api: shared_api::extensions::ALL.len(),
        public_key: STANDARD.encode(public_key),
    };
    let accepted = ask(ctx, &request).await?;
    let replica = prepare(ctx, &accepted, key).await?;
    if let Err(error) = wait_for_own_row(&replica).await {
        finish::forget(ctx, Some(&replica)).await?;
        return Err(error);
    }
    finish::point_to(ctx, replica).await
}

/// The first member that answers.
async fn ask(ctx: &Context, request: &Rejoin) -> Result<Accepted> {
    let cluster = ctx.node.replica().cluster.clone().context("find the cluster's certificate")?;
    let mut refusals = Vec::new();
    for address in ctx.local.members().await? {
        let remote = Remote::new(&address, &cluster.fingerprint, &ctx.tls.server())?;
        match remote.post(paths::INTERNAL_CLUSTER_REJOIN, request).await {
            Ok(accepted) => return Ok(accepted),
            Err(error) => refusals.push(format!("{address}: {}", error.chain())),
        }
    }
    Err(Error::unavailable(format_args!("no other member gave it one ({})", refusals.join("; "))))
}

/// Gives a member that lost its replica another node id.
pub async fn readmit(ctx: &Context, fingerprint: &str, request: &Rejoin) -> Result<Accepted> {
    accept::check_versions(request.schema, request.api)?;
    let key = STANDARD.decode(&request.public_key).context("read the member's key")?;
    let write = ctx.db.write_again(|tx| {
        async move {
            let known = certificates::get(&mut *tx, fingerprint).await?;
            let server = known.filter(|known| known.kind == Kind::Server);
            let name = server.ok_or_else(|| Error::forbidden("not authorized"))?.name;
            let member = members::by_name(&mut *tx, &name).await?;
            let member = member.ok_or_else(|| Error::not_found("Cluster member not found"))?;
            let node = members::renew(&mut *tx, member.id).await?;
            Ok((member.name, node, members::list(tx).await?))
        }
        .boxed()
    });
    let (name, node, members) = write.await?;
    tracing::warn!(name, node, "A member lost its replica and comes back under a new id");
    accept::accepted(ctx, node, &key, members)
}
