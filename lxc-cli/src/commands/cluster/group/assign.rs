//! `lxc cluster group assign`

use crate::commands::cluster::change_member;
use crate::context::Context;

/// Assign sets of groups to cluster members
#[derive(clap::Args)]
#[command(
    visible_alias = "apply",
    after_help = "Examples:\n  lxc cluster group assign foo default,bar\n      \
    Set the groups for \"foo\" to \"default\" and \"bar\".\n\n  \
    lxc cluster group assign foo default\n      \
    Reset \"foo\" to only using the \"default\" cluster group."
)]
pub(crate) struct Arguments {
    /// Cluster member to put into the groups
    #[arg(value_name = "[<remote>:]<member>", required = true)]
    member: String,
    /// All groups that it is to be in, separated by commas
    #[arg(value_name = "<group>", required = true)]
    groups: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { member, groups } = arguments;
    let member = ctx.resource(&member)?;
    let wanted = groups.split(',').filter(|group| !group.is_empty()).map(str::to_owned);
    change_member(ctx, &member, |put| {
        put.groups = wanted.collect();
        Ok(())
    })
    .await?;
    let name = &member.name;
    Ok(ctx.ui.note(format_args!("Cluster member {name} added to cluster groups {groups}"))?)
}
