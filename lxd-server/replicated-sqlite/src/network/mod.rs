//! How members talk: the transport that the application brings, and our protocol on top of it.
//!
//! Each member keeps one long-lived stream to each other member, for its own calls; snapshots go over streams
//! of their own. Every stream begins with a hello, and what is not for this member is refused.

pub(crate) mod frame;
pub(crate) mod links;
pub(crate) mod peer;
pub(crate) mod server;
pub(crate) mod wire;

use crate::types::NodeId;
use futures::FutureExt;
use futures::future::BoxFuture;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};

/// How members reach each other: mutually authenticated TLS, say, or pipes in memory for tests.
pub trait Network: Clone + Send + Sync + 'static {
    /// A connection: ordered bytes both ways.
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// Opens a stream to `target` at `address`, which the other end hands to [`Db::serve`](crate::Db::serve).
    ///
    /// The transport has authenticated that it is `target` of this group, and switched off what delays
    /// small packets.
    ///
    /// # Errors
    /// `ConnectionRefused` and `ConnectionReset` are taken as evidence that the process is gone; anything
    /// else is silence.
    fn connect(
        &self,
        target: NodeId,
        address: &str,
    ) -> impl Future<Output = io::Result<Self::Stream>> + Send;
}

/// Any stream.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

type Dial = dyn Fn(NodeId, String) -> BoxFuture<'static, io::Result<Box<dyn Duplex>>> + Send + Sync;

/// A [`Network`] whose type is forgotten.
#[derive(Clone)]
pub(crate) struct Transport(Arc<Dial>);

impl Transport {
    pub(crate) fn new(network: impl Network) -> Self {
        Self(Arc::new(move |target, address| {
            let network = network.clone();
            async move {
                let stream = network.connect(target, &address).await?;
                Ok(Box::new(stream) as Box<dyn Duplex>)
            }
            .boxed()
        }))
    }

    pub(crate) async fn connect(
        &self,
        target: NodeId,
        address: String,
    ) -> io::Result<Box<dyn Duplex>> {
        (self.0)(target, address).await
    }
}

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// Nobody answers: nothing is known.
    Silent,
    /// The other end is gone: connection refused or reset.
    Gone,
}

impl From<&io::Error> for Lost {
    fn from(error: &io::Error) -> Self {
        use io::ErrorKind::{
            BrokenPipe, ConnectionAborted, ConnectionRefused, ConnectionReset, UnexpectedEof,
        };
        match error.kind() {
            ConnectionRefused | ConnectionReset | ConnectionAborted | BrokenPipe
            | UnexpectedEof => Self::Gone,
            _ => Self::Silent,
        }
    }
}
