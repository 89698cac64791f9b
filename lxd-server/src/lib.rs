//! The daemon `lxd`: sockets, use cases, the cluster database, storage and networks of one host.

pub mod api;
pub mod app;
pub mod args;
pub mod client;
pub mod clock;
pub mod context;
pub mod daemon;
pub mod db;
pub mod error;
pub mod events;
pub mod failpoint;
pub mod host;
pub mod identity;
pub mod init;
pub mod limits;
pub mod logging;
pub mod network;
pub mod node;
pub mod openmetrics;
pub mod operations;
pub mod process;
pub mod requests;
pub mod run;
pub mod stale;
pub mod storage;
pub mod tls;
