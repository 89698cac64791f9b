//! Use cases, a file each: what is decided, in which order it is done, how it is undone.
//! Knows nothing of HTTP.

pub mod certificates;
pub mod cluster;
pub mod config;
pub mod environment;
pub mod operations;
pub mod remotes;
pub mod trust;
pub mod undo;
