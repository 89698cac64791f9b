//! The way to a server of several addresses: the members of one cluster, which show the same certificate. The first
//! is asked first; whoever is silent for a moment gets company.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::net::sockopt;
use rustls::pki_types::ServerName;
use shared_api::address::Address;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::connection::Unreachable;

/// How long the first address has before the second is tried as well.
const FIRST_TURN: Duration = Duration::from_millis(200);
/// How long each further one has.
const TURN: Duration = Duration::from_millis(100);
/// How long one may take to answer.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// How long a host may be silent that has received something, before it counts as gone.
const SILENCE_MAX: Duration = Duration::from_secs(3);

pub(super) struct Route {
    connector: TlsConnector,
    /// The ones that are tried, in that order.
    addresses: Mutex<Vec<Address>>,
}

/// A connection and where it leads.
pub(super) struct Reached {
    pub(super) stream: TlsStream<TcpStream>,
    pub(super) address: Address,
}

impl Route {
    pub(super) fn new(connector: TlsConnector, addresses: Vec<Address>) -> Self {
        Self { connector, addresses: Mutex::new(addresses) }
    }

    /// Does not try this address again, unless there is no other.
    pub(super) fn avoid(&self, address: &Address) {
        let mut addresses = self.addresses();
        if addresses.len() > 1 {
            addresses.retain(|other| other != address);
        }
    }

    /// Connects to whichever answers first.
    pub(super) async fn connect(&self) -> Result<Reached, Unreachable> {
        let mut rest = self.addresses().clone().into_iter().peekable();
        let (mut attempts, mut failures) = (JoinSet::new(), Vec::new());
        let mut turn = FIRST_TURN;
        loop {
            if let Some(address) = rest.next() {
                attempts.spawn(dial(self.connector.clone(), address));
            } else if attempts.is_empty() {
                return Err(Unreachable::network(failures));
            }
            tokio::select! {
                Some(ended) = attempts.join_next() => match ended {
                    Ok(Ok(reached)) => return Ok(reached),
                    Ok(Err(failure)) => failures.push(failure),
                    Err(_) => {}
                },
                () = sleep(turn), if rest.peek().is_some() => {}
            }
            turn = TURN;
        }
    }

    fn addresses(&self) -> MutexGuard<'_, Vec<Address>> {
        self.addresses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn dial(connector: TlsConnector, address: Address) -> Result<Reached, (Address, io::Error)> {
    match timeout(CONNECT_MAX, handshake(connector, &address)).await {
        Ok(Ok(stream)) => Ok(Reached { stream, address }),
        Ok(Err(error)) => Err((address, error)),
        Err(_) => Err((address, io::ErrorKind::TimedOut.into())),
    }
}

async fn handshake(connector: TlsConnector, address: &Address) -> io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect((address.host.as_str(), address.port)).await?;
    stream.set_nodelay(true)?;
    // The kernel tells a host that is gone from one that is thinking.
    sockopt::set_socket_keepalive(&stream, true)?;
    sockopt::set_tcp_keepidle(&stream, SILENCE_MAX / 3)?;
    sockopt::set_tcp_keepintvl(&stream, SILENCE_MAX / 3)?;
    sockopt::set_tcp_user_timeout(&stream, u32::try_from(SILENCE_MAX.as_millis()).unwrap_or(0))?;
    // What counts is the certificate, whatever names are in it.
    let name = ServerName::try_from(address.host.clone()).map_err(io::Error::other)?;
    connector.connect(name, stream).await
}
