//! Requests to another member, or to a member of a cluster that this host is about to join.

use super::Silence;
use crate::error::{Context, Error, Kind, Result};
use crate::limits;
use crate::tls::{self, Identity};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared_api::paths;

/// A server whose certificate is known, and who we are to it.
#[derive(Clone)]
pub struct Remote {
    client: reqwest::Client,
    /// `host:port`.
    pub address: String,
}

impl Remote {
    /// The server at `address` that shows the certificate with this SHA-256; `own` is shown to it.
    pub fn new(address: &str, fingerprint: &str, own: &Identity) -> Result<Self> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::pinned_client(fingerprint, own)?)
            .connect_timeout(limits::PEER_TIMEOUT)
            .no_proxy()
            .tcp_nodelay(true)
            .build()
            .context("set up requests to a member")?;
        Ok(Self { client, address: address.to_owned() })
    }

    /// The certificate that the server at `address` shows, whoever it is.
    pub async fn certificate_at(address: &str) -> Result<Vec<u8>> {
        let client = reqwest::Client::builder()
            .tls_danger_accept_invalid_certs(true)
            .tls_certs_only([])
            .tls_info(true)
            .connect_timeout(limits::PEER_TIMEOUT)
            .timeout(limits::PEER_TIMEOUT)
            .no_proxy()
            .build()
            .context("set up a request to a stranger")?;
        let answer = client.get(format!("https://{address}{}", paths::API)).send().await;
        let answer = answer.map_err(|error| Silence::of(&error).at(address))?;
        let info = answer.extensions().get::<reqwest::tls::TlsInfo>();
        let certificate = info.and_then(|info| info.peer_certificate());
        certificate.map(<[u8]>::to_vec).context(format_args!("read the certificate of {address}"))
    }

    /// Whether it answers, and is the server that was meant.
    pub async fn probe(&self) -> Result<(), Silence> {
        let request = self.client.get(format!("https://{}{}", self.address, paths::API));
        let answer = request.timeout(limits::PEER_TIMEOUT).send().await;
        answer.map(drop).map_err(|error| Silence::of(&error))
    }

    /// GETs an object.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        let metadata = self.send(Method::GET, path, None, "lxd").await?;
        serde_json::from_value(metadata).context(format_args!("read {path} of {}", self.address))
    }

    /// POSTs an object and reads what comes back.
    pub async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let body = serde_json::to_value(body).context("write a request to a member")?;
        let metadata = self.send(Method::POST, path, Some(body), "lxd").await?;
        serde_json::from_value(metadata).context(format_args!("read {path} of {}", self.address))
    }

    /// DELETEs an object.
    pub async fn delete(&self, path: &str) -> Result<()> {
        self.send(Method::DELETE, path, None, "lxd").await.map(drop)
    }

    /// Sends a request as one member tells another to do its own part.
    pub async fn notify(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        self.send(method, path, body, "lxd-cluster-notifier").await
    }

    /// Sends a client's request on as it came, and returns the answer as it comes.
    pub async fn pass(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: impl Into<reqwest::Body>,
    ) -> Result<reqwest::Response> {
        let url = format!("https://{}{path}", self.address);
        let request = self.client.request(method, url).headers(headers).body(body);
        let answer = request.timeout(limits::JOIN_TIMEOUT).send().await;
        answer.map_err(|error| self.silence(&error))
    }

    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
        agent: &str,
    ) -> Result<Value> {
        let url = format!("https://{}{path}", self.address);
        let mut request = self.client.request(method, url).header("User-Agent", agent);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.timeout(limits::JOIN_TIMEOUT).send().await;
        let response = response.map_err(|error| self.silence(&error))?;
        let status = response.status();
        let answer: Value = response.json().await.map_err(|error| self.silence(&error))?;
        if status.is_success() {
            return Ok(answer.get("metadata").cloned().unwrap_or_default());
        }
        let text = answer.get("error").and_then(Value::as_str).unwrap_or_default();
        Err(Error::new(kind(status), text))
    }

    /// What is told when it has gone while it was asked.
    pub fn lost(&self) -> Error {
        Silence::Lost.at(&self.address)
    }

    fn silence(&self, error: &reqwest::Error) -> Error {
        tracing::debug!(address = self.address, ?error, "A server did not answer");
        Silence::of(error).at(&self.address)
    }
}

fn kind(status: StatusCode) -> Kind {
    match status.as_u16() {
        400 => Kind::Invalid,
        403 => Kind::Forbidden,
        404 => Kind::NotFound,
        409 => Kind::Conflict,
        412 => Kind::Stale,
        429 => Kind::Busy,
        501 => Kind::NotImplemented,
        503 => Kind::Unavailable,
        _ => Kind::Internal,
    }
}
