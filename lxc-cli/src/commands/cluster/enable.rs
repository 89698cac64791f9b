//! `lxc cluster enable`

use anyhow::{anyhow, bail};
use shared_api::cluster::{Cluster, ClusterPut};
use shared_api::paths;

use crate::context::Context;

/// Enable clustering on a single non-clustered LXD server
#[derive(clap::Args)]
#[command(
    after_help = "This command turns a non-clustered LXD server into the first member of a new LXD \
    cluster, which will have the given name.\n\nIt's required that the LXD is already available on the network. \
    You can check that by running 'lxc config get core.https_address', and possibly set a value for the address \
    if not yet set."
)]
pub(crate) struct Arguments {
    /// Name of the first member, after the server's remote
    #[arg(value_names = ["[<remote>:]", "<name>"], num_args = 1..=2, required = true)]
    words: Vec<String>,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let [remote @ .., name] = arguments.words.as_slice() else { bail!("Missing member name") };
    let client = ctx.client(&ctx.resource(remote.first().map_or("", String::as_str))?)?;
    let cluster: Cluster = client.get(paths::CLUSTER).await?;
    if cluster.enabled {
        bail!("This LXD server is already clustered");
    }
    let request = ClusterPut { server_name: name.clone(), enabled: true, ..ClusterPut::default() };
    let founded = super::change(&client, &request).await;
    founded.map_err(|error| anyhow!("Failed to configure cluster: {error}"))?;
    Ok(ctx.ui.note("Clustering enabled")?)
}
