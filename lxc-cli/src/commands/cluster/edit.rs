//! `lxc cluster edit`

use shared_api::cluster::{Member, MemberPut};
use shared_api::{paths, yaml};

use crate::context::Context;
use crate::editor;

/// Edit cluster member configurations as YAML
///
/// Without a terminal the YAML is read from standard input.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  lxc cluster edit <cluster member> < member.yaml\n      \
    Update a cluster member using the content of member.yaml")]
pub(crate) struct Arguments {
    /// Cluster member to edit
    #[arg(value_name = "[<remote>:]<cluster member>", required = true)]
    member: String,
}

const HELP: &str = "### This is a yaml representation of the cluster member.
### Any line starting with a '# will be ignored.

";

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let member = ctx.resource(&arguments.member)?;
    let client = ctx.client(&member)?;
    let path = paths::cluster_member(member.name_of("cluster member")?);
    let shown = |member: &Member| format!("{HELP}{}", yaml::to_string(&super::editable(member)));
    editor::change::<_, MemberPut>(ctx, &client, &path, shown).await
}
