//! `/1.0/metrics`, and the counting of requests that it tells of.

use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use shared_api::paths;

use super::auth::Anyone;
use crate::app::metrics;
use crate::context::Context;
use crate::error::Result;

/// What LXD says whoever asks.
const PLAIN: &str = "text/plain";
/// For who asks for it.
const OPEN: &str = "application/openmetrics-text";

/// The path of this module.
pub(super) fn routes() -> Router<Context> {
    Router::new().route(paths::METRICS, get(show))
}

async fn show(
    Anyone(who): Anyone,
    State(ctx): State<Context>,
    headers: HeaderMap,
) -> Result<Response> {
    metrics::check_reader(&ctx, &who).await?;
    let accepts = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let kind = match accepts.is_some_and(|accepts| accepts.contains(OPEN)) {
        true => format!("{OPEN}; version=1.0.0; charset=utf-8"),
        false => PLAIN.to_owned(),
    };
    Ok(([(header::CONTENT_TYPE, kind)], metrics::text(&ctx).await?).into_response())
}

/// Middleware: counts and times every request.
pub(super) async fn count(State(ctx): State<Context>, request: Request, next: Next) -> Response {
    let (begun, method) = (Instant::now(), request.method().clone());
    let route = request.extensions().get::<MatchedPath>().cloned();
    let answer = next.run(request).await;
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    ctx.requests.note(method.as_str(), route, answer.status().as_u16(), begun.elapsed());
    answer
}
