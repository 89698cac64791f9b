//! Replacing the certificate that all members show. It is a row of the database: each member shows it as soon
//! as its replica has it, after a restart or an absence too.

use super::{accept, finish, upgrade};
use crate::app::peers::{self, Task};
use crate::context::Context;
use crate::db::Tx;
use crate::db::tables::{client_tokens, cluster_certificate, tokens};
use crate::error::{Context as _, Error, Result};
use crate::failpoint::reached;
use crate::identity::Identity as Who;
use crate::tls::{self, Identity};
use futures::FutureExt;
use shared_api::cluster::{ClusterCertificatePut, VoidTokens};
use shared_api::paths;
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked whether there is another.
const LOOK: Duration = Duration::from_secs(2);

/// Replaces the certificate on all members. Tokens name the former one: they are void, and the joins under way
/// by them are taken back.
///
/// # Errors
/// Invalid if it is no certificate, or the key is not its own; nothing has changed then.
pub async fn replace_certificate(
    ctx: &Context,
    request: &ClusterCertificatePut,
    who: &Who,
) -> Result<VoidTokens> {
    super::require_clustered(ctx)?;
    upgrade::require_done(&ctx.db)?;
    let (certificate, key) = (&request.cluster_certificate, &request.cluster_certificate_key);
    check(certificate, key)?;
    let write = ctx.db.write(|tx| {
        async move {
            cluster_certificate::set(&mut *tx, certificate, key).await?;
            void_tokens(tx).await
        }
        .boxed()
    });
    let void = write.await?;
    reached("certificate: replaced");
    // As long as this member shows the former one, it knows the others by it.
    if let Err(error) = peers::tell(ctx, Task::Realise, paths::INTERNAL_CLUSTER_CERTIFICATE).await {
        tracing::warn!("A member shows the former certificate still: {}", error.chain());
    }
    show_stored(ctx).await?;
    tracing::info!(tokens = ?void.void_tokens, "The cluster's certificate was replaced; tokens are void");
    ctx.events.lifecycle("cluster-certificate-updated", paths::CLUSTER_CERTIFICATE, who, None);
    Ok(void)
}

fn check(certificate: &str, key: &str) -> Result<()> {
    let bad = |what: &str| {
        Error::invalid(format_args!("The cluster certificate cannot be replaced: {what}"))
    };
    let identity = Identity::from_pem(certificate.to_owned(), key.to_owned())
        .map_err(|_| bad("certificate and key must be PEM"))?;
    // rustls refuses a key that is not the certificate's.
    tls::public_server(&identity).map_err(|_| bad("the key does not belong to the certificate"))?;
    Ok(())
}

async fn void_tokens(tx: &mut Tx<'_>) -> Result<VoidTokens> {
    let mut void = VoidTokens::default();
    for join in tokens::joins(&mut *tx).await? {
        accept::undo(&mut *tx, &join).await?;
    }
    for token in tokens::list(&mut *tx).await? {
        tokens::delete(&mut *tx, token.id).await?;
        void.void_tokens.push(token.name);
    }
    for token in client_tokens::list(&mut *tx).await? {
        void.void_tokens.push(token.name);
    }
    client_tokens::delete_all(tx).await?;
    Ok(void)
}

/// Shows what is stored, when it comes to this member, until the daemon stops.
pub async fn follow_certificate(ctx: Context) {
    loop {
        if super::is_clustered(&ctx)
            && let Err(error) = show(&ctx).await
        {
            tracing::warn!("The cluster's certificate could not be shown: {}", error.chain());
        }
        tokio::select! {
            () = ctx.stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Shows the certificate that is stored by now.
pub async fn show_stored(ctx: &Context) -> Result<()> {
    // From here on the replica has it.
    ctx.db.read(|tx| cluster_certificate::get(tx).boxed()).await?;
    show(ctx).await
}

/// Shows the certificate that this member's replica has.
async fn show(ctx: &Context) -> Result<()> {
    if upgrade::require_done(&ctx.db).is_err() {
        return Ok(());
    }
    // Whoever joins or leaves shows another.
    let _joining = ctx.joining.lock().await;
    let replica = ctx.node.replica();
    let Some(shown) = replica.cluster.clone() else { return Ok(()) };
    let stored = ctx.db.read_local(|tx| cluster_certificate::get(tx).boxed()).await?;
    let Some((certificate, key)) = stored.filter(|(stored, _)| *stored != shown.certificate) else {
        return Ok(());
    };
    let identity = Identity::from_pem(certificate, key).context("read what is stored")?;
    tracing::info!(fingerprint = identity.fingerprint, "Showing the cluster's new certificate");
    let clustered = Arc::new(replica.of_cluster(Some(identity)));
    let shown = finish::Shown::of(&clustered)?;
    // The same database as before.
    drop(finish::adopt(ctx, clustered, shown));
    Ok(())
}
