//! Makes this server the first member of a new cluster.

use super::{finish, upgrade};
use crate::app::config;
use crate::app::undo_log;
use crate::context::Context;
use crate::db;
use crate::db::tables::{certificates, client_tokens, members};
use crate::error::Result;
use crate::failpoint::reached;
use crate::tls::Identity;
use futures::FutureExt;
use shared_api::name::MemberName;
use std::sync::Arc;

/// Founds a cluster with this server as its only member, which is reachable at `address`.
///
/// The database is the one that the server has already: only its row gets a name. The certificate
/// is on disk before that row is written; a kill in between leaves a server without a cluster, and
/// the next start removes the certificate. Tokens for clients are void: they name the server's own.
pub async fn bootstrap(ctx: &Context, name: &MemberName, address: &str) -> Result<()> {
    let _joining = ctx.joining.lock().await;
    finish::require_free(ctx).await?;
    upgrade::require_done(&ctx.db)?;
    if let Err(error) = found(ctx, name, address).await {
        undo_log::run(ctx).await;
        return Err(error);
    }
    ctx.local.clear_undo().await
}

async fn found(ctx: &Context, name: &MemberName, address: &str) -> Result<()> {
    let address = config::listen_for_cluster(ctx, address).await?;
    reached("found: listening");
    let host = address.rsplit_once(':').map_or(address.as_str(), |(host, _)| host);
    let names = [name.to_string(), host.trim_matches(['[', ']']).to_owned()];
    let cluster = Identity::generate(&ctx.host, &names)?;
    let replica = ctx.node.replica();
    let clustered = Arc::new(replica.of_cluster(Some(cluster)));
    let shown = finish::Shown::of(&clustered)?;
    clustered.save_cluster()?;
    reached("found: certificate written");
    if let Err(error) = name_first_member(ctx, name, &address).await {
        // If it cannot be told whether the first member was named, the next start finds out.
        let own = ctx.db.read(|tx| members::get(tx, replica.membership.node).boxed()).await;
        if own.is_ok_and(|own| own.is_some_and(|own| own.name == "none")) {
            replica.forget_cluster();
        }
        return Err(error);
    }
    ctx.events.set_location(name.as_str());
    // The same database as before.
    drop(finish::adopt(ctx, clustered, shown));
    // The healing loop does it, too, if this is not reached.
    if let Err(error) = replica.db.add_learner(replica.membership.node, &address).await {
        tracing::warn!(%error, "The group has not noted this member's address yet");
    }
    Ok(())
}

async fn name_first_member(ctx: &Context, name: &MemberName, address: &str) -> Result<()> {
    let own = certificates::Certificate::member(&ctx.tls.server(), name.as_str());
    let first = members::Joiner {
        name: name.to_string(),
        address: address.to_owned(),
        architecture: crate::host::architecture_id(),
    };
    let (node, id) = (ctx.node.id(), db::new_id());
    let write = ctx.db.write(|tx| {
        async {
            members::found(&mut *tx, node, &first).await?;
            client_tokens::delete_all(&mut *tx).await?;
            certificates::insert(tx, id, &own).await
        }
        .boxed()
    });
    write.await
}
