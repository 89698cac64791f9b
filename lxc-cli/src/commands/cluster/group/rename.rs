//! `lxc cluster group rename`

use shared_api::cluster::ClusterGroupPost;
use shared_api::paths;

use crate::context::Context;

/// Rename a cluster group
#[derive(clap::Args)]
#[command(visible_alias = "mv")]
pub(crate) struct Arguments {
    /// Cluster group to rename
    #[arg(value_name = "[<remote>:]<group>", required = true)]
    group: String,
    /// Its new name
    #[arg(value_name = "<new-name>", required = true)]
    new_name: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let group = ctx.resource(&arguments.group)?;
    let client = ctx.client(&group)?;
    let name = group.name_of("cluster group")?;
    let request = ClusterGroupPost { name: arguments.new_name };
    client.create(&paths::cluster_group(name), &request).await?;
    Ok(ctx.ui.note(format_args!("Cluster group {name} renamed to {}", request.name))?)
}
