//! The sockets of the API: binding them, bounding them, and serving HTTP on their connections.
//! A stalled client holds up nobody: each connection is a task of its own, from its first byte on.

mod connection;
mod tls;
mod unix;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use rustls::pki_types::CertificateDer;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Mutex as AsyncMutex, Semaphore, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use unix::bind as bind_unix;

use crate::error::{Context, Error, Result};
use crate::limits;
pub use crate::tls::{Acceptors, ReplicaHandler};

/// Who is at the other end of a connection; an extension of each of its requests.
#[derive(Clone, Debug)]
pub enum Peer {
    /// A process on this host, which could open the socket.
    Unix { uid: u32 },
    /// A client over TLS. Its certificate is only proven to be its own: trust is decided later.
    Tls { address: SocketAddr, certificate: Option<Arc<Certificate>> },
}

/// The certificate of a TLS client.
#[derive(Debug)]
pub struct Certificate {
    pub der: CertificateDer<'static>,
    /// SHA-256 of the DER in hex.
    pub fingerprint: String,
}

/// What every connection is served with.
#[derive(Clone)]
pub struct Services {
    pub router: Router,
    pub acceptors: watch::Receiver<Acceptors>,
    pub replica: Arc<dyn ReplicaHandler>,
}

/// The sockets of the API. Clones are the same.
#[derive(Clone, Default)]
pub struct Listeners(Arc<Inner>);

#[derive(Default)]
struct Inner {
    services: Mutex<Option<Services>>,
    /// What is bound, by the address that was asked for.
    bound: AsyncMutex<BTreeMap<SocketAddr, Bound>>,
    addresses: Mutex<Vec<SocketAddr>>,
    stop: CancellationToken,
    connections: TaskTracker,
    slots: Slots,
}

/// How many connections may be served at once.
#[derive(Clone)]
struct Slots {
    tls: Arc<Semaphore>,
    unix: Arc<Semaphore>,
}

impl Default for Slots {
    fn default() -> Self {
        Self {
            tls: Arc::new(Semaphore::new(limits::TLS_CONNECTIONS_MAX)),
            unix: Arc::new(Semaphore::new(limits::UNIX_CONNECTIONS_MAX)),
        }
    }
}

/// A socket that is bound.
struct Bound {
    address: SocketAddr,
    stop: CancellationToken,
    accepting: tokio::task::JoinHandle<()>,
}

impl Bound {
    /// Frees the port; connections go on.
    async fn close(self) {
        self.stop.cancel();
        // It only ends by panic otherwise, which frees the port as well.
        let _ = self.accepting.await;
    }
}

impl Listeners {
    /// Says what to serve. To be called once, before any socket is added.
    pub fn start(&self, services: Services) {
        *self.services() = Some(services);
    }

    /// Serves the API on a unix socket, until [`Self::shutdown`].
    pub fn serve_unix(&self, socket: UnixListener) {
        let Some(services) = self.services().clone() else { return };
        let (stop, connections) = (self.0.stop.clone(), self.0.connections.clone());
        let slots = self.0.slots.unix.clone();
        tokio::spawn(unix::accept(socket, services.router, slots, connections, stop));
    }

