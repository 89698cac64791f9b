//! `lxc cluster group show`

use shared_api::cluster::ClusterGroup;
use shared_api::{paths, yaml};

use crate::context::Context;

/// Show cluster group configurations
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Cluster group to show
    #[arg(value_name = "[<remote>:]<group>", required = true)]
    group: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let group = ctx.resource(&arguments.group)?;
    let client = ctx.client(&group)?;
    let path = paths::cluster_group(group.name_of("cluster group")?);
    let group: ClusterGroup = client.get(&path).await?;
    Ok(ctx.ui.data(yaml::to_string(&group))?)
}
