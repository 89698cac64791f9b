//! Network interfaces as devices: the keys of each `nictype`.

use std::net::IpAddr;

use super::Map;
use super::check::{
    Cidr, any, boolean, hold, hwaddr, interface, ipv4, ipv4_network, ipv6, ipv6_network, is_true,
    list, mtu, uint32, vlan,
};
use super::device::{Kind, Tables, free, get, present};
use super::keys::{Key, optional, required};

/// What an interface takes, by the network or the `nictype` that it names; nothing if there is no
/// such type.
pub(super) fn find(config: &Map) -> Option<Kind> {
    if get(config, "network").is_some() {
        return Some((ON_NETWORK, check_on_network));
    }
    Some(match get(config, "nictype")? {
        "bridged" => (BRIDGED, free),
        "ipvlan" => (IPVLAN, free),
        "macvlan" => (MACVLAN, free),
        "p2p" => (P2P, free),
        "physical" => (PHYSICAL, free),
        "routed" => (ROUTED, check_routed),
        "sriov" => (SRIOV, free),
        _ => return None,
    })
}

/// Checks fixed addresses against the configuration of the network that the interface is on.
pub(super) fn check_addresses(device: &Map, name: &str, network: &Map) -> Result<(), String> {
    for family in ["ipv4", "ipv6"] {
        let Some(address) = get(device, &format!("{family}.address")) else { continue };
        if address == "none" {
            let filtered =
                get(device, &format!("security.{family}_filtering")).is_some_and(is_true);
            hold(filtered, || {
                format!(
                    "Cannot have {family}.address as none unless using security.{family}_filtering"
                )
            })?;
            continue;
        }
        let subnet = get(network, &format!("{family}.address")).and_then(|text| text.parse().ok());
        let address: Option<IpAddr> = address.parse().ok();
        let within = subnet.zip(address).is_some_and(|(net, found): (Cidr, _)| net.contains(found));
        hold(within, || {
            let shown = address.map_or(String::new(), |address| address.to_string());
            format!("Device IP address \"{shown}\" not within network \"{name}\" subnet")
        })?;
    }
    Ok(())
}

const EVERY: &[Key] = &[
    optional("hwaddr", hwaddr),
    optional("mtu", mtu),
    optional("name", interface),
    optional("network", any),
    optional("nictype", any),
];

const BOOT: &[Key] = &[optional("boot.priority", uint32)];
const HOST_NAME: &[Key] = &[optional("host_name", interface)];
const ANY_PARENT: &[Key] = &[optional("parent", any)];
const PARENT: &[Key] = &[required("parent", present)];
const MAC_FILTER: &[Key] = &[optional("security.mac_filtering", boolean)];
const VLAN: &[Key] = &[optional("vlan", vlan)];
const GVRP: &[Key] = &[optional("gvrp", boolean)];

const MAAS: &[Key] = &[optional("maas.subnet.ipv4", any), optional("maas.subnet.ipv6", any)];

const LIMITS: &[Key] =
    &[optional("limits.egress", any), optional("limits.ingress", any), optional("limits.max", any)];

const ROUTES: &[Key] =
    &[optional("ipv4.routes", ipv4_networks), optional("ipv6.routes", ipv6_networks)];

const PORT: &[Key] = &[
    optional("ipv4.address", ipv4_or_none),
    optional("ipv4.routes.external", ipv4_networks),
    optional("ipv6.address", ipv6_or_none),
    optional("ipv6.routes.external", ipv6_networks),
    optional("security.ipv4_filtering", boolean),
    optional("security.ipv6_filtering", boolean),
    optional("security.port_isolation", boolean),
    optional("vlan", vlan_or_none),
    optional("vlan.tagged", vlans),
];

/// Of those whose packets the host routes.
const LAYER3: &[Key] = &[
    optional("ipv4.address", ipv4_addresses),
    optional("ipv4.gateway", gateway),
    optional("ipv4.host_table", uint32),
    optional("ipv6.address", ipv6_addresses),
    optional("ipv6.gateway", gateway),
    optional("ipv6.host_table", uint32),
];

