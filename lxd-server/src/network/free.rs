//! Whether what a network needs is free on this host. Nothing is made.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};

use ipnet::IpNet;

use super::netlink::{Held, Netlink};
use super::plan::Plan;
use super::{Error, Network};

/// Where dnsmasq answers.
pub(super) const DNS_PORT: u16 = 53;

/// Whether a network can be made: its name is free, or an earlier try to make it left it, and so is the port of
/// its DNS server.
pub async fn check(network: &Network) -> Result<(), Error> {
    let plan = Plan::of(network)?;
    if !plan.dir.exists() && Netlink::open()?.link(&plan.name).await?.is_some() {
        return Err(Error::Exists(plan.name));
    }
    // Another port is for whoever writes dnsmasq's configuration.
    if plan.has_service() && !plan.raw_dnsmasq.contains("port=") && listens_everywhere(DNS_PORT) {
        return Err(Error::DnsPortInUse);
    }
    Ok(())
}

/// Whether this host has no other interface in the network's subnets: what is there would be out of its reach
/// once the network is made.
pub async fn check_subnets(network: &Network) -> Result<(), Error> {
    let plan = Plan::of(network)?;
    let netlink = Netlink::open()?;
    let (links, held) = (netlink.links().await?, netlink.addresses().await?);
    let interface = |held: &Held| links.iter().find(|link| link.index == held.index);
    let ipv4 = plan.ipv4.map(|ipv4| IpNet::V4(ipv4.address));
    let ipv6 = plan.ipv6.map(|ipv6| IpNet::V6(ipv6.address));
    for subnet in ipv4.into_iter().chain(ipv6) {
        for held in held.iter().filter(|held| subnet.contains(&held.net.addr())) {
            if let Some(link) = interface(held).filter(|link| link.name != plan.name) {
                let (address, interface) = (held.net.addr(), link.name.clone());
                return Err(Error::SubnetInUse { address, interface, subnet: subnet.trunc() });
            }
        }
    }
    Ok(())
}

/// Whether somebody listens at a port of all addresses: then of this one, too, where nobody else does.
fn listens_everywhere(port: u16) -> bool {
    let [one, two] = rand::random::<[u8; 2]>();
    let address = SocketAddr::from(([127, 199, one, two], port));
    let is_taken = |error: io::Error| error.kind() == io::ErrorKind::AddrInUse;
    TcpListener::bind(address).is_err_and(is_taken) || UdpSocket::bind(address).is_err_and(is_taken)
}
