//! Addresses to listen on or to connect to, as users write them.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// The port of the API where none is given.
pub const PORT: u16 = 8443;

/// A host and a port: `host`, `host:port`, `10.0.0.1`, `[::1]:8443`, `::1`, `:8443`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name or an address without brackets; empty for all addresses of the host.
    pub host: String,
    pub port: u16,
}

/// A text that is no address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid address \"{0}\"")]
pub struct Invalid(String);

impl Address {
    /// Whether it means all addresses of the host.
    pub fn is_wildcard(&self) -> bool {
        self.host.is_empty() || self.host.parse().is_ok_and(|ip: IpAddr| ip.is_unspecified())
    }
}

impl FromStr for Address {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let invalid = || Invalid(text.to_owned());
        let (host, port) = if text.parse::<std::net::Ipv6Addr>().is_ok() {
            (text, "")
        } else if let Some(rest) = text.strip_prefix('[') {
            let (host, port) = rest.split_once(']').ok_or_else(invalid)?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| invalid())?;
            (host, if port.is_empty() { port } else { port.strip_prefix(':').ok_or_else(invalid)? })
        } else {
            text.split_once(':').unwrap_or((text, ""))
        };
        let allowed =
            |character: char| character.is_ascii_alphanumeric() || "-._:%".contains(character);
        if !host.chars().all(allowed) || port.starts_with('+') {
            return Err(invalid());
        }
        let port = if port.is_empty() { PORT } else { port.parse().map_err(|_| invalid())? };
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.host.contains(':') {
            return write!(f, "[{}]:{}", self.host, self.port);
        }
        write!(f, "{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_may_be_left_out() {
        for (text, canonical, wildcard) in [
            ("10.0.0.1", "10.0.0.1:8443", false),
            ("10.0.0.1:", "10.0.0.1:8443", false),
            ("n1.example:444", "n1.example:444", false),
            ("::1", "[::1]:8443", false),
            ("[::1]", "[::1]:8443", false),
            ("[fe80::1]:1", "[fe80::1]:1", false),
            (":8443", ":8443", true),
            ("[::]", "[::]:8443", true),
            ("0.0.0.0:80", "0.0.0.0:80", true),
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.to_string(), address.is_wildcard()), (canonical.into(), wildcard));
        }
        for text in
            ["[::", "[x]:1", "a b", "10.0.0.1:x", "10.0.0.1:99999", "n1:+1", "[::1]8", "a/b"]
        {
            assert_eq!(text.parse::<Address>(), Err(Invalid(text.to_owned())));
        }
    }
}
