//! Subnets chosen for networks that ask for `auto`.

use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use rand::Rng;
use shared_api::config::Map;

use super::netlink::Netlink;
use super::{Error, sysctl};

/// How many random subnets are tried before giving up.
const TRIES_MAX: usize = 1000;

/// Fills in what a new network leaves open: `auto` addresses, NAT for those, then as [`choose`].
///
/// Done once for the whole cluster, by the member that gets the request.
pub async fn fill(mut config: Map) -> Result<Map, Error> {
    let mut open = |family: &str, default: &str| {
        let (address, nat) = (format!("{family}.address"), format!("{family}.nat"));
        if config.get(&address).is_none_or(String::is_empty) {
            config.insert(address.clone(), default.to_owned());
        }
        if config[&address] == "auto" && config.get(&nat).is_none_or(String::is_empty) {
            config.insert(nat, "true".to_owned());
        }
    };
    open("ipv4", "auto");
    open("ipv6", if sysctl::has_ipv6() { "auto" } else { "none" });
    choose(config).await
}

/// Replaces `auto` by a random subnet that no interface or route of this host uses, as when a
/// network is changed.
pub async fn choose(mut config: Map) -> Result<Map, Error> {
    let is_auto = |config: &Map, key| config.get(key).is_some_and(|value| value == "auto");
    if !is_auto(&config, "ipv4.address") && !is_auto(&config, "ipv6.address") {
        return Ok(config);
    }
    let used = used().await?;
    let mut set = |key: &'static str, random: fn() -> IpNet| -> Result<(), Error> {
        if is_auto(&config, key) {
            let mut tries = std::iter::repeat_with(random).take(TRIES_MAX);
            let free = tries.find(|net| !used.iter().any(|other| overlap(net, other)));
            let net = free.ok_or(Error::NoSubnet(key))?;
            config.insert(key.to_owned(), net.to_string());
        }
        Ok(())
    };
    set("ipv4.address", random_v4)?;
    set("ipv6.address", random_v6)?;
    Ok(config)
}

/// The subnets of all interfaces and routes.
async fn used() -> Result<Vec<IpNet>, Error> {
    let netlink = Netlink::open()?;
    let held = netlink.addresses().await?.into_iter().map(|held| held.net);
    let mut used: Vec<IpNet> = held.collect();
    used.extend(netlink.routes().await?);
    Ok(used)
}

fn overlap(one: &IpNet, other: &IpNet) -> bool {
    one.contains(&other.network()) || other.contains(&one.network())
}

/// 10.X.Y.1/24.
fn random_v4() -> IpNet {
    let [x, y] = rand::rng().random::<[u8; 2]>();
    Ipv4Net::new_assert(Ipv4Addr::new(10, x, y, 1), 24).into()
}

/// fd42:X:Y:Z::1/64.
fn random_v6() -> IpNet {
    let [x, y, z] = rand::rng().random::<[u16; 3]>();
    Ipv6Net::new_assert(Ipv6Addr::new(0xfd42, x, y, z, 0, 0, 0, 1), 64).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_overlap_when_one_holds_the_other() {
        for (one, other, expected) in [
            ("10.1.2.1/24", "10.1.2.77/25", true),
            ("10.1.2.1/24", "10.0.0.0/8", true),
            ("10.1.2.1/24", "10.1.3.0/24", false),
            ("10.1.2.1/24", "fd42::1/64", false),
            ("fd42:1:2:3::1/64", "fd42:1:2::/48", true),
        ] {
            let [one, other] = [one, other].map(|net| net.parse::<IpNet>().unwrap());
            assert_eq!(overlap(&one, &other), expected, "{one} {other}");
            assert_eq!(overlap(&other, &one), expected, "{other} {one}");
        }
    }
}
