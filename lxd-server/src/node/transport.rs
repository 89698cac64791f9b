//! Streams between replicas: mutual TLS on the API port, told from HTTP by ALPN.

use crate::error::{Context, Result};
use crate::limits;
use crate::tls::{self, Authority, Identity, Membership};
use replicated_sqlite::{Network, NodeId};
use rustix::net::sockopt::set_tcp_thin_linear_timeouts;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use std::io;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Opens streams to the other members of one cluster.
#[derive(Clone)]
pub struct Transport {
    config: Arc<ClientConfig>,
    own: Membership,
}

impl Transport {
    /// As this member, under this authority.
    pub fn new(authority: &Authority, identity: &Identity, own: Membership) -> Result<Self> {
        Ok(Self { config: tls::replica_client(authority, identity)?, own })
    }
}

impl Network for Transport {
    type Stream = TlsStream<TcpStream>;

    async fn connect(&self, target: NodeId, address: &str) -> io::Result<Self::Stream> {
        // The name is checked against the certificate, so this is the member that was meant or none.
        let name = Membership { node: target, ..self.own.clone() }.host_name();
        let name = ServerName::try_from(name).map_err(io::Error::other)?;
        let connect = async {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            // What is lost is sent again at a steady pace: backing off on a bad network would make a
            // member fall silent for longer than the others wait.
            set_tcp_thin_linear_timeouts(&stream, true)?;
            TlsConnector::from(self.config.clone()).connect(name, stream).await
        };
        tokio::time::timeout(limits::PEER_TIMEOUT, connect).await?
    }
}

/// Reads who is at the other end of a stream that the TLS layer has let in.
pub(super) fn sender(certificate: &[u8], own: &Membership) -> Result<NodeId> {
    let peer = Membership::of_certificate(certificate).context("read who opened the stream")?;
    let same = peer.cluster == own.cluster && peer.incarnation == own.incarnation;
    same.then_some(peer.node).context("accept a stream from another cluster")
}
