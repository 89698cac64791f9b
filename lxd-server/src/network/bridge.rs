//! The bridge itself: the interface, its addresses, its ports and the host's forwarding.

use std::fs::{DirBuilder, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use ipnet::IpNet;
use rtnetlink::packet_route::address::AddressScope;

use super::netlink::{Link, Netlink};
use super::plan::Plan;
use super::{Error, sysctl};

/// Makes the bridge what the plan says, from nothing or from what is there.
pub(super) async fn apply(netlink: &Netlink, plan: &Plan) -> Result<(), Error> {
    make_dir(plan.dir.parent().expect("it is in networks/"), 0o711)?;
    make_dir(&plan.dir, 0o711)?;
    if netlink.link(&plan.name).await?.is_none() {
        netlink.add_bridge(&plan.name).await?;
    }
    let link = find(netlink, &plan.name).await?;
    match plan.ipv6 {
        None => sysctl::disable_ipv6(&plan.name)?,
        Some(_) => sysctl::enable_ipv6(&plan.name)?,
    }
    netlink.configure(&link, plan.mtu, &plan.hwaddr).await?;
    set_addresses(netlink, &link, plan).await?;
    if plan.ipv4.as_ref().is_some_and(|v4| v4.routing) {
        sysctl::forward_ipv4()?;
    }
    if plan.ipv6.as_ref().is_some_and(|v6| v6.routing) {
        sysctl::forward_ipv6()?;
    }
    take_ports(netlink, &link, &plan.ports).await?;
    // A bridge takes the smallest MTU of its ports unless it is told again.
    let link = find(netlink, &plan.name).await?;
    netlink.configure(&link, plan.mtu, &plan.hwaddr).await
}

/// Frees interfaces that were ports of the bridge; those that are gone are no error.
pub(super) async fn release(
    netlink: &Netlink,
    ports: impl Iterator<Item = &String>,
) -> Result<(), Error> {
    for name in ports {
        if let Some(port) = netlink.link(name).await?
            && port.controller.is_some()
        {
            netlink.set_controller(&port, 0).await?;
        }
    }
    Ok(())
}

async fn find(netlink: &Netlink, name: &str) -> Result<Link, Error> {
    netlink.link(name).await?.ok_or_else(|| Error::NotFound(name.to_owned()))
}

/// Adds the addresses that are missing and removes those of another plan.
async fn set_addresses(netlink: &Netlink, link: &Link, plan: &Plan) -> Result<(), Error> {
    let v4 = plan.ipv4.as_ref().map(|v4| IpNet::V4(v4.address));
    let v6 = plan.ipv6.as_ref().map(|v6| IpNet::V6(v6.address));
    let mut missing: Vec<IpNet> = v4.into_iter().chain(v6).collect();
    for held in netlink.addresses().await? {
        if held.index != link.index || held.scope == AddressScope::Link {
            continue;
        }
        match missing.iter().position(|net| *net == held.net) {
            Some(found) => drop(missing.swap_remove(found)),
            None => netlink.remove_address(held).await?,
        }
    }
    for net in missing {
        netlink.add_address(link, net).await?;
    }
    Ok(())
}

/// Puts interfaces of the host into the bridge. One that is not there may come later: it is only
/// logged, as the host must start without it.
async fn take_ports(netlink: &Netlink, bridge: &Link, ports: &[String]) -> Result<(), Error> {
    for name in ports {
        let Some(port) = netlink.link(name).await? else {
            tracing::warn!(network = bridge.name, interface = name, "external interface not found");
            continue;
        };
        if port.controller == Some(bridge.index) {
            continue;
        }
        let addresses = netlink.addresses().await?;
        let has_address = addresses
            .iter()
            .any(|held| held.index == port.index && held.scope == AddressScope::Universe);
        if port.controller.is_some() || has_address {
            return Err(Error::PortInUse(name.clone()));
        }
        netlink.set_controller(&port, bridge.index).await?;
    }
    Ok(())
}

/// Makes sure of a directory and its mode.
pub(super) fn make_dir(path: &Path, mode: u32) -> Result<(), Error> {
    match DirBuilder::new().mode(mode).create(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
        made => made.map_err(Error::host("create", path))?,
    }
    std::fs::set_permissions(path, Permissions::from_mode(mode))
        .map_err(Error::host("change the mode of", path))
}
