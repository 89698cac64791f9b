//! The transport of the tests: TCP on the loopback, with links that can be cut. A cut is silence: bytes wait.

use replicated_sqlite::{Network, NodeId};
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio::sync::watch;

/// Which pairs of members cannot hear each other.
#[derive(Clone)]
pub(crate) struct Wire(Arc<watch::Sender<BTreeSet<(NodeId, NodeId)>>>);

impl Wire {
    pub(crate) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(BTreeSet::new())))
    }

    pub(crate) fn cut(&self, a: NodeId, b: NodeId) {
        self.0.send_modify(|cuts| cuts.extend([(a, b), (b, a)]));
    }

    /// What `from` sends no longer reaches `to`.
    pub(crate) fn cut_one_way(&self, from: NodeId, to: NodeId) {
        self.0.send_modify(|cuts| cuts.extend([(from, to)]));
    }

    pub(crate) fn heal(&self) {
        self.0.send_modify(BTreeSet::clear);
    }

    /// A member's end of it.
    pub(crate) fn plug(&self, from: NodeId) -> Plug {
        Plug { wire: self.clone(), from }
    }

    async fn clear(&self, a: NodeId, b: NodeId) {
        let mut cuts = self.0.subscribe();
        cuts.wait_for(|cuts| !cuts.contains(&(a, b))).await.unwrap();
    }
}

#[derive(Clone)]
pub(crate) struct Plug {
    wire: Wire,
    from: NodeId,
}

impl Network for Plug {
    type Stream = DuplexStream;

    async fn connect(&self, target: NodeId, address: &str) -> io::Result<DuplexStream> {
        self.wire.clear(self.from, target).await;
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        // A real transport would prove it.
        stream.write_u64(self.from).await?;
        let (near, far) = tokio::io::duplex(64 << 10);
        let ((read_far, write_far), (read, write)) = (tokio::io::split(far), stream.into_split());
        let (wire, from) = (self.wire.clone(), self.from);
        tokio::spawn(async move {
            tokio::select! {
                () = pump(read_far, write, &wire, from, target) => {}
                () = pump(read, write_far, &wire, target, from) => {}
            }
        });
        Ok(near)
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    wire: &Wire,
    a: NodeId,
    b: NodeId,
) {
    let mut buffer = vec![0; 64 << 10];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        wire.clear(a, b).await;
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}
