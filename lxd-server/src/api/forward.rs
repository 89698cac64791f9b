//! Requests with `?target=MEMBER` go to that member, where what is asked for belongs to one host. The removal
//! of this member goes to another, which is there afterwards.

use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use shared_api::paths;

use super::auth::{FORWARDED_ADDRESS, FORWARDED_PROTOCOL, FORWARDED_USERNAME};
use super::extract::{self, Path, Query};
use super::idempotency::IDEMPOTENCY_KEY;
use crate::app::{cluster, remotes};
use crate::context::Context;
use crate::error::{Context as _, Result};
use crate::identity::Identity;
use crate::node::Remote;

/// What is done at the member that it is about.
const FORWARDED: &[(&Method, &str)] =
    &[(&Method::GET, paths::API), (&Method::PUT, paths::API), (&Method::PATCH, paths::API)];

/// What is done at another member if it is about this one.
const REMOVAL: (&Method, &str) = (&Method::DELETE, paths::CLUSTER_MEMBER);

/// Headers of a request that its target has to see.
const ASKED: [HeaderName; 3] = [header::CONTENT_TYPE, header::IF_MATCH, IDEMPOTENCY_KEY];
/// Headers of an answer that its client has to see.
const ANSWERED: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::ETAG, header::LOCATION, header::X_CONTENT_TYPE_OPTIONS];

/// Middleware: passes a request on to its target, if that is another member.
pub(super) async fn to_target(
    State(ctx): State<Context>,
    request: Request,
    next: Next,
) -> Response {
    match pass_on(&ctx, request).await {
        Ok(Passed::Answer(answer)) => answer,
        Ok(Passed::Ours(request)) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

enum Passed {
    Answer(Response),
    Ours(Request),
}

async fn pass_on(ctx: &Context, request: Request) -> Result<Passed> {
    let (mut parts, body) = request.into_parts();
    // The other member takes us for what we are, an administrator: so only for those who are, too.
    let who = parts.extensions.get::<Identity>().filter(|who| who.is_admin());
    let sender = who.map(Identity::requestor);
    let other = if sender.is_some() { destination(ctx, &mut parts).await? } else { None };
    let request = Request::from_parts(parts, body);
    let (Some(sender), Some(remote)) = (sender, other) else { return Ok(Passed::Ours(request)) };
    let mut headers = copy(request.headers(), &ASKED);
    for (name, value) in [
        (FORWARDED_ADDRESS, sender.address),
        (FORWARDED_USERNAME, sender.username),
        (FORWARDED_PROTOCOL, sender.protocol),
    ] {
        let value = HeaderValue::try_from(value).context("name the sender")?;
        headers.insert(HeaderName::from_static(name), value);
    }
    let method = request.method().clone();
    let url = request.uri().path_and_query().map_or("/", |url| url.as_str()).to_owned();
    let body = extract::bytes(request).await?;
    let answer = remote.pass(method, &url, headers, body).await?;
    let mut response = Response::builder().status(answer.status());
    if let Some(headers) = response.headers_mut() {
        *headers = copy(answer.headers(), &ANSWERED);
    }
    let body = answer.bytes().await.context("read a member's answer")?;
    response.body(Body::from(body)).map(Passed::Answer).context("pass on a member's answer")
}

/// The other member that is to do it, if there is one.
async fn destination(ctx: &Context, parts: &mut Parts) -> Result<Option<Remote>> {
    let path = parts.extensions.get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let Some(path) = path else { return Ok(None) };
    let asked = (&parts.method, path.as_str());
    if asked == REMOVAL {
        let Path(name) = Path::<String>::from_request_parts(parts, &()).await?;
        let own = cluster::is_clustered(ctx) && cluster::own(ctx).await?.name == name;
        return if own { remotes::any(ctx).await } else { Ok(None) };
    }
    if !FORWARDED.contains(&asked) {
        return Ok(None);
    }
    let Ok(query) = Query::from_request_parts(parts, &()).await;
    match query.target() {
        Some(target) => remotes::named(ctx, target).await,
        None => Ok(None),
    }
}

fn copy(headers: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let pairs = names.iter().filter_map(|name| Some((name.clone(), headers.get(name)?.clone())));
    pairs.collect()
}
