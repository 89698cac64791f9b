//! Use cases, a file each: what is decided, in which order it is done, how it is undone.
//! Knows nothing of HTTP.

pub mod cluster;
pub mod undo;
