//! Tests that need hosts: real daemons and clients in namespaces, as root.

mod faults;
mod forming;
mod harness;
mod joins;
mod restarts;
