//! A group of members in one process, over TCP on the loopback.
#![allow(clippy::unwrap_used)] // clippy.toml allows it in test functions, and these are their helpers

mod cluster;
mod crash;
mod faults;
mod fence;
mod figures;
mod group;
mod traps;
mod wire;
