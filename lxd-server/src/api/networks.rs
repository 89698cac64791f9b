//! `/1.0/networks`, and what members ask of each other about networks.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put as replaces};
use shared_api::networks::{Network, NetworkPost, NetworkPut, NetworksPost};
use shared_api::paths;

use super::auth::{Admin, Member, Trusted, users_seen_by};
use super::etag::{ETag, IfMatch};
use super::extract::{Body, Path, Query};
use super::respond::{Created, Empty, Sync, Tagged};
use crate::app::object::{Patch, Update};
use crate::app::{network, project};
use crate::context::Context;
use crate::error::Result;
use crate::identity::Identity;

/// The paths of this module.
pub(super) fn routes() -> Router<Context> {
    let one = get(show).put(put).patch(patch).post(rename).delete(delete);
    Router::new()
        .route(paths::NETWORKS, get(list).post(post))
        .route(paths::NETWORK, one)
        .route(paths::INTERNAL_NETWORK, replaces(realise).delete(remove))
}

async fn list(Trusted(who): Trusted, State(ctx): State<Context>, query: Query) -> Result<Response> {
    project::check(&ctx.db, query.project()).await?;
    if query.recursive() {
        let networks = network::list(&ctx).await?;
        let networks: Vec<Network> = networks.into_iter().map(|one| seen_by(&who, one)).collect();
        return Ok(Sync(networks).into_response());
    }
    let names = network::names(&ctx).await?;
    Ok(Sync(names.iter().map(paths::network).collect::<Vec<_>>()).into_response())
}

async fn post(
    Admin(who): Admin,
    State(ctx): State<Context>,
    query: Query,
    Body(request): Body<NetworksPost>,
) -> Result<Created> {
    project::check(&ctx.db, query.project()).await?;
    let location = paths::network(&request.name);
    match query.target() {
        Some(target) => network::define(&ctx, target, request).await?,
        None => {
            network::create(&ctx, request).await?;
            ctx.events.lifecycle("network-created", &location, &who, None);
        }
    }
    Ok(Created { location })
}

async fn show(
    Trusted(who): Trusted,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    query: Query,
) -> Result<Tagged<Network>> {
    project::check(&ctx.db, query.project()).await?;
    let network = network::get(&ctx, &name, query.target()).await?;
    let tag = tag(&network);
    Ok(Tagged(seen_by(&who, network), tag))
}

async fn put(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    query: Query,
    condition: IfMatch,
    Body(request): Body<NetworkPut>,
) -> Result<Empty> {
    let update = Update::Replace(request.config, request.description);
    change(&ctx, &who, &name, &query, &condition, update).await
}

async fn patch(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    query: Query,
    condition: IfMatch,
    Body(request): Body<Patch>,
) -> Result<Empty> {
    change(&ctx, &who, &name, &query, &condition, Update::Patch(request)).await
}

async fn change(
    ctx: &Context,
    who: &Identity,
    name: &str,
    query: &Query,
    condition: &IfMatch,
    update: Update,
) -> Result<Empty> {
    project::check(&ctx.db, query.project()).await?;
    let unchanged = |network: &Network| condition.check(&tag(network));
    network::update(ctx, name, query.target(), unchanged, update).await?;
    ctx.events.lifecycle("network-updated", paths::network(name), who, None);
    Ok(Empty)
}

async fn rename(
    _: Admin,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    Body(_): Body<NetworkPost>,
) -> Result<Empty> {
    network::rename(&ctx, &name).await?;
    Ok(Empty)
}

async fn delete(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    query: Query,
) -> Result<Empty> {
    project::check(&ctx.db, query.project()).await?;
    network::delete(&ctx, &name).await?;
    ctx.events.lifecycle("network-deleted", paths::network(&name), &who, None);
    Ok(Empty)
}

async fn realise(_: Member, State(ctx): State<Context>, Path(name): Path<String>) -> Result<Empty> {
    network::realise(&ctx, &name).await?;
    Ok(Empty)
}

async fn remove(
    _: Member,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    query: Query,
) -> Result<Empty> {
    network::remove(&ctx, &name, query.id()?).await?;
    Ok(Empty)
}

fn seen_by(who: &Identity, network: Network) -> Network {
    Network { used_by: users_seen_by(who, network.used_by), ..network }
}

fn tag(network: &Network) -> ETag {
    let Network { name, managed, kind, description, config, .. } = network;
    ETag::of(&(name, managed, kind, description, config))
}
