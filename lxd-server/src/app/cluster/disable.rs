//! Makes the last member of a cluster a server of its own again, on the same database.

use super::{finish, upgrade};
use crate::context::Context;
use crate::db::tables::{certificates, client_tokens, cluster_certificate, members, tokens};
use crate::error::{Error, Result};
use crate::failpoint::reached;
use crate::tls;
use futures::FutureExt;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Ends the cluster whose last member this is. Pools, networks, profiles, projects, trusted clients and
/// addresses stay as they are; tokens are void, for they name a certificate that is shown no more.
///
/// Its row loses its name before the cluster's certificate goes: a kill in between leaves a server without
/// a cluster, and the next start removes the certificate.
///
/// # Errors
/// Invalid: see [`require_alone`]; nothing has changed then.
pub(super) async fn disable(ctx: &Context) -> Result<()> {
    let _joining = ctx.joining.lock().await;
    super::require_clustered(ctx)?;
    upgrade::require_done(&ctx.db)?;
    require_alone(ctx).await?;
    let (replica, server) = (ctx.node.replica(), ctx.tls.server());
    let shown = tls::public_server(&server)?;
    if let Err(error) = unname(ctx).await {
        // If it cannot be told whether that was done, the next start finds out.
        let own = super::own(ctx).await;
        if own.map_or(true, |own| own.name != "none") {
            return Err(error);
        }
    }
    reached("disabled: unnamed");
    replica.forget_cluster();
    tls::Identity::remove(&ctx.dir, "cluster");
    ctx.node.show(shown);
    ctx.tls.set_public(server);
    ctx.events.set_location("none");
    // The same database as before.
    drop(finish::exchange(ctx, Arc::new(replica.of_cluster(None))));
    tracing::info!("This server is in no cluster any more");
    Ok(())
}

/// Refuses while the cluster has another member, or one that is joining.
///
/// # Errors
/// Invalid, with their names; or unavailable: one that was removed votes still.
pub(super) async fn require_alone(ctx: &Context) -> Result<()> {
    let own = ctx.node.id();
    ctx.db.read(|tx| members::require_last(tx, own).boxed()).await?;
    if ctx.db.replica().status().voters != BTreeSet::from([own]) {
        let text =
            "A member that was removed is still being taken out of the cluster, try again later";
        return Err(Error::unavailable(text));
    }
    Ok(())
}

async fn unname(ctx: &Context) -> Result<()> {
    let (own, certificate) = (ctx.node.id(), ctx.tls.server());
    let write = ctx.db.write(|tx| {
        let fingerprint = &certificate.fingerprint;
        async move {
            members::require_last(&mut *tx, own).await?;
            members::unname(&mut *tx, own).await?;
            certificates::delete(&mut *tx, fingerprint).await?;
            cluster_certificate::delete(&mut *tx).await?;
            client_tokens::delete_all(&mut *tx).await?;
            tokens::delete_all(tx).await
        }
        .boxed()
    });
    write.await
}
