//! A cluster of three members on this machine, to look at and to break.

#![allow(clippy::print_stdout, reason = "the output is what this program is for")]

use std::{
    path::{Path, PathBuf},
    process::{ExitCode, Stdio},
};

use anyhow::Result;
use clap::{Parser, Subcommand};
use tests::{demo, flavour::Flavour, host::Host};

/// Three members of a cluster on this machine, each a host of its own.
#[derive(Parser)]
struct Arguments {
    /// Where the hosts keep their files
    #[arg(long, default_value = "/var/tmp/lxd-demo")]
    folder: PathBuf,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make the hosts and form the cluster
    Up {
        /// Run Debian's daemon and client instead, for comparison
        #[arg(long)]
        debian: bool,
    },
    /// End the hosts and remove their files
    Down,
    /// Run a command on a host, as root there
    Exec {
        host: String,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
        command: Vec<String>,
    },
    /// Open a shell on a host
    Shell { host: String },
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let folder = arguments.folder;
    match arguments.action {
        Action::Up { debian } => {
            let flavour = if debian { Flavour::Debian } else { Flavour::Ours };
            up(&folder, flavour).map(|()| ExitCode::SUCCESS)
        }
        Action::Down => demo::down(&folder).map(|()| ExitCode::SUCCESS),
        Action::Exec { host, command } => run(&demo::host(&folder, &host)?, &command),
        Action::Shell { host } => run(&demo::host(&folder, &host)?, &["bash".into()]),
    }
}

fn up(folder: &Path, flavour: Flavour) -> Result<()> {
    demo::up(folder, flavour)?;
    let list = demo::host(folder, "node1")?.lxc(&["cluster", "list"])?;
    let debian = match Flavour::Debian.program("lxc") {
        Ok(_) => "./tests/demo exec node1 /usr/bin/lxc cluster list      # Debian's client",
        Err(_) => "apt-get install lxd-client   # then Debian's client works too, as /usr/bin/lxc",
    };
    println!(
        "{list}\n\
         Three daemons, each on a host of its own (network namespace, data directory):\n\n\
         ./tests/demo exec node1 lxc cluster list\n\
         ./tests/demo exec node2 lxc cluster add node4\n\
         ./tests/demo exec node3 lxc query /1.0/cluster\n\
         {debian}\n\
         ./tests/demo shell node1\n\
         ./tests/demo down\n\n\
         Data and logs are in {}.",
        folder.display()
    );
    Ok(())
}

/// Runs in the terminal of the caller and ends as the command does.
fn run(host: &Host, words: &[String]) -> Result<ExitCode> {
    let mut command = host.command("/usr/bin/env")?;
    command.args(words).stdin(Stdio::inherit()).env("TERM", term());
    let status = host.spawn(&mut command)?.wait()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, Into::into))
}

fn term() -> String {
    #[allow(clippy::disallowed_methods, reason = "an interactive program must know its terminal")]
    std::env::var("TERM").unwrap_or_else(|_| "linux".to_owned())
}
