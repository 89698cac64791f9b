//! The command line of `lxd`, and all that is read from the environment.

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Args, Parser, Subcommand};
use std::ffi::OsStr;
use std::path::PathBuf;

/// The LXD daemon: manages a host and, together with other hosts, a cluster.
///
/// Without a command it runs the daemon.
#[derive(Debug, Parser)]
#[command(name = "lxd", version, disable_help_subcommand = true)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Flags of every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// The group of users that may use the unix socket
    #[arg(long, global = true, value_name = "NAME")]
    pub group: Option<String>,
    /// Write the log to this file instead of standard error
    #[arg(long, global = true, value_name = "FILE")]
    pub logfile: Option<PathBuf>,
    /// Log everything
    #[arg(short, long, global = true)]
    pub debug: bool,
    /// Log what happens, not only what goes wrong
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon
    Daemon,
    /// Set up this server, alone or in a cluster
    Init(Init),
    /// Wait until the daemon is ready to take requests
    Waitready(WaitReady),
    /// Stop the daemon
    Shutdown(Shutdown),
    /// Query or change the daemon's databases directly
    Sql(Sql),
}

/// Arguments of `lxd init`.
#[derive(Debug, Args)]
pub struct Init {
    /// Read the configuration as YAML from standard input
    #[arg(long, required = true)]
    pub preseed: bool,
}

/// Arguments of `lxd waitready`.
#[derive(Debug, Args)]
pub struct WaitReady {
    /// Give up after this many seconds (0: never)
    #[arg(short, long, default_value_t = 0, value_name = "SECONDS")]
    pub timeout: u64,
}

/// Arguments of `lxd shutdown`.
#[derive(Debug, Args)]
pub struct Shutdown {
    /// Give up after this many seconds (0: never)
    #[arg(short, long, default_value_t = 0, value_name = "SECONDS")]
    pub timeout: u64,
    /// Do not wait for operations that are under way
    #[arg(short, long)]
    pub force: bool,
}

/// Arguments of `lxd sql`.
#[derive(Debug, Args)]
pub struct Sql {
    /// This host's own database, or the cluster's
    #[arg(value_name = "local|global", value_parser = AnyDatabase)]
    pub database: String,
    /// SQL statements, `.dump`, `.schema`, or `-` for standard input
    #[arg(allow_hyphen_values = true)]
    pub query: String,
}

/// The databases of the daemon: what only this host knows, and what the whole cluster shares.
pub const DATABASES: [&str; 2] = ["local", "global"];

/// Offers the names of databases for completion; `lxd sql` itself refuses others, in LXD's way.
#[derive(Clone)]
struct AnyDatabase;

impl TypedValueParser for AnyDatabase {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(DATABASES.into_iter().map(PossibleValue::new)))
    }
}

/// Where the daemon keeps its state: LXD_DIR, or /var/lib/lxd.
#[allow(clippy::disallowed_methods, reason = "this is the one place")]
pub fn directory() -> PathBuf {
    std::env::var_os("LXD_DIR")
        .filter(|dir| !dir.is_empty())
        .map_or_else(|| PathBuf::from("/var/lib/lxd"), PathBuf::from)
}

/// The definition of the command line, for man pages and completions.
pub fn command() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}
