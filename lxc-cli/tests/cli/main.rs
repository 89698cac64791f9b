//! The client, run as a program against a stub of the daemon.

mod program;
mod signals;
mod stub;
mod transcripts;
