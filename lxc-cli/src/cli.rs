//! The command line: global flags, the tree of commands, and how their help looks.

use clap::{ArgAction, Args, CommandFactory, Parser, Subcommand, ValueHint};

use crate::commands::{
    cluster, config, info, network, profile, project, query, remote, storage, version,
};

/// Command line client for LXD
#[derive(Parser)]
#[command(name = "lxc", version, propagate_version = true)]
#[command(disable_version_flag = true, disable_help_flag = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Args)]
#[command(next_help_heading = "Global Flags")]
pub(crate) struct Global {
    /// Show all debug messages
    #[arg(long, global = true)]
    pub(crate) debug: bool,
    /// Force using the local unix socket
    #[arg(long, global = true)]
    pub(crate) force_local: bool,
    /// Print help
    #[arg(short, long, global = true, action = ArgAction::Help)]
    help: Option<bool>,
    /// Override the source project
    #[arg(long, global = true, value_name = "project")]
    pub(crate) project: Option<String>,
    /// Don't show progress information
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Show all information messages
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
    /// Print version number
    #[arg(long, global = true, action = ArgAction::Version)]
    version: Option<bool>,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    Cluster(cluster::Group),
    Config(config::Group),
    Info(info::Arguments),
    Network(network::Group),
    Profile(profile::Group),
    Project(project::Group),
    Query(query::Arguments),
    Remote(remote::Group),
    Storage(storage::Group),
    Version(version::Arguments),
}

/// The whole command, with LXD's usage lines and layout of help.
pub(crate) fn command() -> clap::Command {
    dressed(Cli::command(), "lxc")
}

/// The command and those inside it; `path` is how it is called.
fn dressed(command: clap::Command, path: &str) -> clap::Command {
    let usage = usage(&command, path);
    let template = if command.has_subcommands() {
        format!(
            "Description:\n  {{about}}\n\nUsage:\n  {{usage}}\n\nAvailable Commands:\n\
             {{subcommands}}\n\nGlobal Flags:\n{{options}}{{after-help}}\n\n\
             Use \"{path} [command] --help\" for more information about a command."
        )
    } else {
        "Description:\n  {about}\n\nUsage:\n  {usage}\n\n{all-args}{after-help}".to_owned()
    };
    command
        .override_usage(usage)
        .help_template(template)
        .bin_name(path)
        .mut_args(|argument| {
            let is_positional = argument.is_positional();
            let mut argument = argument.hide(is_positional);
            if argument.get_action().takes_values() {
                // No value is a file, which shells would offer.
                argument = argument.value_hint(ValueHint::Other);
            }
            if argument.get_help_heading().is_none() {
                argument = argument.help_heading("Flags");
            }
            argument
        })
        .mut_subcommands(|inner| {
            let path = format!("{path} {}", inner.get_name());
            dressed(inner, &path)
        })
}

/// The path, the arguments as they are named, and `[flags]`.
fn usage(command: &clap::Command, path: &str) -> String {
    if command.has_subcommands() {
        return format!("{path} [command]");
    }
    let mut usage = path.to_owned();
    for argument in command.get_positionals() {
        for name in argument.get_value_names().unwrap_or_default() {
            usage.push(' ');
            usage.push_str(name);
        }
    }
    usage + " [flags]"
}
