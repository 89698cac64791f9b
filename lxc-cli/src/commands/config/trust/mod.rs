//! `lxc config trust …`

mod add;
mod edit;
mod list;
mod list_tokens;
mod remove;
mod revoke_token;
mod show;
mod tokens;

use clap::{Args, Subcommand};

use crate::context::Context;

/// Manage trusted clients
#[derive(Args)]
#[command(disable_help_subcommand = true)]
pub(crate) struct Group {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Add(add::Arguments),
    Edit(edit::Arguments),
    List(list::Arguments),
    ListTokens(list_tokens::Arguments),
    Remove(remove::Arguments),
    RevokeToken(revoke_token::Arguments),
    Show(show::Arguments),
}

pub(crate) async fn run(ctx: &Context, group: Group) -> anyhow::Result<()> {
    match group.verb {
        Verb::Add(arguments) => add::run(ctx, arguments).await,
        Verb::Edit(arguments) => edit::run(ctx, arguments).await,
        Verb::List(arguments) => list::run(ctx, arguments).await,
        Verb::ListTokens(arguments) => list_tokens::run(ctx, arguments).await,
        Verb::Remove(arguments) => remove::run(ctx, arguments).await,
        Verb::RevokeToken(arguments) => revoke_token::run(ctx, arguments).await,
        Verb::Show(arguments) => show::run(ctx, arguments).await,
    }
}
