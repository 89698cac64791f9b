//! What every use case works with: one of each for the whole daemon.

use crate::api::listen::Listeners;
use crate::app::repeats::Repeats;
use crate::app::trust::Attempts;
use crate::db::{Database, Local};
use crate::events::Events;
use crate::network::Networks;
use crate::node::Node;
use crate::operations::Operations;
use crate::requests::Requests;
use crate::tls;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

/// The daemon's parts. Clones are the same.
#[derive(Clone)]
pub struct Context(Arc<Parts>);

/// The parts.
pub struct Parts {
    /// LXD_DIR.
    pub dir: PathBuf,
    /// The host's name.
    pub host: String,
    /// The cluster database.
    pub db: Database,
    /// What only this host knows.
    pub local: Local,
    /// Certificates and keys.
    pub tls: tls::Store,
    /// The replica and the streams between replicas.
    pub node: Arc<Node>,
    /// Work that goes on after its request was answered.
    pub operations: Operations,
    /// Who listens to what happens.
    pub events: Events,
    /// The sockets.
    pub listeners: Listeners,
    /// Requests with an Idempotency-Key that are at work here.
    pub repeats: Repeats,
    /// Guards the trust password.
    pub trust: Attempts,
    /// What runs for networks on this host.
    pub networks: Networks,
    /// What the API was asked.
    pub requests: Requests,
    /// When the daemon was.
    pub started: Instant,
    /// Held by whoever founds or joins a cluster.
    pub joining: Mutex<()>,
    /// How the replica is tuned.
    pub options: replicated_sqlite::Options,
    /// True once storage and networks are as they should be.
    pub ready: watch::Sender<bool>,
    /// Ends the daemon.
    pub stop: CancellationToken,
}

impl Context {
    /// One context for the daemon.
    pub fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl Deref for Context {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
