//! `lxc cluster group delete`

use shared_api::paths;

use crate::context::Context;

/// Delete a cluster group
#[derive(clap::Args)]
#[command(visible_alias = "rm")]
pub(crate) struct Arguments {
    /// Cluster group to delete
    #[arg(value_name = "[<remote>:]<group>", required = true)]
    group: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let group = ctx.resource(&arguments.group)?;
    let client = ctx.client(&group)?;
    let name = group.name_of("cluster group")?;
    client.delete(&paths::cluster_group(name)).await?;
    Ok(ctx.ui.note(format_args!("Cluster group {name} deleted"))?)
}
