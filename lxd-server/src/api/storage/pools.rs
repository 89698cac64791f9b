//! `/1.0/storage-pools`, and what members ask of each other about pools.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put as replaces};
use shared_api::paths;
use shared_api::storage::{Pool, PoolPut, PoolsPost};

use crate::api::auth::{Admin, Member, Trusted, users_seen_by};
use crate::api::etag::{ETag, IfMatch};
use crate::api::extract::{Body, Path, Query};
use crate::api::respond::{Created, Empty, Sync};
use crate::app::object::{Patch, Update};
use crate::app::storage;
use crate::context::Context;
use crate::error::Result;
use crate::identity::Identity;

/// The paths of this module.
pub(in crate::api) fn routes() -> Router<Context> {
    let one = get(show).put(put).patch(patch).delete(delete);
    Router::new()
        .route(paths::STORAGE_POOLS, get(list).post(post))
        .route(paths::STORAGE_POOL, one)
        .route(paths::INTERNAL_STORAGE_POOL, replaces(realise).delete(remove))
}

async fn list(Trusted(who): Trusted, State(ctx): State<Context>, query: Query) -> Result<Response> {
    if query.recursive() {
        let pools = storage::list(&ctx).await?;
        let pools: Vec<Pool> = pools.into_iter().map(|pool| seen_by(&who, pool)).collect();
        return Ok(Sync(pools).into_response());
    }
    let names = storage::names(&ctx).await?;
    Ok(Sync(names.iter().map(paths::storage_pool).collect::<Vec<_>>()).into_response())
}

async fn post(
    Admin(who): Admin,
    State(ctx): State<Context>,
    query: Query,
    Body(request): Body<PoolsPost>,
) -> Result<Created> {
    let location = paths::storage_pool(&request.name);
    match query.target() {
        Some(target) => storage::define(&ctx, target, request).await?,
        None => {
            storage::create(&ctx, request).await?;
            ctx.events.lifecycle("storage-pool-created", &location, &who, None);
        }
    }
    Ok(Created { location })
}

/// Without an entity tag, as in LXD; a change may still be conditional.
async fn show(
    Trusted(who): Trusted,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    query: Query,
) -> Result<Sync<Pool>> {
    let pool = storage::get(&ctx, &name, query.target()).await?;
    Ok(Sync(seen_by(&who, pool)))
}

async fn put(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    query: Query,
    condition: IfMatch,
    Body(request): Body<PoolPut>,
) -> Result<Empty> {
    let update = Update::Replace(request.config, request.description);
    change(&ctx, &who, &name, &query, &condition, &update).await
}

async fn patch(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    query: Query,
    condition: IfMatch,
    Body(request): Body<Patch>,
) -> Result<Empty> {
    change(&ctx, &who, &name, &query, &condition, &Update::Patch(request)).await
}

async fn change(
    ctx: &Context,
    who: &Identity,
    name: &str,
    query: &Query,
    condition: &IfMatch,
    update: &Update,
) -> Result<Empty> {
    let unchanged = |pool: &Pool| condition.check(&tag(pool));
    storage::update(ctx, name, query.target(), unchanged, update).await?;
    ctx.events.lifecycle("storage-pool-updated", paths::storage_pool(name), who, None);
    Ok(Empty)
}

async fn delete(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(name): Path<String>,
) -> Result<Empty> {
    storage::delete(&ctx, &name).await?;
    ctx.events.lifecycle("storage-pool-deleted", paths::storage_pool(&name), &who, None);
    Ok(Empty)
}

async fn realise(_: Member, State(ctx): State<Context>, Path(name): Path<String>) -> Result<Empty> {
    storage::realise(&ctx, &name).await?;
    Ok(Empty)
}

async fn remove(
    _: Member,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    query: Query,
) -> Result<Empty> {
    storage::remove(&ctx, &name, query.id()?).await?;
    Ok(Empty)
}

/// A restricted client does not see a pool's keys, nor who uses it in other projects.
fn seen_by(who: &Identity, mut pool: Pool) -> Pool {
    if matches!(who, Identity::Client(_)) && !who.is_admin() {
        pool.config.clear();
    }
    pool.used_by = users_seen_by(who, pool.used_by);
    pool
}

fn tag(pool: &Pool) -> ETag {
    ETag::of(&(&pool.name, &pool.driver, &pool.config))
}
