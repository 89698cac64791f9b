//! What a cluster shows to a server that may join it, before anything is decided.

use super::remote::{self, Invitation};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::node::{Remote, Remotes};
use crate::tls;
use serde::{Deserialize, Serialize};
use shared_api::certificates::pem;
use shared_api::cluster::{Cluster, ClusterPut, MemberConfigKey};
use shared_api::paths;

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Surveyed {
    /// `host:port` of the member that answered.
    pub address: String,
    /// The certificate that it shows, in PEM.
    pub certificate: String,
    /// SHA-256 of the certificate in hex.
    pub fingerprint: String,
    /// What a joiner has to choose for itself; nothing if the request has no secret to show.
    pub member_config: Vec<MemberConfigKey>,
}

/// Looks at the cluster that a request to join means; nothing of it is left there.
///
/// With an address alone it tells which certificate is shown there. With a token, or with
/// certificate and password, it tells what a joiner is asked for: what lets it in is shown, and
/// taken back once that is known. A kill in between leaves a row that the cluster removes in time.
///
/// # Errors
/// Unreachable: no member answers. A member that shows another certificate, or refuses.
pub async fn survey(ctx: &Context, request: &ClusterPut) -> Result<Surveyed> {
    let invitation = Invitation::of(request);
    if request.cluster_certificate.is_empty() && invitation.is_err() {
        return look(&remote::member_address(&request.cluster_address)?).await;
    }
    let invitation = invitation?;
    let mut unreachable = None;
    for address in &invitation.addresses {
        match look(address).await {
            Ok(seen) if seen.fingerprint == invitation.fingerprint => {
                return ask(ctx, &invitation, seen).await;
            }
            Ok(_) => return Err(remote::mismatch(address)),
            Err(error) => unreachable = Some(error),
        }
    }
    Err(unreachable.unwrap_or_else(|| Error::invalid("No address of the cluster is given")))
}

/// Which certificate is shown at an address.
async fn look(address: &str) -> Result<Surveyed> {
    let der = Remote::certificate_at(address).await?;
    Ok(Surveyed {
        address: address.to_owned(),
        certificate: pem(&der),
        fingerprint: tls::fingerprint(&der),
        member_config: Vec::new(),
    })
}

async fn ask(ctx: &Context, invitation: &Invitation, seen: Surveyed) -> Result<Surveyed> {
    let address = std::slice::from_ref(&seen.address);
    let member = Remotes::new(address, &seen.fingerprint, &ctx.tls.server())?;
    remote::show(ctx, invitation, &member).await?;
    let cluster: Result<Cluster> = member.get(paths::CLUSTER).await;
    let gone = member.delete(paths::INTERNAL_CLUSTER_JOIN).await;
    let member_config = cluster?.member_config;
    gone?;
    Ok(Surveyed { member_config, ..seen })
}
