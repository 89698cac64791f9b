//! The keys of networks.

use super::check::{
    self, Cidr, any, boolean, hold, hwaddr, interface, ipv4, ipv6, list, mtu, one_of, refuse,
};
use super::keys::{Key, Problem, optional, unsupported, validate as walk};
use super::{Invalid, Map};

/// The keys that each member has its own value of; the others are the cluster's.
pub const MEMBER_KEYS: [&str; 3] =
    ["bgp.ipv4.nexthop", "bgp.ipv6.nexthop", "bridge.external_interfaces"];

const BRIDGE: &[Key] = &[
    optional("bridge.driver", |value| only(value, "native", &["native", "openvswitch"])),
    optional("bridge.external_interfaces", external_interfaces),
    optional("bridge.hwaddr", hwaddr),
    optional("bridge.mode", |value| only(value, "standard", &["standard", "fan"])),
    optional("bridge.mtu", mtu),
    optional("dns.domain", domain),
    optional("dns.mode", |value| one_of(value, &["dynamic", "managed", "none"])),
    optional("dns.search", |value| list(value, domain)),
    optional("ipv4.address", |value| check::address(value, "IPv4", &["none", "auto"])),
    optional("ipv4.dhcp", boolean),
    optional("ipv4.dhcp.expiry", lease_time),
    optional("ipv4.dhcp.gateway", ipv4),
    optional("ipv4.dhcp.ranges", |value| ranges(value, "IPv4")),
    optional("ipv4.firewall", boolean),
    optional("ipv4.nat", boolean),
    optional("ipv4.nat.address", ipv4),
    optional("ipv4.nat.order", |value| one_of(value, &["before", "after"])),
    optional("ipv4.routing", boolean),
    optional("ipv6.address", |value| check::address(value, "IPv6", &["none", "auto"])),
    optional("ipv6.dhcp", boolean),
    optional("ipv6.dhcp.expiry", lease_time),
    optional("ipv6.dhcp.ranges", |value| ranges(value, "IPv6")),
    optional("ipv6.dhcp.stateful", boolean),
    optional("ipv6.firewall", boolean),
    optional("ipv6.nat", boolean),
    optional("ipv6.nat.address", ipv6),
    optional("ipv6.nat.order", |value| one_of(value, &["before", "after"])),
    optional("ipv6.routing", boolean),
    optional("raw.dnsmasq", any),
    optional("user.*", any),
];

const UNSUPPORTED: &[Key] = &[
    unsupported("bgp.ipv4.nexthop"),
    unsupported("bgp.ipv6.nexthop"),
    unsupported("bgp.peers.*.address"),
    unsupported("bgp.peers.*.asn"),
    unsupported("bgp.peers.*.password"),
    unsupported("dns.zone.forward"),
    unsupported("dns.zone.reverse.ipv4"),
    unsupported("dns.zone.reverse.ipv6"),
    unsupported("fan.overlay_subnet"),
    unsupported("fan.type"),
    unsupported("fan.underlay_subnet"),
    unsupported("ipv4.ovn.ranges"),
    unsupported("ipv4.routes"),
    unsupported("ipv6.ovn.ranges"),
    unsupported("ipv6.routes"),
    unsupported("maas.subnet.ipv4"),
    unsupported("maas.subnet.ipv6"),
    unsupported("security.acls"),
    unsupported("security.acls.default.egress.action"),
    unsupported("security.acls.default.egress.logged"),
    unsupported("security.acls.default.ingress.action"),
    unsupported("security.acls.default.ingress.logged"),
    unsupported("tunnel.*.group"),
    unsupported("tunnel.*.id"),
    unsupported("tunnel.*.interface"),
    unsupported("tunnel.*.local"),
    unsupported("tunnel.*.port"),
    unsupported("tunnel.*.protocol"),
    unsupported("tunnel.*.remote"),
    unsupported("tunnel.*.ttl"),
];

/// Whether each member has its own value of a key.
pub fn is_member_key(key: &str) -> bool {
    MEMBER_KEYS.contains(&key)
}

