//! `lxc config trust list-tokens`

use super::tokens;
use crate::commands::tokens::{Listed, Pending, list};
use crate::context::Context;
use crate::table::FormatFlag;

/// List all active certificate add tokens
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Remote to ask
    #[arg(value_name = "[<remote>:]")]
    remote: Option<String>,
    #[command(flatten)]
    flag: FormatFlag,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let client = ctx.client(&ctx.resource(arguments.remote.as_deref().unwrap_or_default())?)?;
    let pending = tokens::pending(&client).await?;
    let listed = pending.into_iter().map(|Pending { token, .. }| Listed {
        token: token.encode(),
        expires_at: token.expiry(),
        name: token.client_name,
    });
    Ok(ctx.ui.data(list(arguments.flag.format, "ClientName", listed.collect())?)?)
}
