//! This host's place in its cluster: the replica it runs, the streams it takes, its way to the others.

mod peers;
mod remotes;
mod replica;
mod silence;
mod transport;

pub use peers::Remote;
pub use remotes::Remotes;
pub use replica::{Accepted, Replica, refuse_replicas, remove_others};
pub use reqwest::Method;
pub use silence::Silence;
pub use transport::Transport;

use crate::error::Result;
use crate::tls::{self, Acceptors, ReplicaHandler};
use futures::FutureExt;
use futures::future::BoxFuture;
use rustls::pki_types::CertificateDer;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::server::TlsStream;

/// The replica in use, and during a join also the one that is being prepared.
pub struct Node {
    current: RwLock<Arc<Replica>>,
    serving: RwLock<Option<Arc<Replica>>>,
    acceptors: watch::Sender<Acceptors>,
}

impl Node {
    /// Runs on `replica`, whose streams are taken if it is a cluster's.
    pub fn new(replica: Arc<Replica>, tls: &tls::Store) -> Result<Arc<Self>> {
        let public = tls::public_server(&tls.public())?;
        let serving = replica.cluster.is_some().then(|| replica.clone());
        let acceptor = serving.as_ref().map(|replica| replica.acceptor.clone());
        let acceptors = watch::Sender::new(Acceptors { public, replica: acceptor });
        Ok(Arc::new(Self {
            current: RwLock::new(replica),
            serving: RwLock::new(serving),
            acceptors,
        }))
    }

    /// The TLS settings of the API port, as they change.
    pub fn acceptors(&self) -> watch::Receiver<Acceptors> {
        self.acceptors.subscribe()
    }

    /// The replica in use.
    pub fn replica(&self) -> Arc<Replica> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// This member's node id.
    pub fn id(&self) -> u64 {
        self.replica().membership.node
    }

    /// Takes streams for this replica from now on, or for none.
    pub fn serve_streams(&self, replica: Option<Arc<Replica>>) {
        let acceptor = replica.as_ref().map(|replica| replica.acceptor.clone());
        *self.serving.write().unwrap_or_else(PoisonError::into_inner) = replica;
        self.acceptors.send_modify(|acceptors| acceptors.replica = acceptor);
    }

    /// Uses another replica from now on.
    pub fn exchange(&self, replica: Arc<Replica>) -> Arc<Replica> {
        std::mem::replace(
            &mut *self.current.write().unwrap_or_else(PoisonError::into_inner),
            replica,
        )
    }

    /// Shows another certificate on the API port from the next handshake on.
    pub fn show(&self, public: Arc<rustls::ServerConfig>) {
        self.acceptors.send_modify(|acceptors| acceptors.public = public);
    }
}

impl ReplicaHandler for Node {
    fn serve(
        &self,
        peer: CertificateDer<'static>,
        stream: TlsStream<TcpStream>,
    ) -> BoxFuture<'static, ()> {
        let replica = self.serving.read().unwrap_or_else(PoisonError::into_inner).clone();
        async move {
            let Some(replica) = replica else { return };
            match transport::sender(&peer, &replica.membership) {
                Ok(from) => replica.db.serve(from, stream).await,
                Err(error) => tracing::warn!("Refused a replica's stream: {}", error.chain()),
            }
        }
        .boxed()
    }
}
