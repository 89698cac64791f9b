//! `lxc project get`

use shared_api::paths;
use shared_api::projects::Project;

use crate::context::Context;

/// Get values for project configuration keys
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Project to ask about
    #[arg(value_name = "[<remote>:]<project>", required = true)]
    name: String,
    /// Key to get
    #[arg(value_name = "<key>", required = true)]
    key: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let project = ctx.resource(&arguments.name)?;
    let client = ctx.client(&project)?;
    let project: Project = client.get(&paths::project(project.name_of("project")?)).await?;
    let value = project.config.get(&arguments.key).map_or("", String::as_str);
    Ok(ctx.ui.data(format_args!("{value}\n"))?)
}
