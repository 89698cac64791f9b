//! `lxc cluster revoke-token`

use anyhow::bail;
use shared_api::paths;

use super::tokens;
use crate::context::Context;
use crate::remote::Resource;

/// Revoke cluster member join token
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Cluster member that the token is for
    #[arg(value_name = "[<remote>:]<member>", required = true)]
    member: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let member = ctx.resource(&arguments.member)?;
    let client = ctx.client(&member)?;
    super::check_clustered(&client).await?;
    let Resource { remote, name } = &member;
    let pending = tokens::pending(ctx, &client).await?;
    let Some(pending) = pending.iter().find(|pending| pending.token.server_name == *name) else {
        bail!("No cluster join token for member {name} on remote: {remote}");
    };
    client.delete(&paths::operation(&pending.operation)).await?;
    Ok(ctx.ui.note(format_args!("Cluster join token for {remote}:{name} deleted"))?)
}
