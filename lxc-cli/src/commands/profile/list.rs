//! `lxc profile list`

use shared_api::paths;
use shared_api::profiles::Profile;

use crate::commands::used_by;
use crate::context::Context;
use crate::table::{self, FormatFlag, Rows};

/// List profiles
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
    let path = client.in_project(paths::PROFILES, &[("recursion", "1")]);
    let profiles: Vec<Profile> = client.get(&path).await?;
    Ok(ctx.ui.data(table::render(arguments.flag.format, &profiles, rows)?)?)
}

fn rows(profiles: &[Profile]) -> Rows {
    let row = |profile: &Profile| {
        vec![profile.name.clone(), profile.description.clone(), used_by(Some(&profile.used_by))]
    };
    Rows {
        columns: vec!["NAME", "DESCRIPTION", "USED BY"],
        rows: profiles.iter().map(row).collect(),
    }
}
