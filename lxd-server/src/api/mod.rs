//! The HTTP edge: who asks, what is asked, what is answered. The only importer of axum.

mod auth;
mod certificates;
mod cluster;
mod cors;
pub mod error;
pub mod etag;
mod events;
pub mod extract;
mod forward;
mod hangup;
mod idempotency;
mod internal;
mod json;
pub mod listen;
mod metrics;
mod networks;
mod operations;
mod profiles;
mod projects;
pub mod respond;
mod router;
mod server;
mod stale;
mod storage;
mod syntax;

pub use router::router;

#[cfg(test)]
mod tests;
