//! `/1.0/cluster`: the cluster itself, founding and joining, and its certificate.

mod groups;
mod members;

use super::auth::{Admin, Trusted};
use super::etag::ETag;
use super::extract::Body;
use super::respond::{Accepted, Sync, Tagged};
use crate::app::cluster;
use crate::context::Context;
use crate::error::Result;
use axum::Router;
use axum::extract::State;
use axum::routing::{self, get};
use shared_api::cluster::{Cluster, ClusterCertificatePut, ClusterPut, VoidTokens};
use shared_api::paths;

/// The paths of this module.
pub(super) fn routes() -> Router<Context> {
    Router::new()
        .route(paths::CLUSTER, get(show).put(put))
        .route(paths::CLUSTER_CERTIFICATE, routing::put(put_certificate))
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

async fn put_certificate(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Body(request): Body<ClusterCertificatePut>,
) -> Result<Sync<VoidTokens>> {
    cluster::replace_certificate(&ctx, &request, &who).await.map(Sync)
}