const ROUTED_ALONE: &[Key] = &[
    optional("ipv4.host_address", ipv4),
    optional("ipv4.neighbor_probe", boolean),
    optional("ipv6.host_address", ipv6),
    optional("ipv6.neighbor_probe", boolean),
];

const ON_NETWORK: Tables =
    &[EVERY, BOOT, HOST_NAME, LIMITS, MAAS, MAC_FILTER, ROUTES, PORT, ANY_PARENT];
const BRIDGED: Tables = &[EVERY, BOOT, HOST_NAME, LIMITS, MAAS, MAC_FILTER, ROUTES, PORT, PARENT];
const IPVLAN: Tables = &[EVERY, LAYER3, PARENT, VLAN, GVRP, &[optional("mode", ipvlan_mode)]];
const MACVLAN: Tables = &[EVERY, BOOT, MAAS, PARENT, VLAN, GVRP];
const P2P: Tables = &[EVERY, BOOT, HOST_NAME, LIMITS, ROUTES];
const PHYSICAL: Tables = &[EVERY, BOOT, MAAS, PARENT, VLAN, GVRP];
const ROUTED: Tables =
    &[EVERY, HOST_NAME, LIMITS, ROUTES, LAYER3, ROUTED_ALONE, ANY_PARENT, VLAN, GVRP];
const SRIOV: Tables = &[EVERY, BOOT, MAAS, MAC_FILTER, PARENT, VLAN];

/// What the network decides cannot be given beside it.
fn check_on_network(config: &Map) -> Result<(), String> {
    let decided = ["nictype", "parent", "mtu", "maas.subnet.ipv4", "maas.subnet.ipv6"];
    match decided.iter().find(|key| get(config, key).is_some()) {
        None => Ok(()),
        Some(key) => {
            Err(format!("Cannot use \"{key}\" property in conjunction with \"network\" property"))
        }
    }
}

fn check_routed(config: &Map) -> Result<(), String> {
    let alone = get(config, "vlan").is_some() && get(config, "parent").is_none();
    hold(!alone, || {
        "The vlan setting can only be used when combined with a parent interface".to_owned()
    })
}

fn ipv4_or_none(value: &str) -> Result<(), String> {
    if value == "none" { Ok(()) } else { ipv4(value) }
}

fn ipv6_or_none(value: &str) -> Result<(), String> {
    if value == "none" { Ok(()) } else { ipv6(value) }
}

fn ipv4_addresses(value: &str) -> Result<(), String> {
    list(value, ipv4)
}

fn ipv6_addresses(value: &str) -> Result<(), String> {
    list(value, ipv6)
}

fn ipv4_networks(value: &str) -> Result<(), String> {
    list(value, ipv4_network)
}

fn ipv6_networks(value: &str) -> Result<(), String> {
    list(value, ipv6_network)
}

fn gateway(value: &str) -> Result<(), String> {
    let valid = matches!(value, "auto" | "none") || value.parse::<IpAddr>().is_ok();
    hold(valid, || format!("Invalid gateway: {value}"))
}

fn ipvlan_mode(value: &str) -> Result<(), String> {
    hold(["l3s", "l2"].contains(&value), || "Must be one of: l3s, l2".to_owned())
}

fn vlan_or_none(value: &str) -> Result<(), String> {
    if value == "none" { Ok(()) } else { vlan(value) }
}

/// Numbers and ranges: `1,5-9`.
fn vlans(value: &str) -> Result<(), String> {
    let number = |text: &str| text.trim().parse::<u16>().ok().filter(|number| *number <= 4094);
    let valid = value.split(',').all(|item| match item.split_once('-') {
        None => number(item).is_some(),
        Some((from, to)) => number(from).zip(number(to)).is_some_and(|(from, to)| from <= to),
    });
    hold(valid, || format!("Invalid VLAN range input: {value}"))
}
