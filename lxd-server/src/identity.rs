//! Who sends a request.

use std::net::SocketAddr;

use shared_api::events::Requestor;

/// The sender of a request, as far as it is proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// A process that could open the unix socket: root to the API.
    Socket { uid: u32 },
    /// The holder of a certificate of the trust list.
    Client(Client),
    /// A member of the cluster, by its own certificate.
    Member(Member),
    /// A server that a token or the trust password let in to join, and to do nothing else.
    Joiner {
        /// Of its certificate.
        fingerprint: String,
        /// The name that it may take; empty if it may choose.
        name: String,
        address: SocketAddr,
    },
    /// The holder of a certificate of the trust list that may read metrics and nothing else.
    Metrics {
        /// Of its certificate.
        fingerprint: String,
        address: SocketAddr,
    },
    /// Anybody else.
    Untrusted {
        address: SocketAddr,
        /// Of the certificate that it showed.
        fingerprint: Option<String>,
    },
}

/// A trusted client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// SHA-256 of its certificate in hex.
    pub fingerprint: String,
    pub address: SocketAddr,
    /// The projects it may use; nothing when it may use everything.
    pub projects: Option<Vec<String>>,
}

/// A member of the cluster that asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    /// SHA-256 of its own certificate in hex.
    pub fingerprint: String,
    pub address: SocketAddr,
    /// Whether it asks for this member's own part alone.
    pub notifies: bool,
    /// Whom it passes the request on for, if it does.
    pub sender: Option<Requestor>,
}

impl Identity {
    /// Whether it may do everything.
    pub fn is_admin(&self) -> bool {
        match self {
            Self::Socket { .. } | Self::Member(_) => true,
            Self::Client(client) => client.projects.is_none(),
            Self::Joiner { .. } | Self::Metrics { .. } | Self::Untrusted { .. } => false,
        }
    }

    /// Whether it is in the trust list, or local, or about to be a member.
    pub fn is_trusted(&self) -> bool {
        !matches!(self, Self::Untrusted { .. } | Self::Metrics { .. })
    }

    /// Whether a member asks for this member's own part alone.
    pub fn is_notification(&self) -> bool {
        matches!(self, Self::Member(Member { notifies: true, .. }))
    }

    /// Whether it may see and use a project.
    pub fn may_use(&self, project: &str) -> bool {
        match self {
            Self::Client(Client { projects: Some(projects), .. }) => {
                projects.iter().any(|allowed| allowed == project)
            }
            _ => self.is_trusted(),
        }
    }

    /// The address it sends from; none on the unix socket.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Socket { .. } => None,
            Self::Client(Client { address, .. })
            | Self::Member(Member { address, .. })
            | Self::Joiner { address, .. }
            | Self::Metrics { address, .. }
            | Self::Untrusted { address, .. } => Some(*address),
        }
    }

    /// How events and members name it: a request that is passed on by its first sender.
    pub fn requestor(&self) -> Requestor {
        let (username, protocol) = match self {
            Self::Socket { .. } => ("root", "unix"),
            Self::Client(client) => (&*client.fingerprint, "tls"),
            Self::Member(Member { sender: Some(sender), .. }) => return sender.clone(),
            Self::Member(member) => (&*member.name, "cluster"),
            Self::Joiner { fingerprint, .. } | Self::Metrics { fingerprint, .. } => {
                (&**fingerprint, "tls")
            }
            Self::Untrusted { fingerprint, .. } => {
                (fingerprint.as_deref().unwrap_or_default(), "tls")
            }
        };
        let address = self.address().map_or_else(|| "@".to_owned(), |address| address.to_string());
        Requestor { username: username.to_owned(), protocol: protocol.to_owned(), address }
    }
}
