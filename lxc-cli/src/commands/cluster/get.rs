//! `lxc cluster get`

use anyhow::Context as _;
use shared_api::cluster::Member;
use shared_api::paths;

use crate::context::Context;

/// Get values for cluster member configuration keys
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Cluster member to ask about
    #[arg(value_name = "[<remote>:]<member>", required = true)]
    member: String,
    /// Key to get
    #[arg(value_name = "<key>", required = true)]
    key: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { member, key } = arguments;
    let member = ctx.resource(&member)?;
    let client = ctx.client(&member)?;
    let name = member.name_of("cluster member")?;
    let shown: Member = client.get(&paths::cluster_member(name)).await?;
    let missing = || format!("The key \"{key}\" does not exist on cluster member \"{name}\"");
    let value = shown.config.get(&key).with_context(missing)?;
    Ok(ctx.ui.data(format_args!("{value}\n"))?)
}
