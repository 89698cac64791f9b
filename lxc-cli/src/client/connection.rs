//! Connections to the daemon's socket. What is asked there is asked by this machine's users: it needs no TLS.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;

type Sender = SendRequest<Full<Bytes>>;

/// As many connections as there are requests at once, kept for those that follow.
pub(super) struct Connections {
    socket: PathBuf,
    idle: Mutex<Vec<Sender>>,
}

/// The daemon does not answer on its socket.
#[derive(Debug, thiserror::Error)]
#[error("Failed to connect to {}: {reason}", socket.display())]
pub(crate) struct Unreachable {
    socket: PathBuf,
    kind: io::ErrorKind,
    reason: String,
}

impl Connections {
    pub(super) fn new(socket: &Path) -> Self {
        Self { socket: socket.to_owned(), idle: Mutex::default() }
    }

    /// Sends a request and returns the whole answer.
    pub(super) async fn exchange(
        &self,
        request: Request<Full<Bytes>>,
    ) -> anyhow::Result<Response<String>> {
        let mut sender = self.sender().await?;
        let answer = sender.send_request(request).await.context("Failed to reach the daemon")?;
        let (head, body) = answer.into_parts();
        let body = text(body).await.context("Failed to read the answer")?;
        self.idle().push(sender);
        Ok(Response::from_parts(head, body))
    }

    async fn sender(&self) -> anyhow::Result<Sender> {
        let idle = self.idle().pop();
        if let Some(mut sender) = idle
            && sender.ready().await.is_ok()
        {
            return Ok(sender);
        }
        let stream = UnixStream::connect(&self.socket).await;
        let stream = stream.map_err(|error| Unreachable::new(&self.socket, &error))?;
        let (sender, connection) =
            handshake(TokioIo::new(stream)).await.context("Failed to reach the daemon")?;
        // How it ends, its requests hear.
        tokio::spawn(connection);
        Ok(sender)
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Sender>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn text(body: Incoming) -> anyhow::Result<String> {
    let bytes = body.collect().await?.to_bytes();
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

impl Unreachable {
    fn new(socket: &Path, error: &io::Error) -> Self {
        let text = error.to_string();
        let reason = text.split(" (os error").next().unwrap_or(&text).to_owned();
        Self { socket: socket.to_owned(), kind: error.kind(), reason }
    }

    pub(crate) fn hint(&self) -> &'static str {
        match self.kind {
            io::ErrorKind::PermissionDenied => {
                "You need to be root, or in the group that the daemon was started with."
            }
            _ => "Is the daemon running? LXD_DIR or LXD_SOCKET say where its socket is.",
        }
    }
}
