//! Hosts on one machine: each is a set of namespaces, all hang on one switch.
//! The tests, the demo and the benchmark start real daemons and clients in them.

pub mod api;
pub mod cluster;
pub mod daemon;
pub mod demo;
pub mod disk;
pub mod faults;
pub mod flavour;
pub mod history;
pub mod host;
pub mod keep;
pub mod load;
pub mod namespace;
pub mod program;
pub mod rack;
pub mod terminal;
pub mod wait;
