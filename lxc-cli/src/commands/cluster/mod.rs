//! `lxc cluster …`

mod add;
mod list;
mod list_tokens;
mod revoke_token;
mod show;
mod tokens;

use clap::{Args, Subcommand};
use shared_api::cluster::Cluster;
use shared_api::paths;

use crate::client::Client;
use crate::context::Context;

/// Manage cluster members
#[derive(Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Group {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Add(add::Arguments),
    List(list::Arguments),
    ListTokens(list_tokens::Arguments),
    RevokeToken(revoke_token::Arguments),
    Show(show::Arguments),
}

pub(crate) async fn run(ctx: &Context, group: Group) -> anyhow::Result<()> {
    match group.verb {
        Verb::Add(arguments) => add::run(ctx, arguments).await,
        Verb::List(arguments) => list::run(ctx, arguments).await,
        Verb::ListTokens(arguments) => list_tokens::run(ctx, arguments).await,
        Verb::RevokeToken(arguments) => revoke_token::run(ctx, arguments).await,
        Verb::Show(arguments) => show::run(ctx, arguments).await,
    }
}

/// Refuses a server that is in no cluster.
async fn check_clustered(client: &Client) -> anyhow::Result<()> {
    let cluster: Cluster = client.get(paths::CLUSTER).await?;
    if !cluster.enabled {
        anyhow::bail!("LXD server isn't part of a cluster");
    }
    Ok(())
}
