//! `/` and `/1.0`: the server, its configuration, and what it can do.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use shared_api::config::Values;
use shared_api::server::{Server, ServerPut, ServerUntrusted};
use shared_api::{extensions, paths};

use super::auth::{Admin, Anyone};
use super::etag::{ETag, IfMatch};
use super::extract::{Body, Query};
use super::respond::{Empty, Sync, Tagged};
use crate::app::config::{self, Others};
use crate::app::environment::environment;
use crate::context::Context;
use crate::error::Result;
use crate::identity::Identity;

/// The paths of this module.
pub(super) fn routes() -> Router<Context> {
    Router::new()
        .route(paths::ROOT, get(async || Sync([paths::API])))
        .route(paths::API, get(show).put(put).patch(patch))
}

async fn show(Anyone(who): Anyone, State(ctx): State<Context>, query: Query) -> Result<Response> {
    if !who.is_trusted() || matches!(who, Identity::Joiner { .. }) {
        return Ok(Sync(untrusted()).into_response());
    }
    let config = config::current(&ctx).await?;
    let tag = ETag::of(&config);
    let ServerUntrusted { api_extensions, api_status, api_version, public, auth_methods, .. } =
        untrusted();
    let server = Server {
        config: who.is_admin().then_some(config),
        api_extensions,
        api_status,
        api_version,
        auth: "trusted".to_owned(),
        public,
        auth_methods,
        environment: environment(&ctx, query.project()).await?,
    };
    Ok(Tagged(server, tag).into_response())
}

async fn put(
    Admin(who): Admin,
    State(ctx): State<Context>,
    condition: IfMatch,
    Body(request): Body<ServerPut>,
) -> Result<Empty> {
    update(&ctx, &condition, &request, Others::Unset, &who).await
}

async fn patch(
    Admin(who): Admin,
    State(ctx): State<Context>,
    condition: IfMatch,
    Body(request): Body<ServerPut>,
) -> Result<Empty> {
    update(&ctx, &condition, &request, Others::Keep, &who).await
}

async fn update(
    ctx: &Context,
    condition: &IfMatch,
    request: &ServerPut,
    others: Others,
    who: &Identity,
) -> Result<Empty> {
    let unchanged = |config: &Values| condition.check(&ETag::of(config));
    config::update(ctx, unchanged, &request.config, others, who).await?;
    Ok(Empty)
}

fn untrusted() -> ServerUntrusted {
    ServerUntrusted {
        api_extensions: extensions::ALL.iter().map(|&name| name.to_owned()).collect(),
        api_status: "stable".to_owned(),
        api_version: "1.0".to_owned(),
        auth: "untrusted".to_owned(),
        public: false,
        auth_methods: vec!["tls".to_owned()],
    }
}
