//! `lxc query`

use anyhow::Context as _;
use hyper::Method;
use serde_json::Value;
use shared_api::operations::Operation;
use shared_api::response::Kind;

use crate::context::Context;
use crate::error::Usage;
use crate::json;
use crate::remote::Resource;

/// Send a raw query to LXD
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  lxc query -X DELETE --wait /1.0/instances/c1\n      \
    Delete local instance \"c1\".")]
pub(crate) struct Arguments {
    /// Path of the API, from its slash on
    #[arg(value_name = "[<remote>:]<API path>", required = true)]
    path: String,
    /// Input data
    #[arg(short, long, value_name = "data")]
    data: Option<String>,
    /// Print the raw response
    #[arg(long)]
    raw: bool,
    /// Action (defaults to GET)
    #[arg(short = 'X', long, value_name = "request", default_value = "GET")]
    request: String,
    /// Wait for the operation to complete
    #[arg(long)]
    wait: bool,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    if ctx.project.is_some() {
        return Err(Usage::new("--project cannot be used with the query command").into());
    }
    let Resource { remote, name: path } = match arguments.path.starts_with('/') {
        true => Resource { name: arguments.path, ..ctx.resource("")? },
        false => ctx.resource(&arguments.path)?,
    };
    if !path.starts_with('/') {
        return Err(Usage::new("Query path must start with /").into());
    }
    let method = Method::from_bytes(arguments.request.as_bytes()).context("Invalid request")?;
    let client = ctx.client(&Resource { remote, name: path.clone() })?;
    let mut answer = client.raw(method, &path, arguments.data).await?;
    if answer.status.is_success() && !answer.body.trim_start().starts_with('{') {
        return Ok(ctx.ui.data(answer.body)?);
    }
    let mut envelope = answer.envelope::<Value>()?;
    if arguments.wait && envelope.kind == Kind::Async {
        let operation: Option<Operation> = answer.metadata()?;
        if let Some(operation) = operation {
            answer = client.wait(&operation).await?;
            envelope = answer.envelope()?;
        }
    }
    let metadata = envelope.into_result()?;
    if arguments.raw {
        return Ok(ctx.ui.data(format_args!("{}\n\n", json::indent(&answer.body)))?);
    }
    match metadata {
        None => Ok(()),
        Some(Value::Object(object)) if object.is_empty() => Ok(()),
        Some(value) => Ok(ctx.ui.data(format_args!("{}\n\n", json::indent(&value.to_string())))?),
    }
}
