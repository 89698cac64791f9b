//! Use cases, a file each: what is decided, in which order it is done, how it is undone.
//! Knows nothing of HTTP.

pub mod certificates;
pub mod client_tokens;
pub mod cluster;
pub mod config;
pub mod environment;
pub mod metrics;
pub mod network;
pub mod object;
pub mod operations;
pub mod peers;
pub mod profile;
pub mod project;
pub mod remotes;
pub mod repeats;
pub mod storage;
pub mod tokens;
pub mod trust;
pub mod undo_log;
