//! What single values must look like, and LXD's words for those that do not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use super::server::truth;
use crate::name::NetworkName;
use crate::size::Size;

type Checked = Result<(), String>;

/// Whether a switch is on; anything that is no switch counts as off.
pub fn is_true(value: &str) -> bool {
    truth(value) == Some(true)
}

pub(super) fn any(_: &str) -> Checked {
    Ok(())
}

pub(super) fn boolean(value: &str) -> Checked {
    hold(truth(value).is_some(), || format!("Invalid value for a boolean \"{value}\""))
}

pub(super) fn integer(value: &str) -> Checked {
    number::<i64>(value).map(drop)
}

pub(super) fn uint32(value: &str) -> Checked {
    hold(value.parse::<u32>().is_ok(), || format!("Invalid value for uint32 \"{value}\""))
}

/// A weight from 0 to 10.
pub(super) fn priority(value: &str) -> Checked {
    let fits = (0..=10).contains(&number::<i64>(value)?);
    hold(fits, || format!("Invalid value for a limit \"{value}\". Must be between 0 and 10"))
}

pub(super) fn size(value: &str) -> Checked {
    value.parse::<Size>().map(drop).map_err(|error| error.to_string())
}

pub(super) fn one_of(value: &str, words: &[&str]) -> Checked {
    let valid = words.contains(&value);
    hold(valid, || format!("Invalid value \"{value}\" (not one of [{}])", words.join(" ")))
}

/// Every item of a comma-separated list.
pub(super) fn list(value: &str, check: impl Fn(&str) -> Checked) -> Checked {
    value
        .split(',')
        .map(str::trim)
        .try_for_each(|item| check(item).map_err(|reason| format!("Item \"{item}\": {reason}")))
}

pub(super) fn interface(value: &str) -> Checked {
    value.parse::<NetworkName>().map(drop).map_err(|error| error.to_string())
}

pub(super) fn mtu(value: &str) -> Checked {
    let number = value.parse::<u32>().map_err(|_| format!("Invalid MTU \"{value}\""))?;
    let fits = (1280..=16384).contains(&number);
    hold(fits, || format!("Out of MTU range (1280-16384) \"{value}\""))
}

pub(super) fn vlan(value: &str) -> Checked {
    let number = value.parse::<u32>().map_err(|_| format!("Invalid VLAN ID \"{value}\""))?;
    hold(number <= 4094, || format!("Out of VLAN ID range (0-4094) \"{value}\""))
}

/// An Ethernet address that an interface can have.
pub(super) fn hwaddr(value: &str) -> Checked {
    let Some(bytes) = hex_bytes(value, 6) else {
        return refuse("Invalid MAC address, must be 6 bytes of hex separated by colons");
    };
    let usable = bytes[0] & 1 == 0 && bytes.iter().any(|byte| *byte != 0);
    hold(usable, || format!("Not a usable MAC address \"{value}\""))
}

/// So many bytes in hex, separated by colons.
pub(super) fn hex_bytes(value: &str, count: usize) -> Option<Vec<u8>> {
    let byte = |text: &str| {
        let well_formed = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if well_formed { u8::from_str_radix(text, 16).ok() } else { None }
    };
    let bytes: Option<Vec<u8>> = value.split(':').map(byte).collect();
    bytes.filter(|bytes| bytes.len() == count)
}

pub(super) fn ipv4(value: &str) -> Checked {
    hold(value.parse::<Ipv4Addr>().is_ok(), || format!("Not an IPv4 address \"{value}\""))
}

pub(super) fn ipv6(value: &str) -> Checked {
    hold(value.parse::<Ipv6Addr>().is_ok(), || format!("Not an IPv6 address \"{value}\""))
}

/// A subnet, such as `10.0.0.0/8`.
pub(super) fn ipv4_network(value: &str) -> Checked {
    network(value, "IPv4")
}

/// A subnet, such as `fd42::/64`.
pub(super) fn ipv6_network(value: &str) -> Checked {
    network(value, "IPv6")
}

fn network(value: &str, family: &str) -> Checked {
    let cidr: Cidr = value.parse()?;
    hold(cidr.family() == family, || format!("Not an {family} network \"{value}\""))?;
    let whole = cidr.bits() == cidr.first();
    hold(whole, || format!("Not an {family} network address \"{value}\""))
}

