//! The daemon `lxd`: sockets, use cases, the cluster database, storage and networks of one host.

pub mod clock;
pub mod error;
pub mod limits;
pub mod run;
pub mod storage;
pub mod tls;
