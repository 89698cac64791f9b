//! The client `lxc`.
