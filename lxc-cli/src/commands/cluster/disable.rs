//! `lxc cluster disable`

use shared_api::cluster::ClusterPut;

use crate::context::Context;

/// Make the last member of a cluster, or one that was removed, a server of its own
#[derive(clap::Args)]
#[command(
    after_help = "Pools, networks, profiles, projects and trusted clients of a last member stay as they are. The \
    server shows its own certificate from then on, so remotes of the cluster have to be added again; tokens are \
    void. A member that was removed while it was away drops what it has of the cluster's."
)]
pub(crate) struct Arguments {
    /// Remote of the cluster
    #[arg(value_name = "[<remote>:]")]
    remote: Option<String>,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let client = ctx.client(&ctx.resource(arguments.remote.as_deref().unwrap_or_default())?)?;
    super::change(&client, &ClusterPut::default()).await?;
    Ok(ctx.ui.note("Clustering disabled")?)
}
