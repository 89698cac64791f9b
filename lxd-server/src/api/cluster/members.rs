//! `/1.0/cluster/members`: who is in the cluster, and tokens for who is to be.

use crate::api::auth::{Admin, Trusted};
use crate::api::etag::ETag;
use crate::api::extract::{Body, Path, Query};
use crate::api::respond::{Accepted, Sync, Tagged};
use crate::app::cluster;
use crate::context::Context;
use crate::error::Result;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use shared_api::cluster::{Member, MemberPut, MembersPost};
use shared_api::paths;

pub(super) fn routes() -> Router<Context> {
    Router::new()
        .route(paths::CLUSTER_MEMBERS, get(list).post(post))
        .route(paths::CLUSTER_MEMBER, get(show))
}

async fn list(_: Trusted, State(ctx): State<Context>, query: Query) -> Result<Response> {
    let members = cluster::members(&ctx).await?;
    if query.recursive() {
        return Ok(Sync(members).into_response());
    }
    let urls: Vec<String> =
        members.iter().map(|member| paths::cluster_member(&member.server_name)).collect();
    Ok(Sync(urls).into_response())
}

async fn post(
    _: Admin,
    State(ctx): State<Context>,
    Body(request): Body<MembersPost>,
) -> Result<Accepted> {
    cluster::invite(&ctx, &request).await.map(Accepted)
}

async fn show(
    _: Trusted,
    State(ctx): State<Context>,
    Path(name): Path<String>,
) -> Result<Tagged<Member>> {
    let member = cluster::member(&ctx, &name).await?;
    let tag = ETag::of(&MemberPut {
        roles: member.roles.clone(),
        failure_domain: member.failure_domain.clone(),
        description: member.description.clone(),
        config: member.config.clone(),
        groups: member.groups.clone(),
    });
    Ok(Tagged(member, tag))
}
