//! The host side on a real kernel: pools, bridges, nftables and dnsmasq, as root.
//! Each test runs in namespaces of its own, so that the machine's stay as they are.

#![allow(clippy::disallowed_methods, reason = "tests start programs and read the environment")]
#![allow(clippy::unwrap_used, reason = "what is unexpected fails a test")]

#[path = "host/lease.rs"]
mod lease;
#[path = "host/network.rs"]
mod network;
#[path = "host/restart.rs"]
mod restart;
#[path = "host/sandbox.rs"]
mod sandbox;
#[path = "host/storage.rs"]
mod storage;
