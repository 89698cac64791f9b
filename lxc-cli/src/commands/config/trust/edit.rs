//! `lxc config trust edit`

use shared_api::certificates::{Certificate, CertificatePut};
use shared_api::{paths, yaml};

use crate::client::Tagged;
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
    if let Some(text) = editor::piped()? {
        let change: CertificatePut = serde_yaml::from_str(&text)?;
        return client.put(&path, "", &change).await;
    }
    let Tagged { value, etag } = client.get_tagged::<Certificate>(&path).await?;
    let mut text = format!("{HELP}{}", yaml::to_string(&value));
    loop {
        text = editor::edit(ctx, &text).await?;
        let change = serde_yaml::from_str::<CertificatePut>(&text).map_err(anyhow::Error::from);
        let done = match change {
            Ok(change) => client.put(&path, &etag, &change).await,
            Err(error) => Err(error),
        };
        let Err(error) = done else { return Ok(()) };
        ctx.ui.diagnose(format_args!("Config parsing error: {error}\n"))?;
        ctx.ui.ask("Press enter to open the editor again or ctrl+c to abort change\n")?;
    }
}
