//! `lxc cluster update-certificate`

use std::fs;

use anyhow::Context as _;
use hyper::Method;
use shared_api::cluster::{ClusterCertificatePut, VoidTokens};
use shared_api::paths;

use crate::context::Context;

/// Update cluster certificate
#[derive(clap::Args)]
#[command(
    visible_alias = "update-cert",
    override_usage = "lxc cluster update-certificate [<remote>:] <cert.crt> <cert.key> [flags]",
    after_help = "All members show the certificate from then on. Tokens name the former one: those that are open \
    are void. Other clients of the cluster have to accept the new one (lxc remote remove, lxc remote add)."
)]
pub(crate) struct Arguments {
    /// Remote of the cluster, certificate, and its key (PEM)
    #[arg(num_args = 2..=3, required = true, value_names = ["[<remote>:] <cert.crt>", "<cert.key>"])]
    words: Vec<String>,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let (remote, certificate, key) = match &arguments.words[..] {
        [certificate, key] => ("", certificate, key),
        [remote, certificate, key] => (remote.as_str(), certificate, key),
        _ => anyhow::bail!("Invalid number of arguments"),
    };
    let resource = ctx.resource(remote)?;
    let client = ctx.client(&resource)?;
    super::check_clustered(&client).await?;
    let read = |what: &str, path: &str| {
        fs::read_to_string(path).with_context(|| format!("Could not read {what} file: {path}"))
    };
    let request = ClusterCertificatePut {
        cluster_certificate: read("certificate", certificate)?,
        cluster_certificate_key: read("certificate key", key)?,
    };
    let body = serde_json::to_string(&request).context("Failed to write the request")?;
    let answer = client.raw(Method::PUT, paths::CLUSTER_CERTIFICATE, Some(body)).await?;
    let void: Option<VoidTokens> = answer.metadata()?;
    let settings = ctx.settings()?;
    if settings.server_certificate(&resource.remote)?.is_some() {
        settings.accept(&resource.remote, &request.cluster_certificate)?;
    }
    ctx.ui.note(format_args!(
        "Successfully updated cluster certificates for remote {}",
        resource.remote
    ))?;
    let void = void.unwrap_or_default().void_tokens;
    if !void.is_empty() {
        ctx.ui.remark(format_args!("Void from now on: the tokens for {}", void.join(", ")))?;
    }
    Ok(())
}
