//! Entity tags: a hash over the part of an object that a client may overwrite.

use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::{HeaderValue, header, request::Parts};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::json;
use crate::error::{Error, Kind, Result};

/// SHA-256 in hex over the JSON of a value, as LXD computes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// The tag of what LXD hashes for this kind of object, mostly a tuple of its fields.
    pub fn of(value: &impl Serialize) -> Self {
        let digest = Sha256::digest(json::line(value));
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&ETag> for HeaderValue {
    fn from(tag: &ETag) -> Self {
        Self::try_from(format!("\"{tag}\"")).expect("hex digits and quotes")
    }
}

/// The request's `If-Match`, without its quotes; empty when there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IfMatch(pub String);

impl IfMatch {
    /// Refuses the request when it names another state than the current one.
    pub fn check(&self, current: &ETag) -> Result<()> {
        if self.0.is_empty() || self.0 == current.0 {
            return Ok(());
        }
        Err(Error::new(Kind::Stale, format_args!("ETag doesn't match: {current} vs {}", self.0)))
    }
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let given = parts.headers.get(header::IF_MATCH).map(HeaderValue::as_bytes);
        let given = String::from_utf8_lossy(given.unwrap_or_default());
        Ok(Self(given.trim_matches('"').to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_of_an_empty_config_is_that_of_lxd() {
        // Sent by LXD 5.0.2 for GET /1.0 of a fresh server.
        let tag = "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356";
        assert_eq!(ETag::of(&serde_json::Map::new()).to_string(), tag);
    }

    #[test]
    fn only_another_tag_is_refused() {
        let current = ETag::of(&"x");
        assert!(IfMatch(String::new()).check(&current).is_ok());
        assert!(IfMatch(current.to_string()).check(&current).is_ok());
        let error = IfMatch("abc".to_owned()).check(&current).unwrap_err();
        assert_eq!(error.kind, Kind::Stale);
        assert_eq!(error.message, format!("ETag doesn't match: {current} vs abc"));
    }
}
