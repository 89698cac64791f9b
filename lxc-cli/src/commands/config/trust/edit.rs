//! `lxc config trust edit`

use shared_api::certificates::{Certificate, CertificatePut};
use shared_api::{paths, yaml};

use crate::context::Context;
use crate::editor;

/// Edit trust configurations as YAML
///
/// Without a terminal the YAML is read from standard input.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Fingerprint of the certificate to edit, or how it begins
    #[arg(value_name = "[<remote>:]<fingerprint>", required = true)]
    certificate: String,
}

const HELP: &str = "### This is a YAML representation of the certificate.
### Any line starting with a '# will be ignored.
###
### Note that the fingerprint is shown but cannot be changed

";

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let certificate = ctx.resource(&arguments.certificate)?;
    let client = ctx.client(&certificate)?;
    let path = paths::certificate(certificate.name_of("certificate fingerprint")?);
    let shown = |certificate: &Certificate| format!("{HELP}{}", yaml::to_string(certificate));
    editor::change::<_, CertificatePut>(ctx, &client, &path, shown).await
}
