//! A client of the daemon's unix socket for tests: plain JSON in, the envelope out.

use std::{future::Future, path::PathBuf, sync::OnceLock, time::Duration};

use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::host::Host;

/// No call takes longer; the daemon's own deadline is 30 s.
const LIMIT: Duration = Duration::from_secs(45);

/// One daemon's API.
#[derive(Clone, Debug)]
pub struct Api {
    client: reqwest::Client,
    base: String,
}

/// A reply: HTTP status, ETag and the envelope.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub etag: Option<String>,
    pub body: Value,
}

impl Api {
    /// The socket of a host's daemon; it need not run yet.
    #[must_use]
    pub fn of(host: &Host) -> Self {
        Self::socket(host.data().join("unix.socket"))
    }

    /// A socket by path.
    #[must_use]
    pub fn socket(path: PathBuf) -> Self {
        let client = reqwest::Client::builder().unix_socket(path).timeout(LIMIT).no_proxy();
        Self::with(client.build().expect("a client without TLS"), "http://lxd")
    }

    /// A client made elsewhere and the start of its URLs.
    #[must_use]
    pub fn with(client: reqwest::Client, base: &str) -> Self {
        Self { client, base: base.to_owned() }
    }

    /// One call, whatever comes of it.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Reply> {
        self.send_with(method, path, body, &[]).await
    }

    /// The same for a state that has this ETag, if one is given.
    pub async fn send_if(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        etag: Option<&str>,
    ) -> Result<Reply> {
        let condition = etag.map(|etag| ("If-Match", etag));
        self.send_with(method, path, body, condition.as_slice()).await
    }

    /// The same with more headers.
    pub async fn send_with(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Reply> {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.with_context(|| format!("call {path}"))?;
        let status = response.status().as_u16();
        let etag = response.headers().get("etag").and_then(|value| value.to_str().ok());
        let etag = etag.map(ToOwned::to_owned);
        let bytes = response.bytes().await.with_context(|| format!("read the reply of {path}"))?;
        let body = serde_json::from_slice(&bytes)
            .with_context(|| format!("{path} replied {}", String::from_utf8_lossy(&bytes)))?;
        Ok(Reply { status, etag, body })
    }

    /// [`Api::send`] for code that is not async.
    pub fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Reply> {
        block_on(self.send(method, path, body))
    }

    /// The metadata of a GET that succeeded.
    pub fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None)?.metadata()
    }

    /// The body of a GET that is no envelope.
    pub fn text(&self, path: &str) -> Result<String> {
        block_on(async {
            let response = self.client.get(format!("{}{path}", self.base)).send().await;
            let response = response.and_then(reqwest::Response::error_for_status);
            let text = response.with_context(|| format!("call {path}"))?.text().await;
            text.with_context(|| format!("read the reply of {path}"))
        })
    }

    /// The metadata of a POST that succeeded.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::POST, path, Some(body))?.metadata()
    }

    /// The metadata of a PUT that succeeded.
    pub fn put(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::PUT, path, Some(body))?.metadata()
    }

    /// The metadata of a PATCH that succeeded.
    pub fn patch(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::PATCH, path, Some(body))?.metadata()
    }

    /// The metadata of a DELETE that succeeded.
    pub fn delete(&self, path: &str) -> Result<Value> {
        self.call(Method::DELETE, path, None)?.metadata()
    }
}

impl Reply {
    /// The metadata of a call that succeeded, else its error text.
    pub fn metadata(mut self) -> Result<Value> {
        if self.body["type"] == "error" {
            bail!("{} {}", self.status, self.error());
        }
        Ok(self.body["metadata"].take())
    }

    /// The text of an error, empty for a success.
    #[must_use]
    pub fn error(&self) -> &str {
        self.body["error"].as_str().unwrap_or_default()
    }
}

/// Sorts every list inside: LXD's come in any order.
pub fn sort(value: &mut Value) {
    match value {
        Value::Array(items) => {
            items.iter_mut().for_each(sort);
            items.sort_by_key(ToString::to_string);
        }
        Value::Object(fields) => fields.values_mut().for_each(sort),
        _ => {}
    }
}

/// Runs to the end on the one runtime of this process.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    runtime().block_on(work)
}

/// The one runtime of this process.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("threads can be started"))
}
