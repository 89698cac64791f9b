//! `lxc storage list`

use shared_api::paths;
use shared_api::server::Server;
use shared_api::storage::Pool;

use crate::commands::used_by;
use crate::context::Context;
use crate::table::{self, FormatFlag, Rows};

/// List available storage pools
#[derive(clap::Args)]
#[command(visible_alias = "ls")]
pub(crate) struct Arguments {
    /// Remote to ask
    #[arg(value_name = "[<remote>:]")]
    remote: Option<String>,
    #[command(flatten)]
    flag: FormatFlag,
}

/// The source is shown when there is one: every member of a cluster has its own.
pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let client = ctx.client(&ctx.resource(arguments.remote.as_deref().unwrap_or_default())?)?;
    let path = client.in_project(paths::STORAGE_POOLS, &[("recursion", "1")]);
    let pools: Vec<Pool> = client.get(&path).await?;
    let server: Server = client.get(paths::API).await?;
    let is_clustered = server.environment.server_clustered;
    let rows = if is_clustered { clustered } else { standalone };
    Ok(ctx.ui.data(table::render(arguments.flag.format, &pools, rows)?)?)
}

fn clustered(pools: &[Pool]) -> Rows {
    let row = |pool: &Pool| {
        vec![
            pool.name.clone(),
            pool.driver.clone(),
            pool.description.clone(),
            used_by(pool.used_by.as_ref()),
            pool.status.to_uppercase(),
        ]
    };
    Rows {
        columns: vec!["NAME", "DRIVER", "DESCRIPTION", "USED BY", "STATE"],
        rows: pools.iter().map(row).collect(),
    }
}

fn standalone(pools: &[Pool]) -> Rows {
    let Rows { mut columns, mut rows } = clustered(pools);
    columns.insert(2, "SOURCE");
    for (row, pool) in rows.iter_mut().zip(pools) {
        row.insert(2, pool.config.get("source").cloned().unwrap_or_default());
    }
    Rows { columns, rows }
}
