//! The transport: requests to the daemon's unix socket and what they answer.

mod operations;
mod stale;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, anyhow};
use reqwest::header::{CACHE_CONTROL, ETAG, IF_MATCH};
use reqwest::{Method, StatusCode, Url};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use shared_api::response::Response;

use crate::ui::Ui;

/// What URLs name for the host of a unix socket.
const HOST: &str = "http://unix.socket";

pub(crate) struct Client {
    http: reqwest::Client,
    socket: PathBuf,
    ui: Ui,
    /// An answer was not the latest, and the user has been told.
    told_stale: AtomicBool,
}

/// An object and the tag to change it by.
pub(crate) struct Tagged<T> {
    pub(crate) value: T,
    pub(crate) etag: String,
}

/// An answer as it came.
pub(crate) struct Raw {
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) body: String,
}

/// The daemon does not answer on its socket.
#[derive(Debug, thiserror::Error)]
#[error("Failed to connect to {}: {reason}", socket.display())]
pub(crate) struct Unreachable {
    socket: PathBuf,
    kind: io::ErrorKind,
    reason: String,
}

impl Client {
    /// A client of the daemon on this machine. Connects at the first request.
    pub(crate) fn unix(socket: &Path, ui: Ui) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder()
            .unix_socket(socket)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .tls_certs_only([])
            .build()
            .context("Failed to prepare the client")?;
        Ok(Self { http, socket: socket.to_owned(), ui, told_stale: AtomicBool::new(false) })
    }

    /// Reads an object to show it: the latest, or if the cluster cannot tell, what the member has.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let request = self.request(Method::GET, path)?.header(CACHE_CONTROL, stale::ANY_AGE);
        read(self.send(request).await?, path).await
    }

    /// Reads an object to change it.
    pub(crate) async fn get_tagged<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> anyhow::Result<Tagged<T>> {
        let answer = self.send(self.request(Method::GET, path)?).await?;
        let etag = answer.headers().get(ETAG).and_then(|etag| etag.to_str().ok());
        let etag = etag.unwrap_or_default().to_owned();
        Ok(Tagged { value: read(answer, path).await?, etag })
    }

    /// Posts and returns what the answer holds.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<Option<T>> {
        let answer = self.send(self.request(Method::POST, path)?.json(body)).await?;
        Raw::read(answer).await?.metadata()
    }

    /// Makes an object.
    pub(crate) async fn create(&self, path: &str, body: &impl Serialize) -> anyhow::Result<()> {
        self.post::<IgnoredAny>(path, body).await.map(drop)
    }

    /// Replaces an object that has not changed since its tag was read.
    pub(crate) async fn put(
        &self,
        path: &str,
        etag: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<()> {
        let request = self.request(Method::PUT, path)?.header(IF_MATCH, etag).json(body);
        Raw::read(self.send(request).await?).await?.metadata::<IgnoredAny>().map(drop)
    }

    pub(crate) async fn patch(&self, path: &str, body: &impl Serialize) -> anyhow::Result<()> {
        let answer = self.send(self.request(Method::PATCH, path)?.json(body)).await?;
        Raw::read(answer).await?.metadata::<IgnoredAny>().map(drop)
    }

    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<()> {
        let answer = self.send(self.request(Method::DELETE, path)?).await?;
        Raw::read(answer).await?.metadata::<IgnoredAny>().map(drop)
    }

    /// Any request, with a body as it stands.
    pub(crate) async fn raw(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> anyhow::Result<Raw> {
        let request = self.request(method, path)?;
        let request = match body {
            Some(body) => request.header("Content-Type", "application/json").body(body),
            None => request,
        };
        Raw::read(self.send(request).await?).await
    }

    fn request(&self, method: Method, path: &str) -> anyhow::Result<reqwest::RequestBuilder> {
        let url = format!("{HOST}{path}");
        let url = Url::parse(&url).with_context(|| format!("Invalid URL \"{url}\""))?;
        self.ui.debug(format_args!("{method} {url}"));
        Ok(self.http.request(method, url))
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> anyhow::Result<reqwest::Response> {
        let answer = request.send().await.map_err(|error| self.explain(error))?;
        self.ui.debug(format_args!("{}", answer.status()));
        if let Some(note) = stale::note(answer.headers())
            && !self.told_stale.swap(true, Ordering::Relaxed)
        {
            self.ui.diagnose(format_args!("{note}\n"))?;
        }
        Ok(answer)
    }

    /// A failure to connect is told by its innermost cause.
    fn explain(&self, error: reqwest::Error) -> anyhow::Error {
        if !error.is_connect() {
            return anyhow!(error).context("Failed to reach the daemon");
        }
        let error = anyhow!(error);
        let Some(cause) = error.chain().find_map(|cause| cause.downcast_ref::<io::Error>()) else {
            return error.context("Failed to connect");
        };
        let text = cause.to_string();
        let reason = text.split(" (os error").next().unwrap_or(&text).to_owned();
        Unreachable { socket: self.socket.clone(), kind: cause.kind(), reason }.into()
    }
}

async fn read<T: DeserializeOwned>(answer: reqwest::Response, path: &str) -> anyhow::Result<T> {
    let metadata = Raw::read(answer).await?.metadata()?;
    metadata.with_context(|| format!("The answer to GET {path} is empty"))
}

impl Raw {
    async fn read(answer: reqwest::Response) -> anyhow::Result<Self> {
        let (url, status) = (answer.url().clone(), answer.status());
        let body = answer.text().await.context("Failed to read the answer")?;
        Ok(Self { url, status, body })
    }

    /// What the envelope holds, or the failure that it tells of.
    pub(crate) fn metadata<T: DeserializeOwned>(&self) -> anyhow::Result<Option<T>> {
        Ok(self.envelope()?.into_result()?)
    }

    /// An answer that is no JSON is an error, by its status.
    pub(crate) fn envelope<T: DeserializeOwned>(&self) -> anyhow::Result<Response<Option<T>>> {
        serde_json::from_str(&self.body).map_err(|error| match self.status.is_success() {
            true => anyhow!(error).context(format!("Failed to read the answer of {}", self.url)),
            false => anyhow!("Failed to fetch {}: {}", self.url, self.status),
        })
    }
}

impl Unreachable {
    pub(crate) fn hint(&self) -> &'static str {
        match self.kind {
            io::ErrorKind::PermissionDenied => {
                "You need to be root, or in the group that the daemon was started with."
            }
            _ => "Is the daemon running? LXD_DIR or LXD_SOCKET say where its socket is.",
        }
    }
}
