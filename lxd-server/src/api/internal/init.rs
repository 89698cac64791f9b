//! What `lxd init` has to know, and only its daemon can tell.

use axum::extract::State;
use shared_api::cluster::ClusterPut;

use crate::api::auth::Local;
use crate::api::extract::Body;
use crate::api::respond::Sync;
use crate::app::cluster::{self, Surveyed};
use crate::app::config;
use crate::context::Context;
use crate::error::Result;

/// Whether a text is the trust password, of which only a hash is kept.
pub(super) async fn is_password(
    _: Local,
    State(ctx): State<Context>,
    Body(password): Body<String>,
) -> Result<Sync<bool>> {
    config::is_trust_password(&ctx, &password).await.map(Sync)
}

/// What the cluster shows that the request would join.
pub(super) async fn survey(
    _: Local,
    State(ctx): State<Context>,
    Body(request): Body<ClusterPut>,
) -> Result<Sync<Surveyed>> {
    cluster::survey(&ctx, &request).await.map(Sync)
}
