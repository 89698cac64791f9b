//! The client `lxc`.

fn main() {}
