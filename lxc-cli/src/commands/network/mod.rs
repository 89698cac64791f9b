//! `lxc network …`

mod create;
mod delete;
mod list;
mod show;

use clap::{Args, Subcommand};

use crate::context::Context;

/// Manage networks
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
    Show(show::Arguments),
}

pub(crate) async fn run(ctx: &Context, group: Group) -> anyhow::Result<()> {
    match group.verb {
        Verb::Create(arguments) => create::run(ctx, arguments).await,
        Verb::Delete(arguments) => delete::run(ctx, arguments).await,
        Verb::List(arguments) => list::run(ctx, arguments).await,
        Verb::Show(arguments) => show::run(ctx, arguments).await,
    }
}
