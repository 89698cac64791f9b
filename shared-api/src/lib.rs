//! The wire of LXD's REST API: types and the rules about them, without I/O.
