//! A client that hangs up does not leave its request half done.

use std::panic::resume_unwind;

use axum::extract::Request;
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::Error;

/// Middleware: what changes something goes on to its end, in a task of its own.
pub(super) async fn go_on(request: Request, next: Next) -> Response {
    if [Method::GET, Method::OPTIONS].contains(request.method()) {
        return next.run(request).await;
    }
    let answer = tokio::spawn(next.run(request)).await;
    answer.unwrap_or_else(|ended| match ended.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(_) => Error::internal("The request was ended").into_response(),
    })
}
