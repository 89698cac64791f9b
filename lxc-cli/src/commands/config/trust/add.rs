//! `lxc config trust add`

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use shared_api::certificates::CertificatesPost;
use shared_api::operations::Operation;
use shared_api::paths;

use super::tokens;
use crate::context::Context;

/// Add new trusted client
///
/// The following certificate types are supported:
/// - client (default)
/// - metrics
///
/// If the certificate is omitted, a token will be generated and returned. A client providing a valid token will have
/// its client certificate added to the trusted list and the consumed token will be invalidated. Similar to
/// certificates, tokens can be restricted to one or more projects.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Arguments {
    /// Certificate to add, after the remote to add it at
    #[arg(value_names = ["[<remote>:]", "[<cert>]"], num_args = 0..=2)]
    words: Vec<String>,
    /// Alternative certificate name
    #[arg(long, value_name = "name")]
    name: Option<String>,
    /// List of projects to restrict the certificate to
    #[arg(long, value_name = "projects", value_delimiter = ',')]
    projects: Vec<String>,
    /// Restrict the certificate to one or more projects
    #[arg(long)]
    restricted: bool,
    /// Type of certificate
    #[arg(long = "type", value_name = "type", default_value = "client")]
    kind: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let Arguments { mut words, name, projects, restricted, kind } = arguments;
    if !["client", "metrics"].contains(&kind.as_str()) {
        bail!("Unknown certificate type \"{kind}\"");
    }
    let is_remote = words.len() == 2 || words.first().is_some_and(|word| word.ends_with(':'));
    let remote = if is_remote { words.remove(0) } else { String::new() };
    let client = ctx.client(&ctx.resource(&remote)?)?;
    let mut request = CertificatesPost { kind, restricted, projects, ..Default::default() };
    if let Some(path) = words.first() {
        request.certificate = STANDARD.encode(read(path)?);
        let file = Path::new(path).file_name().unwrap_or_default().to_string_lossy().into_owned();
        request.name = name.unwrap_or(file);
        return client.create(paths::CERTIFICATES, &request).await;
    }
    request.name = match name {
        Some(name) if !name.is_empty() => name,
        _ => ctx.ui.ask("Please provide client name: ")?,
    };
    request.token = true;
    let operation: Option<Operation> = client.post(paths::CERTIFICATES, &request).await?;
    let token = operation.as_ref().map(tokens::add_token).transpose()?.flatten();
    let token = token.context("The answer holds no token")?;
    ctx.ui.note(format_args!("Client {} certificate add token:", request.name))?;
    Ok(ctx.ui.data(format_args!("{}\n", token.encode()))?)
}

/// The first certificate of a PEM file.
fn read(path: &str) -> anyhow::Result<CertificateDer<'static>> {
    let pem = fs::read(path).map_err(|error| {
        let text = error.to_string();
        anyhow::anyhow!("open {path}: {}", text.split(" (os error").next().unwrap_or(&text))
    })?;
    let certificate = CertificateDer::from_pem_slice(&pem);
    certificate.ok().with_context(|| format!("{path} holds no certificate in PEM"))
}
