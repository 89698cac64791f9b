//! `lxc info`

use serde_yaml::Value;
use shared_api::server::Server;
use shared_api::{paths, yaml};

use crate::context::{self, Context};

/// Show server information
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Remote to ask
    #[arg(value_name = "[<remote>:]")]
    remote: Option<String>,
    /// Cluster member name
    #[arg(long, value_name = "target")]
    target: Option<String>,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let remote = ctx.resource(arguments.remote.as_deref().unwrap_or_default())?;
    remote.check_server()?;
    let target = context::target(arguments.target.as_deref());
    let client = ctx.client(&remote)?;
    let server: Server = client.get(&client.in_project(paths::API, &target)).await?;
    Ok(ctx.ui.data(yaml::to_string(&in_yaml(&server)?))?)
}

/// The server, with the names that LXD gives the fields of storage drivers in YAML.
fn in_yaml(server: &Server) -> anyhow::Result<Value> {
    let mut server = serde_yaml::to_value(server)?;
    let drivers = &mut server["environment"]["storage_supported_drivers"];
    for driver in drivers.as_sequence_mut().into_iter().flatten() {
        let fields = driver.as_mapping_mut().into_iter().flat_map(std::mem::take);
        let lower = |key: Value| key.as_str().map_or(Value::Null, |key| key.to_lowercase().into());
        let fields = fields.map(|(key, value)| (lower(key), value)).collect();
        *driver = Value::Mapping(fields);
    }
    Ok(server)
}