/// Checks the configuration of a network of a type, the keys of the cluster and of a member
/// together or alone.
pub fn validate(name: &str, kind: &str, config: &Map) -> Result<(), Invalid> {
    if kind != "bridge" {
        return Err(Invalid::new("Unknown driver"));
    }
    walk(&[BRIDGE, UNSUPPORTED], config).map_err(|problem| match problem {
        Problem::Unknown(key) => {
            Invalid::new(format_args!("Invalid option for network \"{name}\" option \"{key}\""))
        }
        Problem::Bad(key, reason) => bad(name, key, &reason),
    })?;
    for family in ["ipv4", "ipv6"] {
        within(config, family)
            .map_err(|reason| bad(name, &format!("{family}.dhcp.ranges"), &reason))?;
    }
    Ok(())
}

fn bad(name: &str, key: &str, reason: &str) -> Invalid {
    Invalid::new(format_args!("Invalid value for network \"{name}\" option \"{key}\": {reason}"))
}

/// What DHCP hands out is in the network's subnet, once that is known.
fn within(config: &Map, family: &str) -> Result<(), String> {
    let address =
        config.get(&format!("{family}.address")).and_then(|text| text.parse::<Cidr>().ok());
    let ranges = config.get(&format!("{family}.dhcp.ranges")).filter(|ranges| !ranges.is_empty());
    let (Some(subnet), Some(ranges)) = (address, ranges) else { return Ok(()) };
    list(ranges, |item| {
        let (start, end) = check::range(item, subnet.family())?;
        let inside = subnet.contains(start) && subnet.contains(end);
        hold(inside, || "IP range is not within the network's subnet".to_owned())
    })
}

fn ranges(value: &str, family: &str) -> Result<(), String> {
    list(value, |item| check::range(item, family).map(drop))
}

/// One of LXD's words, of which only one is supported.
fn only(value: &str, supported: &str, words: &[&str]) -> Result<(), String> {
    one_of(value, words)?;
    hold(value == supported, || "Not supported by this server".to_owned())
}

fn external_interfaces(value: &str) -> Result<(), String> {
    value.split(',').map(str::trim).try_for_each(|name| {
        interface(name).map_err(|reason| format!("Invalid interface name \"{name}\": {reason}"))
    })
}

/// A lease time of dnsmasq: seconds, or a number with a unit, or `infinite`.
fn lease_time(value: &str) -> Result<(), String> {
    let number = value.strip_suffix(['s', 'm', 'h', 'd', 'w']).unwrap_or(value);
    let valid = value == "infinite" || number.parse::<u32>().is_ok_and(|number| number > 0);
    hold(valid && !number.starts_with('+'), || format!("Invalid lease time \"{value}\""))
}

