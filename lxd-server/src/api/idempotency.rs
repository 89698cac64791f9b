//! `Idempotency-Key`: a client that does not know what became of its request sends it again, to any
//! member, and gets the first outcome. See draft-ietf-httpapi-idempotency-key-header.

use axum::body::{Body, Bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, Response as Head, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};

use super::extract;
use super::respond::Accepted;
use crate::app::operations;
use crate::app::repeats::{self, Answer, Begun};
use crate::context::Context;
use crate::error::{Context as _, Error, Kind, Result};
use crate::identity::Identity;
use crate::limits;

/// The header.
pub(super) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest key.
const KEY_BYTES_MAX: usize = 255;
/// Methods of requests that a key is for.
const METHODS: [Method; 4] = [Method::POST, Method::PUT, Method::PATCH, Method::DELETE];
/// Headers that are part of an answer.
const HEADERS: [HeaderName; 4] =
    [header::CONTENT_TYPE, header::ETAG, header::LOCATION, header::X_CONTENT_TYPE_OPTIONS];

/// Middleware: has a POST, PUT, PATCH or DELETE of `/1.0` with an `Idempotency-Key` done once.
///
/// The key is 1 to 255 visible ASCII characters, bare or as a quoted string. It belongs to who sends
/// it (a certificate, or whoever may use the unix socket of any member) and to one method, path,
/// query and body; with another of these it is refused (422). Strangers and joiners have none (400).
///
/// A repeat, at whichever member, gets the first outcome:
/// - What was answered with less than 500 is stored for ten minutes, and answered again, refusals too.
///   500 and more, and 429, are not: the repeat is tried anew, and what was written then stays written
///   once. So a 503 that "may still take effect" is settled by a repeat.
/// - While the first is at work the repeat waits for it, at most 30 s (then 409). If the member that
///   works on it is gone, the repeat goes on from the first write that is missing.
/// - An operation (202) is answered as it is now, wherever it runs; a token's with its secret, which
///   is read from the token's row. When it is no longer there, that is said (404).
/// - What changes one member's own configuration (`PUT /1.0`, `PATCH /1.0` of its addresses) is done
///   by the member that took it first, or not at all (503, which names it).
/// - `PUT /1.0/cluster` makes the server part of another database, where the key is not known.
///
/// At most 1,000 are kept for each sender; one more is refused (429), as forgetting one would break
/// its promise. Events of what is done may be told again.
pub(super) async fn once(State(ctx): State<Context>, request: Request, next: Next) -> Response {
    let known = request.extensions().get::<MatchedPath>().is_some();
    let keyed = request.headers().contains_key(&IDEMPOTENCY_KEY);
    if !known || !keyed || !METHODS.contains(request.method()) {
        return next.run(request).await;
    }
    run(&ctx, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

async fn run(ctx: &Context, request: Request, next: Next) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let (who, key) = (sender(&parts)?, key(&parts.headers)?);
    let body = extract::bytes(Request::from_parts(parts.clone(), body)).await?;
    let mut run = match repeats::begin(ctx, &identify(&who, &key, &parts, &body)).await? {
        Begun::Answered(answer) => return again(ctx, answer, &who).await,
        Begun::Run(run) => run,
    };
    loop {
        let request = Request::from_parts(parts.clone(), Body::from(body.clone()));
        let (response, answer) = read(run.run(next.clone().run(request)).await).await?;
        let Some(answer) = answer else { return Ok(response) };
        match run.answered(ctx, answer.clone()).await {
            Ok(Some(first)) if first == answer => return Ok(response),
            Ok(Some(first)) => return again(ctx, first, &who).await,
            // Another run was first to the end.
            Ok(None) => {}
            Err(error) => {
                tracing::warn!("An answer is not kept for repeats: {}", error.chain());
                return Ok(response);
            }
        }
    }
}

/// Who sends it: somebody who is known, to a path that clients have.
fn sender(parts: &Parts) -> Result<Identity> {
    let who = parts.extensions.get::<Identity>().cloned();
    let known = who.filter(|who| {
        matches!(who, Identity::Socket { .. } | Identity::Client(_) | Identity::Member(_))
    });
    let known = known.filter(|_| parts.uri.path().starts_with("/1.0"));
    known.ok_or_else(|| Error::invalid("An Idempotency-Key has no effect here"))
}

/// The key of the header, without its quotes.
fn key(headers: &HeaderMap) -> Result<String> {
    let invalid = || {
        Error::invalid("An Idempotency-Key is 1 to 255 visible ASCII characters, bare or in quotes")
    };
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(invalid()) };
    let text = value.to_str().map_err(|_| invalid())?;
    let key = match text.strip_prefix('"') {
        Some(quoted) => unquote(quoted).ok_or_else(invalid)?,
        None => text.to_owned(),
    };
    let good = !key.is_empty() && key.len() <= KEY_BYTES_MAX;
    if good && key.bytes().all(|byte| byte.is_ascii_graphic()) { Ok(key) } else { Err(invalid()) }
}

