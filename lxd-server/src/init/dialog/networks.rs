//! Bridges and other interfaces.

use super::ask::Answer;
use super::{Dialog, Host, Interface, Terminal};
use crate::error::Result;
use crate::init::automatic;
use ipnet::IpNet;
use shared_api::name::NetworkName;

impl<T: Terminal, H: Host> Dialog<'_, T, H> {
    /// A new bridge, which instances are plugged into.
    pub(super) async fn bridge(&mut self) -> Result<()> {
        let name = loop {
            let question = "What should the new bridge be called? [default=lxdbr0]: ";
            let name =
                self.valid(question, "lxdbr0", |text| match text.parse::<NetworkName>() {
                    Ok(name) => Ok(name.to_string()),
                    Err(error) => Err(error.to_string()),
                })?;
            if self.host.interface(&name).await?.is_none() {
                break name;
            }
            self.terminal.say(&format!(
                "The requested network bridge \"{name}\" already exists. Please choose another name.\n"
            ))?;
        };
        self.add_device("eth0", automatic::nic(&name));
        let mut bridge = automatic::bridge(name);
        for family in ["IPv4", "IPv6"] {
            let question = format!(
                "What {family} address should be used? (CIDR subnet notation, “auto” or “none”) [default=auto]: "
            );
            let address = self.valid(&question, "auto", |text| check(text, family))?;
            let family_key = family.to_ascii_lowercase();
            if address.contains('/') {
                let question = format!(
                    "Would you like LXD to NAT {family} traffic on your bridge? [default=yes]: "
                );
                let nat = self.yes_no(&question, Answer::Yes)?;
                bridge.config.insert(format!("{family_key}.nat"), nat.to_string());
            }
            bridge.config.insert(format!("{family_key}.address"), address);
        }
        self.preseed.networks = vec![bridge];
        Ok(())
    }

    /// An interface that is there, which instances are plugged into; whether there is to be one.
    pub(super) async fn existing_interface(&mut self) -> Result<bool> {
        let question = "Would you like to configure LXD to use an existing bridge or host interface? (yes/no) [default=no]: ";
        if !self.yes_no(question, Answer::No)? {
            return Ok(false);
        }
        loop {
            let name = self.text("Name of the existing bridge or host interface: ")?;
            let Some(found) = self.host.interface(&name).await? else {
                let text = "The requested interface doesn't exist. Please choose another one.\n";
                self.terminal.say(text)?;
                continue;
            };
            let by_parent = |kind| {
                let keys = [("type", "nic"), ("name", "eth0"), ("nictype", kind)];
                let mut device = automatic::device(keys);
                device.insert("parent".to_owned(), name.clone());
                device
            };
            let device = match found {
                Interface::Managed => automatic::nic(&name),
                Interface::Bridge => by_parent("bridged"),
                Interface::Other => by_parent("macvlan"),
            };
            self.add_device("eth0", device);
            return Ok(true);
        }
    }
}

/// An address with its subnet in one of two families, or one of two words.
fn check(text: &str, family: &str) -> Result<String, String> {
    if ["auto", "none"].contains(&text) {
        return Ok(text.to_owned());
    }
    let address: IpNet = text.parse().map_err(|_| format!("invalid CIDR address: {text}"))?;
    if address.addr().is_ipv4() != (family == "IPv4") {
        return Err(format!("Not an {family} address {text:?}"));
    }
    Ok(text.to_owned())
}
