//! `lxc cluster …`

mod add;
mod disable;
mod edit;
mod enable;
mod get;
mod group;
mod list;
mod list_tokens;
mod remove;
mod revoke_token;
mod set;
mod show;
mod tokens;
mod unset;
mod update_certificate;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use hyper::Method;
use shared_api::cluster::{Cluster, ClusterPut, Member, MemberPut};
use shared_api::operations::Operation;
use shared_api::paths;

use crate::client::{Client, Tagged};
use crate::context::Context;
use crate::remote::Resource;

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
    Edit(edit::Arguments),
    Enable(enable::Arguments),
    Get(get::Arguments),
    Group(group::Group),
    List(list::Arguments),
    ListTokens(list_tokens::Arguments),
    Remove(remove::Arguments),
    RevokeToken(revoke_token::Arguments),
    Set(set::Arguments),
    Show(show::Arguments),
    Unset(unset::Arguments),
    UpdateCertificate(update_certificate::Arguments),
}

pub(crate) async fn run(ctx: &Context, group: Group) -> anyhow::Result<()> {
    match group.verb {
        Verb::Add(arguments) => add::run(ctx, arguments).await,
        Verb::Disable(arguments) => disable::run(ctx, arguments).await,
        Verb::Edit(arguments) => edit::run(ctx, arguments).await,
        Verb::Enable(arguments) => enable::run(ctx, arguments).await,
        Verb::Get(arguments) => get::run(ctx, arguments).await,
        Verb::Group(group) => group::run(ctx, group).await,
        Verb::List(arguments) => list::run(ctx, arguments).await,
        Verb::ListTokens(arguments) => list_tokens::run(ctx, arguments).await,
        Verb::Remove(arguments) => remove::run(ctx, arguments).await,
        Verb::RevokeToken(arguments) => revoke_token::run(ctx, arguments).await,
        Verb::Set(arguments) => set::run(ctx, arguments).await,
        Verb::Show(arguments) => show::run(ctx, arguments).await,
        Verb::Unset(arguments) => unset::run(ctx, arguments).await,
        Verb::UpdateCertificate(arguments) => update_certificate::run(ctx, arguments).await,
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

/// Changes a member, if nobody else did in the meantime.
async fn change_member(
    ctx: &Context,
    member: &Resource,
    change: impl FnOnce(&mut MemberPut) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let client = ctx.client(member)?;
    let path = paths::cluster_member(member.name_of("cluster member")?);
    let Tagged { value, etag } = client.get_tagged::<Member>(&path).await?;
    let mut put = editable(&value);
    change(&mut put)?;
    put.config.retain(|_, value| !value.is_empty());
    client.put(&path, &etag, &put).await
}

/// What of a member can be changed.
fn editable(member: &Member) -> MemberPut {
    let Member { roles, failure_domain, description, config, groups, .. } = member.clone();
    MemberPut { roles, failure_domain, description, config, groups }
}

/// Has the server found or end its cluster, and waits until it has.
async fn change(client: &Client, request: &ClusterPut) -> anyhow::Result<()> {
    let body = serde_json::to_string(request).context("Failed to write the request")?;
    let answer = client.raw(Method::PUT, paths::CLUSTER, Some(body)).await?;
    let operation: Option<Operation> = answer.metadata()?;
    let operation = operation.context("The answer holds no operation")?;
    client.wait(&operation).await.map(drop)
}
