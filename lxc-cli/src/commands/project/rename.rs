//! `lxc project rename`

use shared_api::operations::Operation;
use shared_api::paths;
use shared_api::projects::ProjectPost;

use crate::context::Context;

/// Rename projects
#[derive(clap::Args)]
#[command(visible_alias = "mv")]
pub(crate) struct Arguments {
    /// Project to rename
    #[arg(value_name = "[<remote>:]<project>", required = true)]
    name: String,
    /// Its new name
    #[arg(value_name = "<new-name>", required = true)]
    new_name: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let project = ctx.resource(&arguments.name)?;
    let client = ctx.client(&project)?;
    let name = project.name_of("project")?;
    let request = ProjectPost { name: arguments.new_name };
    let operation: Option<Operation> = client.post(&paths::project(name), &request).await?;
    if let Some(operation) = operation {
        client.wait(&operation).await?;
    }
    ctx.ui.note(format_args!("Project {name} renamed to {}", request.name))?;
    if super::is_current(ctx, &project.remote, name)? {
        super::switch_to(ctx, &project.remote, &request.name)?;
    }
    Ok(())
}
