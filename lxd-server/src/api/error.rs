//! How an error becomes an answer, and where it is logged.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use uuid::Uuid;

use super::listen::Peer;
use super::respond::refusal;
use crate::error::{Error, Kind};

impl Kind {
    fn status(self) -> StatusCode {
        match self {
            Self::Invalid => StatusCode::BAD_REQUEST,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Conflict => StatusCode::CONFLICT,
            Self::Stale => StatusCode::PRECONDITION_FAILED,
            Self::Mismatch => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Self::Unavailable | Self::Unreachable | Self::Lost => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let mut answer = refusal(self.kind.status(), &self.message);
        answer.extensions_mut().insert(Arc::new(self));
        answer
    }
}

/// Middleware: logs each failed request once, and tells root on the socket the causes too.
///
/// Only a fault (an error with a cause) is an ERROR line; refusals are not worth one.
pub async fn report(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let on_socket = matches!(request.extensions().get(), Some(Peer::Unix { .. }));
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    // The panic itself is on standard error; the client gets an answer all the same.
    let answer = answered
        .unwrap_or_else(|_| Error::internal("The request's handler panicked").into_response());
    let status = answer.status();
    let Some(error) = answer.extensions().get::<Arc<Error>>().cloned() else { return answer };
    let (chain, fault) = (error.chain(), std::error::Error::source(&*error).is_some());
    match error.kind {
        Kind::Internal if fault => {
            let request = Uuid::new_v4();
            tracing::error!(%request, %method, path, status = status.as_u16(), "{chain}");
        }
        Kind::Unavailable | Kind::Unreachable => {
            tracing::warn!(%method, path, status = status.as_u16(), "{chain}");
        }
        _ => tracing::debug!(%method, path, status = status.as_u16(), "{chain}"),
    }
    if on_socket && fault { refusal(status, &chain) } else { answer }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use http_body_util::BodyExt;
    use tower::ServiceExt;

    use super::*;
    use crate::error::Context;

    #[tokio::test]
    async fn refusals_have_the_envelope_of_lxd() {
        let answer = Error::not_found("Storage pool not found").into_response();
        assert_eq!(answer.status(), 404);
        assert_eq!(answer.headers()["content-type"], "application/json");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let expected = concat!(
            r#"{"type":"error","status":"","status_code":0,"operation":"","#,
            r#""error_code":404,"error":"Storage pool not found","metadata":null}"#,
            "\n\n"
        );
        assert_eq!(body, expected);
    }

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        let fail = || async { std::hint::black_box(None::<&str>).expect("a bug in a handler") };
        let router = Router::new().route("/", get(fail)).layer(axum::middleware::from_fn(report));
        let answer = router.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(answer.status(), 500);
    }

    #[tokio::test]
    async fn causes_are_told_on_the_socket_alone() {
        let fail = || async { Err::<(), _>(std::io::Error::other("disk on fire")).context("save") };
        let router = Router::new().route("/", get(fail)).layer(axum::middleware::from_fn(report));
        let remote = Peer::Tls { address: ([10, 0, 0, 1], 1).into(), certificate: None };
        for (peer, text) in [
            (Peer::Unix { uid: 0 }, "Failed to save: disk on fire\""),
            (remote, "Failed to save\""),
        ] {
            let mut request = Request::new(Body::empty());
            request.extensions_mut().insert(peer);
            let answer = router.clone().oneshot(request).await.unwrap();
            assert_eq!(answer.status(), 500);
            let body = answer.into_body().collect().await.unwrap().to_bytes();
            assert!(String::from_utf8_lossy(&body).contains(text), "{body:?}");
        }
    }
}
