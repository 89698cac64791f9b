//! The daemon `lxd`.

fn main() {}
