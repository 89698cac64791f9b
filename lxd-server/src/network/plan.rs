//! What a network's configuration asks of the host, as types.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::{Ipv4Net, Ipv6Net};
use sha2::{Digest, Sha256};
use shared_api::config::{Map, is_true};

use super::{Error, Network};

/// The MTU of a bridge that asks for none.
pub(super) const MTU: u32 = 1500;

/// All that is made on the host for one network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) name: String,
    /// `networks/NAME` in the daemon's directory.
    pub(super) dir: PathBuf,
    pub(super) mtu: u32,
    pub(super) hwaddr: [u8; 6],
    pub(super) ipv4: Option<V4>,
    pub(super) ipv6: Option<V6>,
    /// Interfaces of the host that are put into the bridge.
    pub(super) ports: Vec<String>,
    pub(super) dns: Dns,
    /// Lines for dnsmasq that the administrator wrote.
    pub(super) raw_dnsmasq: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct V4 {
    pub(super) address: Ipv4Net,
    pub(super) nat: Option<Nat<Ipv4Addr>>,
    pub(super) dhcp: Option<Dhcp4>,
    pub(super) routing: bool,
    pub(super) firewall: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct V6 {
    pub(super) address: Ipv6Net,
    pub(super) nat: Option<Nat<Ipv6Addr>>,
    pub(super) dhcp: Dhcp6,
    pub(super) routing: bool,
    pub(super) firewall: bool,
}

/// What leaves the network has the host's address, or the given one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Nat<A> {
    Host,
    Address(A),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dhcp4 {
    pub(super) ranges: Vec<(Ipv4Addr, Ipv4Addr)>,
    /// As dnsmasq reads it.
    pub(super) expiry: String,
    /// `None`: the bridge's address.
    pub(super) gateway: Option<Ipv4Addr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Dhcp6 {
    /// Router advertisements alone.
    Off,
    /// Addresses by router advertisement, the rest by DHCP.
    Stateless,
    Stateful {
        ranges: Vec<(Ipv6Addr, Ipv6Addr)>,
        expiry: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dns {
    /// Whether names of this network are answered at all.
    pub(super) names: bool,
    pub(super) domain: String,
    /// As DHCP hands it out; empty: the domain.
    pub(super) search: String,
}

impl Plan {
    pub(super) fn of(network: &Network) -> Result<Self, Error> {
        let config = Config(&network.config);
        Ok(Self {
            mtu: config.parsed("bridge.mtu")?.unwrap_or(MTU),
            hwaddr: match config.get("bridge.hwaddr") {
                None => stable_hwaddr(network),
                Some(text) => parse_hwaddr(text).ok_or_else(|| bad("bridge.hwaddr", text))?,
            },
            ipv4: v4(&config)?,
            ipv6: v6(&config)?,
            ports: config.list("bridge.external_interfaces").map(str::to_owned).collect(),
            dns: Dns {
                names: config.get("dns.mode") != Some("none"),
                domain: config.get("dns.domain").unwrap_or("lxd").to_owned(),
                search: config.get("dns.search").unwrap_or_default().to_owned(),
            },
            raw_dnsmasq: config.get("raw.dnsmasq").unwrap_or_default().to_owned(),
            ..Self::bare(network)
        })
    }

    /// The plan of a network without configuration: enough to remove it.
    pub(super) fn bare(network: &Network) -> Self {
        Self {
            name: network.name.to_string(),
            dir: network.root.join("networks").join(network.name.as_str()),
            mtu: MTU,
            hwaddr: [0; 6],
            ipv4: None,
            ipv6: None,
            ports: Vec::new(),
            dns: Dns { names: false, domain: String::new(), search: String::new() },
            raw_dnsmasq: String::new(),
        }
    }

    /// Whether there is anything for dnsmasq to do.
    pub(super) fn has_service(&self) -> bool {
        self.ipv4.is_some() || self.ipv6.is_some()
    }

    /// The file that no other dnsmasq on this host reads.
    pub(super) fn conf_file(&self) -> PathBuf {
        self.dir.join("dnsmasq.raw")
    }
}

fn v4(config: &Config) -> Result<Option<V4>, Error> {
    let Some(address) = config.address::<Ipv4Net>("ipv4.address")? else { return Ok(None) };
    let dhcp = Dhcp4 {
        ranges: match config.ranges("ipv4.dhcp.ranges")? {
            ranges if ranges.is_empty() => whole_v4(address),
            ranges => ranges,
        },
        expiry: config.get("ipv4.dhcp.expiry").unwrap_or("1h").to_owned(),
        gateway: config.parsed("ipv4.dhcp.gateway")?,
    };
    Ok(Some(V4 {
        address,
        nat: config.nat("ipv4.nat", "ipv4.nat.address")?,
        dhcp: config.on("ipv4.dhcp").then_some(dhcp),
        routing: config.on("ipv4.routing"),
        firewall: config.on("ipv4.firewall"),
    }))
}

fn v6(config: &Config) -> Result<Option<V6>, Error> {
    let Some(address) = config.address::<Ipv6Net>("ipv6.address")? else { return Ok(None) };
    let dhcp = if !config.on("ipv6.dhcp") {
        Dhcp6::Off
    } else if config.get("ipv6.dhcp.stateful").is_some_and(is_true) {
        Dhcp6::Stateful {
            ranges: match config.ranges("ipv6.dhcp.ranges")? {
                ranges if ranges.is_empty() => whole_v6(address),
                ranges => ranges,
            },
            expiry: config.get("ipv6.dhcp.expiry").unwrap_or("1h").to_owned(),
        }
    } else {
        Dhcp6::Stateless
    };
    Ok(Some(V6 {
        address,
        nat: config.nat("ipv6.nat", "ipv6.nat.address")?,
        dhcp,
        routing: config.on("ipv6.routing"),
        firewall: config.on("ipv6.firewall"),
    }))
}

/// All addresses but the network's, the usual gateway's and the broadcast address.
fn whole_v4(net: Ipv4Net) -> Vec<(Ipv4Addr, Ipv4Addr)> {
    let [first, last] = [u32::from(net.network()), u32::from(net.broadcast())];
    let (from, to) = (first.saturating_add(2), last.saturating_sub(1));
    if from <= to { vec![(from.into(), to.into())] } else { Vec::new() }
}

/// All addresses but the router's anycast address and the usual gateway's.
fn whole_v6(net: Ipv6Net) -> Vec<(Ipv6Addr, Ipv6Addr)> {
    let [first, last] = [u128::from(net.network()), u128::from(net.broadcast())];
    let from = first.saturating_add(2);
    if from <= last { vec![(from.into(), last.into())] } else { Vec::new() }
}

/// Reads values that were validated before; empty is unset.
struct Config<'a>(&'a Map);

impl<'a> Config<'a> {
    fn get(&self, key: &str) -> Option<&'a str> {
        self.0.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A switch that is on unless it is turned off.
    fn on(&self, key: &str) -> bool {
        self.get(key).is_none_or(is_true)
    }

    fn list(&self, key: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        self.get(key).unwrap_or_default().split(',').map(str::trim).filter(|item| !item.is_empty())
    }

    fn parsed<T: FromStr>(&self, key: &'static str) -> Result<Option<T>, Error> {
        self.get(key).map(|value| value.parse().map_err(|_| bad(key, value))).transpose()
    }

    fn address<T: FromStr>(&self, key: &'static str) -> Result<Option<T>, Error> {
        if self.get(key) == Some("none") { Ok(None) } else { self.parsed(key) }
    }

    fn nat<A: FromStr>(
        &self,
        key: &'static str,
        address: &'static str,
    ) -> Result<Option<Nat<A>>, Error> {
        if !self.get(key).is_some_and(is_true) {
            return Ok(None);
        }
        Ok(Some(self.parsed(address)?.map_or(Nat::Host, Nat::Address)))
    }

    fn ranges<A: FromStr>(&self, key: &'static str) -> Result<Vec<(A, A)>, Error> {
        let parse = |range: &str| {
            let (from, to) = range.split_once('-')?;
            Some((from.trim().parse().ok()?, to.trim().parse().ok()?))
        };
        self.list(key).map(|range| parse(range).ok_or_else(|| bad(key, range))).collect()
    }
}

fn bad(key: &'static str, value: &str) -> Error {
    Error::Value { key, value: value.to_owned() }
}

fn parse_hwaddr(text: &str) -> Option<[u8; 6]> {
    let bytes: Vec<u8> =
        text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect::<Option<_>>()?;
    bytes.try_into().ok()
}

/// An address that stays the same when the bridge is made again, and differs between members:
/// LXD's prefix and a hash of this machine, its daemon and the network.
fn stable_hwaddr(network: &Network) -> [u8; 6] {
    let machine = std::fs::read("/etc/machine-id").unwrap_or_default();
    let host = std::fs::read("/proc/sys/kernel/hostname").unwrap_or_default();
    let root = network.root.as_os_str().as_encoded_bytes();
    let mut hash = Sha256::new();
    for part in [&machine, &host, root, network.name.as_str().as_bytes()] {
        hash.update(part);
        hash.update([0]);
    }
    let hash = hash.finalize();
    [0x00, 0x16, 0x3e, hash[0], hash[1], hash[2]]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(words: &str) -> Result<Plan, Error> {
        let pairs = words.split_whitespace().map(|word| word.split_once('=').unwrap());
        let config = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let name = "br0".parse().unwrap();
        Plan::of(&Network { name, config, root: "/var/lib/lxd".into() })
    }

    #[test]
    fn what_dhcp_hands_out_by_itself() {
        for (address, first, last) in [
            ("10.1.2.1/24", "10.1.2.2", "10.1.2.254"),
            ("10.1.2.77/25", "10.1.2.2", "10.1.2.126"),
            ("10.1.2.1/30", "10.1.2.2", "10.1.2.2"),
        ] {
            let plan = plan(&format!("ipv4.address={address}")).unwrap();
            let ranges = plan.ipv4.unwrap().dhcp.unwrap().ranges;
            assert_eq!(ranges, [(first.parse().unwrap(), last.parse().unwrap())], "{address}");
        }
        let plan = plan("ipv6.address=fd42:1:2:3::1/64 ipv6.dhcp.stateful=true").unwrap();
        let ranges = vec![(
            "fd42:1:2:3::2".parse().unwrap(),
            "fd42:1:2:3:ffff:ffff:ffff:ffff".parse().unwrap(),
        )];
        assert_eq!(plan.ipv6.unwrap().dhcp, Dhcp6::Stateful { ranges, expiry: "1h".to_owned() });
    }

    #[test]
    fn what_is_on_unless_it_is_turned_off() {
        let v4 =
            |words: &str| plan(&format!("ipv4.address=10.1.2.1/24 {words}")).unwrap().ipv4.unwrap();
        let usual = v4("");
        assert!(usual.dhcp.is_some() && usual.routing && usual.firewall && usual.nat.is_none());
        let other = v4("ipv4.dhcp=false ipv4.routing=no ipv4.firewall=0 ipv4.nat=on");
        assert!(other.dhcp.is_none() && !other.routing && !other.firewall);
        assert_eq!(other.nat, Some(Nat::Host));
    }

    #[test]
    fn values_that_were_not_validated_are_told() {
        for words in [
            "ipv4.address=auto",
            "ipv4.address=fd42::1/64",
            "bridge.mtu=big",
            "bridge.hwaddr=none",
            "ipv4.address=10.1.2.1/24 ipv4.dhcp.ranges=10.1.2.3",
        ] {
            assert!(matches!(plan(words), Err(Error::Value { .. })), "{words}");
        }
    }

    #[test]
    fn a_hardware_address_is_the_networks_own_and_stays() {
        let [one, again] = [(); 2].map(|()| plan("").unwrap().hwaddr);
        assert_eq!(one, again);
        assert_eq!(one[..3], [0x00, 0x16, 0x3e]);
        let network = Network {
            name: "br0".parse().unwrap(),
            config: Map::new(),
            root: "/var/lib/other".into(),
        };
        assert_ne!(Plan::of(&network).unwrap().hwaddr, one);
    }
}
