//! Tests that need hosts: real daemons and clients in namespaces, as root.

mod harness;
