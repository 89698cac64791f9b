//! HTTP on the daemon's unix socket.

use crate::error::{Context, Error, Kind, Result};
use reqwest::{Method, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared_api::operations::{Operation, StatusCode};
use shared_api::paths;
use shared_api::response::{Failure, Response};
use std::path::PathBuf;

/// A client of the daemon on this host.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    socket: PathBuf,
}

/// A request with a JSON body or none.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub method: Method,
    /// Path and query.
    pub url: String,
    pub body: Value,
    /// The entity tag of what is to be changed, if it may only be changed as it was read.
    pub if_match: Option<String>,
}

impl Request {
    /// A request with this body; `Value::Null` for none.
    pub fn new(method: Method, url: impl Into<String>, body: Value) -> Self {
        Self { method, url: url.into(), body, if_match: None }
    }
}

/// What the daemon said to a request that succeeded.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<T> {
    pub metadata: T,
    pub etag: Option<String>,
}

impl Client {
    /// A client on this socket; nothing is connected yet.
    pub fn new(socket: PathBuf) -> Result<Self> {
        // Without the host's certificates, which only take time to be read.
        let http = reqwest::Client::builder().unix_socket(socket.clone()).tls_certs_only([]);
        Ok(Self { http: http.build().context("make an HTTP client")?, socket })
    }

    /// What is found at a path.
    pub async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T> {
        Ok(self.read(url).await?.metadata)
    }

    /// What is found at a path, with its entity tag.
    pub async fn read<T: DeserializeOwned>(&self, url: &str) -> Result<Answer<T>> {
        let request = Request::new(Method::GET, url, Value::Null);
        let Answer { metadata, etag } = self.ask(&request).await?;
        let metadata = metadata.context(format_args!("read the answer to GET {url}"))?;
        Ok(Answer { metadata, etag })
    }

    /// The same, or nothing if there is no such thing.
    pub async fn find<T: DeserializeOwned>(&self, url: &str) -> Result<Option<Answer<T>>> {
        match self.read(url).await {
            Err(error) if error.kind == Kind::NotFound => Ok(None),
            found => found.map(Some),
        }
    }

    /// Sends a request whose answer has nothing to tell.
    pub async fn send(&self, request: &Request) -> Result<()> {
        self.ask::<Value>(request).await.map(drop)
    }

    /// Sends a request that has a body and is answered with data.
    pub async fn post<T: DeserializeOwned>(&self, url: &str, body: &impl Serialize) -> Result<T> {
        let body = serde_json::to_value(body).context("write the request")?;
        let answer = self.ask(&Request::new(Method::POST, url, body)).await?;
        answer.metadata.context(format_args!("read the answer to POST {url}"))
    }

    /// Sends a request that starts an operation, and waits for its end.
    pub async fn complete(&self, request: &Request) -> Result<()> {
        let started: Option<Operation> = self.ask(request).await?.metadata;
        let id = started.context("read which operation was started")?.id.to_string();
        let wait = paths::with_query(&paths::operation_wait(id), &[("timeout", "-1")]);
        let ended: Operation = self.get(&wait).await?;
        match ended.status_code {
            StatusCode::Success => Ok(()),
            _ => Err(Error::internal(ended.err)),
        }
    }

    async fn ask<T: DeserializeOwned>(&self, request: &Request) -> Result<Answer<Option<T>>> {
        let Request { method, url, body, if_match } = request;
        let mut builder = self.http.request(method.clone(), format!("http://unix.socket{url}"));
        if !body.is_null() {
            builder = builder.json(body);
        }
        if let Some(etag) = if_match {
            builder = builder.header(header::IF_MATCH, etag);
        }
        let response = builder.send().await.map_err(|error| self.unreachable(&error))?;
        let etag = response.headers().get(header::ETAG).and_then(|etag| etag.to_str().ok());
        let etag = etag.map(str::to_owned);
        let bytes = response.bytes().await.map_err(|error| self.unreachable(&error))?;
        // A refusal has no metadata of this type.
        let envelope: Response<Option<Value>> =
            serde_json::from_slice(&bytes).context(format_args!("read the answer to {url}"))?;
        let metadata = envelope.into_result().map_err(refusal)?.map(serde_json::from_value);
        let metadata = metadata.transpose().context(format_args!("read the answer to {url}"))?;
        Ok(Answer { metadata, etag })
    }

    fn unreachable(&self, error: &reqwest::Error) -> Error {
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        let cause = cause.to_string();
        let cause = cause.split(" (os error").next().unwrap_or_default();
        let socket = self.socket.display();
        Error::unavailable(format_args!("Failed to connect to local LXD: {socket}: {cause}"))
    }
}

fn refusal(failure: Failure) -> Error {
    let kind = match failure.code {
        400 => Kind::Invalid,
        403 => Kind::Forbidden,
        404 => Kind::NotFound,
        409 => Kind::Conflict,
        412 => Kind::Stale,
        503 => Kind::Unavailable,
        _ => Kind::Internal,
    };
    Error::new(kind, failure.message)
}