/// An address of one machine and its subnet, such as `10.0.0.1/24`, or the words given.
pub(super) fn address(value: &str, family: &str, words: &[&str]) -> Checked {
    if words.contains(&value) {
        return Ok(());
    }
    let cidr: Cidr = value.parse()?;
    hold(cidr.family() == family, || format!("Not an {family} address \"{value}\""))?;
    let broadcast = family == "IPv4" && cidr.bits() == cidr.last();
    let usable = cidr.bits() != cidr.first() && !broadcast;
    hold(usable, || format!("Not a usable {family} address \"{value}\""))
}

/// An address and the length of its subnet's prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cidr {
    address: IpAddr,
    host_bits: u32,
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("invalid CIDR address: {text}");
        let (address, length) = text.split_once('/').ok_or_else(invalid)?;
        let address: IpAddr = address.parse().map_err(|_| invalid())?;
        let plain = length.bytes().all(|byte| byte.is_ascii_digit());
        let length: u32 = length.parse().map_err(|_| invalid())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let host_bits = u32::checked_sub(width, length).filter(|_| plain).ok_or_else(invalid)?;
        Ok(Self { address, host_bits })
    }
}

impl Cidr {
    pub(super) fn family(self) -> &'static str {
        if self.address.is_ipv4() { "IPv4" } else { "IPv6" }
    }

    /// Whether its subnet has an address; one of the other family is never in it.
    pub(super) fn contains(self, address: IpAddr) -> bool {
        let fits = (self.first()..=self.last()).contains(&bits(address));
        address.is_ipv4() == self.address.is_ipv4() && fits
    }

    fn bits(self) -> u128 {
        bits(self.address)
    }

    fn first(self) -> u128 {
        self.bits() & !self.mask()
    }

    fn last(self) -> u128 {
        self.bits() | self.mask()
    }

    /// The bits that tell machines of the subnet apart.
    fn mask(self) -> u128 {
        1_u128.checked_shl(self.host_bits).map_or(u128::MAX, |above| above - 1)
    }
}

/// Two addresses of a family and the range between them, such as `10.0.0.5-10.0.0.9`.
pub(super) fn range(value: &str, family: &str) -> Result<(IpAddr, IpAddr), String> {
    let (start, end) =
        value.split_once('-').ok_or("IP range must contain start and end IP addresses")?;
    let parse = |text: &str| match text.trim().parse::<IpAddr>() {
        Ok(address) if address.is_ipv4() == (family == "IPv4") => Ok(address),
        _ => Err(format!("Not an {family} address \"{}\"", text.trim())),
    };
    let (start, end) = (parse(start)?, parse(end)?);
    if start > end {
        return Err("Start IP address must be less than or equal to the end".to_owned());
    }
    Ok((start, end))
}

pub(super) fn number<T: FromStr>(value: &str) -> Result<T, String> {
    value.parse().map_err(|_| format!("Invalid value for an integer \"{value}\""))
}

pub(super) fn hold(condition: bool, reason: impl FnOnce() -> String) -> Checked {
    if condition { Ok(()) } else { Err(reason()) }
}

pub(super) fn refuse(reason: &str) -> Checked {
    Err(reason.to_owned())
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u32::from(address).into(),
        IpAddr::V6(address) => address.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets() {
        for (subnet, address, inside) in [
            ("10.0.0.1/24", "10.0.0.255", true),
            ("10.0.0.1/24", "10.0.1.0", false),
            ("0.0.0.0/0", "255.255.255.255", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "ffff::", true),
            ("fd42::1/128", "fd42::1", true),
            ("fd42::1/128", "fd42::2", false),
        ] {
            let cidr: Cidr = subnet.parse().unwrap();
            assert_eq!(cidr.contains(address.parse().unwrap()), inside, "{address} in {subnet}");
        }
    }

    #[test]
    fn hardware_addresses() {
        for value in ["00:16:3e:00:00:01", "02:AB:cd:ef:01:23"] {
            assert_eq!(hwaddr(value), Ok(()));
        }
        for value in ["", "foo", "02-02-03-04-05-06", "0:16:3e:0:0:1", "00:16:3e:00:00:01:02"] {
            assert!(hwaddr(value).unwrap_err().starts_with("Invalid MAC address"), "{value}");
        }
        for value in ["01:02:03:04:05:06", "00:00:00:00:00:00"] {
            assert!(hwaddr(value).unwrap_err().starts_with("Not a usable"), "{value}");
        }
    }
}
