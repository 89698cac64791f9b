//! `lxc project switch`

use shared_api::paths;
use shared_api::projects::Project;

use crate::context::Context;

/// Switch the current project
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Project that commands on its remote use
    #[arg(value_name = "[<remote>:]<project>", required = true)]
    name: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let project = ctx.resource(&arguments.name)?;
    let client = ctx.client(&project)?;
    let found: Project = client.get(&paths::project(project.name_of("project")?)).await?;
    super::switch_to(ctx, &project.remote, &found.name)
}
