//! Making a pool.

use super::RULES;
use super::realise::{path, realise};
use crate::app::object::{self, Before, Wanted};
use crate::app::peers::{self, Task};
use crate::context::Context;
use crate::db::new_id;
use crate::db::tables::objects::{POOLS, State};
use crate::error::{Error, Result};
use futures::FutureExt;
use shared_api::config::pool;
use shared_api::name::PoolName;
use shared_api::storage::PoolsPost;

/// Announces a pool for one member, with that member's keys. Nothing is made yet.
pub async fn define(ctx: &Context, target: &str, request: PoolsPost) -> Result<()> {
    let (wanted, id) = (&checked(request)?, new_id());
    ctx.db.write(|tx| object::define(tx, &RULES, id, target, wanted).boxed()).await
}

/// Makes a pool on all members.
///
/// A member that is offline makes its part when it returns. When one that is online fails, the pool
/// is errored: it can be created again without keys, or deleted. A kill on the way leaves it
/// pending, to be created again.
pub async fn create(ctx: &Context, request: PoolsPost) -> Result<()> {
    if let Some(ended) = ctx.db.ended() {
        return ended;
    }
    let wanted = &checked(request)?;
    (RULES.check)(&wanted.name, &wanted.kind, &wanted.config).map_err(Error::internal)?;
    let (id, node) = (new_id(), ctx.node.id());
    let begin =
        ctx.db.write(|tx| object::begin(tx, &RULES, id, node, wanted, &wanted.config).boxed());
    let (id, before) = begin.await?;
    let (made, is_new) = match realise(ctx, &wanted.name).await {
        Ok(()) => (peers::tell(ctx, Task::Realise, &path(&wanted.name)).await, false),
        Err(error) => (Err(error), before == Before::Nothing),
    };
    let state = if made.is_ok() { State::Created } else { State::Errored };
    let end = ctx.db.end(made, |tx| {
        async move {
            if is_new {
                return POOLS.delete(tx, id).await;
            }
            POOLS.set_state(tx, id, state).await
        }
        .boxed()
    });
    end.await
}

/// Refuses what no server of this kind can make, whatever it has.
pub fn check(request: &PoolsPost) -> Result<()> {
    let wanted = checked(request.clone())?;
    (RULES.check)(&wanted.name, &wanted.kind, &wanted.config).map_err(Error::internal)
}

fn checked(request: PoolsPost) -> Result<Wanted> {
    let PoolsPost { mut config, description, name, driver } = request;
    let name: PoolName = name.parse().map_err(Error::invalid)?;
    if name.as_str().contains(char::is_whitespace) {
        return Err(Error::internal("Storage name cannot contain white space"));
    }
    if driver.is_empty() {
        return Err(Error::invalid("No driver provided"));
    }
    if !pool::DRIVERS.contains(&driver.as_str()) {
        return Err(Error::internal("Unknown driver"));
    }
    // What the server notes for itself is nothing to ask for.
    config.retain(|key, value| !value.is_empty() && key != pool::INITIAL_SOURCE);
    Ok(Wanted { name: name.into(), kind: driver, description, config })
}
