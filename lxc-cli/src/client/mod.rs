//! The transport: requests to a daemon, over its socket or the network, and what they answer.

mod connection;
mod failover;
mod operations;
mod route;
mod stale;
mod tls;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, anyhow};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderName, IF_MATCH};
use hyper::{Method, StatusCode};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use shared_api::address::Address;
use shared_api::certificates::pem;
use shared_api::fingerprint::Fingerprint;
use shared_api::paths;
use shared_api::projects::DEFAULT;
use shared_api::response::Response;

use crate::settings::{Identity, Members};
use crate::ui::Ui;
pub(crate) use connection::Unreachable;
use connection::{Connections, Way};
use failover::Failover;
use route::Route;
pub(crate) use tls::Accept;

pub(crate) struct Client {
    connections: Connections,
    /// What is done when a member of the remote's cluster does not answer; none for the socket.
    failover: Option<Failover>,
    /// What URLs start with.
    base: String,
    /// The project of all that is inside projects; the default one if none is named.
    project: Option<String>,
    ui: Ui,
    /// An answer was not the latest, and the user has been told.
    told_stale: AtomicBool,
}

/// A server to be reached over the network.
pub(crate) struct Tls<'a> {
    /// `https://host:port`.
    pub(crate) url: &'a str,
    pub(crate) accept: Accept,
    /// Shown to the server.
    pub(crate) identity: Option<&'a Identity>,
    /// Where else its cluster answers; none where it must be this address.
    pub(crate) members: Option<Members>,
}

/// A server that was looked at: where it is, and its certificate.
pub(crate) struct Seen {
    pub(crate) address: Address,
    /// PEM.
    pub(crate) certificate: String,
    pub(crate) fingerprint: Fingerprint,
}

/// Looks at the certificate of whichever of these addresses answers, and says nothing.
pub(crate) async fn look(addresses: Vec<Address>, accept: Accept) -> anyhow::Result<Seen> {
    let reached = Route::new(tls::connector(accept, None)?, addresses).connect().await?;
    let (_, connection) = reached.stream.get_ref();
    let der = connection.peer_certificates().and_then(<[_]>::first);
    let der = der.context("The server shows no certificate")?;
    let (certificate, fingerprint) = (pem(der), Fingerprint::of(der));
    Ok(Seen { address: reached.address, certificate, fingerprint })
}

impl Tls<'_> {
    fn address(&self) -> anyhow::Result<Address> {
        let authority = self.url.strip_prefix("https://").unwrap_or(self.url);
        let authority = authority.split('/').next().unwrap_or_default();
        authority.parse().with_context(|| format!("Invalid URL \"{}\"", self.url))
    }
}

/// An object and the tag to change it by.
pub(crate) struct Tagged<T> {
    pub(crate) value: T,
    pub(crate) etag: String,
}

/// An answer as it came.
pub(crate) struct Raw {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
    url: String,
    headers: HeaderMap,
}

/// What is sent: a method, a path with its query, a header at most, and a body or none.
struct Request<'a> {
    method: Method,
    path: &'a str,
    header: Option<(HeaderName, &'a str)>,
    body: Option<Bytes>,
}

impl Client {
    /// A client of the daemon behind a socket of this machine. Connects at the first request.
    pub(crate) fn unix(socket: PathBuf, project: Option<String>, ui: Ui) -> Self {
        let connections = Connections::new(Way::Socket(socket));
        let base = "http://unix.socket".to_owned();
        Self { connections, failover: None, base, project, ui, told_stale: AtomicBool::default() }
    }

    /// A client of a server elsewhere, by the certificate that was accepted for it.
    pub(crate) fn tls(server: Tls<'_>, project: Option<String>, ui: Ui) -> anyhow::Result<Self> {
        let own = server.address()?;
        let connector = tls::connector(server.accept, server.identity)?;
        let way = Way::Network(Route::new(connector.clone(), vec![own.clone()]));
        let base = format!("https://{own}");
        let route = |addresses| Route::new(connector, addresses);
        let failover =
            server.members.map(|members| Failover::new(server.url, own, members, route, ui));
        let told_stale = AtomicBool::default();
        Ok(Self { connections: Connections::new(way), failover, base, project, ui, told_stale })
    }

    /// The project that is used here.
    pub(crate) fn project(&self) -> &str {
        self.project.as_deref().unwrap_or(DEFAULT)
    }

    /// The path with the project, for what is inside projects.
    pub(crate) fn in_project(&self, path: &str, pairs: &[(&str, &str)]) -> String {
        let project = self.project.as_deref().map(|project| ("project", project));
        let pairs: Vec<_> = project.into_iter().chain(pairs.iter().copied()).collect();
        paths::with_query(path, &pairs)
    }

