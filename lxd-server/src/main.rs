//! The daemon `lxd`: parses the command line, runs one command, turns its outcome into an exit code.

use clap::Parser;
use lxd_server::args::{Arguments, Command};
use lxd_server::error::Result;
use lxd_server::{client, daemon, init};
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match &arguments.command {
        None | Some(Command::Daemon) => daemon::run(&arguments.global),
        Some(Command::Init(init)) => return ended(init::run(init)),
        Some(Command::Waitready(wait)) => client::wait_ready(wait),
        Some(Command::Shutdown(shutdown)) => client::shutdown(shutdown),
        Some(Command::Sql(sql)) => client::sql(sql),
    };
    ended(outcome.map(|()| ExitCode::SUCCESS))
}

fn ended(outcome: Result<ExitCode>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        client::complain(&error);
        ExitCode::FAILURE
    })
}
