//! Answers without a majority: `Cache-Control: max-stale` or `?max-stale` lets a GET be answered from this
//! member's replica when the cluster cannot tell what is true now. RFC 9111 has the words.

use std::time::Duration;

use axum::extract::{FromRequestParts, Request};
use axum::http::header::{AGE, CACHE_CONTROL, WARNING};
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::extract::Query;
use crate::error::{Error, Result};
use crate::stale::{self, Stale};

/// The directive, and the parameter of a query.
const MAX_STALE: &str = "max-stale";

/// Middleware: lets a request read what is not the latest, if it asks so, and marks an answer that did.
///
/// Such an answer has a `Warning: 110` with the reason, and the `Age` of its data in seconds, if that is known.
pub(super) async fn allow(request: Request, next: Next) -> Response {
    if request.method() != Method::GET {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let Ok(query) = Query::from_request_parts(&mut parts, &()).await;
    let age_max = match asked(&query, &parts.headers) {
        Ok(age_max) => age_max,
        Err(error) => return error.into_response(),
    };
    let request = Request::from_parts(parts, body);
    let Some(age_max) = age_max else { return next.run(request).await };
    let (mut answer, stale) = stale::allow(age_max, next.run(request)).await;
    if let Some(stale) = stale {
        mark(answer.headers_mut(), &stale);
    }
    answer
}

/// How old the data may be: a number of seconds, or without one as old as it is.
fn asked(query: &Query, headers: &HeaderMap) -> Result<Option<Duration>> {
    if let Some(seconds) = query.value(MAX_STALE) {
        let wrong = || Error::invalid(format_args!("Invalid max-stale \"{seconds}\""));
        return limit(seconds).map(Some).ok_or_else(wrong);
    }
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut directives = values.flat_map(|value| value.split(',')).map(|directive| {
        let (name, seconds) = directive.split_once('=').unwrap_or((directive, ""));
        (name.trim(), seconds.trim().trim_matches('"'))
    });
    let found = directives.find(|(name, _)| name.eq_ignore_ascii_case(MAX_STALE));
    // A header that is no good is as if it were not there.
    Ok(found.and_then(|(_, seconds)| limit(seconds)))
}

fn limit(seconds: &str) -> Option<Duration> {
    match seconds {
        "" => Some(Duration::MAX),
        _ => seconds.parse().ok().map(Duration::from_secs),
    }
}

fn mark(headers: &mut HeaderMap, stale: &Stale) {
    let text: String = stale.why.chars().filter(|char| matches!(char, ' '..='~')).collect();
    let text = text.replace('\\', "").replace('"', "\\\"");
    if let Ok(warning) = HeaderValue::try_from(format!("110 lxd \"{text}\"")) {
        headers.insert(WARNING, warning);
    }
    if let Some(age) = stale.age {
        headers.insert(AGE, HeaderValue::from(age.as_secs()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn age_max(url: &str, header: Option<&str>) -> Result<Option<Duration>, String> {
        let mut request = axum::http::Request::get(url);
        if let Some(header) = header {
            request = request.header("Cache-Control", header);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        let Ok(query) = Query::from_request_parts(&mut parts, &()).await;
        asked(&query, &parts.headers).map_err(|error| error.message)
    }

    #[tokio::test]
    async fn header_and_parameter_say_how_old() {
        let seconds = |seconds| Ok(Some(Duration::from_secs(seconds)));
        for (url, header, expected) in [
            ("/1.0/profiles", None, Ok(None)),
            ("/1.0/profiles?max-stale", None, Ok(Some(Duration::MAX))),
            ("/1.0/profiles?recursion=1&max-stale=", None, Ok(Some(Duration::MAX))),
            ("/1.0/profiles?max-stale=60", Some("max-stale=5"), seconds(60)),
            ("/1.0/profiles?max-stale=ever", None, Err("Invalid max-stale \"ever\"".to_owned())),
            ("/1.0/profiles", Some("max-stale"), Ok(Some(Duration::MAX))),
            ("/1.0/profiles", Some("no-transform, Max-Stale = \"7\""), seconds(7)),
            ("/1.0/profiles", Some("max-age=7"), Ok(None)),
            ("/1.0/profiles", Some("max-stale=soon"), Ok(None)),
        ] {
            assert_eq!(age_max(url, header).await, expected, "{url} {header:?}");
        }
    }

    #[test]
    fn an_answer_says_how_old_it_is_and_why() {
        let mut headers = HeaderMap::new();
        let why = "see \"lxc cluster list\"\n\\".to_owned();
        mark(&mut headers, &Stale { age: Some(Duration::from_millis(12_900)), why });
        assert_eq!(headers["age"], "12");
        assert_eq!(headers["warning"], "110 lxd \"see \\\"lxc cluster list\\\"\"");
    }
}
