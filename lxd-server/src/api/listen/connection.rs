//! One connection: HTTP until it ends or the daemon stops.

use std::convert::Infallible;
use std::pin::pin;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::Peer;
use crate::limits;

/// What ALPN chose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// Streams of one HTTP/2 connection that may be under way at once.
const STREAMS_MAX: u32 = 128;

/// Answers the connection's requests by the router. After `stop` the request under way is answered
/// and nothing more is read.
pub(super) async fn serve<S>(
    stream: S,
    protocol: Protocol,
    peer: Peer,
    router: Router,
    stop: CancellationToken,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = TokioIo::new(stream);
    let answer = service_fn(move |request| answer(request, peer.clone(), router.clone()));
    // Errors end the connection: a client that went away or talks nonsense is no news.
    match protocol {
        Protocol::Http1 => {
            let mut http = http1::Builder::new();
            http.timer(TokioTimer::new())
                .header_read_timeout(limits::HEADER_TIMEOUT)
                .title_case_headers(true);
            let mut served = pin!(http.serve_connection(stream, answer).with_upgrades());
            tokio::select! {
                _ = served.as_mut() => return,
                () = stop.cancelled() => served.as_mut().graceful_shutdown(),
            }
            let _ = served.await;
        }
        Protocol::Http2 => {
            let mut http = http2::Builder::new(TokioExecutor::new());
            http.timer(TokioTimer::new())
                .keep_alive_interval(limits::PING_INTERVAL)
                .max_concurrent_streams(STREAMS_MAX);
            let mut served = pin!(http.serve_connection(stream, answer));
            tokio::select! {
                _ = served.as_mut() => return,
                () = stop.cancelled() => served.as_mut().graceful_shutdown(),
            }
            let _ = served.await;
        }
    }
}

async fn answer(
    mut request: Request<Incoming>,
    peer: Peer,
    router: Router,
) -> Result<Response, Infallible> {
    request.extensions_mut().insert(peer);
    router.oneshot(request.map(Body::new)).await
}