/// A DNS domain; it becomes part of dnsmasq's arguments.
fn domain(value: &str) -> Result<(), String> {
    let is_label = |label: &str| {
        let chars = label.chars().all(|char| char.is_ascii_alphanumeric() || "-_".contains(char));
        chars && (1..=63).contains(&label.len()) && !label.starts_with('-')
    };
    if value.len() > 253 || !value.split('.').all(is_label) {
        return refuse(&format!("Invalid DNS domain \"{}\"", value.escape_debug()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(pairs: &[(&str, &str)]) -> String {
        let config = pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        validate("br0", "bridge", &config).err().map_or(String::new(), |error| error.to_string())
    }

    #[test]
    fn what_bridges_take() {
        for pair in [
            ("bridge.driver", "native"),
            ("bridge.external_interfaces", "eth1, eth2"),
            ("bridge.hwaddr", "00:16:3e:aa:bb:cc"),
            ("bridge.mode", "standard"),
            ("bridge.mtu", "1280"),
            ("dns.domain", "example.test"),
            ("dns.mode", "none"),
            ("dns.search", "a.test,b.test"),
            ("ipv4.address", "10.0.0.1/24"),
            ("ipv4.address", "none"),
            ("ipv4.address", "auto"),
            ("ipv4.address", ""),
            ("ipv4.dhcp.expiry", "90m"),
            ("ipv4.dhcp.expiry", "infinite"),
            ("ipv4.dhcp.ranges", "10.0.0.5-10.0.0.9, 10.0.0.15-10.0.0.19"),
            ("ipv4.nat", "TRUE"),
            ("ipv4.nat.order", "after"),
            ("ipv6.address", "fd42::1/64"),
            ("ipv6.dhcp.ranges", "fd42::1-fd42::5"),
            ("raw.dnsmasq", "log-queries\ncache-size=5"),
            ("security.acls", ""),
            ("user.x", "y"),
        ] {
            assert_eq!(problem(&[pair]), "", "{pair:?}");
        }
    }

    #[test]
    fn what_bridges_refuse() {
        for (key, value, reason) in [
            ("ipv4.address", "foo", "invalid CIDR address: foo"),
            ("ipv4.address", "NONE", "invalid CIDR address: NONE"),
            ("ipv4.address", "10.0.0.1/33", "invalid CIDR address: 10.0.0.1/33"),
            ("ipv4.address", "10.0.0.1/+8", "invalid CIDR address: 10.0.0.1/+8"),
            ("ipv4.address", "10.0.0.0/24", "Not a usable IPv4 address \"10.0.0.0/24\""),
            ("ipv4.address", "10.0.0.255/24", "Not a usable IPv4 address \"10.0.0.255/24\""),
            ("ipv4.address", "fd42::1/64", "Not an IPv4 address \"fd42::1/64\""),
            ("ipv6.address", "fd42::/64", "Not a usable IPv6 address \"fd42::/64\""),
            ("ipv6.address", "fd42::1/128", "Not a usable IPv6 address \"fd42::1/128\""),
            ("ipv4.nat", "maybe", "Invalid value for a boolean \"maybe\""),
            (
                "ipv4.dhcp.ranges",
                "10.0.0.5",
                "Item \"10.0.0.5\": IP range must contain start and end IP addresses",
            ),
            (
                "ipv6.dhcp.ranges",
                "10.0.0.1-10.0.0.2",
                "Item \"10.0.0.1-10.0.0.2\": Not an IPv6 address \"10.0.0.1\"",
            ),
            ("ipv4.dhcp.gateway", "foo", "Not an IPv4 address \"foo\""),
            ("ipv4.dhcp.expiry", "foo", "Invalid lease time \"foo\""),
            ("bridge.mtu", "1279", "Out of MTU range (1280-16384) \"1279\""),
            ("bridge.mtu", "abc", "Invalid MTU \"abc\""),
            ("bridge.driver", "foo", "Invalid value \"foo\" (not one of [native openvswitch])"),
            ("bridge.driver", "openvswitch", "Not supported by this server"),
            ("bridge.mode", "fan", "Not supported by this server"),
            (
                "bridge.external_interfaces",
                "a/b",
                "Invalid interface name \"a/b\": Network interface contains invalid characters",
            ),
            ("dns.mode", "foo", "Invalid value \"foo\" (not one of [dynamic managed none])"),
            ("dns.domain", "a b", "Invalid DNS domain \"a b\""),
            ("dns.search", "a,-b", "Item \"-b\": Invalid DNS domain \"-b\""),
            ("tunnel.x.protocol", "gre", "Not supported by this server"),
        ] {
            let text = format!("Invalid value for network \"br0\" option \"{key}\": {reason}");
            assert_eq!(problem(&[(key, value)]), text);
        }
        assert_eq!(
            problem(&[("bogus", "1")]),
            "Invalid option for network \"br0\" option \"bogus\""
        );
        assert_eq!(
            validate("m", "macvlan", &Map::new()).unwrap_err().to_string(),
            "Unknown driver"
        );
    }

    #[test]
    fn dhcp_stays_within_the_subnet() {
        let with =
            |address, ranges| problem(&[("ipv4.address", address), ("ipv4.dhcp.ranges", ranges)]);
        assert_eq!(with("10.0.0.1/24", "10.0.0.5-10.0.0.9"), "");
        assert_eq!(with("none", "10.0.0.5-10.0.0.9"), "");
        assert_eq!(
            with("10.0.0.1/24", "10.0.0.5-10.0.1.9"),
            "Invalid value for network \"br0\" option \"ipv4.dhcp.ranges\": Item \
             \"10.0.0.5-10.0.1.9\": IP range is not within the network's subnet"
        );
    }
}
