//! `/1.0/projects`.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Map;
use shared_api::paths;
use shared_api::projects::{Project, ProjectPost, ProjectPut, ProjectsPost};

use super::auth::{Admin, Trusted};
use super::etag::{ETag, IfMatch};
use super::extract::{Body, Path, Query};
use super::respond::{Accepted, Created, Empty, Sync, Tagged};
use crate::app::object::Patch;
use crate::app::project;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::identity::Identity;

/// The paths of this module.
pub(super) fn routes() -> Router<Context> {
    let one = get(show).put(put).patch(patch).post(rename).delete(delete);
    Router::new().route(paths::PROJECTS, get(list).post(post)).route(paths::PROJECT, one)
}

async fn list(Trusted(who): Trusted, State(ctx): State<Context>, query: Query) -> Result<Response> {
    let mut projects = project::list(&ctx.db).await?;
    projects.retain(|project| who.may_use(&project.name));
    if query.recursive() {
        return Ok(Sync(projects).into_response());
    }
    let urls: Vec<String> = projects.iter().map(|project| paths::project(&project.name)).collect();
    Ok(Sync(urls).into_response())
}

async fn post(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Body(request): Body<ProjectsPost>,
) -> Result<Created> {
    let name = request.name.clone();
    project::create(&ctx.db, request).await?;
    tell(&ctx, "project-created", &name, &who, None);
    Ok(Created { location: paths::project(&name) })
}

async fn show(
    Trusted(who): Trusted,
    State(ctx): State<Context>,
    Path(name): Path<String>,
) -> Result<Tagged<Project>> {
    if !who.may_use(&name) {
        return Err(Error::forbidden("not authorized"));
    }
    let project = project::get(&ctx.db, &name).await?;
    let tag = tag(&project.description, &project.config);
    Ok(Tagged(project, tag))
}

async fn put(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    condition: IfMatch,
    Body(request): Body<ProjectPut>,
) -> Result<Empty> {
    let unchanged = |now: &ProjectPut| condition.check(&tag(&now.description, &now.config));
    project::replace(&ctx.db, &name, unchanged, request).await?;
    tell(&ctx, "project-updated", &name, &who, None);
    Ok(Empty)
}

async fn patch(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    condition: IfMatch,
    Body(request): Body<Patch>,
) -> Result<Empty> {
    let unchanged = |now: &ProjectPut| condition.check(&tag(&now.description, &now.config));
    project::patch(&ctx.db, &name, unchanged, request).await?;
    tell(&ctx, "project-updated", &name, &who, None);
    Ok(Empty)
}

async fn rename(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    Body(request): Body<ProjectPost>,
) -> Result<Accepted> {
    let operation = project::rename(&ctx, &name, &request.name).await?;
    let context = Map::from_iter([("old_name".to_owned(), name.into())]);
    tell(&ctx, "project-renamed", &request.name, &who, Some(context));
    Ok(Accepted(operation))
}

async fn delete(
    Admin(who): Admin,
    State(ctx): State<Context>,
    Path(name): Path<String>,
) -> Result<Empty> {
    project::delete(&ctx.db, &name).await?;
    tell(&ctx, "project-deleted", &name, &who, None);
    Ok(Empty)
}

fn tell(
    ctx: &Context,
    action: &str,
    project: &str,
    who: &Identity,
    context: Option<Map<String, serde_json::Value>>,
) {
    ctx.events.lifecycle_in(project, action, paths::project(project), who, context);
}

fn tag(description: &str, config: &shared_api::config::Map) -> ETag {
    ETag::of(&(description, config))
}
