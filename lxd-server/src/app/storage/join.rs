//! The cluster's pools on a host that joins.

use super::RULES;
use super::realise::is_planned;
use crate::app::object::{is_made, not_here, refused};
use crate::app::undo_log::{self, Undo};
use crate::context::Context;
use crate::db::Tx;
use crate::db::tables::objects::{Object, POOLS};
use crate::error::{Error, Result};
use crate::node::Remotes;
use crate::storage;
use futures::FutureExt;
use shared_api::cluster::MemberConfigKey;
use shared_api::config::Map;
use shared_api::config::pool::INITIAL_SOURCE;
use shared_api::name::PoolName;
use shared_api::paths;
use shared_api::storage::Pool;
use std::collections::BTreeMap;

/// Makes the cluster's pools on this host, which is about to join, with its own keys; a pool of the
/// same name and driver is taken over. Returns this member's keys of each pool.
pub async fn prepare_join(
    ctx: &Context,
    cluster: &Remotes,
    keys: &[MemberConfigKey],
) -> Result<BTreeMap<String, Map>> {
    let existing = ctx.db.read_local(|tx| POOLS.list(tx).boxed()).await?;
    let mut own = BTreeMap::new();
    for pool in wanted(cluster).await? {
        let name = pool.name.clone();
        let existing = existing.iter().find(|existing| existing.name == name);
        let prepared = match existing {
            Some(existing) => adopt(ctx, existing, &pool, keys),
            None => make(ctx, pool, keys).await,
        };
        own.insert(name, prepared.map_err(not_here)?);
    }
    Ok(own)
}

/// What keeps this host from having the cluster's pools, in words for users; nothing is made. `own`: those of
/// the keys that were chosen for it, not given by its token.
pub async fn obstacles(
    ctx: &Context,
    cluster: &Remotes,
    keys: &[MemberConfigKey],
    own: &[MemberConfigKey],
) -> Result<Vec<String>> {
    let existing = ctx.db.read_local(|tx| POOLS.list(tx).boxed()).await?;
    let all = wanted(cluster).await?;
    let names: Vec<&str> = all.iter().map(|pool| pool.name.as_str()).collect();
    let mut found = Vec::from_iter(RULES.of_nothing(&names, own));
    for pool in all {
        let checked = match existing.iter().find(|existing| existing.name == pool.name) {
            Some(existing) => adopt(ctx, existing, &pool, keys).map(drop),
            None => plan(ctx, pool, keys).await.map(drop),
        };
        found.extend(checked.err().map(|error| not_here(error).message));
    }
    Ok(found)
}

/// Writes down a joiner's parts. What it does not know of yet, it makes once it is a member.
pub async fn add_member(tx: &mut Tx<'_>, node: u64, own: &BTreeMap<String, Map>) -> Result<()> {
    RULES.add_member(tx, node, own).await
}

/// Refuses member-specific keys that no joiner could use.
pub async fn check_member_config(tx: &mut Tx<'_>, keys: &[MemberConfigKey]) -> Result<()> {
    RULES.check_member_config(tx, keys).await
}

/// The keys that a joiner has to choose for itself: those that members have set for themselves.
pub async fn member_config(tx: &mut Tx<'_>) -> Result<Vec<MemberConfigKey>> {
    RULES.member_config(tx).await
}

/// Takes a pool over as it is on this host.
fn adopt(ctx: &Context, existing: &Object, wanted: &Pool, keys: &[MemberConfigKey]) -> Result<Map> {
    if existing.kind != wanted.driver {
        return Err(Error::internal(format_args!(
            "Storage pool \"{}\" is of type \"{}\" instead of \"{}\"",
            wanted.name, existing.kind, wanted.driver
        )));
    }
    let part = existing.part(ctx.node.id());
    let config = part.map(|part| part.config.clone()).unwrap_or_default();
    for (key, value) in RULES.own_keys(&wanted.name, keys)? {
        // A source is as good as what was made of it.
        let given = config.get(INITIAL_SOURCE).filter(|given| key == "source" && **given == value);
        let is = given.or(config.get(&key)).map_or("", String::as_str);
        if is != value {
            return Err(Error::internal(format_args!(
                "Storage pool \"{}\" has {key} \"{is}\" here, not \"{value}\"",
                wanted.name
            )));
        }
    }
    Ok(config)
}

/// Deletes a pool that a join made, or was about to make.
pub async fn discard(ctx: &Context, name: String, driver: String, config: Map) -> Result<()> {
    let name: PoolName = name.parse().map_err(Error::internal)?;
    let pool = storage::Pool { name, driver, config, root: ctx.dir.clone() };
    storage::delete(&pool).await.map_err(|error| refused(&error))
}

/// What takes back that a member has made the cluster's pools.
pub async fn parts_of(tx: &mut Tx<'_>, node: u64) -> Result<Vec<Undo>> {
    let made = |pool: &Object| is_made(pool, node) || is_planned(pool, node);
    let made = POOLS.list(tx).await?.into_iter().filter(made);
    let undo = |pool: Object| {
        let config = pool.config_on(node);
        Undo::DeletePool { name: pool.name, driver: pool.kind, config }
    };
    Ok(made.map(undo).collect())
}

/// The cluster's pools that are there.
async fn wanted(cluster: &Remotes) -> Result<Vec<Pool>> {
    let url = paths::with_query(paths::STORAGE_POOLS, &[("recursion", "1")]);
    let mut wanted: Vec<Pool> = cluster.get(&url).await?;
    wanted.retain(|pool| pool.status != "Pending");
    Ok(wanted)
}

/// The pool as it will be on this host, if nothing is in its way.
async fn plan(ctx: &Context, wanted: Pool, keys: &[MemberConfigKey]) -> Result<storage::Pool> {
    let mut config = wanted.config;
    config.extend(RULES.own_keys(&wanted.name, keys)?);
    config.remove(INITIAL_SOURCE);
    (RULES.check)(&wanted.name, &wanted.driver, &config).map_err(Error::invalid)?;
    let name: PoolName = wanted.name.parse().map_err(Error::internal)?;
    let pool = storage::Pool { name, driver: wanted.driver, config, root: ctx.dir.clone() };
    match storage::plan(&pool).await {
        Ok(config) => Ok(storage::Pool { config, ..pool }),
        Err(error) => Err(failed(&pool, &error)),
    }
}

fn failed(pool: &storage::Pool, error: &storage::Error) -> Error {
    refused(error).prefix(format_args!("Failed to create storage pool \"{}\"", pool.name))
}

async fn make(ctx: &Context, wanted: Pool, keys: &[MemberConfigKey]) -> Result<Map> {
    // Whatever is deleted again was not there before.
    let pool = plan(ctx, wanted, keys).await?;
    let storage::Pool { name, driver, config, .. } = pool.clone();
    undo_log::note(ctx, &Undo::DeletePool { name: name.to_string(), driver, config }).await?;
    storage::create(&pool).await.map_err(|error| failed(&pool, &error))?;
    Ok(RULES.split(&pool.config).0)
}
