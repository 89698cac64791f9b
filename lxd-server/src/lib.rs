//! The daemon `lxd`.
