//! The tables of the cluster database, a file for each thing that is stored.

pub mod members;
pub mod tokens;
