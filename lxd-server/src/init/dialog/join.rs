//! A further member of a cluster, by token or by address and trust password.

use super::ask::{Answer, meaning};
use super::{Dialog, Host, Terminal};
use crate::app::cluster::Surveyed;
use crate::error::{Error, Result};
use shared_api::cluster::{ClusterPut, JoinToken, MemberConfigKey};
use shared_api::init::ClusterPreseed;

impl<T: Terminal, H: Host> Dialog<'_, T, H> {
    /// A further member, which the others reach at `address`.
    pub(super) async fn join(&mut self, address: &str) -> Result<()> {
        let request = match self.token()? {
            Some((text, token)) => ClusterPut {
                server_name: token.server_name,
                cluster_password: text,
                ..ClusterPut::default()
            },
            None => self.member_of_cluster().await?,
        };
        let question =
            "All existing data is lost when joining a cluster, continue? (yes/no) [default=no] ";
        if !self.yes_no(question, Answer::No)? {
            return Err(aborted());
        }
        let seen = self.host.survey(&request).await;
        let seen =
            seen.map_err(|error| error.prefix("Failed to setup trust relationship with cluster"))?;
        let member_config = self.member_config(seen.member_config)?;
        self.preseed.cluster = Some(ClusterPreseed {
            server_name: request.server_name,
            enabled: true,
            member_config,
            cluster_address: seen.address,
            cluster_certificate: seen.certificate,
            server_address: address.to_owned(),
            cluster_password: request.cluster_password,
            ..ClusterPreseed::default()
        });
        Ok(())
    }

    /// The token, if there is one.
    fn token(&mut self) -> Result<Option<(String, JoinToken)>> {
        loop {
            let question = "Do you have a join token? (yes/no/[token]) [default=no]: ";
            let text = self.terminal.ask(question)?;
            match meaning(&text) {
                _ if text.is_empty() => return Ok(None),
                Some(Answer::No) => return Ok(None),
                Some(Answer::Yes) => break,
                None => {}
            }
            match JoinToken::decode(&text) {
                Ok(token) => return Ok(Some((text, token))),
                Err(_) => self.invalid_because("Not yes/no, or invalid join token")?,
            }
        }
        self.valid("Please provide join token: ", "", |text| match JoinToken::decode(text) {
            Ok(token) => Ok(Some((text.to_owned(), token))),
            Err(error) => Err(format!("Invalid join token: {error}")),
        })
    }

    /// How to join without a token.
    async fn member_of_cluster(&mut self) -> Result<ClusterPut> {
        let server_name = self.member_name()?;
        let seen = loop {
            let question = "IP address or FQDN of an existing cluster member (may include port): ";
            let address = self.text(question)?;
            let request = ClusterPut { cluster_address: address, ..ClusterPut::default() };
            match self.host.survey(&request).await {
                Ok(seen) => break seen,
                Err(error) => {
                    let text = error.message;
                    let text = format!("Error connecting to existing cluster member: {text}\n");
                    self.terminal.say(&text)?;
                }
            }
        };
        self.confirm(&seen)?;
        let cluster_password = self.terminal.ask_hidden("Cluster trust password: ")?;
        Ok(ClusterPut {
            server_name,
            cluster_address: seen.address,
            cluster_certificate: seen.certificate,
            cluster_password,
            ..ClusterPut::default()
        })
    }

    /// Has the user compare the certificate with the cluster's.
    fn confirm(&mut self, seen: &Surveyed) -> Result<()> {
        let fingerprint = &seen.fingerprint;
        self.terminal.say(&format!(
            "Cluster fingerprint: {fingerprint}\n\
             You can validate this fingerprint by running \"lxc info\" locally on an existing cluster member.\n"
        ))?;
        loop {
            let question = "Is this the correct fingerprint? (yes/no/[fingerprint]) [default=no]: ";
            let text = self.terminal.ask(question)?;
            match meaning(&text) {
                _ if text.is_empty() => return Err(aborted()),
                Some(Answer::No) => return Err(aborted()),
                Some(Answer::Yes) => return Ok(()),
                None if text.eq_ignore_ascii_case(fingerprint) => return Ok(()),
                None => self.invalid_because("Not yes/no or fingerprint")?,
            }
        }
    }

    /// Has the user choose what each member has for itself.
    fn member_config(&mut self, keys: Vec<MemberConfigKey>) -> Result<Vec<MemberConfigKey>> {
        let choose = |key: MemberConfigKey| {
            let value = self.terminal.ask(&format!("Choose {}: ", key.description))?;
            Ok(MemberConfigKey { value, ..key })
        };
        keys.into_iter().map(choose).collect()
    }
}

fn aborted() -> Error {
    Error::invalid("User aborted configuration")
}