    /// Listens on these TCP addresses and no others.
    ///
    /// # Errors
    /// One of them cannot be bound: then all is as before.
    pub async fn set_addresses(&self, wanted: &[SocketAddr]) -> Result<()> {
        let mut bound = self.0.bound.lock().await;
        let fresh: Vec<_> =
            wanted.iter().copied().filter(|address| !bound.contains_key(address)).collect();
        let mut closed = Vec::new();
        let sockets = match bind_all(&fresh).await {
            Err((_, error)) if error.kind() == ErrorKind::AddrInUse => {
                // A wildcard and an address of the same port exclude each other.
                let clashes = |old: &SocketAddr| fresh.iter().any(|new| new.port() == old.port());
                closed = close(&mut bound, |old| clashes(old) && !wanted.contains(old)).await;
                bind_all(&fresh).await
            }
            sockets => sockets,
        };
        let failure = match sockets {
            Ok(sockets) => {
                self.accept_on(&mut bound, sockets);
                close(&mut bound, |old| !wanted.contains(old)).await;
                None
            }
            Err((address, error)) => {
                let old = bind_all(&closed).await.map_err(|(_, error)| error);
                self.accept_on(&mut bound, old.context("listen on the former address again")?);
                Some(refusal(address, &error))
            }
        };
        *self.addresses_mut() = bound.values().map(|bound| bound.address).collect();
        failure.map_or(Ok(()), |text| Err(Error::internal(text)))
    }

    /// The addresses that are bound.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.addresses_mut().clone()
    }

    /// Accepts nothing more, lets requests end for [`limits::DRAIN_TIMEOUT`], then drops them.
    pub async fn shutdown(&self) {
        self.0.stop.cancel();
        for (_, bound) in std::mem::take(&mut *self.0.bound.lock().await) {
            bound.close().await;
        }
        self.addresses_mut().clear();
        *self.services() = None;
        self.0.connections.close();
        if timeout(limits::DRAIN_TIMEOUT, self.0.connections.wait()).await.is_err() {
            tracing::debug!(left = self.0.connections.len(), "Connections dropped at the end");
        }
    }

    fn accept_on(&self, bound: &mut BTreeMap<SocketAddr, Bound>, sockets: Vec<Socket>) {
        let Some(services) = self.services().clone() else { return };
        for Socket { wanted, address, listener } in sockets {
            let stop = self.0.stop.child_token();
            let port = tls::Port {
                services: services.clone(),
                slots: self.0.slots.tls.clone(),
                connections: self.0.connections.clone(),
                stop: self.0.stop.clone(),
            };
            let accepting = tokio::spawn(tls::accept(listener, port, stop.clone()));
            bound.insert(wanted, Bound { address, stop, accepting });
        }
    }

    fn services(&self) -> std::sync::MutexGuard<'_, Option<Services>> {
        self.0.services.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn addresses_mut(&self) -> std::sync::MutexGuard<'_, Vec<SocketAddr>> {
        self.0.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A TCP socket that nobody accepts on yet; `wanted` may have port 0, `address` has the real one.
struct Socket {
    wanted: SocketAddr,
    address: SocketAddr,
    listener: TcpListener,
}

/// An address that cannot be bound.
type Failure = (SocketAddr, std::io::Error);

async fn bind_all(addresses: &[SocketAddr]) -> Result<Vec<Socket>, Failure> {
    let mut sockets = Vec::with_capacity(addresses.len());
    for &wanted in addresses {
        let bound = async {
            let listener = TcpListener::bind(wanted).await?;
            Ok(Socket { wanted, address: listener.local_addr()?, listener })
        };
        sockets.push(bound.await.map_err(|error| (wanted, error))?);
    }
    Ok(sockets)
}

/// Closes the addresses that `ends` picks; which these were.
async fn close(
    bound: &mut BTreeMap<SocketAddr, Bound>,
    ends: impl Fn(&SocketAddr) -> bool,
) -> Vec<SocketAddr> {
    let closed: Vec<_> = bound.keys().copied().filter(ends).collect();
    for address in &closed {
        if let Some(old) = bound.remove(address) {
            old.close().await;
        }
    }
    closed
}

/// Go's words for an address that cannot be bound.
fn refusal(address: SocketAddr, error: &std::io::Error) -> String {
    let reason = match error.kind() {
        ErrorKind::AddrInUse => "address already in use".to_owned(),
        ErrorKind::AddrNotAvailable => "cannot assign requested address".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => error.to_string(),
    };
    format!("listen tcp {address}: bind: {reason}")
}

#[cfg(test)]
mod tests;
