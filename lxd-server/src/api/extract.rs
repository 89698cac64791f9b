//! What handlers take from a request besides who sent it: body, path and query.

use std::collections::HashMap;
use std::convert::Infallible;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;
use serde_path_to_error::Segment;
use tokio::time::timeout;

use super::syntax;
use crate::error::{Error, Result};
use crate::limits;

/// A JSON body. Unknown fields are ignored, as in Go; what follows the document is refused.
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        parse(&bytes(request).await?).map(Self)
    }
}

/// The whole body, at most [`limits::BODY_BYTES_MAX`] long and here within
/// [`limits::BODY_TIMEOUT`].
pub async fn bytes(request: Request) -> Result<Bytes> {
    let body = Limited::new(request.into_body(), limits::BODY_BYTES_MAX).collect();
    let arrived = timeout(limits::BODY_TIMEOUT, body).await;
    let arrived = arrived.map_err(|_| Error::invalid("The request body did not arrive in time"))?;
    Ok(arrived
        .map_err(|error| Error::invalid(format_args!("Bad request body: {error}")))?
        .to_bytes())
}

/// The value of a JSON text, or Go's words for why there is none.
pub fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T> {
    // Go reads a lone null as the type's zero value.
    let text = if text.trim_ascii() == b"null" { b"{}" } else { text };
    let invalid = |otherwise: String| Error::invalid(syntax::complaint(text).unwrap_or(otherwise));
    // Serde would take an array for a struct's fields in order.
    if text.trim_ascii_start().starts_with(b"[") {
        let place = format!("value of type api.{}", type_name::<T>());
        return Err(invalid(format!("json: cannot unmarshal array into Go {place}")));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut deserializer);
    let value = value.map_err(|error| invalid(mismatch::<T>(&error)))?;
    deserializer.end().map_err(|error| invalid(error.to_string()))?;
    Ok(value)
}

/// Go's words for a value of the wrong type: `json: cannot unmarshal array into …`.
fn mismatch<T>(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let text = error.inner().to_string();
    let text = text.rsplit_once(" at line ").map_or(&*text, |(text, _)| text);
    let types =
        text.strip_prefix("invalid type: ").and_then(|types| types.split_once(", expected "));
    let Some((found, expected)) = types else { return text.to_owned() };
    let name = type_name::<T>();
    let field = error.path().iter().find_map(|segment| match segment {
        Segment::Map { key } => Some(key),
        _ => None,
    });
    let place = match field {
        Some(field) => {
            format!("struct field {name}.{field} of type {}", go_type(name, expected))
        }
        None => format!("value of type api.{name}"),
    };
    format!("json: cannot unmarshal {} into Go {place}", json_type(found))
}

/// The name of a wire type, which is Go's too.
fn type_name<T>() -> &'static str {
    std::any::type_name::<T>().rsplit("::").next().unwrap_or_default()
}

fn json_type(found: &str) -> &str {
    match found.split(' ').next().unwrap_or_default() {
        "sequence" => "array",
        "map" => "object",
        "integer" | "floating" => "number",
        "boolean" => "bool",
        other => other,
    }
}

fn go_type<'a>(name: &str, expected: &'a str) -> &'a str {
    match expected {
        "a string" => "string",
        "a boolean" => "bool",
        "a sequence" => "[]string",
        "a map" if name == "ServerPut" => "map[string]interface {}",
        "a map" => "map[string]string",
        number if number.starts_with(['i', 'u']) => "int",
        other => other,
    }
}

/// The parameters of the query; of a repeated one the first counts.
#[derive(Clone, Debug, Default)]
pub struct Query(HashMap<String, String>);

impl Query {
    /// A parameter's value; nothing when it is absent or empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A parameter's value, also an empty one; nothing when it is absent.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// `?target=`: the member that is to do it.
    pub fn target(&self) -> Option<&str> {
        self.get("target")
    }

    /// `?project=`, or the project `default`.
    pub fn project(&self) -> &str {
        self.get("project").unwrap_or("default")
    }

    /// `?id=`: which of the objects that had this name.
    ///
    /// # Errors
    /// It is no number.
    pub fn id(&self) -> Result<Option<i64>> {
        self.get("id").map(str::parse).transpose().map_err(Error::invalid)
    }

    /// Whether the objects themselves are asked for, not only their URLs.
    pub fn recursive(&self) -> bool {
        self.get("recursion").and_then(|depth| depth.parse::<u8>().ok()).unwrap_or(0) > 0
    }

    /// Whether a switch is on (`1` or `true`).
    pub fn is_set(&self, name: &str) -> bool {
        matches!(self.get(name), Some("1" | "true"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        let pairs = axum::extract::Query::<Vec<(String, String)>>::from_request_parts(parts, state);
        let mut first = HashMap::new();
        for (name, value) in pairs.await.map(|pairs| pairs.0).unwrap_or_default() {
            first.entry(name).or_insert(value);
        }
        Ok(Self(first))
    }
}

/// The parameters of the path, percent-decoded.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        path.map(|path| Self(path.0)).map_err(|rejection| Error::invalid(rejection.body_text()))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::{Map, Value};

    use super::*;

    #[derive(Debug, Default, Deserialize)]
    #[serde(default)]
    struct ServerPut {
        config: Map<String, Value>,
        name: String,
    }

    #[test]
    fn wrong_types_are_told_as_in_go() {
        for (text, expected) in [
            (
                r#"{"config":["a"]}"#,
                "json: cannot unmarshal array into Go struct field ServerPut.config of type map[string]interface {}",
            ),
            (
                r#"{"config":5}"#,
                "json: cannot unmarshal number into Go struct field ServerPut.config of type map[string]interface {}",
            ),
            (
                r#"{"name":true}"#,
                "json: cannot unmarshal bool into Go struct field ServerPut.name of type string",
            ),
            ("\"a\"", "json: cannot unmarshal string into Go value of type api.ServerPut"),
            ("[]", "json: cannot unmarshal array into Go value of type api.ServerPut"),
            ("[1 2]", "invalid character '2' after array element"),
            ("7", "json: cannot unmarshal number into Go value of type api.ServerPut"),
            ("", "EOF"),
            ("{\"config\":", "unexpected EOF"),
            ("{}{}", "invalid character '{' after top-level value"),
        ] {
            let error = parse::<ServerPut>(text.as_bytes()).unwrap_err();
            assert_eq!(error.message, expected, "{text}");
        }
        let invalid = parse::<ServerPut>(b"{\"name\":\"\xff\"}").unwrap_err();
        assert_eq!(invalid.message, "invalid unicode code point");
    }

    #[test]
    fn null_and_unknown_fields_are_taken_as_in_go() {
        assert_eq!(parse::<ServerPut>(b" null\n").unwrap().name, "");
        assert_eq!(parse::<ServerPut>(b"{\"x\":1,\"name\":\"n\"} ").unwrap().name, "n");
    }
}
