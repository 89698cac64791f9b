//! Pools as clients see them.

use super::RULES;
use crate::app::object::{self, View};
use crate::app::profile::{self, Users};
use crate::context::Context;
use crate::db::Tx;
use crate::db::tables::objects::{Object, POOLS};
use crate::db::tables::profiles;
use crate::error::Result;
use futures::FutureExt;
use shared_api::storage::Pool;

/// All pools, by name.
pub async fn list(ctx: &Context) -> Result<Vec<Pool>> {
    let view = View::of(ctx);
    let read =
        ctx.db.read(|tx| async move { Ok((POOLS.list(tx).await?, users(tx).await?)) }.boxed());
    let (pools, users) = read.await?;
    Ok(pools.into_iter().map(|pool| show(pool, &users, view)).collect())
}

/// The names of all pools, sorted.
pub async fn names(ctx: &Context) -> Result<Vec<String>> {
    let pools = ctx.db.read(|tx| POOLS.list(tx).boxed()).await?;
    Ok(pools.into_iter().map(|pool| pool.name).collect())
}

/// One pool; with `target`, as it is on that member.
pub async fn get(ctx: &Context, name: &str, target: Option<&str>) -> Result<Pool> {
    let view = View::of(ctx);
    ctx.db
        .read(|tx| {
            async move {
                let view = view.or_target(tx, target).await?;
                let pool = RULES.find(tx, name).await?;
                Ok(show(pool, &users(tx).await?, view))
            }
            .boxed()
        })
        .await
}

pub(super) fn show(pool: Object, users: &Users, view: View) -> Pool {
    let (config, status) = view.show(&pool);
    Pool {
        config,
        status,
        locations: Some(object::locations(&pool)),
        used_by: users.get(&pool.name).cloned(),
        description: pool.description,
        name: pool.name,
        driver: pool.kind,
    }
}

/// URLs of what uses each pool.
pub(super) async fn users(tx: &mut Tx<'_>) -> Result<Users> {
    Ok(profile::users(profiles::pools(tx).await?))
}
