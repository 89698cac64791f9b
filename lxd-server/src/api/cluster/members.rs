//! `/1.0/cluster/members`: who is in the cluster, and tokens for who is to be.

use crate::api::auth::{Admin, Trusted};
use crate::api::etag::{ETag, IfMatch};
use crate::api::extract::{Body, Path, Query};
use crate::api::respond::{Accepted, Empty, Sync, Tagged};
use crate::app::cluster::{self, MemberPatch};
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
        .route(paths::CLUSTER_MEMBER, get(show).put(put).patch(patch).delete(remove))
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
    let tag = tag(&member);
    Ok(Tagged(member, tag))
}

async fn put(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    condition: IfMatch,
    Body(request): Body<MemberPut>,
) -> Result<Empty> {
    let unchanged = |member: &Member| condition.check(&tag(member));
    cluster::replace_member(&ctx, &name, unchanged, &request).await?;
    ctx.events.lifecycle("cluster-member-updated", paths::cluster_member(&name), &who, None);
    Ok(Empty)
}

async fn patch(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    condition: IfMatch,
    Body(request): Body<MemberPatch>,
) -> Result<Empty> {
    let unchanged = |member: &Member| condition.check(&tag(member));
    cluster::patch_member(&ctx, &name, unchanged, &request).await?;
    ctx.events.lifecycle("cluster-member-updated", paths::cluster_member(&name), &who, None);
    Ok(Empty)
}

/// Of what can be changed.
fn tag(member: &Member) -> ETag {
    let Member { roles, failure_domain, description, config, groups, .. } = member.clone();
    ETag::of(&MemberPut { roles, failure_domain, description, config, groups })
}

async fn remove(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    query: Query,
) -> Result<Empty> {
    cluster::remove(&ctx, &name, query.is_set("force"), &who).await?;
    Ok(Empty)
}
