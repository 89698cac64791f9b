//! Requests of scripts in browsers: answered as `core.https_allowed_*` say.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use shared_api::config::Values;

use crate::app::config;
use crate::context::Context;

/// Middleware: answers OPTIONS, on any path, and says on the answers to browsers what they may do.
pub(super) async fn allow(State(ctx): State<Context>, request: Request, next: Next) -> Response {
    let preflight = request.method() == Method::OPTIONS;
    let from_browser = request.headers().contains_key(header::ORIGIN);
    let mut answer = if preflight { ().into_response() } else { next.run(request).await };
    if preflight || from_browser {
        // Without the configuration nothing is allowed.
        let config = config::current(&ctx).await.unwrap_or_default();
        answer.headers_mut().extend(allowed(&config));
    }
    answer
}

fn allowed(config: &Values) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if !config.contains_key("core.https_allowed_origin") {
        return headers;
    }
    for (name, key) in [
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "core.https_allowed_origin"),
        (header::ACCESS_CONTROL_ALLOW_METHODS, "core.https_allowed_methods"),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, "core.https_allowed_headers"),
        (header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "core.https_allowed_credentials"),
    ] {
        let value = config.get(key).and_then(Value::as_str).map(HeaderValue::try_from);
        if let Some(Ok(value)) = value {
            headers.insert(name, value);
        }
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_allowed_without_an_origin() {
        let mut config = Values::from_iter([("core.https_allowed_methods".into(), "GET".into())]);
        assert!(allowed(&config).is_empty());
        config.insert("core.https_allowed_origin".into(), "https://ui.example".into());
        let headers = allowed(&config);
        assert_eq!(headers.len(), 2);
        assert_eq!(headers["access-control-allow-origin"], "https://ui.example");
    }
}
