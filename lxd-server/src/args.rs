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
#[derive(Clone, Debug, Default, Args)]
pub struct Init {
    /// Make a storage pool and a bridge without asking
    #[arg(long)]
    pub auto: bool,
    /// The same, without further choices
    #[arg(long)]
    pub minimal: bool,
    /// Read the configuration as YAML from standard input
    #[arg(long)]
    pub preseed: bool,
    /// Print the configuration as YAML, as --preseed reads it
    #[arg(long)]
    pub dump: bool,
    /// Print what would change, and change nothing; exit with 2 if something would
    #[arg(long)]
    pub dry_run: bool,
    /// When joining: wait this long until a member of the cluster can be reached
    #[arg(long, default_value_t = 0, value_name = "SECONDS")]
    pub wait: u64,
    /// With --auto: the address on which the server can be reached over the network
    #[arg(long, value_name = "ADDRESS")]
    pub network_address: Option<String>,
    /// With --network-address: its port [default: 8443]
    #[arg(long, value_name = "PORT")]
    pub network_port: Option<u16>,
    /// With --auto: the kind of storage pool [default: dir]
    #[arg(long, value_name = "DRIVER")]
    pub storage_backend: Option<String>,
    /// With --storage-backend btrfs: an empty block device for the pool
    #[arg(long, value_name = "DEVICE")]
    pub storage_create_device: Option<String>,
    /// With --storage-backend btrfs: the size of a file for the pool, in GB
    #[arg(long, value_name = "GB")]
    pub storage_create_loop: Option<u64>,
    /// With --storage-backend btrfs: a directory on btrfs for the pool; with a device or a size: its name
    #[arg(long, value_name = "POOL")]
    pub storage_pool: Option<String>,
    /// With --network-address: the password by which clients add themselves
    #[arg(long, value_name = "PASSWORD")]
    pub trust_password: Option<String>,
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

/// Where the daemon is to die, for tests of crashes: LXD_FAIL_AT, in builds for tests alone.
#[cfg(debug_assertions)]
#[allow(clippy::disallowed_methods, reason = "this is the one place")]
pub fn fail_at() -> Option<String> {
    std::env::var("LXD_FAIL_AT").ok()
}

/// The definition of the command line, for man pages and completions.
pub fn command() -> clap::Command {
    <Arguments as clap::CommandFactory>::command()
}
