//! This host's part in the cluster's pools: brings the host to what the database says.

use super::RULES;
use crate::app::object::{ROUND, is_made, refused};
use crate::context::Context;
use crate::db::tables::objects::{Object, POOLS, State};
use crate::error::{Error, Kind, Result};
use crate::storage;
use futures::FutureExt;
use shared_api::{name::PoolName, paths};

/// Makes or mounts a pool on this host, whichever it lacks, and writes down that it is there.
///
/// A kill between the two leaves a host that is one step ahead of the database; the next try goes
/// on from there.
pub async fn realise(ctx: &Context, name: &str) -> Result<()> {
    let node = ctx.node.id();
    let object = ctx.db.read(|tx| RULES.find(tx, name).boxed()).await?;
    let pool = on_host(ctx, &object)?;
    if is_made(&object, node) {
        return storage::start(&pool).await.map_err(|error| refused(&error));
    }
    let made = storage::create(&pool).await.map_err(|error| refused(&error))?;
    let own = &made.into_iter().filter(|(key, _)| (RULES.is_member_specific)(key)).collect();
    let written = ctx.db.write_again(|tx| {
        async move {
            // It may have been deleted meanwhile.
            let id = RULES.find(tx, name).await?.id;
            POOLS.set_part(tx, id, node, State::Created).await?;
            POOLS.set_config(tx, id, node, own).await
        }
        .boxed()
    });
    if let Err(error) = written.await {
        // What may still be written is left for the next try to go on from.
        if error.kind != Kind::Unavailable
            && let Err(error) = storage::delete(&pool).await
        {
            tracing::warn!("A pool that is not in the database was left: {}", refused(&error));
        }
        return Err(error);
    }
    Ok(())
}

/// Brings up this host's part of every pool; what fails is logged and holds up nothing else.
pub async fn realise_all(ctx: &Context) {
    let node = ctx.node.id();
    for object in stored(ctx).await {
        if !is_made(&object, node) {
            continue;
        }
        let started = match on_host(ctx, &object) {
            Ok(pool) => storage::start(&pool).await.map_err(|error| refused(&error)),
            Err(error) => Err(error),
        };
        if let Err(error) = started {
            tracing::error!(pool = object.name, "A pool could not be started: {}", error.chain());
        }
    }
}

/// Unmounts this host's part of every pool, for the daemon's last moments; data stays.
pub async fn stop_all(ctx: &Context) {
    for object in stored(ctx).await {
        let stopped = match on_host(ctx, &object) {
            Ok(pool) => storage::stop(&pool).await.map_err(|error| refused(&error)),
            Err(error) => Err(error),
        };
        if let Err(error) = stopped {
            tracing::warn!(pool = object.name, "A pool is still mounted: {}", error.chain());
        }
    }
}

/// Makes what was created while this member could not be told, until the daemon stops.
pub async fn follow(ctx: Context) {
    loop {
        let node = ctx.node.id();
        for object in stored(&ctx).await {
            if object.state != State::Created || is_made(&object, node) {
                continue;
            }
            match realise(&ctx, &object.name).await {
                Ok(()) => tracing::info!(pool = object.name, "Made a pool that was owed"),
                Err(error) => {
                    tracing::warn!(pool = object.name, "A pool is owed: {}", error.chain());
                }
            }
        }
        tokio::select! {
            () = ctx.stop.cancelled() => return,
            () = tokio::time::sleep(ROUND) => {}
        }
    }
}

/// The pool on this host.
pub(super) fn on_host(ctx: &Context, object: &Object) -> Result<storage::Pool> {
    let name: PoolName = object.name.parse().map_err(Error::internal)?;
    Ok(storage::Pool {
        name,
        driver: object.kind.clone(),
        config: object.config_on(ctx.node.id()),
        root: ctx.dir.clone(),
    })
}

/// The internal URL of a pool.
pub(super) fn path(name: &str) -> String {
    paths::internal_storage_pool(name)
}

/// What this member's replica says, which needs no quorum.
async fn stored(ctx: &Context) -> Vec<Object> {
    ctx.db.read_local(|tx| POOLS.list(tx).boxed()).await.unwrap_or_else(|error| {
        tracing::warn!("The pools could not be read: {}", error.chain());
        Vec::new()
    })
}
