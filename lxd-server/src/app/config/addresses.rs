//! Where the API listens: `core.https_address`, and in a cluster `cluster.https_address`.

use crate::app::undo_log::{self, Undo};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use shared_api::address::Address;
use shared_api::config::Map;
use shared_api::config::server::{CLUSTER_ADDRESS, HTTPS_ADDRESS, Invalid, checked};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

/// How long until an address that could not be bound at the start is tried again.
const AGAIN: Duration = Duration::from_secs(2);

/// Binds what is configured. An address that the host does not have yet is tried again until it
/// does, so a network that comes late does not keep the daemon from starting.
pub async fn listen(ctx: &Context) -> Result<()> {
    let local = ctx.local.config().await?;
    if let Err(error) = bind(ctx, &local).await {
        tracing::warn!("{}; trying again until it can", error.chain());
        tokio::spawn(keep_trying(ctx.clone()));
    }
    Ok(())
}

async fn keep_trying(ctx: Context) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(AGAIN) => {}
            () = ctx.stop.cancelled() => return,
        }
        let _alone = ctx.joining.lock().await;
        // What was changed in the meantime is bound already, which is no error.
        let bound = match ctx.local.config().await {
            Ok(local) => bind(&ctx, &local).await,
            Err(error) => Err(error),
        };
        if bound.is_ok() {
            tracing::info!(addresses = ?ctx.listeners.addresses(), "Listening");
            return;
        }
    }
}

/// Where other members are to reach this one, as `host:port`: `wanted`, or if that is empty what
/// the configuration says.
///
/// # Errors
/// There is none, or it is a wildcard.
pub async fn cluster_address(ctx: &Context, wanted: &str) -> Result<String> {
    choose(&ctx.local.config().await?, wanted)
}

/// Listens at [`cluster_address`] too, and returns it; the undo log says where it was before.
pub async fn listen_for_cluster(ctx: &Context, wanted: &str) -> Result<String> {
    let before = ctx.local.config().await?;
    let address = choose(&before, wanted)?;
    let mut local = before.clone();
    local.insert(CLUSTER_ADDRESS.to_owned(), address.clone());
    local.entry(HTTPS_ADDRESS.to_owned()).or_insert_with(|| address.clone());
    undo_log::note(ctx, &Undo::Listen(before.clone())).await?;
    apply(ctx, &before, &local).await?;
    Ok(address)
}

fn choose(local: &Map, wanted: &str) -> Result<String> {
    let configured = [CLUSTER_ADDRESS, HTTPS_ADDRESS].into_iter().filter_map(|key| local.get(key));
    let mut choices = std::iter::once(wanted).chain(configured.map(String::as_str));
    let address = choices.find(|address| !address.is_empty());
    let address =
        address.ok_or_else(|| Error::invalid("No server address provided for this member"))?;
    checked(CLUSTER_ADDRESS, address).map_err(Error::invalid)?;
    Ok(address.parse::<Address>().map_err(Error::invalid)?.to_string())
}

/// Binds what `local` says, then stores it. If that fails, all is as `before`.
pub(super) async fn apply(ctx: &Context, before: &Map, local: &Map) -> Result<()> {
    if before == local {
        return Ok(());
    }
    bind(ctx, local).await?;
    if let Err(error) = ctx.local.set_config(local).await {
        restore(ctx, before).await;
        return Err(error);
    }
    Ok(())
}

/// Brings back what was bound and stored, as far as it can be.
pub async fn restore(ctx: &Context, before: &Map) {
    for result in [bind(ctx, before).await, ctx.local.set_config(before).await] {
        if let Err(error) = result {
            tracing::warn!("Bringing back the former addresses: {}", error.chain());
        }
    }
}

