//! The client `lxc`: commands that talk to LXD's REST API.

mod cli;
mod client;
mod clock;
mod commands;
mod context;
mod editor;
mod error;
mod json;
mod pairs;
mod remote;
mod settings;
mod table;
mod ui;
mod usage;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::FromArgMatches;

use crate::cli::Cli;
use crate::context::Context;
use crate::ui::Ui;

/// What of the process's environment matters.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// The daemon's directory, with its socket; `/var/lib/lxd` when unset.
    pub lxd_dir: Option<PathBuf>,
    /// The daemon's socket, wherever it is.
    pub lxd_socket: Option<PathBuf>,
    /// The client's settings; `.config/lxc` at home when unset.
    pub lxd_conf: Option<PathBuf>,
    /// Settings for all users of the machine; `/etc/lxd` when unset.
    pub lxd_global_conf: Option<PathBuf>,
    /// The user's home.
    pub home: Option<PathBuf>,
    /// The user's name.
    pub user: Option<String>,
    /// The editor of the user's choice.
    pub editor: Option<String>,
}

/// The definition of all commands, for parsing, completions and man pages.
pub fn command() -> clap::Command {
    cli::command()
}

/// Runs one command line, the program's name first. Returns the process's exit code: 0, 1 for any
/// error, 130 when interrupted.
pub fn run(args: impl IntoIterator<Item = OsString>, environment: Environment) -> ExitCode {
    let args: Vec<OsString> = args.into_iter().collect();
    let parsed = command().try_get_matches_from(&args);
    let cli = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return error::exit_code(usage::explain(&error, &args), &Ui::default()),
    };
    let ui = Ui::new(cli.global.quiet, cli.global.debug);
    let context = Context::new(&cli.global, environment, ui);
    let result = block_on(commands::run(&context, cli.command));
    error::exit_code(result, &context.ui)
}

/// Runs to the end, or until Ctrl-C.
fn block_on(future: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        tokio::select! {
            result = future => result,
            _ = tokio::signal::ctrl_c() => Err(error::Interrupted.into()),
        }
    })
}
