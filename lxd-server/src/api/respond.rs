//! Answers in LXD's envelope: what a handler returns.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use shared_api::operations::Operation;
use shared_api::{paths, response};

use super::etag::ETag;
use super::json;

/// 200 with data.
pub struct Sync<T>(pub T);

/// 200 with data and its entity tag.
pub struct Tagged<T>(pub T, pub ETag);

/// 200 with nothing to tell.
pub struct Empty;

/// 201: an object was made or renamed.
pub struct Created {
    /// Its URL, with `?project=` where it has one.
    pub location: String,
}

/// 202: the work goes on in this operation.
pub struct Accepted(pub Operation);

impl<T: Serialize> IntoResponse for Sync<T> {
    fn into_response(self) -> Response {
        envelope(StatusCode::OK, &response::Response::sync(self.0))
    }
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut answer = Sync(self.0).into_response();
        answer.headers_mut().insert(header::ETAG, (&self.1).into());
        answer
    }
}

impl IntoResponse for Empty {
    fn into_response(self) -> Response {
        envelope(StatusCode::OK, &response::Response::empty())
    }
}

impl IntoResponse for Created {
    fn into_response(self) -> Response {
        let answer = envelope(StatusCode::CREATED, &response::Response::created());
        located(answer, &self.location)
    }
}

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let url = paths::operation(self.0.id.to_string());
        let body = response::Response::accepted(url.clone(), self.0);
        located(envelope(StatusCode::ACCEPTED, &body), &url)
    }
}

/// The answer's JSON line under its HTTP status.
fn envelope(status: StatusCode, body: &impl Serialize) -> Response {
    (status, json_headers(), json::line(body)).into_response()
}

/// A refusal in the envelope; its body ends with two newlines, as LXD's does.
pub(super) fn refusal(status: StatusCode, message: &str) -> Response {
    let mut body = json::line(&response::Response::error(status.as_u16(), message));
    body.push(b'\n');
    let mut headers = json_headers();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    (status, headers, body).into_response()
}

fn json_headers() -> HeaderMap {
    let json = HeaderValue::from_static("application/json");
    HeaderMap::from_iter([(header::CONTENT_TYPE, json)])
}

fn located(mut answer: Response, url: &str) -> Response {
    let location = HeaderValue::try_from(url).expect("URLs are built percent-encoded");
    answer.headers_mut().insert(header::LOCATION, location);
    answer
}
