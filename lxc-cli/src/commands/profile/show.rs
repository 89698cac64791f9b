//! `lxc profile show`

use shared_api::profiles::Profile;
use shared_api::{paths, yaml};

use crate::context::Context;

/// Show profile configurations
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Profile to show
    #[arg(value_name = "[<remote>:]<profile>", required = true)]
    profile: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let profile = ctx.resource(&arguments.profile)?;
    let client = ctx.client(&profile)?;
    let path = paths::profile(profile.name_of("profile")?);
    let profile: Profile = client.get(&client.in_project(&path, &[])).await?;
    Ok(ctx.ui.data(yaml::to_string(&profile))?)
}
