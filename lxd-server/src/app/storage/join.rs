//! The cluster's pools on a host that joins.

use super::RULES;
use crate::app::object::refused;
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
    let action = "Failed to initialize member: Failed to initialize storage pools and networks";
    let url = paths::with_query(paths::STORAGE_POOLS, &[("recursion", "1")]);
    let wanted: Vec<Pool> = cluster.get(&url).await?;
    let existing = ctx.db.read_local(|tx| POOLS.list(tx).boxed()).await?;
    let mut own = BTreeMap::new();
    for pool in wanted.into_iter().filter(|pool| pool.status != "Pending") {
        let name = pool.name.clone();
        let existing = existing.iter().find(|existing| existing.name == name);
        let prepared = match existing {
            Some(existing) => adopt(ctx, existing, &pool),
            None => make(ctx, pool, keys).await,
        };
        own.insert(name, prepared.map_err(|error| error.prefix(action))?);
    }
    Ok(own)
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

fn adopt(ctx: &Context, existing: &Object, wanted: &Pool) -> Result<Map> {
    if existing.kind != wanted.driver {
        return Err(Error::internal(format_args!(
            "Storage pool \"{}\" is of type \"{}\" instead of \"{}\"",
            wanted.name, existing.kind, wanted.driver
        )));
    }
    let part = existing.part(ctx.node.id());
    Ok(part.map(|part| part.config.clone()).unwrap_or_default())
}

/// Deletes a pool that a join made, or was about to make.
pub async fn discard(ctx: &Context, name: String, driver: String, config: Map) -> Result<()> {
    let name: PoolName = name.parse().map_err(Error::internal)?;
    let pool = storage::Pool { name, driver, config, root: ctx.dir.clone() };
    storage::delete(&pool).await.map_err(|error| refused(&error))
}

async fn make(ctx: &Context, wanted: Pool, keys: &[MemberConfigKey]) -> Result<Map> {
    let mut config = wanted.config;
    config.extend(RULES.own_keys(&wanted.name, keys)?);
    (RULES.check)(&wanted.name, &wanted.driver, &config).map_err(Error::invalid)?;
    let name: PoolName = wanted.name.parse().map_err(Error::internal)?;
    let failed = format!("Failed to create storage pool \"{name}\"");
    let pool = storage::Pool { name, driver: wanted.driver, config, root: ctx.dir.clone() };
    let failed = |error: &storage::Error| refused(error).prefix(failed.as_str());
    // Whatever is deleted again was not there before.
    storage::check(&pool).await.map_err(|error| failed(&error))?;
    let storage::Pool { name, driver, config, .. } = pool.clone();
    undo_log::note(ctx, &Undo::DeletePool { name: name.to_string(), driver, config }).await?;
    let made = storage::create(&pool).await.map_err(|error| failed(&error))?;
    Ok(made.into_iter().filter(|(key, _)| (RULES.is_member_specific)(key)).collect())
}
