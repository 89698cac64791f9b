//! `lxc profile …`

mod create;
mod delete;
mod list;
mod set;
mod show;
mod unset;

use clap::{Args, Subcommand};
use shared_api::config::Map;
use shared_api::paths;
use shared_api::profiles::{Profile, ProfilePut};

use crate::client::Tagged;
use crate::context::Context;
use crate::remote::Resource;

/// Manage profiles
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
    List(list::Arguments),
    Set(set::Arguments),
    Show(show::Arguments),
    Unset(unset::Arguments),
}

pub(crate) async fn run(ctx: &Context, group: Group) -> anyhow::Result<()> {
    match group.verb {
        Verb::Create(arguments) => create::run(ctx, arguments).await,
        Verb::Delete(arguments) => delete::run(ctx, arguments).await,
        Verb::List(arguments) => list::run(ctx, arguments).await,
        Verb::Set(arguments) => set::run(ctx, arguments).await,
        Verb::Show(arguments) => show::run(ctx, arguments).await,
        Verb::Unset(arguments) => unset::run(ctx, arguments).await,
    }
}

/// Sets these keys and leaves the others; an empty value unsets its key.
async fn change(ctx: &Context, profile: &Resource, changes: Map) -> anyhow::Result<()> {
    let client = ctx.client(profile)?;
    let path = client.in_project(&paths::profile(profile.name_of("profile")?), &[]);
    let Tagged { value, etag } = client.get_tagged::<Profile>(&path).await?;
    let Profile { mut config, description, devices, .. } = value;
    config.extend(changes);
    config.retain(|_, value| !value.is_empty());
    client.put(&path, &etag, &ProfilePut { config, description, devices }).await
}
