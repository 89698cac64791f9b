//! `lxc cluster group …`

mod assign;
mod create;
mod delete;
mod edit;
mod list;
mod remove;
mod rename;
mod show;

use clap::{Args, Subcommand};

use crate::context::Context;

/// Manage cluster groups
#[derive(Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Group {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Assign(assign::Arguments),
    Create(create::Arguments),
    Delete(delete::Arguments),
    Edit(edit::Arguments),
    List(list::Arguments),
    Remove(remove::Arguments),
    Rename(rename::Arguments),
    Show(show::Arguments),
}

pub(crate) async fn run(ctx: &Context, group: Group) -> anyhow::Result<()> {
    match group.verb {
        Verb::Assign(arguments) => assign::run(ctx, arguments).await,
        Verb::Create(arguments) => create::run(ctx, arguments).await,
        Verb::Delete(arguments) => delete::run(ctx, arguments).await,
        Verb::Edit(arguments) => edit::run(ctx, arguments).await,
        Verb::List(arguments) => list::run(ctx, arguments).await,
        Verb::Remove(arguments) => remove::run(ctx, arguments).await,
        Verb::Rename(arguments) => rename::run(ctx, arguments).await,
        Verb::Show(arguments) => show::run(ctx, arguments).await,
    }
}
