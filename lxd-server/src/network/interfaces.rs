//! What interfaces the host has, managed by us or not, and their state.

use std::net::IpAddr;

use rtnetlink::packet_route::address::AddressScope;
use rtnetlink::packet_route::link::{BridgeId, BridgeStpState, InfoBridge, InfoKind, LinkFlags};

use super::Error;
use super::netlink::{Held, Link, Netlink};

/// An interface of the host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// In LXD's words: `bridge`, `bond`, `vlan`, `physical`, `loopback` or `unknown`.
    pub kind: &'static str,
}

/// The state of an interface, as `GET /1.0/networks/NAME/state` tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Its addresses.
    pub addresses: Vec<Address>,
    /// What has passed through it.
    pub counters: Counters,
    /// Its hardware address, `00:16:3e:…`; empty if it has none.
    pub hwaddr: String,
    /// The largest packet, in bytes.
    pub mtu: u32,
    /// Whether it is up.
    pub up: bool,
    /// `broadcast`, `loopback`, `point-to-point` or `unknown`.
    pub kind: &'static str,
    /// Of a bridge.
    pub bridge: Option<Bridge>,
}

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// `inet` or `inet6`.
    pub family: &'static str,
    /// The address.
    pub address: IpAddr,
    /// The length of its prefix, in bits.
    pub prefix: u8,
    /// `global`, `link` or `local`.
    pub scope: &'static str,
}

/// What has passed through an interface.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes that came in.
    pub bytes_received: u64,
    /// Bytes that went out.
    pub bytes_sent: u64,
    /// Packets that came in.
    pub packets_received: u64,
    /// Packets that went out.
    pub packets_sent: u64,
}

/// What only bridges have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bridge {
    /// Priority and hardware address, `8000.00163e…`.
    pub id: String,
    /// Whether it takes part in the spanning tree protocol.
    pub stp: bool,
    /// In hundredths of a second.
    pub forward_delay: u32,
    /// The VLAN of packets without a tag; 0 without VLAN filtering.
    pub vlan_default: u16,
    /// Whether it tells VLANs apart.
    pub vlan_filtering: bool,
    /// Names of its ports.
    pub ports: Vec<String>,
}

/// All interfaces of the host, ours among them, in the kernel's order.
pub async fn interfaces() -> Result<Vec<Interface>, Error> {
    let links = Netlink::open()?.links().await?;
    Ok(links.into_iter().map(|link| Interface { kind: kind(&link), name: link.name }).collect())
}

/// The state of one interface; [`Error::NotFound`] if there is none of that name.
pub async fn state(name: &str) -> Result<State, Error> {
    let netlink = Netlink::open()?;
    let links = netlink.links().await?;
    let link = links.iter().find(|link| link.name == name);
    let link = link.ok_or_else(|| Error::NotFound(name.to_owned()))?;
    let held = netlink.addresses().await?.into_iter().filter(|held| held.index == link.index);
    Ok(State {
        addresses: held.map(|held| address(&held)).collect(),
        counters: Counters {
            bytes_received: link.stats.rx_bytes,
            bytes_sent: link.stats.tx_bytes,
            packets_received: link.stats.rx_packets,
            packets_sent: link.stats.tx_packets,
        },
        hwaddr: hwaddr(link),
        mtu: link.mtu,
        up: link.is_up(),
        kind: transmission(link),
        bridge: link.is_bridge().then(|| bridge(link, &links)),
    })
}

/// The host's addresses that others can reach, those of interfaces that are up.
pub async fn addresses() -> Result<Vec<IpAddr>, Error> {
    let netlink = Netlink::open()?;
    let links = netlink.links().await?;
    let is_up = |held: &Held| links.iter().any(|link| link.index == held.index && link.is_up());
    let held = netlink.addresses().await?.into_iter();
    let global = held.filter(|held| held.scope == AddressScope::Universe && is_up(held));
    Ok(global.map(|held| held.net.addr()).filter(|address| !address.is_loopback()).collect())
}

fn kind(link: &Link) -> &'static str {
    if link.flags.contains(LinkFlags::Loopback) {
        return "loopback";
    }
    match link.kind {
        Some(InfoKind::Bridge) => "bridge",
        Some(InfoKind::Bond) => "bond",
        Some(InfoKind::Vlan) => "vlan",
        None => "physical",
        Some(_) => "unknown",
    }
}

fn transmission(link: &Link) -> &'static str {
    [
        (LinkFlags::Loopback, "loopback"),
        (LinkFlags::Pointopoint, "point-to-point"),
        (LinkFlags::Broadcast, "broadcast"),
    ]
    .into_iter()
    .find(|(flag, _)| link.flags.contains(*flag))
    .map_or("unknown", |(_, name)| name)
}

fn hwaddr(link: &Link) -> String {
    if link.flags.contains(LinkFlags::Loopback) || link.hwaddr.len() != 6 {
        return String::new();
    }
    link.hwaddr.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}

fn address(held: &Held) -> Address {
    let address = held.net.addr();
    Address {
        family: if address.is_ipv4() { "inet" } else { "inet6" },
        address,
        prefix: held.net.prefix_len(),
        scope: match held.scope {
            AddressScope::Host => "local",
            AddressScope::Link => "link",
            _ => "global",
        },
    }
}

fn bridge(link: &Link, links: &[Link]) -> Bridge {
    let ports = links.iter().filter(|port| port.controller == Some(link.index));
    let mut bridge =
        Bridge { ports: ports.map(|port| port.name.clone()).collect(), ..Bridge::default() };
    for info in &link.bridge {
        match info {
            InfoBridge::BridgeId(id) => bridge.id = bridge_id(id),
            InfoBridge::StpState(stp) => bridge.stp = *stp != BridgeStpState::Disabled,
            InfoBridge::ForwardDelay(delay) => bridge.forward_delay = *delay,
            InfoBridge::VlanDefaultPvid(vlan) => bridge.vlan_default = *vlan,
            InfoBridge::VlanFiltering(filtering) => bridge.vlan_filtering = *filtering,
            _ => {}
        }
    }
    bridge
}

fn bridge_id(id: &BridgeId) -> String {
    let address: String = id.address.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{:04x}.{address}", id.priority)
}
