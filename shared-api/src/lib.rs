//! The wire of LXD's REST API: types and the rules about them, without I/O.
//! Field names, order and what is left out when empty are LXD's; a field that a request leaves out
//! or sends as `null` has its type's default, as in Go.

pub mod address;
pub mod certificates;
pub mod cluster;
pub mod config;
pub mod encoding;
pub mod events;
pub mod expiry;
pub mod extensions;
pub mod fingerprint;
pub mod init;
pub mod name;
pub mod networks;
mod null;
pub mod operations;
pub mod paths;
pub mod profiles;
pub mod projects;
pub mod response;
pub mod server;
pub mod size;
pub mod sql;
pub mod storage;
pub mod token;
pub mod yaml;
