//! The commands: a folder for each noun, a file for each verb.

pub(crate) mod cluster;
pub(crate) mod config;
pub(crate) mod info;
pub(crate) mod network;
pub(crate) mod profile;
pub(crate) mod project;
pub(crate) mod query;
pub(crate) mod remote;
pub(crate) mod storage;
mod tokens;
pub(crate) mod version;

use crate::cli::Command;
use crate::context::Context;

pub(crate) async fn run(ctx: &Context, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Cluster(group) => cluster::run(ctx, group).await,
        Command::Config(group) => config::run(ctx, group).await,
        Command::Info(arguments) => info::run(ctx, arguments).await,
        Command::Network(group) => network::run(ctx, group).await,
        Command::Profile(group) => profile::run(ctx, group).await,
        Command::Project(group) => project::run(ctx, group).await,
        Command::Query(arguments) => query::run(ctx, arguments).await,
        Command::Remote(group) => remote::run(ctx, group).await,
        Command::Storage(group) => storage::run(ctx, group).await,
        Command::Version(arguments) => version::run(ctx, arguments).await,
    }
}

/// The number of users of a thing, for a list.
fn used_by(urls: Option<&Vec<String>>) -> String {
    urls.map_or(0, Vec::len).to_string()
}
