//! The daemon `lxd`: sockets, use cases, the cluster database, storage and networks of one host.

pub mod api;
pub mod clock;
pub mod error;
pub mod events;
pub mod identity;
pub mod limits;
pub mod network;
pub mod operations;
pub mod run;
pub mod storage;
pub mod tls;
