//! The daemon `lxd`: sockets, use cases, the cluster database, storage and networks of one host.

pub mod clock;
pub mod error;
pub mod limits;
pub mod tls;