    /// Reads an object to show it: the latest, or if the cluster cannot tell, what the member has.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let header = Some((CACHE_CONTROL, stale::ANY_AGE));
        read(&self.send(Request { header, ..Request::get(path) }).await?, path)
    }

    /// Reads an object to change it.
    pub(crate) async fn get_tagged<T: DeserializeOwned>(
        &self,
        path: &str,
    ) -> anyhow::Result<Tagged<T>> {
        let answer = self.send(Request::get(path)).await?;
        let etag = answer.headers.get(ETAG).and_then(|etag| etag.to_str().ok());
        let etag = etag.unwrap_or_default().to_owned();
        Ok(Tagged { value: read(&answer, path)?, etag })
    }

    /// Posts and returns what the answer holds.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<Option<T>> {
        self.send(Request::new(Method::POST, path, body)?).await?.metadata()
    }

    /// Makes an object.
    pub(crate) async fn create(&self, path: &str, body: &impl Serialize) -> anyhow::Result<()> {
        self.post::<IgnoredAny>(path, body).await.map(drop)
    }

    /// Replaces an object that has not changed since its tag was read; an empty one is no condition.
    pub(crate) async fn put(
        &self,
        path: &str,
        etag: &str,
        body: &impl Serialize,
    ) -> anyhow::Result<()> {
        let header = Some((IF_MATCH, etag)).filter(|_| !etag.is_empty());
        let request = Request { header, ..Request::new(Method::PUT, path, body)? };
        self.send(request).await?.metadata::<IgnoredAny>().map(drop)
    }

    pub(crate) async fn patch(&self, path: &str, body: &impl Serialize) -> anyhow::Result<()> {
        let request = Request::new(Method::PATCH, path, body)?;
        self.send(request).await?.metadata::<IgnoredAny>().map(drop)
    }

    pub(crate) async fn delete(&self, path: &str) -> anyhow::Result<()> {
        let request = Request { method: Method::DELETE, ..Request::get(path) };
        self.send(request).await?.metadata::<IgnoredAny>().map(drop)
    }

    /// Any request, with a body as it stands.
    pub(crate) async fn raw(
        &self,
        method: Method,
        path: &str,
        body: Option<String>,
    ) -> anyhow::Result<Raw> {
        self.send(Request { method, body: body.map(Bytes::from), ..Request::get(path) }).await
    }

    async fn send(&self, request: Request<'_>) -> anyhow::Result<Raw> {
        let url = format!("{}{}", self.base, request.path);
        self.ui.debug(format_args!("{} {url}", request.method));
        let exchanged = match &self.failover {
            Some(failover) if failover::is_for_any(&request) => failover.exchange(&request).await,
            _ => self.connections.exchange(request.to_http(&self.base, None)?).await,
        };
        let (head, body) = exchanged?.answer.into_parts();
        self.ui.debug(format_args!("{}", head.status));
        if let Some(note) = stale::note(&head.headers)
            && !self.told_stale.swap(true, Ordering::Relaxed)
        {
            self.ui.diagnose(format_args!("{note}\n"))?;
        }
        if let Some(failover) = &self.failover {
            failover.learn().await;
        }
        Ok(Raw { status: head.status, body, url, headers: head.headers })
    }
}

impl<'a> Request<'a> {
    fn get(path: &'a str) -> Self {
        Self { method: Method::GET, path, header: None, body: None }
    }

    fn new(method: Method, path: &'a str, body: &impl Serialize) -> anyhow::Result<Self> {
        let body = serde_json::to_vec(body).context("Failed to write the request")?;
        Ok(Self { method, path, header: None, body: Some(body.into()) })
    }

    fn to_http(
        &self,
        base: &str,
        key: Option<&str>,
    ) -> anyhow::Result<hyper::Request<Full<Bytes>>> {
        let mut request = hyper::Request::builder().method(&self.method).uri(escaped(self.path));
        if let Some((name, value)) = &self.header {
            request = request.header(name, *value);
        }
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        if self.body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let host = base.split_once("//").map_or(base, |(_, host)| host);
        let request = request.header(hyper::header::HOST, host);
        let request = request.body(Full::from(self.body.clone().unwrap_or_default()));
        request.with_context(|| format!("Invalid URL \"{base}{}\"", self.path))
    }
}

/// A path as a user wrote it, without what no URL may hold.
fn escaped(path: &str) -> String {
    let mut url = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'!' | b'$'..=b';' | b'=' | b'?'..=b'Z' | b'_' | b'a'..=b'z' | b'~' | b'[' | b']' => {
                url.push(char::from(byte));
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

fn read<T: DeserializeOwned>(answer: &Raw, path: &str) -> anyhow::Result<T> {
    answer.metadata()?.with_context(|| format!("The answer to GET {path} is empty"))
}

impl Raw {
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
