//! `lxc cluster …`

mod add;
mod disable;
mod enable;
mod list;
mod list_tokens;
mod revoke_token;
mod show;
mod tokens;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use hyper::Method;
use shared_api::cluster::{Cluster, ClusterPut};
use shared_api::operations::Operation;
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
    Disable(disable::Arguments),
    Enable(enable::Arguments),
    List(list::Arguments),
    ListTokens(list_tokens::Arguments),
    RevokeToken(revoke_token::Arguments),
    Show(show::Arguments),
}

pub(crate) async fn run(ctx: &Context, group: Group) -> anyhow::Result<()> {
    match group.verb {
        Verb::Add(arguments) => add::run(ctx, arguments).await,
        Verb::Disable(arguments) => disable::run(ctx, arguments).await,
        Verb::Enable(arguments) => enable::run(ctx, arguments).await,
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

/// Has the server found or end its cluster, and waits until it has.
async fn change(client: &Client, request: &ClusterPut) -> anyhow::Result<()> {
    let body = serde_json::to_string(request).context("Failed to write the request")?;
    let answer = client.raw(Method::PUT, paths::CLUSTER, Some(body)).await?;
    let operation: Option<Operation> = answer.metadata()?;
    let operation = operation.context("The answer holds no operation")?;
    client.wait(&operation).await.map(drop)
}
