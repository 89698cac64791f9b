//! `lxc project …`

mod create;
mod delete;
mod edit;
mod get;
mod list;
mod rename;
mod set;
mod show;
mod switch;
mod unset;

use clap::{Args, Subcommand};
use shared_api::config::Map;
use shared_api::paths;
use shared_api::projects::{Project, ProjectPut};

use crate::client::Tagged;
use crate::context::Context;
use crate::remote::Resource;

/// Manage projects
#[derive(Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Group {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Create(create::Arguments),
    Delete(delete::Arguments),
    Edit(edit::Arguments),
    Get(get::Arguments),
    List(list::Arguments),
    Rename(rename::Arguments),
    Set(set::Arguments),
    Show(show::Arguments),
    Switch(switch::Arguments),
    Unset(unset::Arguments),
}

pub(crate) async fn run(ctx: &Context, group: Group) -> anyhow::Result<()> {
    match group.verb {
        Verb::Create(arguments) => create::run(ctx, arguments).await,
        Verb::Delete(arguments) => delete::run(ctx, arguments).await,
        Verb::Edit(arguments) => edit::run(ctx, arguments).await,
        Verb::Get(arguments) => get::run(ctx, arguments).await,
        Verb::List(arguments) => list::run(ctx, arguments).await,
        Verb::Rename(arguments) => rename::run(ctx, arguments).await,
        Verb::Set(arguments) => set::run(ctx, arguments).await,
        Verb::Show(arguments) => show::run(ctx, arguments).await,
        Verb::Switch(arguments) => switch::run(ctx, arguments).await,
        Verb::Unset(arguments) => unset::run(ctx, arguments).await,
    }
}

/// Sets these keys and leaves the others; an empty value unsets its key.
async fn change(ctx: &Context, project: &Resource, changes: Map) -> anyhow::Result<()> {
    let client = ctx.client(project)?;
    let path = paths::project(project.name_of("project")?);
    let Tagged { value, etag } = client.get_tagged::<Project>(&path).await?;
    let Project { mut config, description, .. } = value;
    config.extend(changes);
    config.retain(|_, value| !value.is_empty());
    client.put(&path, &etag, &ProjectPut { config, description }).await
}

/// Commands on the remote use another project from now on; an empty name stands for `default`.
fn switch_to(ctx: &Context, remote: &str, project: &str) -> anyhow::Result<()> {
    let settings = ctx.settings()?;
    let Some(mut entry) = settings.remote(remote) else { return Ok(()) };
    project.clone_into(&mut entry.project);
    settings.change(|file| {
        file.set(remote, &entry);
        Ok(())
    })
}

/// Whether commands on the remote use a project.
fn is_current(ctx: &Context, remote: &str, project: &str) -> anyhow::Result<bool> {
    Ok(ctx.settings()?.remote(remote).is_some_and(|remote| remote.project == project))
}
