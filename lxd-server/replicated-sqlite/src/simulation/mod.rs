//! The whole crate, SQLite included, in many members on one thread, under faults that a seed draws.
//!
//! A member is a tokio runtime of its own with a paused clock; `world` steps them in turn. Dropping one is a
//! crash. A seed is a process of its own (`tests`), in which the OS has no randomness to give (`entropy`):
//! so it replays exactly.

mod admin;
mod checks;
mod clients;
mod disk;
mod entropy;
mod faults;
mod history;
mod host;
mod net;
mod pipe;
mod plan;
mod tests;
mod trace;
mod workload;
mod world;
mod wrong;

pub(crate) use disk::{active, pause};
