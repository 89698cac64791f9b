//! `/1.0/profiles`.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Map, Value};
use shared_api::paths;
use shared_api::profiles::{Profile, ProfilePost, ProfilePut, ProfilesPost};

use super::auth::Trusted;
use super::etag::{ETag, IfMatch};
use super::extract::{Body, Path, Query};
use super::respond::{Created, Empty, Sync, Tagged};
use crate::app::profile::Place;
use crate::app::{profile, project};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::identity::Identity;

/// The paths of this module.
pub(super) fn routes() -> Router<Context> {
    let one = get(show).put(put).patch(patch).post(rename).delete(delete);
    Router::new().route(paths::PROFILES, get(list).post(post)).route(paths::PROFILE, one)
}

async fn list(Trusted(who): Trusted, State(ctx): State<Context>, query: Query) -> Result<Response> {
    let project = allowed(&who, &query)?;
    if query.recursive() {
        return Ok(Sync(profile::list(&ctx.db, project).await?).into_response());
    }
    let (names, home) = profile::names(&ctx.db, project).await?;
    let urls: Vec<String> = names.iter().map(|name| url(name, &home)).collect();
    Ok(Sync(urls).into_response())
}

async fn post(
    Trusted(who): Trusted,
    State(ctx): State<Context>,
    query: Query,
    Body(request): Body<ProfilesPost>,
) -> Result<Created> {
    let place = place(&who, &query)?;
    let name = request.name.clone();
    let home = profile::create(&ctx.db, place, request).await?;
    let location = url(&name, &home);
    ctx.events.lifecycle_in(&home, "profile-created", &location, &who, None);
    Ok(Created { location })
}

async fn show(
    Trusted(who): Trusted,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    query: Query,
) -> Result<Tagged<Profile>> {
    let profile = profile::get(&ctx.db, allowed(&who, &query)?, &name).await?;
    let tag = tag(&profile);
    Ok(Tagged(profile, tag))
}

async fn put(
    Trusted(who): Trusted,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    query: Query,
    condition: IfMatch,
    Body(request): Body<ProfilePut>,
) -> Result<Empty> {
    let place = place(&who, &query)?;
    let unchanged = |profile: &Profile| condition.check(&tag(profile));
    let home = profile::replace(&ctx.db, place, &name, unchanged, request).await?;
    ctx.events.lifecycle_in(&home, "profile-updated", url(&name, &home), &who, None);
    Ok(Empty)
}

async fn patch(
    Trusted(who): Trusted,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    query: Query,
    condition: IfMatch,
    Body(request): Body<profile::Patch>,
) -> Result<Empty> {
    let place = place(&who, &query)?;
    let unchanged = |profile: &Profile| condition.check(&tag(profile));
    let home = profile::patch(&ctx.db, place, &name, unchanged, request).await?;
    ctx.events.lifecycle_in(&home, "profile-updated", url(&name, &home), &who, None);
    Ok(Empty)
}

async fn rename(
    Trusted(who): Trusted,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    query: Query,
    Body(request): Body<ProfilePost>,
) -> Result<Created> {
    let place = place(&who, &query)?;
    let home = profile::rename(&ctx.db, place, &name, &request.name).await?;
    let location = url(&request.name, &home);
    let context = Map::from_iter([("old_name".to_owned(), Value::String(name))]);
    ctx.events.lifecycle_in(&home, "profile-renamed", &location, &who, Some(context));
    Ok(Created { location })
}

async fn delete(
    Trusted(who): Trusted,
    State(ctx): State<Context>,
    Path(name): Path<String>,
    query: Query,
) -> Result<Empty> {
    let place = place(&who, &query)?;
    let home = profile::delete(&ctx.db, place, &name).await?;
    ctx.events.lifecycle_in(&home, "profile-deleted", url(&name, &home), &who, None);
    Ok(Empty)
}

/// The project of the request, which its sender may use.
fn allowed<'a>(who: &Identity, query: &'a Query) -> Result<&'a str> {
    let project = query.project();
    if who.may_use(project) { Ok(project) } else { Err(Error::forbidden("not authorized")) }
}

/// The same, in which something is to be changed.
fn place<'a>(who: &'a Identity, query: &'a Query) -> Result<Place<'a>> {
    allowed(who, query).map(|project| Place { project, who })
}

fn tag(profile: &Profile) -> ETag {
    ETag::of(&(&profile.config, &profile.description, &profile.devices))
}

fn url(name: &str, project: &str) -> String {
    project::url(paths::profile(name), project)
}
