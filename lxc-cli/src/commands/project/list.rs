//! `lxc project list`

use shared_api::config::project::{FEATURES, has};
use shared_api::paths;
use shared_api::projects::Project;

use crate::commands::used_by;
use crate::context::Context;
use crate::table::{self, FormatFlag, Rows};

/// List projects
#[derive(clap::Args)]
#[command(visible_alias = "ls")]
pub(crate) struct Arguments {
    /// Remote to ask
    #[arg(value_name = "[<remote>:]")]
    remote: Option<String>,
    #[command(flatten)]
    flag: FormatFlag,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let client = ctx.client(&ctx.resource(arguments.remote.as_deref().unwrap_or_default())?)?;
    let path = paths::with_query(paths::PROJECTS, &[("recursion", "1")]);
    let projects: Vec<Project> = client.get(&path).await?;
    let rows = |projects: &[Project]| rows(projects, client.project());
    Ok(ctx.ui.data(table::render(arguments.flag.format, &projects, rows)?)?)
}

fn rows(projects: &[Project], current: &str) -> Rows {
    let [images, networks, profiles, volumes] = FEATURES;
    let row = |project: &Project| {
        let word = |feature| if has(&project.config, feature) { "YES" } else { "NO" }.to_owned();
        let name = &project.name;
        vec![
            if name == current { format!("{name} (current)") } else { name.clone() },
            word(images),
            word(profiles),
            word(volumes),
            word(networks),
            project.description.clone(),
            used_by(Some(&project.used_by)),
        ]
    };
    let columns = ["NAME", "IMAGES", "PROFILES", "STORAGE VOLUMES", "NETWORKS"];
    Rows {
        columns: columns.into_iter().chain(["DESCRIPTION", "USED BY"]).collect(),
        rows: projects.iter().map(row).collect(),
    }
}
