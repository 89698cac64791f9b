//! The TLS port: HTTP and the streams between replicas, told apart by ALPN.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::server::{Acceptor, ClientHello};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::connection::{self, Protocol};
use super::{Certificate, Peer, Services};
use crate::limits;
use crate::tls::{REPLICA_PROTOCOL, fingerprint};

/// What the connections of a port share.
#[derive(Clone)]
pub(super) struct Port {
    pub(super) services: Services,
    pub(super) slots: Arc<Semaphore>,
    pub(super) connections: TaskTracker,
    pub(super) stop: CancellationToken,
}

/// Accepts connections until `stop`, each in its own task from the first byte on.
pub(super) async fn accept(socket: TcpListener, port: Port, stop: CancellationToken) {
    let mut handshakes = Handshakes::default();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = stop.cancelled() => return,
        };
        match accepted {
            Ok((stream, mut address)) => {
                // On a socket for both families IPv4 clients come as ::ffff:10.0.0.1.
                address.set_ip(address.ip().to_canonical());
                let served = serve(stream, address, port.clone(), handshakes.enter());
                port.connections.spawn(served);
            }
            Err(error) => pause_after(&error).await,
        }
    }
}

/// Lets a moment pass when the host has run out of descriptors; other errors are a client's.
pub(super) async fn pause_after(error: &io::Error) {
    if error.kind() == io::ErrorKind::ConnectionAborted {
        return;
    }
    tracing::warn!(%error, "Failed to accept a connection");
    tokio::time::sleep(Duration::from_millis(100)).await;
}

/// The handshakes under way, oldest first: when there are too many the oldest gives way, so that
/// stalled clients never keep others out.
#[derive(Default)]
struct Handshakes(VecDeque<oneshot::Sender<()>>);

impl Handshakes {
    /// Enters one more. It has ended when the receiver is dropped, and is to end when it resolves.
    fn enter(&mut self) -> oneshot::Receiver<()> {
        if self.0.len() >= limits::HANDSHAKES_MAX {
            self.0.retain(|handshake| !handshake.is_closed());
        }
        if self.0.len() >= limits::HANDSHAKES_MAX {
            self.0.pop_front();
        }
        let (entered, evicted) = oneshot::channel();
        self.0.push_back(entered);
        evicted
    }
}

async fn serve(stream: TcpStream, address: SocketAddr, port: Port, evicted: oneshot::Receiver<()>) {
    let handshake = timeout(limits::HANDSHAKE_TIMEOUT, handshake(stream, &port));
    let established = tokio::select! {
        established = handshake => established,
        _ = evicted => return,
        () = port.stop.cancelled() => return,
    };
    let established = match established {
        Ok(Ok(established)) => established,
        Ok(Err(error)) => return tracing::debug!(%address, %error, "TLS handshake failed"),
        Err(_) => return tracing::debug!(%address, "TLS handshake timed out"),
    };
    match established {
        Established::Replica(stream) => {
            let peer = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
            let Some(peer) = peer.cloned() else { return };
            tokio::select! {
                () = port.services.replica.serve(peer, *stream) => {}
                () = port.stop.cancelled() => {}
            }
        }
        Established::Http(stream, slot) => {
            let session = stream.get_ref().1;
            let protocol = match session.alpn_protocol() {
                Some(b"h2") => Protocol::Http2,
                _ => Protocol::Http1,
            };
            let peer = Peer::Tls { address, certificate: certificate(session) };
            connection::serve(stream, protocol, peer, port.services.router, port.stop).await;
            drop(slot);
        }
    }
}

/// A connection after its handshake.
enum Established {
    /// Members' streams are not counted: clients cannot crowd them out.
    Replica(Box<TlsStream<TcpStream>>),
    Http(Box<TlsStream<TcpStream>>, OwnedSemaphorePermit),
}

async fn handshake(stream: TcpStream, port: &Port) -> io::Result<Established> {
    stream.set_nodelay(true)?;
    // Ends connections whose client is gone or does not read its answers.
    rustix::net::sockopt::set_tcp_user_timeout(&stream, timeout_millis())?;
    // For streams of members, see `Transport`; which this is, its first bytes tell.
    rustix::net::sockopt::set_tcp_thin_linear_timeouts(&stream, true)?;
    let hello = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let replica = asks_for_replica(&hello.client_hello());
    let acceptors = port.services.acceptors.borrow().clone();
    if replica {
        let settings = acceptors.replica.ok_or_else(|| io::Error::other("not in a cluster"))?;
        return Ok(Established::Replica(Box::new(hello.into_stream(settings).await?)));
    }
    let stream = hello.into_stream(acceptors.public).await?;
    let slot = port.slots.clone().acquire_owned().await;
    Ok(Established::Http(Box::new(stream), slot.expect("the semaphore is never closed")))
}

fn asks_for_replica(hello: &ClientHello<'_>) -> bool {
    hello.alpn().is_some_and(|mut protocols| protocols.any(|name| name == REPLICA_PROTOCOL))
}

fn timeout_millis() -> u32 {
    u32::try_from(limits::HEADER_TIMEOUT.as_millis()).expect("a minute fits")
}

fn certificate(session: &rustls::ServerConnection) -> Option<Arc<Certificate>> {
    let der = session.peer_certificates()?.first()?.clone();
    let fingerprint = fingerprint(&der);
    Some(Arc::new(Certificate { der, fingerprint }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_handshake_gives_way() {
        let mut handshakes = Handshakes::default();
        let mut stalled: Vec<_> = (0..limits::HANDSHAKES_MAX).map(|_| handshakes.enter()).collect();
        // One that has ended makes room.
        drop(stalled.pop());
        let mut last = handshakes.enter();
        assert_eq!(stalled[0].try_recv(), Err(oneshot::error::TryRecvError::Empty));
        let _one_more = handshakes.enter();
        assert_eq!(stalled[0].try_recv(), Err(oneshot::error::TryRecvError::Closed));
        assert_eq!(last.try_recv(), Err(oneshot::error::TryRecvError::Empty));
    }
}
