//! `lxc cluster set`

use crate::context::Context;
use crate::pairs;

/// Set a cluster member's configuration keys
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Cluster member to change
    #[arg(value_name = "[<remote>:]<member>", required = true)]
    member: String,
    /// Keys and their values; an empty value unsets its key
    #[arg(value_name = "<key>=<value>...", required = true)]
    pairs: Vec<String>,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let changes = pairs::parse_set(&arguments.pairs)?;
    super::change_member(ctx, &ctx.resource(&arguments.member)?, |put| {
        put.config.extend(changes);
        Ok(())
    })
    .await
}
