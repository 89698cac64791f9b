//! Connections to a daemon: to its socket, where this machine's users need no TLS, or to its port.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::rt::{Read, Write};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use shared_api::address::Address;
use tokio::net::UnixStream;

use super::route::{Reached, Route};

/// As many connections as there are requests at once, kept for those that follow.
pub(super) struct Connections {
    way: Way,
    idle: Mutex<Vec<Connection>>,
}

/// Where the daemon is.
pub(super) enum Way {
    Socket(PathBuf),
    Network(Route),
}

struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// None for the socket.
    address: Option<Address>,
}

/// An answer, and who gave it if it came over the network.
pub(super) struct Exchanged {
    pub(super) answer: Response<String>,
    pub(super) address: Option<Address>,
}

/// The daemon does not answer: nothing was sent.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Unreachable {
    text: String,
    hint: Option<&'static str>,
}

/// The connection broke before the answer had come.
#[derive(Debug, thiserror::Error)]
#[error("The connection to {place} broke before the answer came")]
pub(crate) struct Broken {
    place: String,
    source: hyper::Error,
}

impl Connections {
    pub(super) fn new(way: Way) -> Self {
        Self { way, idle: Mutex::default() }
    }

    /// Sends a request and returns the whole answer.
    ///
    /// # Errors
    /// [`Unreachable`]; [`Broken`], after which another address is used.
    pub(super) async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
    ) -> anyhow::Result<Exchanged> {
        let mut connection = self.connection().await?;
        match answer(&mut connection.sender, request).await {
            Ok(answer) => {
                let address = connection.address.clone();
                self.idle().push(connection);
                Ok(Exchanged { answer, address })
            }
            Err(source) => Err(self.broken(connection.address.as_ref(), source).into()),
        }
    }

    async fn connection(&self) -> anyhow::Result<Connection> {
        let idle = self.idle().pop();
        if let Some(mut connection) = idle
            && connection.sender.ready().await.is_ok()
        {
            return Ok(connection);
        }
        match &self.way {
            Way::Socket(path) => {
                let stream = UnixStream::connect(path).await;
                let stream = stream.map_err(|error| Unreachable::socket(path, &error))?;
                opened(TokioIo::new(stream), None).await
            }
            Way::Network(route) => {
                let Reached { stream, address } = route.connect().await?;
                opened(TokioIo::new(stream), Some(address)).await
            }
        }
    }

    fn broken(&self, address: Option<&Address>, source: hyper::Error) -> Broken {
        let place = match (&self.way, address) {
            (Way::Network(route), Some(address)) => {
                route.avoid(address);
                // The others of the same place are no better.
                self.idle().retain(|idle| idle.address.as_ref() != Some(address));
                address.to_string()
            }
            _ => "the daemon".to_owned(),
        };
        Broken { place, source }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn opened<S>(stream: S, address: Option<Address>) -> anyhow::Result<Connection>
where
    S: Read + Write + Unpin + Send + 'static,
{
    let (sender, connection) = handshake(stream).await.context("Failed to reach the daemon")?;
    // How it ends, its requests hear.
    tokio::spawn(connection);
    Ok(Connection { sender, address })
}

async fn answer(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Response<String>, hyper::Error> {
    let (head, body) = sender.send_request(request).await?.into_parts();
    Ok(Response::from_parts(head, text(body).await?))
}

async fn text(body: Incoming) -> Result<String, hyper::Error> {
    let bytes = body.collect().await?.to_bytes();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Unreachable {
    fn socket(socket: &Path, error: &io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::PermissionDenied => {
                "You need to be root, or in the group that the daemon was started with."
            }
            _ => "Is the daemon running? LXD_DIR or LXD_SOCKET say where its socket is.",
        };
        let text = format!("Failed to connect to {}: {}", socket.display(), plain(error));
        Self { text, hint: Some(hint) }
    }

    /// None of these addresses could be connected to.
    pub(super) fn network(failures: Vec<(Address, io::Error)>) -> Self {
        let is_other = failures.iter().any(|(_, error)| is_other_certificate(error));
        let told = failures.iter().map(|(address, error)| format!("{address}: {}", plain(error)));
        let told: Vec<String> = told.collect();
        let hint = is_other.then_some(
            "Its certificate is not the one that was accepted for this remote. If that is right, \
             remove the remote and add it again.",
        );
        Self { text: format!("Failed to connect to {}", told.join("; ")), hint }
    }

    pub(crate) fn hint(&self) -> Option<&'static str> {
        self.hint
    }
}

/// An error without the number that nobody needs.
fn plain(error: &io::Error) -> String {
    if is_other_certificate(error) {
        return "Another certificate than the accepted one".to_owned();
    }
    let text = match error.kind() {
        io::ErrorKind::TimedOut => "No answer".to_owned(),
        _ => error.to_string(),
    };
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

fn is_other_certificate(error: &io::Error) -> bool {
    let tls = error.get_ref().and_then(|error| error.downcast_ref::<rustls::Error>());
    let refused = rustls::CertificateError::ApplicationVerificationFailure;
    tls.is_some_and(|error| *error == rustls::Error::InvalidCertificate(refused))
}
