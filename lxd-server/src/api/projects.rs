//! `/1.0/projects`.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use shared_api::paths;
use shared_api::projects::Project;

use super::auth::Trusted;
use super::etag::ETag;
use super::extract::{Path, Query};
use super::respond::{Sync, Tagged};
use crate::app::project;
use crate::context::Context;
use crate::error::{Error, Result};

/// The paths of this module.
pub(super) fn routes() -> Router<Context> {
    Router::new().route(paths::PROJECTS, get(list)).route(paths::PROJECT, get(show))
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

async fn show(
    Trusted(who): Trusted,
    State(ctx): State<Context>,
    Path(name): Path<String>,
) -> Result<Tagged<Project>> {
    if !who.may_use(&name) {
        return Err(Error::forbidden("not authorized"));
    }
    let project = project::get(&ctx.db, &name).await?;
    let tag = ETag::of(&(&project.description, &project.config));
    Ok(Tagged(project, tag))
}
