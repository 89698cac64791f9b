//! `lxd init`: brings a server to what a preseed file says. A client of the API like any other.

mod apply;
mod plan;
mod preseed;

use crate::client;
use crate::error::Result;

/// Reads a preseed from standard input and applies it.
///
/// # Errors
/// The first thing that could not be applied: what was applied before it is taken back.
pub fn run() -> Result<()> {
    let preseed = preseed::parse(&client::standard_input()?)?;
    client::run(async |client| apply::apply(&client, &preseed).await)
}
