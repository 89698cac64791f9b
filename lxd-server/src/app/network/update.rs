//! Changing a network's keys, on all hosts that have it.

use super::RULES;
use super::realise::{path, realise};
use super::view::{show, users};
use crate::app::cluster;
use crate::app::object::{self, Update, View, is_made, refused};
use crate::app::peers::{self, Task};
use crate::context::Context;
use crate::db::Tx;
use crate::db::tables::objects::{NETWORKS, Object};
use crate::error::{Error, Kind, Result};
use crate::network;
use futures::FutureExt;
use shared_api::networks::Network;

/// Updates a network; with `target`, the keys of that member. `unchanged` refuses if the network is
/// not what the client has seen.
///
/// When this host cannot bring itself to the new state, the old one is stored again. A kill leaves
/// the new state stored, and hosts follow when they start.
pub async fn update(
    ctx: &Context,
    name: &str,
    target: Option<&str>,
    unchanged: impl Fn(&Network) -> Result<()> + Sync,
    update: Update,
) -> Result<()> {
    if let Some(ended) = ctx.db.ended() {
        return ended;
    }
    let (view, unchanged, update) = (View::of(ctx), &unchanged, &chosen(update).await?);
    let alone = view != View::Cluster;
    let write = ctx.db.write(|tx| {
        async move {
            let view = view.or_target(tx, target).await?;
            let network = RULES.find(tx, name).await?;
            unchanged(&show(network.clone(), &users(tx).await?, view))?;
            object::update(tx, &RULES, &network, (view, alone), update).await?;
            Ok(network)
        }
        .boxed()
    });
    let former = write.await?;
    if is_made(&former, ctx.node.id())
        && let Err(error) = realise(ctx, name).await
    {
        return ctx.db.end(Err(error), |tx| restore(tx, &former).boxed()).await;
    }
    peers::tell(ctx, Task::Realise, &path(name)).await
}

/// Renaming is refused in a cluster, as in LXD, and not built for a server without one.
pub async fn rename(ctx: &Context, name: &str) -> Result<()> {
    ctx.db.read(|tx| RULES.find(tx, name).boxed()).await?;
    if cluster::is_clustered(ctx) {
        return Err(Error::invalid("Renaming clustered network not supported"));
    }
    Err(Error::new(Kind::NotImplemented, "Renaming a network is not implemented"))
}

/// The update with subnets in place of `auto`.
async fn chosen(mut update: Update) -> Result<Update> {
    let config = match &mut update {
        Update::Replace(config, _) => config,
        Update::Patch(patch) => &mut patch.config,
    };
    let chosen = network::choose(std::mem::take(config)).await;
    *config = chosen.map_err(|error| refused(&error))?;
    Ok(update)
}

async fn restore(tx: &mut Tx<'_>, former: &Object) -> Result<()> {
    NETWORKS.set_config(tx, former.id, 0, &former.config).await?;
    for part in &former.parts {
        NETWORKS.set_config(tx, former.id, part.node, &part.config).await?;
    }
    NETWORKS.set_description(tx, former.id, &former.description).await
}
