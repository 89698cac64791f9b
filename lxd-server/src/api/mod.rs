//! The HTTP edge: who asks, what is asked, what is answered. The only importer of axum.

pub mod error;
pub mod etag;
pub mod extract;
mod json;
pub mod listen;
pub mod respond;
mod syntax;
