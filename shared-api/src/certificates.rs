//! The trust list: `/1.0/certificates…`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fingerprint::Fingerprint;
use crate::null;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    pub name: String,
    /// `client`, `server` or `metrics`.
    #[serde(rename = "type")]
    pub kind: String,
    pub restricted: bool,
    /// The projects of a restricted certificate.
    #[serde(default, deserialize_with = "null::as_default")]
    pub projects: Vec<String>,
    /// PEM.
    pub certificate: String,
    pub fingerprint: Fingerprint,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CertificatePut {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub restricted: bool,
    #[serde(deserialize_with = "null::as_default")]
    pub projects: Vec<String>,
    /// PEM.
    pub certificate: String,
}

/// Adds a certificate, or asks for a token that lets a client add its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CertificatesPost {
    pub name: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub restricted: bool,
    #[serde(deserialize_with = "null::as_default")]
    pub projects: Vec<String>,
    /// DER in base64; empty for the certificate of this connection.
    pub certificate: String,
    /// The trust password, or a token.
    pub password: String,
    /// Whether a token is asked for.
    pub token: bool,
}

/// What a new client has to know; see [`crate::token`] for the text that users copy.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddToken {
    pub client_name: String,
    /// Of the server's certificate.
    pub fingerprint: Fingerprint,
    pub addresses: Vec<String>,
    pub secret: String,
    /// `0001-01-01T00:00:00Z` for never.
    pub expires_at: Timestamp,
}
