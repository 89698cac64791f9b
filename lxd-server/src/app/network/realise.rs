//! This host's part in the cluster's networks: brings the host to what the database says.

use super::RULES;
use crate::app::object::{ROUND, is_made, refused};
use crate::context::Context;
use crate::db::tables::members;
use crate::db::tables::objects::{NETWORKS, Object, State};
use crate::error::{Error, Kind, Result};
use crate::network;
use futures::FutureExt;
use shared_api::{name::NetworkName, paths};

/// Makes a network on this host and writes down that it is there, or brings the one that is there
/// to its present keys.
///
/// A kill between making and writing leaves a host that is one step ahead of the database; the next
/// try goes on from there.
pub async fn realise(ctx: &Context, name: &str) -> Result<()> {
    let node = ctx.node.id();
    let object = ctx.db.read(|tx| RULES.find(tx, name).boxed()).await?;
    let network = on_host(ctx, &object)?;
    if is_made(&object, node) {
        return ctx.networks.start(&network).await.map_err(|error| refused(&error));
    }
    ctx.networks.create(&network).await.map_err(|error| refused(&error))?;
    let written = ctx.db.write_again(|tx| {
        async move {
            // It may have been deleted meanwhile.
            let id = RULES.find(tx, name).await?.id;
            NETWORKS.set_part(tx, id, node, State::Created).await
        }
        .boxed()
    });
    if let Err(error) = written.await {
        // What may still be written is left for the next try to go on from.
        if error.kind != Kind::Unavailable
            && let Err(error) = ctx.networks.delete(&network).await
        {
            tracing::warn!("A network that is not in the database was left: {}", refused(&error));
        }
        return Err(error);
    }
    Ok(())
}

/// Brings up this host's part of every network; what fails is logged and holds up nothing else.
pub async fn realise_all(ctx: &Context) {
    for object in stored(ctx).await {
        if is_made(&object, ctx.node.id())
            && let Err(error) = start(ctx, &object).await
        {
            let name = &object.name;
            tracing::error!(network = name, "A network could not be started: {}", error.chain());
        }
    }
}

/// Does what was changed while this member could not be told, until the daemon stops.
pub async fn follow(ctx: Context) {
    loop {
        tokio::select! {
            () = ctx.stop.cancelled() => return,
            () = tokio::time::sleep(ROUND) => {}
        }
        for object in stored(&ctx).await {
            let followed = match object.state {
                _ if is_made(&object, ctx.node.id()) => start(&ctx, &object).await,
                State::Created => realise(&ctx, &object.name).await,
                State::Pending | State::Errored => Ok(()),
            };
            if let Err(error) = followed {
                let name = &object.name;
                tracing::warn!(network = name, "A network is behind: {}", error.chain());
            }
        }
    }
}

/// The network on this host.
pub(super) fn on_host(ctx: &Context, object: &Object) -> Result<network::Network> {
    let name: NetworkName = object.name.parse().map_err(Error::internal)?;
    let config = object.config_on(ctx.node.id());
    Ok(network::Network { name, config, root: ctx.dir.clone() })
}

/// The internal URL of a network.
pub(super) fn path(name: &str) -> String {
    paths::internal_network(name)
}

/// Brings up what is there, or to its present keys; does nothing when all is as it should be.
async fn start(ctx: &Context, object: &Object) -> Result<()> {
    let network = on_host(ctx, object)?;
    ctx.networks.start(&network).await.map_err(|error| refused(&error))
}

/// What this member's replica says, which needs no quorum; nothing once this is no member any more.
async fn stored(ctx: &Context) -> Vec<Object> {
    let node = ctx.node.id();
    let read = ctx.db.read_local(|tx| {
        async move {
            match members::get(&mut *tx, node).await? {
                Some(_) => NETWORKS.list(tx).await,
                None => Ok(Vec::new()),
            }
        }
        .boxed()
    });
    read.await.unwrap_or_else(|error| {
        tracing::warn!("The networks could not be read: {}", error.chain());
        Vec::new()
    })
}
