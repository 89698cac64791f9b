//! `lxc project show`

use shared_api::projects::Project;
use shared_api::{paths, yaml};

use crate::context::Context;

/// Show project options
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Project to show
    #[arg(value_name = "[<remote>:]<project>", required = true)]
    name: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let project = ctx.resource(&arguments.name)?;
    let client = ctx.client(&project)?;
    let project: Project = client.get(&paths::project(project.name_of("project")?)).await?;
    Ok(ctx.ui.data(yaml::to_string(&project))?)
}