async fn bind(ctx: &Context, local: &Map) -> Result<()> {
    let mut addresses = Vec::new();
    for key in [HTTPS_ADDRESS, CLUSTER_ADDRESS] {
        if let Some(text) = local.get(key) {
            addresses.push(resolve(key, text).await?);
        }
    }
    if let [first, second] = addresses[..]
        && covers(first, second)
    {
        addresses.pop();
    }
    ctx.listeners.set_addresses(&addresses).await.map_err(|error| {
        let (socket, text) = match local.get(HTTPS_ADDRESS) {
            Some(text) => ("network HTTPS", text),
            None => ("cluster HTTPS", local.get(CLUSTER_ADDRESS).unwrap_or(&error.message)),
        };
        let text = text.parse::<Address>().map_or_else(|_| text.clone(), |text| text.to_string());
        let action = format!("Cannot listen on {socket} socket {text:?}");
        Error::new(Kind::Internal, error.message).prefix(action)
    })
}

/// Whether listening on the first is listening on the second too.
fn covers(first: SocketAddr, second: SocketAddr) -> bool {
    let all = first.ip().is_unspecified() && (first.is_ipv6() || second.is_ipv4());
    first == second || (all && first.port() == second.port())
}

/// The address to bind for the value of a key.
async fn resolve(key: &str, text: &str) -> Result<SocketAddr> {
    let address: Address = text.parse().map_err(|invalid: shared_api::address::Invalid| {
        Error::invalid(Invalid::new(key, text, invalid.to_string()))
    })?;
    if address.host.is_empty() {
        return Ok(SocketAddr::new(all_addresses(), address.port));
    }
    let found = tokio::net::lookup_host((address.host.as_str(), address.port)).await;
    found.ok().and_then(|mut found| found.next()).ok_or_else(|| {
        let reason = format!("Couldn't resolve {:?}", address.host);
        Error::invalid(Invalid::new(key, text, reason))
    })
}

/// The wildcard for both families, or for IPv4 on a host without IPv6.
fn all_addresses() -> IpAddr {
    if Path::new("/proc/net/if_inet6").exists() {
        Ipv6Addr::UNSPECIFIED.into()
    } else {
        Ipv4Addr::UNSPECIFIED.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_covers_its_port() {
        for (first, second, covered) in [
            ("[::]:8443", "10.0.0.1:8443", true),
            ("0.0.0.0:8443", "10.0.0.1:8443", true),
            ("0.0.0.0:8443", "[::1]:8443", false),
            ("[::]:8443", "10.0.0.1:8444", false),
            ("10.0.0.1:8443", "10.0.0.1:8443", true),
            ("10.0.0.1:8443", "10.0.0.2:8443", false),
        ] {
            assert_eq!(covers(first.parse().unwrap(), second.parse().unwrap()), covered);
        }
    }

    #[test]
    fn the_address_for_members_is_no_wildcard() {
        let choose = |core: &str, wanted: &str| {
            let local = Map::from([(HTTPS_ADDRESS.to_owned(), core.to_owned())]);
            choose(&local, wanted).map_err(|error| error.message)
        };
        assert_eq!(choose("10.0.0.1", ""), Ok("10.0.0.1:8443".to_owned()));
        assert_eq!(choose("[::]", "n1:444"), Ok("n1:444".to_owned()));
        let text =
            "cannot set 'cluster.https_address' to '[::]:8443': Wildcard addresses aren't allowed";
        assert_eq!(choose("[::]:8443", ""), Err(text.to_owned()));
        assert_eq!(choose("", ""), Err("No server address provided for this member".to_owned()));
    }

    #[tokio::test]
    async fn names_and_ports_are_resolved() {
        let all = SocketAddr::new(all_addresses(), 8443);
        assert_eq!(resolve(HTTPS_ADDRESS, ":8443").await.unwrap(), all);
        let here = resolve(HTTPS_ADDRESS, "127.0.0.1").await.unwrap();
        assert_eq!(here, "127.0.0.1:8443".parse().unwrap());
        let error = resolve(HTTPS_ADDRESS, "no such host").await.unwrap_err();
        let text = "cannot set 'core.https_address' to 'no such host': ";
        assert!(error.message.starts_with(text), "{}", error.message);
    }
}
