//! `lxc cluster group edit`

use shared_api::cluster::{ClusterGroup, ClusterGroupPut};
use shared_api::{paths, yaml};

use crate::context::Context;
use crate::editor;

/// Edit a cluster group
///
/// Without a terminal the YAML is read from standard input.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Cluster group to edit
    #[arg(value_name = "[<remote>:]<group>", required = true)]
    group: String,
}

const HELP: &str = "### This is a YAML representation of the cluster group.
### Any line starting with a '# will be ignored.

";

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let group = ctx.resource(&arguments.group)?;
    let client = ctx.client(&group)?;
    let path = paths::cluster_group(group.name_of("cluster group")?);
    let shown = |group: &ClusterGroup| format!("{HELP}{}", yaml::to_string(group));
    editor::change::<_, ClusterGroupPut>(ctx, &client, &path, shown).await
}
