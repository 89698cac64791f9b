//! `lxc cluster unset`

use crate::context::Context;

/// Unset a cluster member's configuration keys
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Cluster member to change
    #[arg(value_name = "[<remote>:]<member>", required = true)]
    member: String,
    /// Key to unset
    #[arg(value_name = "<key>", required = true)]
    key: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    super::change_member(ctx, &ctx.resource(&arguments.member)?, |put| {
        put.config.remove(&arguments.key);
        Ok(())
    })
    .await
}
