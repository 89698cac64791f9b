//! What a joiner asks of a member. A joiner is whoever holds the certificate that a token or the
//! trust password let in, and may do nothing else. A member that lost its replica asks for another.

use crate::api::auth::{Anyone, Joiner, Member};
use crate::api::extract::{Body, Path};
use crate::api::respond::{Empty, Sync};
use crate::app::cluster::{self, Accept, Accepted, Findings, Preflight, Reach, Rejoin, Removal};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::identity::Identity;
use axum::Router;
use axum::extract::State;
use axum::routing::{delete, get, post, put};
use shared_api::paths;

/// The paths of this module.
pub(super) fn routes() -> Router<Context> {
    Router::new()
        .route(paths::INTERNAL_CLUSTER_ACCEPT, post(accept))
        .route(paths::INTERNAL_CLUSTER_ACTIVATE, post(activate))
        .route(paths::INTERNAL_CLUSTER_CERTIFICATE, put(show_certificate))
        .route(paths::INTERNAL_CLUSTER_JOIN, delete(abandon).post(renew))
        .route(paths::INTERNAL_CLUSTER_LEAVE, post(leave))
        .route(paths::INTERNAL_CLUSTER_PREFLIGHT, post(preflight))
        .route(paths::INTERNAL_CLUSTER_REACH, post(reach))
        .route(paths::INTERNAL_CLUSTER_REJOIN, post(rejoin))
        .route(paths::INTERNAL_CLUSTER_REMOVAL, get(removal))
}

async fn accept(
    joiner: Joiner,
    State(ctx): State<Context>,
    Body(request): Body<Accept>,
) -> Result<Sync<Accepted>> {
    cluster::accept(&ctx, &joiner.fingerprint, &request).await.map(Sync)
}

async fn preflight(
    joiner: Joiner,
    State(ctx): State<Context>,
    Body(request): Body<Preflight>,
) -> Result<Sync<Findings>> {
    cluster::judge(&ctx, &joiner.fingerprint, &request).await.map(Sync)
}

async fn reach(
    _: Member,
    State(ctx): State<Context>,
    Body(request): Body<Reach>,
) -> Result<Sync<Option<String>>> {
    cluster::reach(&ctx, &request).await.map(Sync)
}

async fn activate(
    joiner: Joiner,
    State(ctx): State<Context>,
    Path(node): Path<u64>,
) -> Result<Empty> {
    cluster::activate(&ctx, &joiner.fingerprint, node).await?;
    Ok(Empty)
}

async fn rejoin(
    // A joiner does not get as far as this.
    member: Joiner,
    State(ctx): State<Context>,
    Body(request): Body<Rejoin>,
) -> Result<Sync<Accepted>> {
    cluster::readmit(&ctx, &member.fingerprint, &request).await.map(Sync)
}

async fn show_certificate(_: Member, State(ctx): State<Context>) -> Result<Empty> {
    cluster::show_stored(&ctx).await?;
    Ok(Empty)
}

async fn leave(_: Member, State(ctx): State<Context>) -> Result<Empty> {
    cluster::leave_now(&ctx).await?;
    Ok(Empty)
}

async fn removal(
    // Whoever was removed is trusted no more.
    Anyone(who): Anyone,
    State(ctx): State<Context>,
) -> Result<Sync<Removal>> {
    let Identity::Untrusted { fingerprint: Some(fingerprint), .. } = who else {
        return Err(Error::forbidden("not authorized"));
    };
    cluster::removal(&ctx, &fingerprint).await.map(Sync)
}

async fn renew(joiner: Joiner, State(ctx): State<Context>) -> Result<Empty> {
    cluster::renew(&ctx, &joiner.fingerprint).await?;
    Ok(Empty)
}

async fn abandon(joiner: Joiner, State(ctx): State<Context>) -> Result<Empty> {
    cluster::abandon(&ctx, &joiner.fingerprint).await?;
    Ok(Empty)
}
