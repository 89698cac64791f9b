//! `lxc cluster remove`

use anyhow::bail;
use shared_api::paths;

use crate::context::Context;

/// Remove a member from the cluster
#[derive(clap::Args)]
#[command(
    visible_alias = "rm",
    after_help = "The member becomes a server of its own, without the storage pools, networks and profiles of \
    the cluster. One that does not answer is removed with --force alone; it is told when it returns, and \
    \"lxc cluster disable\" there clears what it has of the cluster."
)]
pub(crate) struct Arguments {
    /// Member to remove
    #[arg(value_name = "[<remote>:]<member>", required = true)]
    member: String,
    /// Force removing a member, even if degraded
    #[arg(short, long)]
    force: bool,
    /// Don't require user confirmation for using --force
    #[arg(long)]
    yes: bool,
}

const WARNING: &str = "\
A member that is forced out without being there keeps what it has of the cluster
until somebody clears it: its storage pools, networks and profiles are in no
cluster any more, and instances or volumes that it alone holds are lost to it.

If it still runs, or can be started, remove it without --force: it then becomes
a server of its own by itself.
";

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let member = ctx.resource(&arguments.member)?;
    let client = ctx.client(&member)?;
    let name = member.name_of("cluster member")?;
    let mut path = paths::cluster_member(name);
    if arguments.force {
        if !arguments.yes {
            confirm(ctx, name)?;
        }
        path = paths::with_query(&path, &[("force", "1")]);
    }
    client.delete(&path).await?;
    Ok(ctx.ui.note(format_args!("Member {name} removed"))?)
}

fn confirm(ctx: &Context, name: &str) -> anyhow::Result<()> {
    let question =
        format!("{WARNING}\nAre you really sure you want to force removing {name}? (yes/no): ");
    let answer = ctx.ui.ask(&question)?;
    if !["yes", "y"].contains(&answer.to_lowercase().as_str()) {
        bail!("User aborted delete operation");
    }
    Ok(())
}
