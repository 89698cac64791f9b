//! `lxc config trust remove`

use shared_api::paths;

use crate::context::Context;

/// Remove trusted client
#[derive(clap::Args)]
#[command(visible_alias = "rm")]
pub(crate) struct Arguments {
    /// Fingerprint of the certificate to remove, or how it begins
    #[arg(value_name = "[<remote>:]<fingerprint>", required = true)]
    certificate: String,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let certificate = ctx.resource(&arguments.certificate)?;
    let client = ctx.client(&certificate)?;
    client.delete(&paths::certificate(certificate.name_of("certificate fingerprint")?)).await
}
