//! `/1.0/events`: the stream of events, over a websocket.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use shared_api::events::Kind;
use shared_api::paths;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::auth::Trusted;
use super::extract::Query;
use super::json;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::events::{Filter, Subscription};
use crate::identity::Identity;
use crate::limits;

/// A listener has nothing to say: what it sends is bounded to this many bytes.
const HEARD_BYTES_MAX: usize = 4096;

/// The path of this module.
pub(super) fn routes() -> Router<Context> {
    Router::new().route(paths::EVENTS, get(listen))
}

async fn listen(
    Trusted(who): Trusted,
    State(ctx): State<Context>,
    query: Query,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response> {
    let filter = filter(&query, &who)?;
    let Ok(upgrade) = upgrade else { return Ok(no_upgrade()) };
    let upgrade = upgrade.max_message_size(HEARD_BYTES_MAX).max_frame_size(HEARD_BYTES_MAX);
    // From now on, so that nothing is missed between the answer and the first frame.
    let subscription = ctx.events.subscribe(filter);
    let stop = ctx.stop.clone();
    Ok(upgrade.on_upgrade(|socket| serve(socket, subscription, stop)))
}

/// The kinds and the project that are asked for, if the caller may have them.
fn filter(query: &Query, who: &Identity) -> Result<Filter> {
    let admin = who.is_admin();
    let kinds = match query.get("type") {
        Some(kinds) => kinds.split(',').map(kind).collect::<Result<Vec<_>>>()?,
        None if admin => vec![Kind::Operation, Kind::Lifecycle, Kind::Logging],
        None => vec![Kind::Operation, Kind::Lifecycle],
    };
    let all = query.is_set("all-projects");
    if all && query.get("project").is_some() {
        let text = "Cannot specify a project when requesting all projects";
        return Err(Error::invalid(text));
    }
    let refused = kinds.contains(&Kind::Logging) && !admin;
    if refused || all && !admin || !who.may_use(query.project()) {
        return Err(Error::forbidden("not authorized"));
    }
    Ok(Filter { kinds, project: (!all).then(|| query.project().to_owned()) })
}

fn kind(name: &str) -> Result<Kind> {
    match name {
        "operation" => Ok(Kind::Operation),
        "lifecycle" => Ok(Kind::Lifecycle),
        "logging" => Ok(Kind::Logging),
        _ => Err(Error::internal(format_args!("{name:?} isn't a supported event type"))),
    }
}

/// The answer to a request that is no websocket's, as Go's websocket library gives it.
fn no_upgrade() -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8")),
        (header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    (StatusCode::BAD_REQUEST, headers, "Bad Request\n").into_response()
}

/// Sends events until the listener goes, falls behind or does not read, or the daemon stops.
async fn serve(mut socket: WebSocket, mut events: Subscription, stop: CancellationToken) {
    let mut pings = interval(limits::PING_INTERVAL);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let message = tokio::select! {
            event = events.next() => match event {
                Some(event) => text(&json::line(&*event)),
                None => return close(&mut socket, "The listener is too slow").await,
            },
            _ = pings.tick() => Message::Ping("keepalive".into()),
            heard = socket.recv() => match heard {
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                Some(Ok(_)) => continue,
            },
            () = stop.cancelled() => return close(&mut socket, "The server is stopping").await,
        };
        if !matches!(timeout(limits::PING_INTERVAL, socket.send(message)).await, Ok(Ok(()))) {
            return;
        }
    }
}

fn text(line: &[u8]) -> Message {
    Message::text(String::from_utf8_lossy(line).into_owned())
}

async fn close(socket: &mut WebSocket, reason: &'static str) {
    let frame = CloseFrame { code: close_code::AWAY, reason: reason.into() };
    // It may be gone already.
    let _ = timeout(Duration::from_secs(1), socket.send(Message::Close(Some(frame)))).await;
}
