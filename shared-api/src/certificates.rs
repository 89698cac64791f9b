//! The trust list: `/1.0/certificates…`.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fingerprint::Fingerprint;
use crate::{null, token};

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
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
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

/// A certificate's DER as PEM, in lines of 64 characters that end in `\n`.
pub fn pem(der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines = text.as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line) + "\n");
    let body: String = lines.collect();
    format!("-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n")
}

/// What a new client has to know; good for one client.
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

/// An [`AddToken`] as the metadata of the operation that made it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddTokenMetadata {
    pub addresses: Vec<String>,
    /// None for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    pub fingerprint: Fingerprint,
    /// What the bearer's certificate gets: name, restriction, projects.
    pub request: CertificatesPost,
    pub secret: String,
}

impl AddToken {
    /// The text that users copy: base64 of the JSON.
    pub fn encode(&self) -> String {
        token::encode(self)
    }

    pub fn decode(text: &str) -> Result<Self, token::Error> {
        token::decode(text)
    }

    /// What `expires_at` is of a token that does not expire.
    pub fn never() -> Timestamp {
        "0001-01-01T00:00:00Z".parse().expect("it is a date")
    }

    /// When it expires, if it does.
    pub fn expiry(&self) -> Option<Timestamp> {
        Some(self.expires_at).filter(|date| *date != Self::never())
    }
}

impl From<AddTokenMetadata> for AddToken {
    fn from(metadata: AddTokenMetadata) -> Self {
        let AddTokenMetadata { addresses, expires_at, fingerprint, request, secret } = metadata;
        let expires_at = expires_at.unwrap_or_else(Self::never);
        Self { client_name: request.name, fingerprint, addresses, secret, expires_at }
    }
}

/// Without the secret, so that it reaches no log.
impl fmt::Debug for AddToken {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter
            .debug_struct("AddToken")
            .field("client_name", &self.client_name)
            .field("addresses", &self.addresses)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Without the password, so that it reaches no log.
impl fmt::Debug for CertificatesPost {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter
            .debug_struct("CertificatesPost")
            .field("name", &self.name)
            .field("type", &self.kind)
            .field("restricted", &self.restricted)
            .field("projects", &self.projects)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_of_lxd() {
        let json = r#"{"client_name":"cli3","fingerprint":"792f4e2ad638ebb17e7721d50cf47bd53b49fbb03610e2de91ff451b4cf19bdc","addresses":["127.0.0.1:8443"],"secret":"3bcdc9d6dcc2714d2a16503a6cf8809aad643d3ea2ed10acc99903f3087ded4e","expires_at":"0001-01-01T00:00:00Z"}"#;
        let token: AddToken = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&token).unwrap(), json);
        assert_eq!(
            (token.expiry(), AddToken::decode(&token.encode()).unwrap()),
            (None, token.clone())
        );
        assert!(!format!("{token:?}").contains(&token.secret));
    }

    #[test]
    fn passwords_are_not_printed() {
        let request = CertificatesPost { password: "sekret".to_owned(), ..Default::default() };
        assert!(!format!("{request:?}").contains("sekret"));
    }
}
