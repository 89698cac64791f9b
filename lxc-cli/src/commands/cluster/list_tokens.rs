//! `lxc cluster list-tokens`

use super::tokens;
use crate::commands::tokens::{Listed, Pending, list};
use crate::context::Context;
use crate::table::FormatFlag;

/// List all active cluster member join tokens
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
    super::check_clustered(&client).await?;
    let pending = tokens::pending(ctx, &client).await?;
    let listed = pending.into_iter().map(|Pending { token, .. }| Listed {
        token: token.encode(),
        name: token.server_name,
        expires_at: Some(token.expires_at),
    });
    Ok(ctx.ui.data(list(arguments.flag.format, "ServerName", listed.collect())?)?)
}
