//! `lxc cluster group remove`

use anyhow::bail;

use crate::commands::cluster::change_member;
use crate::context::Context;

/// Remove a cluster member from a cluster group
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Cluster member to take out of the group
    #[arg(value_name = "[<remote>:]<member>", required = true)]
    member: String,
    /// Cluster group that it is in
    #[arg(value_name = "<group>", required = true)]
    group: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { member, group } = arguments;
    let member = ctx.resource(&member)?;
    let name = &member.name;
    change_member(ctx, &member, |put| {
        if !put.groups.contains(&group) {
            bail!("Cluster group {group} isn't currently applied to {name}");
        }
        put.groups.retain(|other| *other != group);
        Ok(())
    })
    .await?;
    Ok(ctx.ui.note(format_args!("Cluster member {name} removed from group {group}"))?)
}
