//! `lxc cluster group list`

use shared_api::cluster::ClusterGroup;
use shared_api::paths;

use crate::context::Context;
use crate::table::{self, FormatFlag, Rows};

/// List all the cluster groups
#[derive(clap::Args)]
#[command(visible_alias = "ls")]
pub(crate) struct Arguments {
    /// Remote to ask
    #[arg(value_name = "[<remote>:]")]
    remote: Option<String>,
    #[command(flatten)]
    flag: FormatFlag,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let client = ctx.client(&ctx.resource(arguments.remote.as_deref().unwrap_or_default())?)?;
    let path = paths::with_query(paths::CLUSTER_GROUPS, &[("recursion", "1")]);
    let groups: Vec<ClusterGroup> = client.get(&path).await?;
    Ok(ctx.ui.data(table::render(arguments.flag.format, &groups, rows)?)?)
}

fn rows(groups: &[ClusterGroup]) -> Rows {
    let row = |group: &ClusterGroup| {
        vec![group.name.clone(), group.description.clone(), group.members.len().to_string()]
    };
    Rows { columns: vec!["NAME", "DESCRIPTION", "MEMBERS"], rows: groups.iter().map(row).collect() }
}
