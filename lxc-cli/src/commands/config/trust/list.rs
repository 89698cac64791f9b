//! `lxc config trust list`

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use shared_api::certificates::Certificate;
use shared_api::paths;
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::time::ASN1Time;

use crate::context::Context;
use crate::table::{self, FormatFlag, Rows};

/// Digits of a fingerprint that are shown.
const FINGERPRINT_SHOWN: usize = 12;

/// List trusted clients
#[derive(clap::Args)]
#[command(visible_alias = "ls")]
pub(crate) struct Arguments {
    /// Remote to ask
    #[arg(value_name = "[<remote>:]")]
    remote: Option<String>,
    #[command(flatten)]
    flag: FormatFlag,
}

pub(crate) async fn run(ctx: &Context, arguments: Arguments) -> anyhow::Result<()> {
    let client = ctx.client(&ctx.resource(arguments.remote.as_deref().unwrap_or_default())?)?;
    let path = paths::with_query(paths::CERTIFICATES, &[("recursion", "1")]);
    let certificates: Vec<Certificate> = client.get(&path).await?;
    Ok(ctx.ui.data(table::render(arguments.flag.format, &certificates, rows)?)?)
}

fn rows(certificates: &[Certificate]) -> Rows {
    Rows {
        columns: vec!["TYPE", "NAME", "COMMON NAME", "FINGERPRINT", "ISSUE DATE", "EXPIRY DATE"],
        rows: certificates.iter().map(row).collect(),
    }
}

/// What cannot be read of a certificate is left empty.
fn row(certificate: &Certificate) -> Vec<String> {
    let der = CertificateDer::from_pem_slice(certificate.certificate.as_bytes()).ok();
    let parsed = der.as_deref().and_then(|der| X509Certificate::from_der(der).ok());
    let [common_name, issued, expires] = match parsed {
        Some((_, parsed)) => {
            let name = parsed.subject().iter_common_name().next();
            let name = name.and_then(|name| name.as_str().ok()).unwrap_or_default().to_owned();
            let validity = parsed.validity();
            [name, date(validity.not_before), date(validity.not_after)]
        }
        None => Default::default(),
    };
    let fingerprint = certificate.fingerprint.to_string()[..FINGERPRINT_SHOWN].to_owned();
    let (kind, name) = (certificate.kind.clone(), certificate.name.clone());
    vec![kind, name, common_name, fingerprint, issued, expires]
}

/// Such as `Nov 23, 2026 at 1:34am (UTC)`.
fn date(date: ASN1Time) -> String {
    let date =
        Timestamp::from_second(date.timestamp()).ok().map(|date| date.to_zoned(TimeZone::UTC));
    let text = date.and_then(|date| strtime::format("%b %-d, %Y at %-I:%M%P (UTC)", &date).ok());
    text.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_as_in_lxd() {
        for (seconds, expected) in [
            (1_795_397_640, "Nov 23, 2026 at 1:34am (UTC)"),
            (1_795_435_200, "Nov 23, 2026 at 12:00pm (UTC)"),
        ] {
            assert_eq!(date(ASN1Time::from_timestamp(seconds).unwrap()), expected);
        }
    }
}
