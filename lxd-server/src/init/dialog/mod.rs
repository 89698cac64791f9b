//! The dialog of `lxd init`, question by question as LXD has it: answers become a preseed, nothing
//! else happens. What it has to know meanwhile, it asks the [`Host`].

mod ask;
mod cluster;
mod console;
mod here;
mod join;
mod networks;
mod storage;

pub(super) use console::Console;
pub(super) use here::Here;

use crate::app::cluster::Surveyed;
use crate::error::Result;
use ask::Answer;
use shared_api::address::Address;
use shared_api::cluster::ClusterPut;
use shared_api::config::server::{HTTPS_ADDRESS, TRUST_PASSWORD};
use shared_api::config::{Devices, Map};
use shared_api::init::{self, Preseed};
use shared_api::yaml;

/// Who answers.
pub(super) trait Terminal {
    /// Shows a question and reads a line.
    ///
    /// # Errors
    /// There are no more answers.
    fn ask(&mut self, question: &str) -> Result<String>;

    /// The same, without showing the answer.
    fn ask_hidden(&mut self, question: &str) -> Result<String>;

    /// Shows a text.
    fn say(&mut self, text: &str) -> Result<()>;
}

/// What the dialog has to know of the host while it goes on.
pub(super) trait Host {
    /// Why the API could not listen at an address; nothing if it can, or does.
    async fn refusal_to_bind(&self, address: &Address) -> Option<String>;

    /// Whether there is a storage pool of this name.
    async fn has_pool(&self, name: &str) -> Result<bool>;

    /// The interface of this name, if there is one.
    async fn interface(&self, name: &str) -> Result<Option<Interface>>;

    /// Whether a path leads to a block device.
    fn is_block(&self, path: &str) -> bool;

    /// What the cluster shows that the request would join.
    async fn survey(&self, wanted: &ClusterPut) -> Result<Surveyed>;
}

/// An interface of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interface {
    /// A network of the server.
    Managed,
    /// A bridge that somebody else has made.
    Bridge,
    /// Anything else.
    Other,
}

/// What is known of the host before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Facts {
    /// Its name.
    pub(super) name: String,
    /// An address by which others reach it.
    pub(super) address: Option<String>,
    /// The drivers of storage pools that it has, the default first.
    pub(super) drivers: Vec<String>,
    /// The daemon's directory, if it is on btrfs.
    pub(super) btrfs: Option<String>,
    /// How large a file for a pool is by default, in GiB.
    pub(super) file_size: u64,
}

/// Holds the dialog and returns what it was agreed to bring about.
///
/// # Errors
/// There are no more answers; a loss of data was not agreed to; the cluster refuses.
pub(super) async fn hold<T: Terminal, H: Host>(
    terminal: &mut T,
    host: &H,
    facts: Facts,
) -> Result<Preseed> {
    let (preseed, devices) = (Preseed::default(), Devices::new());
    let mut dialog = Dialog { terminal, host, facts, preseed, devices };
    dialog.clustering().await?;
    if !dialog.preseed.is_join() {
        let (name, devices) = ("default".to_owned(), std::mem::take(&mut dialog.devices));
        dialog.preseed.profiles = vec![init::Profile { devices, name, ..init::Profile::default() }];
    }
    dialog.print()?;
    Ok(dialog.preseed)
}

/// A dialog that goes on.
struct Dialog<'a, T, H> {
    terminal: &'a mut T,
    host: &'a H,
    facts: Facts,
    preseed: Preseed,
    /// Of the default profile.
    devices: Devices,
}

impl<T: Terminal, H: Host> Dialog<'_, T, H> {
    async fn clustering(&mut self) -> Result<()> {
        let question = "Would you like to use LXD clustering? (yes/no) [default=no]: ";
        if !self.yes_no(question, Answer::No)? {
            return self.alone().await;
        }
        let address = self.own_address().await?;
        let question = "Are you joining an existing cluster? (yes/no) [default=no]: ";
        if self.yes_no(question, Answer::No)? {
            return self.join(&address).await;
        }
        self.found(&address).await
    }

    /// A server of its own.
    async fn alone(&mut self) -> Result<()> {
        self.pool().await?;
        self.maas()?;
        let question =
            "Would you like to create a new local network bridge? (yes/no) [default=yes]: ";
        if self.yes_no(question, Answer::Yes)? {
            self.bridge().await?;
        } else {
            self.existing_interface().await?;
        }
        self.access()?;
        self.images()
    }

    /// Whether and where the API is there for the network.
    fn access(&mut self) -> Result<()> {
        let question = "Would you like the LXD server to be available over the network? (yes/no) [default=no]: ";
        if !self.yes_no(question, Answer::No)? {
            return Ok(());
        }
        let question = "Address to bind LXD to (not including port) [default=all]: ";
        let host = self.valid(question, "all", |text| match text {
            "all" | "any" => Ok("::".to_owned()),
            _ => match text.parse::<std::net::IpAddr>() {
                Ok(address) => Ok(address.to_string()),
                Err(_) => Err(format!("{text:?} is not an IP address")),
            },
        })?;
        let question = "Port to bind LXD to [default=8443]: ";
        let port = self.valid(question, "8443", |text| match text.parse::<i64>() {
            Ok(number) => match u16::try_from(number) {
                Ok(port) if port > 0 => Ok(port),
                _ => Err("out of range".to_owned()),
            },
            Err(_) => Err(format!("strconv.ParseInt: parsing {text:?}: invalid syntax")),
        })?;
        self.set(HTTPS_ADDRESS, &Address { host, port }.to_string());
        self.trust_password()
    }

    /// The password by which clients add themselves, twice.
    fn trust_password(&mut self) -> Result<()> {
        loop {
            let password = self.terminal.ask_hidden("Trust password for new clients: ")?;
            if self.terminal.ask_hidden("Again: ")? == password && !password.is_empty() {
                self.set(TRUST_PASSWORD, &password);
                return Ok(());
            }
            self.invalid()?;
        }
    }

    fn maas(&mut self) -> Result<()> {
        let question = "Would you like to connect to a MAAS server? (yes/no) [default=no]: ";
        self.refuse(question, "MAAS is not supported by this server")
    }

    fn images(&mut self) -> Result<()> {
        let question = "Would you like stale cached images to be updated automatically? (yes/no) [default=yes]: ";
        if !self.yes_no(question, Answer::Yes)? {
            self.set("images.auto_update_interval", "0");
        }
        Ok(())
    }

    /// Prints the preseed if that is wanted, without what lets this server into a cluster.
    fn print(&mut self) -> Result<()> {
        let question =
            "Would you like a YAML \"lxd init\" preseed to be printed? (yes/no) [default=no]: ";
        if !self.yes_no(question, Answer::No)? {
            return Ok(());
        }
        let mut printed = self.preseed.clone();
        if let Some(cluster) = &mut printed.cluster {
            cluster.cluster_password.clear();
            cluster.cluster_token.clear();
        }
        self.terminal.say(&format!("{}\n", yaml::to_string(&printed)))
    }

    fn set(&mut self, key: &str, value: &str) {
        self.preseed.config.insert(key.to_owned(), value.to_owned());
    }

    fn add_device(&mut self, name: &str, device: Map) {
        self.devices.insert(name.to_owned(), device);
    }
}

#[cfg(test)]
mod tests;
