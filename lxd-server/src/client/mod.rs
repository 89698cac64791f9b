//! The commands of `lxd` that ask a running daemon, on its unix socket.

mod http;
mod ready;
mod shutdown;
mod sql;

use crate::args;
use crate::error::{Context, Error, Result};
use std::io::{self, ErrorKind, Write};

pub use http::{Answer, Client, Request};
pub use ready::wait_ready;
pub use shutdown::shutdown;
pub use sql::sql;

/// Tells the user on standard error what went wrong, with its causes.
pub fn complain(error: &Error) {
    note(format_args!("Error: {}", error.chain()));
}

/// A line on standard error.
pub(crate) fn note(line: impl std::fmt::Display) {
    // Nobody is left to be told when standard error is closed.
    let _ = writeln!(io::stderr(), "{line}");
}

/// Data on standard output. A reader that has seen enough is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).context("write"),
        _ => Ok(()),
    }
}

/// All of standard input.
pub(crate) fn standard_input() -> Result<String> {
    io::read_to_string(io::stdin()).context("read from standard input")
}

/// Runs a command that talks to the daemon of this LXD_DIR.
pub(crate) fn run<T>(command: impl AsyncFnOnce(Client) -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("start the runtime")?.block_on(async {
        let client = Client::new(args::directory().join("unix.socket"))?;
        command(client).await
    })
}
