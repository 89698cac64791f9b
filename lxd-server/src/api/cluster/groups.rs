//! `/1.0/cluster/groups`.

use crate::api::auth::{Admin, Trusted};
use crate::api::etag::{ETag, IfMatch};
use crate::api::extract::{Body, Path, Query};
use crate::api::respond::{Created, Empty, Sync, Tagged};
use crate::app::cluster::{self, GroupPatch};
use crate::context::Context;
use crate::error::Result;
use crate::identity::Identity;
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Map;
use shared_api::cluster::{ClusterGroup, ClusterGroupPost, ClusterGroupPut, ClusterGroupsPost};
use shared_api::paths;

pub(super) fn routes() -> Router<Context> {
    let one = get(show).put(put).patch(patch).post(rename).delete(delete);
    Router::new()
        .route(paths::CLUSTER_GROUPS, get(list).post(post))
        .route(paths::CLUSTER_GROUP, one)
}

async fn list(_: Trusted, State(ctx): State<Context>, query: Query) -> Result<Response> {
    let groups = cluster::groups(&ctx).await?;
    if query.recursive() {
        return Ok(Sync(groups).into_response());
    }
    let urls: Vec<String> = groups.iter().map(|group| paths::cluster_group(&group.name)).collect();
    Ok(Sync(urls).into_response())
}

async fn post(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Body(request): Body<ClusterGroupsPost>,
) -> Result<Created> {
    cluster::create_group(&ctx, &request).await?;
    let location = paths::cluster_group(&request.name);
    ctx.events.lifecycle("cluster-group-created", &location, &who, None);
    Ok(Created { location })
}

async fn show(
    _: Trusted,
    State(ctx): State<Context>,
    Path(name): Path<String>,
) -> Result<Tagged<ClusterGroup>> {
    let group = cluster::group(&ctx, &name).await?;
    let tag = tag(&group);
    Ok(Tagged(group, tag))
}

async fn put(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    condition: IfMatch,
    Body(request): Body<ClusterGroupPut>,
) -> Result<Empty> {
    let unchanged = |group: &ClusterGroup| condition.check(&tag(group));
    let group = cluster::replace_group(&ctx, &name, unchanged, &request).await?;
    Ok(updated(&ctx, &who, group))
}

async fn patch(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    condition: IfMatch,
    Body(request): Body<GroupPatch>,
) -> Result<Empty> {
    let unchanged = |group: &ClusterGroup| condition.check(&tag(group));
    let group = cluster::patch_group(&ctx, &name, unchanged, &request).await?;
    Ok(updated(&ctx, &who, group))
}

async fn rename(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    Body(request): Body<ClusterGroupPost>,
) -> Result<Created> {
    cluster::rename_group(&ctx, &name, &request.name).await?;
    let location = paths::cluster_group(&request.name);
    let context = Map::from_iter([("old_name".to_owned(), name.into())]);
    ctx.events.lifecycle("cluster-group-renamed", &location, &who, Some(context));
    Ok(Created { location })
}

async fn delete(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(name): Path<String>,
) -> Result<Empty> {
    cluster::delete_group(&ctx, &name).await?;
    ctx.events.lifecycle("cluster-group-deleted", paths::cluster_group(&name), &who, None);
    Ok(Empty)
}

fn updated(ctx: &Context, who: &Identity, group: ClusterGroup) -> Empty {
    let url = paths::cluster_group(&group.name);
    let context = [
        ("description".to_owned(), group.description.into()),
        ("members".to_owned(), group.members.into()),
    ];
    ctx.events.lifecycle("cluster-group-updated", url, who, Some(Map::from_iter(context)));
    Empty
}

/// Of what LXD sends with a group. What LXD compares a change with is another one, which nobody can know.
fn tag(group: &ClusterGroup) -> ETag {
    let ClusterGroup { description, members, .. } = group.clone();
    ETag::of(&ClusterGroupPut { description, members })
}
