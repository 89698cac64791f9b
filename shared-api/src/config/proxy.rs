//! Proxies as devices: what they listen on and connect to.

use std::net::IpAddr;

use super::Map;
use super::check::{boolean, hold, is_true, refuse};
use super::device::{file_mode, get, unix_id};
use super::keys::{Key, optional, required};

pub(super) const KEYS: &[Key] = &[
    optional("bind", bind),
    required("connect", endpoint),
    optional("gid", unix_id),
    required("listen", endpoint),
    optional("mode", file_mode),
    optional("nat", boolean),
    optional("proxy_protocol", boolean),
    optional("security.gid", unix_id),
    optional("security.uid", unix_id),
    optional("uid", unix_id),
];

/// Where a proxy listens or connects to.
enum Endpoint<'a> {
    /// `tcp` or `udp`.
    Ip { protocol: &'a str, address: IpAddr, ports: u32 },
    /// A path, or a name that starts with `@`.
    Unix(&'a str),
}

/// The rules of proxies, in LXD's order.
pub(super) fn check(config: &Map) -> Result<(), String> {
    let end = |key| parse(get(config, key).unwrap_or_default());
    let (listen, connect) = (end("listen")?, end("connect")?);
    let nat = get(config, "nat").is_some_and(is_true);
    let is_file = matches!(listen, Endpoint::Unix(path) if !path.starts_with('@'));
    let owned = ["uid", "gid", "mode"].iter().any(|key| get(config, key).is_some());
    if owned && !is_file {
        return refuse(
            "Only proxy devices for non-abstract unix sockets can carry uid, gid, or mode \
             properties",
        );
    }
    let to_tcp = matches!(connect, Endpoint::Ip { protocol: "tcp", .. });
    if get(config, "proxy_protocol").is_some_and(is_true) && (!to_tcp || nat) {
        return refuse("The PROXY header can only be sent to tcp servers in non-nat mode");
    }
    if nat && !matches!(get(config, "bind"), None | Some("host")) {
        return refuse("Only host-bound proxies can use NAT");
    }
    match (&listen, &connect) {
        (Endpoint::Ip { ports, .. }, Endpoint::Ip { ports: to, .. }) if *to > 1 && ports != to => {
            refuse("Mismatch between listen port(s) and connect port(s) count")
        }
        (Endpoint::Ip { protocol: from, .. }, Endpoint::Ip { protocol: to, .. })
            if nat && from != to =>
        {
            Err(format!("Proxying {from} <-> {to} is not supported when using NAT"))
        }
        (Endpoint::Ip { address, .. }, Endpoint::Ip { .. }) if nat && address.is_unspecified() => {
            Err(format!("Cannot listen on wildcard address \"{address}\" when in nat mode"))
        }
        (from, to) if nat && (from.is_unix() || to.is_unix()) => Err(format!(
            "Proxying {} <-> {} is not supported when using NAT",
            from.protocol(),
            to.protocol()
        )),
        _ => Ok(()),
    }
}

impl Endpoint<'_> {
    fn is_unix(&self) -> bool {
        matches!(self, Self::Unix(_))
    }

    fn protocol(&self) -> &str {
        match self {
            Self::Ip { protocol, .. } => protocol,
            Self::Unix(_) => "unix",
        }
    }
}

fn endpoint(value: &str) -> Result<(), String> {
    parse(value).map(drop)
}

fn parse(value: &str) -> Result<Endpoint<'_>, String> {
    let (protocol, rest) = value.split_once(':').unwrap_or((value, ""));
    match protocol {
        "unix" if rest.is_empty() => Err("Missing path of the unix socket".to_owned()),
        "unix" => Ok(Endpoint::Unix(rest)),
        "tcp" | "udp" => {
            let (address, ports) = split_port(rest)
                .ok_or_else(|| format!("address {rest}: missing port in address"))?;
            let parsed = address.parse().map_err(|_| format!("Not an IP address \"{address}\""))?;
            Ok(Endpoint::Ip { protocol, address: parsed, ports: count(ports)? })
        }
        _ => Err(format!("Unknown protocol type \"{protocol}\"")),
    }
}

/// `1.2.3.4:80` and `[::1]:80` into address and ports.
fn split_port(value: &str) -> Option<(&str, &str)> {
    match value.strip_prefix('[') {
        Some(rest) => rest.split_once("]:"),
        None => value.rsplit_once(':').filter(|(address, _)| !address.contains(':')),
    }
}

/// How many ports `80`, `80,90-99` are.
fn count(ports: &str) -> Result<u32, String> {
    let port = |text: &str| match text.parse::<u16>() {
        Ok(port) if port > 0 => Ok(u32::from(port)),
        _ => Err(format!("Invalid port \"{text}\"")),
    };
    ports.split(',').try_fold(0, |sum, item| {
        let (from, to) = item.split_once('-').unwrap_or((item, item));
        let (from, to) = (port(from)?, port(to)?);
        hold(from <= to, || format!("Invalid port range \"{item}\""))?;
        Ok(sum + (to - from) + 1)
    })
}

fn bind(value: &str) -> Result<(), String> {
    hold(["host", "instance", "guest", "container"].contains(&value), || {
        "Invalid binding side given. Must be \"host\" or \"instance\"".to_owned()
    })
}
