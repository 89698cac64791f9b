//! `/1.0/operations`: work that goes on.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use shared_api::operations::Operation;
use shared_api::paths;
use uuid::Uuid;

use super::auth::Trusted;
use super::extract::{Path, Query};
use super::respond::{Empty, Sync};
use crate::app::operations;
use crate::context::Context;
use crate::error::{Error, Result};

/// The paths of this module.
pub(super) fn routes() -> Router<Context> {
    Router::new()
        .route(paths::OPERATIONS, get(list))
        .route(paths::OPERATION, get(show).delete(delete))
        .route(paths::OPERATION_WAIT, get(wait))
}

async fn list(Trusted(who): Trusted, State(ctx): State<Context>, query: Query) -> Result<Response> {
    let all = query.is_set("all-projects");
    if all && !who.is_admin() || !all && !who.may_use(query.project()) {
        return Err(Error::forbidden("not authorized"));
    }
    let project = (!all).then(|| query.project());
    let groups = operations::list(&ctx, project, &who).await?;
    if query.recursive() {
        return Ok(Sync(groups).into_response());
    }
    let url = |operation: &Operation| paths::operation(operation.id.to_string());
    let urls = groups.iter().map(|(status, list)| (status, list.iter().map(url).collect()));
    Ok(Sync(urls.collect::<BTreeMap<_, Vec<_>>>()).into_response())
}

async fn show(
    Trusted(who): Trusted,
    State(ctx): State<Context>,
    Path(id): Path<String>,
) -> Result<Sync<Operation>> {
    operations::get(&ctx, parse(&id)?, &who).await.map(Sync)
}

async fn wait(
    Trusted(who): Trusted,
    State(ctx): State<Context>,
    Path(id): Path<String>,
    query: Query,
) -> Result<Sync<Operation>> {
    // Without a number, and below zero, it is as long as it takes.
    let seconds = query.get("timeout").and_then(|seconds| seconds.parse::<u32>().ok());
    let limit = seconds.map(|seconds| Duration::from_secs(seconds.into()));
    operations::wait(&ctx, parse(&id)?, limit, &who).await.map(Sync)
}

async fn delete(
    Trusted(who): Trusted,
    State(ctx): State<Context>,
    Path(id): Path<String>,
) -> Result<Empty> {
    operations::cancel(&ctx, parse(&id)?, &who).await?;
    Ok(Empty)
}

fn parse(id: &str) -> Result<Uuid> {
    id.parse().map_err(|_| Error::not_found("Operation not found"))
}