/// What a quoted string (RFC 8941) stands for; the quote before it is gone already.
fn unquote(text: &str) -> Option<String> {
    let (mut plain, mut letters) = (String::new(), text.chars());
    loop {
        match letters.next()? {
            '"' => return letters.next().is_none().then_some(plain),
            '\\' => plain.push(letters.next().filter(|letter| matches!(letter, '"' | '\\'))?),
            letter => plain.push(letter),
        }
    }
}

fn identify(who: &Identity, key: &str, parts: &Parts, body: &Bytes) -> repeats::Request {
    let sender = who.requestor();
    let caller = format!("{} {}", sender.protocol, sender.username);
    let (method, uri) = (parts.method.as_str(), &parts.uri);
    let asked = [key, method, uri.path(), uri.query().unwrap_or_default()].map(str::as_bytes);
    repeats::Request {
        id: hash(&[caller.as_bytes(), key.as_bytes()]),
        digest: hash(&[asked[0], asked[1], asked[2], asked[3], body]),
        caller,
    }
}

/// SHA-256 in hex over all of them, so that no two lists have the same.
fn hash(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The response, and what to keep of it, if it is to be kept.
async fn read(response: Response) -> Result<(Response, Option<Answer>)> {
    let (head, body) = response.into_parts();
    let body = body.collect().await.context("read the answer")?.to_bytes();
    let status = head.status;
    let kept = status.as_u16() < 500
        && status != StatusCode::TOO_MANY_REQUESTS
        && body.len() <= limits::ANSWER_BYTES_MAX;
    let answer = kept.then(|| match operation(&head.headers, status) {
        Some(id) => Answer::Operation(id),
        None => Answer::Whole {
            status: status.as_u16(),
            headers: headers(&head.headers),
            body: String::from_utf8_lossy(&body).into_owned(),
        },
    });
    Ok((Response::from_parts(head, Body::from(body)), answer))
}

/// The operation that goes on after this answer.
fn operation(headers: &HeaderMap, status: StatusCode) -> Option<uuid::Uuid> {
    let url = headers.get(header::LOCATION).filter(|_| status == StatusCode::ACCEPTED)?;
    url.to_str().ok()?.rsplit_once('/')?.1.parse().ok()
}

fn headers(all: &HeaderMap) -> Vec<(String, String)> {
    let kept = HEADERS.iter().filter_map(|name| Some((name, all.get(name)?.to_str().ok()?)));
    kept.map(|(name, value)| (name.to_string(), value.to_owned())).collect()
}

/// The first answer once more.
async fn again(ctx: &Context, answer: Answer, who: &Identity) -> Result<Response> {
    let (status, headers, body) = match answer {
        Answer::Whole { status, headers, body } => (status, headers, body),
        Answer::Operation(id) => {
            let operation = operations::get(ctx, id, who).await;
            return operation.map(|operation| Accepted(operation).into_response()).map_err(gone);
        }
    };
    let head = Head::builder().status(status);
    let head = headers.into_iter().fold(head, |head, (name, value)| head.header(name, value));
    head.body(Body::from(body)).context("answer again")
}

fn gone(error: Error) -> Error {
    match error.kind {
        Kind::NotFound => Error::not_found(
            "The operation of this request is no longer there: it has ended, or its server has",
        ),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_bare_or_quoted() {
        let key = |text: &str| {
            key(&HeaderMap::from_iter([(IDEMPOTENCY_KEY, text.parse().unwrap())])).ok()
        };
        for (text, expected) in [
            ("8e03978e-40d5", Some("8e03978e-40d5")),
            ("\"8e03978e-40d5\"", Some("8e03978e-40d5")),
            (r#""a\"b\\c""#, Some(r#"a"b\c"#)),
            ("a\"b", Some("a\"b")),
            ("", None),
            ("\"\"", None),
            ("\"a", None),
            ("\"a\"b", None),
            (r#""a\b""#, None),
            ("a b", None),
            (&"x".repeat(256), None),
        ] {
            assert_eq!(key(text).as_deref(), expected, "{text}");
        }
        let two = ["a", "b"].map(|text| (IDEMPOTENCY_KEY, text.parse().unwrap()));
        let mut headers = HeaderMap::new();
        for (name, value) in two {
            headers.append(name, value);
        }
        assert!(super::key(&headers).is_err());
    }
}
