//! What the TLS port needs from the rest of the daemon: its settings, and who takes replicas' streams.

use std::sync::Arc;

use futures::future::BoxFuture;
use rustls::ServerConfig;
use rustls::pki_types::CertificateDer;
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// The TLS settings of the port; a change counts from the next handshake on.
#[derive(Clone)]
pub struct Acceptors {
    /// For HTTP.
    pub public: Arc<ServerConfig>,
    /// For the streams between replicas, by ALPN; none on a server that is in no cluster.
    pub replica: Option<Arc<ServerConfig>>,
}

/// Takes the streams that other members' replicas open.
pub trait ReplicaHandler: Send + Sync {
    /// Serves one stream to its end. `peer` is the certificate, signed by the members' authority.
    fn serve(
        &self,
        peer: CertificateDer<'static>,
        stream: TlsStream<TcpStream>,
    ) -> BoxFuture<'static, ()>;
}
