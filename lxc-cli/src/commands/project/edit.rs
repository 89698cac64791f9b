//! `lxc project edit`

use shared_api::projects::{Project, ProjectPut};
use shared_api::{paths, yaml};

use crate::context::Context;
use crate::editor;

/// Edit project configurations as YAML
///
/// Without a terminal the YAML is read from standard input.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  lxc project edit <project> < project.yaml\n      \
    Update a project using the content of project.yaml")]
pub(crate) struct Arguments {
    /// Project to edit
    #[arg(value_name = "[<remote>:]<project>", required = true)]
    name: String,
}

const HELP: &str = "### This is a YAML representation of the project.
### Any line starting with a '# will be ignored.
###
### A project consists of a set of features and a description.
###
### An example would look like:
### config:
###   features.images: \"true\"
###   features.profiles: \"true\"
### description: My own project
###
### Note that the name is shown but cannot be changed

";

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let project = ctx.resource(&arguments.name)?;
    let client = ctx.client(&project)?;
    let path = paths::project(project.name_of("project")?);
    let shown = |project: &Project| format!("{HELP}{}", yaml::to_string(project));
    editor::change::<_, ProjectPut>(ctx, &client, &path, shown).await
}
