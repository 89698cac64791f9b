//! `/1.0/cluster`: the cluster itself, founding and joining.

mod groups;
mod members;

use super::auth::{Admin, Trusted};
use super::etag::ETag;
use super::extract::Body;
use super::respond::{Accepted, Tagged};
use crate::app::cluster;
use crate::context::Context;
use crate::error::Result;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use shared_api::cluster::{Cluster, ClusterPut};
use shared_api::paths;

/// The paths of this module.
pub(super) fn routes() -> Router<Context> {
    Router::new()
        .route(paths::CLUSTER, get(show).put(put))
        .merge(groups::routes())
        .merge(members::routes())
}

async fn show(_: Trusted, State(ctx): State<Context>) -> Result<Tagged<Cluster>> {
    let cluster = cluster::overview(&ctx).await?;
    let tag = ETag::of(&cluster);
    Ok(Tagged(cluster, tag))
}

async fn put(
    _: Admin,
    State(ctx): State<Context>,
    Body(request): Body<ClusterPut>,
) -> Result<Accepted> {
    cluster::enable(&ctx, request).await.map(Accepted)
}
