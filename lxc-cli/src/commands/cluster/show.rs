//! `lxc cluster show`

use shared_api::cluster::Member;
use shared_api::{paths, yaml};

use crate::context::Context;

/// Show details of a cluster member
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Cluster member to show
    #[arg(value_name = "[<remote>:]<member>", required = true)]
    member: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let member = ctx.resource(&arguments.member)?;
    let client = ctx.client(&member)?;
    let name = member.name_of("cluster member")?;
    let member: Member = client.get(&paths::cluster_member(name)).await?;
    Ok(ctx.ui.data(yaml::to_string(&member))?)
}
