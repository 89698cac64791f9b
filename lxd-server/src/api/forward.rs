//! Requests with `?target=MEMBER` go to that member, where what is asked for belongs to one host.

use axum::body::Body;
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use shared_api::paths;

use super::auth::{FORWARDED_ADDRESS, FORWARDED_PROTOCOL, FORWARDED_USERNAME};
use super::extract::{self, Query};
use super::idempotency::IDEMPOTENCY_KEY;
use crate::app::remotes;
use crate::context::Context;
use crate::error::{Context as _, Result};
use crate::identity::Identity;

/// What is done at the member that it is about.
const FORWARDED: &[(&Method, &str)] =
    &[(&Method::GET, paths::API), (&Method::PUT, paths::API), (&Method::PATCH, paths::API)];

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
    let path = parts.extensions.get::<MatchedPath>().map(MatchedPath::as_str);
    let forwarded = path.is_some_and(|path| FORWARDED.contains(&(&parts.method, path)));
    // The other member takes us for what we are, an administrator: so only for those who are, too.
    let who = parts.extensions.get::<Identity>().filter(|who| forwarded && who.is_admin());
    let sender = who.map(Identity::requestor);
    let Ok(query) = Query::from_request_parts(&mut parts, &()).await;
    let request = Request::from_parts(parts, body);
    let (Some(sender), Some(target)) = (sender, query.target()) else {
        return Ok(Passed::Ours(request));
    };
    let Some(remote) = remotes::named(ctx, target).await? else { return Ok(Passed::Ours(request)) };
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

fn copy(headers: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let pairs = names.iter().filter_map(|name| Some((name.clone(), headers.get(name)?.clone())));
    pairs.collect()
}
