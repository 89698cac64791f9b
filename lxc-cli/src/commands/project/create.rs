//! `lxc project create`

use shared_api::paths;
use shared_api::projects::ProjectsPost;

use crate::context::Context;
use crate::pairs;

/// Create projects
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Project to create
    #[arg(value_name = "[<remote>:]<project>", required = true)]
    name: String,
    /// Config key/value to apply to the new project
    #[arg(short, long, value_name = "key=value")]
    config: Vec<String>,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let project = ctx.resource(&arguments.name)?;
    let client = ctx.client(&project)?;
    let name = project.name_of("project")?;
    let config = pairs::parse(&arguments.config, |pair| format!("Bad key=value pair: {pair}"))?;
    let request = ProjectsPost { config, name: name.to_owned(), ..ProjectsPost::default() };
    client.create(paths::PROJECTS, &request).await?;
    Ok(ctx.ui.note(format_args!("Project {name} created"))?)
}
