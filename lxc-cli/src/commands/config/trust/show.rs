//! `lxc config trust show`

use shared_api::certificates::Certificate;
use shared_api::{paths, yaml};

use crate::context::Context;

/// Show trust configurations
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Fingerprint of the certificate to show, or how it begins
    #[arg(value_name = "[<remote>:]<fingerprint>", required = true)]
    certificate: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let certificate = ctx.resource(&arguments.certificate)?;
    let client = ctx.client(&certificate)?;
    let path = paths::certificate(certificate.name_of("certificate fingerprint")?);
    let certificate: Certificate = client.get(&path).await?;
    Ok(ctx.ui.data(yaml::to_string(&certificate))?)
}
