//! The first member of a cluster.

use super::ask::Answer;
use super::{Dialog, Host, Terminal};
use crate::error::Result;
use shared_api::address::Address;
use shared_api::config::server::HTTPS_ADDRESS;
use shared_api::init::ClusterPreseed;
use shared_api::name::MemberName;

impl<T: Terminal, H: Host> Dialog<'_, T, H> {
    /// Where the other members reach this one: an address that the API can listen at.
    pub(super) async fn own_address(&mut self) -> Result<String> {
        let default = self.facts.address.clone().unwrap_or_default();
        let question = format!(
            "What IP address or DNS name should be used to reach this server? [default={default}]: "
        );
        loop {
            let address = self.valid(&question, &default, |text| {
                let address = text.parse().ok().filter(|address: &Address| !address.is_wildcard());
                address.ok_or_else(|| "Invalid IP address or DNS name".to_owned())
            })?;
            let Some(reason) = self.host.refusal_to_bind(&address).await else {
                return Ok(address.to_string());
            };
            self.invalid_because(&format!("Can't bind address \"{address}\": {reason}"))?;
        }
    }

    /// What the others call this server.
    pub(super) fn member_name(&mut self) -> Result<String> {
        let default = self.facts.name.clone();
        let question = format!(
            "What member name should be used to identify this server in the cluster? [default={default}]: "
        );
        self.valid(&question, &default, |text| match text.parse::<MemberName>() {
            Ok(name) => Ok(name.to_string()),
            Err(error) => Err(error.to_string()),
        })
    }

    /// The first member.
    pub(super) async fn found(&mut self, address: &str) -> Result<()> {
        let server_name = self.member_name()?;
        self.set(HTTPS_ADDRESS, address);
        let question = "Setup password authentication on the cluster? (yes/no) [default=no]: ";
        if self.yes_no(question, Answer::No)? {
            self.trust_password()?;
        }
        self.preseed.cluster =
            Some(ClusterPreseed { server_name, enabled: true, ..ClusterPreseed::default() });
        self.local_pool().await?;
        let question =
            "Do you want to configure a new remote storage pool? (yes/no) [default=no]: ";
        self.refuse(question, "No storage backends available")?;
        self.maas()?;
        if !self.existing_interface().await? {
            let question =
                "Would you like to create a new local network bridge? (yes/no) [default=yes]: ";
            if self.yes_no(question, Answer::Yes)? {
                self.bridge().await?;
            }
        }
        self.images()
    }
}
