//! `lxc cluster group create`

use shared_api::cluster::ClusterGroupsPost;
use shared_api::paths;

use crate::context::Context;

/// Create a cluster group
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Cluster group to create
    #[arg(value_name = "[<remote>:]<group>", required = true)]
    group: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let group = ctx.resource(&arguments.group)?;
    let client = ctx.client(&group)?;
    let name = group.name_of("cluster group")?;
    let request = ClusterGroupsPost { name: name.to_owned(), ..ClusterGroupsPost::default() };
    client.create(paths::CLUSTER_GROUPS, &request).await?;
    Ok(ctx.ui.note(format_args!("Cluster group {name} created"))?)
}
