//! `lxc project delete`

use shared_api::paths;

use crate::context::Context;

/// Delete projects
#[derive(clap::Args)]
#[command(visible_alias = "rm")]
pub(crate) struct Arguments {
    /// Project to delete
    #[arg(value_name = "[<remote>:]<project>", required = true)]
    name: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let project = ctx.resource(&arguments.name)?;
    let client = ctx.client(&project)?;
    let name = project.name_of("project")?;
    client.delete(&paths::project(name)).await?;
    ctx.ui.note(format_args!("Project {name} deleted"))?;
    if super::is_current(ctx, &project.remote, name)? {
        super::switch_to(ctx, &project.remote, "")?;
    }
    Ok(())
}
