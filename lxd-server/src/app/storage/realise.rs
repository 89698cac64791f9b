//! This host's part in the cluster's pools: brings the host to what the database says.

use super::RULES;
use crate::app::object::{ROUND, is_made, refused};
use crate::context::Context;
use crate::db::tables::members;
use crate::db::tables::objects::{Object, POOLS, State};
use crate::error::{Error, Kind, Result};
use crate::failpoint::reached;
use crate::storage;
use futures::FutureExt;
use shared_api::config::pool::INITIAL_SOURCE;
use shared_api::{name::PoolName, paths};
use std::collections::{BTreeMap, BTreeSet};

/// Makes or mounts a pool on this host, whichever it lacks, and writes down that it is there.
///
/// What it will be made of is written down first. A kill on the way leaves a host that is one step
/// behind or ahead of the database; the next try goes on from there.
pub async fn realise(ctx: &Context, name: &str) -> Result<()> {
    let node = ctx.node.id();
    let object = ctx.db.read(|tx| RULES.find(tx, name).boxed()).await?;
    let pool = on_host(ctx, &object)?;
    if is_made(&object, node) {
        return storage::start(&pool).await.map_err(|error| refused(&error));
    }
    let planned = storage::plan(&pool).await.map_err(|error| refused(&error))?;
    let pool = storage::Pool { config: planned, ..pool };
    let own = &RULES.split(&pool.config).0;
    let noted = ctx.db.write_again(|tx| {
        async move {
            let id = RULES.find(tx, name).await?.id;
            POOLS.set_config(tx, id, node, own).await
        }
        .boxed()
    });
    noted.await?;
    reached("pool: planned");
    storage::create(&pool).await.map_err(|error| refused(&error))?;
    reached("pool: made");
    let written = ctx.db.write_again(|tx| {
        async move {
            // It may have been deleted meanwhile.
            let id = RULES.find(tx, name).await?.id;
            POOLS.set_part(tx, id, node, State::Created).await
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
        if let Err(error) = start(ctx, &object).await {
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

/// Makes what was created while this member could not be told, and starts what this member's replica
/// did not know of yet at the daemon's start, or could not be started; until the daemon stops.
pub async fn follow(ctx: Context) {
    let (mut up, mut told) = (BTreeSet::new(), BTreeMap::new());
    loop {
        let node = ctx.node.id();
        for object in stored(&ctx).await {
            let done = match is_made(&object, node) {
                true if up.contains(&object.id) => continue,
                true => start(&ctx, &object).await,
                false if object.state != State::Created => continue,
                false => realise(&ctx, &object.name).await,
            };
            let Err(error) = done else {
                up.insert(object.id);
                continue;
            };
            let why = error.chain().to_string();
            if told.insert(object.id, why.clone()).is_none_or(|before| before != why) {
                tracing::warn!(pool = object.name, "A pool is owed: {why}");
            }
        }
        tokio::select! {
            () = ctx.stop.cancelled() => return,
            () = tokio::time::sleep(ROUND) => {}
        }
    }
}

async fn start(ctx: &Context, object: &Object) -> Result<()> {
    let pool = on_host(ctx, object)?;
    storage::start(&pool).await.map_err(|error| refused(&error))
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

/// Whether there may be something on a member's host that a try to make the pool has left.
pub(super) fn is_planned(object: &Object, node: u64) -> bool {
    object.part(node).is_some_and(|part| part.config.contains_key(INITIAL_SOURCE))
}

/// The internal URL of a pool.
pub(super) fn path(name: &str) -> String {
    paths::internal_storage_pool(name)
}

/// What this member's replica says, which needs no quorum; nothing once this is no member any more.
async fn stored(ctx: &Context) -> Vec<Object> {
    let node = ctx.node.id();
    let read = ctx.db.read_local(|tx| {
        async move {
            match members::get(&mut *tx, node).await? {
                Some(_) => POOLS.list(tx).await,
                None => Ok(Vec::new()),
            }
        }
        .boxed()
    });
    read.await.unwrap_or_else(|error| {
        tracing::warn!("The pools could not be read: {}", error.chain());
        Vec::new()
    })
}
