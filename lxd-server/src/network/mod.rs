//! The host side of networks: bridges with addresses, NAT, DHCP and DNS; plain values in and out,
//! nothing of the cluster. Dropping a [`Running`] leaves all of it at work, as a restart of the
//! daemon does; the next [`start`] finds it and takes over.

mod address;
mod bridge;
mod dnsmasq;
mod firewall;
mod free;
mod interfaces;
mod netlink;
mod plan;
mod stale;
mod supervisor;
mod sysctl;

pub use address::{choose, fill};
pub use free::{check, check_subnets};
pub use interfaces::{Address, Bridge, Counters, Interface, State, addresses, interfaces, state};
pub use supervisor::Networks;

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use ipnet::IpNet;
use shared_api::config::Map;
use shared_api::name::NetworkName;

use crate::run;
use netlink::Netlink;
use plan::Plan;

/// A bridge that the daemon manages on this host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Its name in the cluster, which is its interface's.
    pub name: NetworkName,
    /// The keys of the cluster and of this member, merged; addresses are chosen, not `auto`.
    pub config: Map,
    /// The daemon's directory (`LXD_DIR`); files are in `networks/NAME` below it.
    pub root: PathBuf,
}

/// A network at work: what has to be watched while the daemon lives.
#[derive(Debug)]
pub struct Running {
    plan: Plan,
    dnsmasq: Option<dnsmasq::Service>,
}

/// Why a network could not be made, changed, removed or looked at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The name is taken by an interface that is not ours.
    #[error("Network interface {0:?} already exists")]
    Exists(String),
    /// The host is in that subnet by another interface.
    #[error("Address {address} of interface {interface:?} is in its subnet {subnet}")]
    SubnetInUse {
        /// The host's address.
        address: IpAddr,
        /// Which has it.
        interface: String,
        /// The network's.
        subnet: IpNet,
    },
    /// The DNS server of a network could not listen.
    #[error(
        "Port {} is in use by somebody who listens at all addresses of this host",
        free::DNS_PORT
    )]
    DnsPortInUse,
    /// There is no interface of that name.
    #[error("Network interface {0:?} not found")]
    NotFound(String),
    /// An external interface that has addresses or belongs to another bridge.
    #[error("Only unconfigured network interfaces can be bridged")]
    PortInUse(String),
    /// A value that the validation of keys should have refused.
    #[error("Invalid value {value:?} of {key:?}")]
    Value {
        /// The key.
        key: &'static str,
        /// Its value.
        value: String,
    },
    /// No unused subnet was found in many tries.
    #[error("Failed to find a free subnet for {0:?}")]
    NoSubnet(&'static str),
    /// dnsmasq ended as soon as it was started: its exit status and last words.
    #[error(
        "The DNS and DHCP service exited prematurely: Process exited with non-zero value {status} ({words:?})"
    )]
    Service {
        /// The exit status, or −1 after a signal.
        status: i32,
        /// What it said.
        words: String,
    },
    /// A program failed.
    #[error(transparent)]
    Run(#[from] run::Failed),
    /// The kernel refused a change of interfaces or addresses.
    #[error("Failed to {action}")]
    Netlink {
        /// What was tried.
        action: String,
        /// What the kernel said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file, a setting below /proc/sys or a process was refused.
    #[error("Failed to {action} {path:?}")]
    Host {
        /// What was tried, such as "write".
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the host said.
        #[source]
        source: io::Error,
    },
}

impl Error {
    fn host(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Host { action, path, source }
    }
}

/// Makes a new network, all of it or nothing. Work on one network must not overlap.
///
/// Refuses an interface of that name, unless an earlier try to make this network left it.
pub async fn create(network: &Network) -> Result<Running, Error> {
    check(network).await?;
    let plan = Plan::of(network)?;
    let known = plan.dir.exists();
    let dir = plan.dir.clone();
    let running = bring_up(plan).await;
    if running.is_err() && !known {
        remove_dir(&dir).await?;
    }
    running
}

/// Brings a network into its state, whatever is there of it: nothing after a restart of the host,
/// all of it after a restart of the daemon.
///
/// When it fails, a bridge that this call made is removed again; one that was there stays.
pub async fn start(network: &Network) -> Result<Running, Error> {
    bring_up(Plan::of(network)?).await
}

/// Changes a network that is at work; when that fails, it is brought back to what it was.
pub async fn update(running: &mut Running, network: &Network) -> Result<(), Error> {
    let plan = Plan::of(network)?;
    if plan == running.plan && running.dnsmasq.is_some() == plan.has_service() {
        return Ok(());
    }
    let old = running.plan.clone();
    let netlink = Netlink::open()?;
    let gone = old.ports.iter().filter(|port| !plan.ports.contains(port));
    let changed = match bridge::release(&netlink, gone).await {
        Ok(()) => switch(running, &netlink, plan).await,
        Err(error) => Err(error),
    };
    if changed.is_err()
        && let Err(error) = switch(running, &netlink, old).await
    {
        tracing::error!(%error, "a network could not be brought back to what it was");
    }
    changed
}

/// Takes a network down, as `lxd shutdown` does; its files stay, and [`start`] brings it back.
pub async fn stop(running: Running) -> Result<(), Error> {
    let Running { plan, dnsmasq } = running;
    if let Some(service) = dnsmasq {
        service.stop().await;
    }
    take_down(&Netlink::open()?, &plan).await
}

/// Removes a network and its files, running or not; what is gone already is no error.
///
/// An interface of that name that is not ours stays: ours has its directory.
pub async fn delete(network: &Network, running: Option<Running>) -> Result<(), Error> {
    if running.is_none() && !Plan::bare(network).dir.exists() {
        return Ok(());
    }
    if let Some(service) = running.and_then(|running| running.dnsmasq) {
        service.stop().await;
    }
    let plan = Plan::bare(network);
    take_down(&Netlink::open()?, &plan).await?;
    remove_dir(&plan.dir).await
}

async fn bring_up(plan: Plan) -> Result<Running, Error> {
    let netlink = Netlink::open()?;
    let existing = netlink.link(&plan.name).await?;
    if existing.as_ref().is_some_and(|link| !link.is_bridge()) {
        return Err(Error::Exists(plan.name));
    }
    match apply(&netlink, &plan).await {
        Ok(dnsmasq) => Ok(Running { plan, dnsmasq }),
        Err(error) => {
            if existing.is_none()
                && let Err(error) = take_down(&netlink, &plan).await
            {
                tracing::error!(network = plan.name, %error, "a network was left half made");
            }
            Err(error)
        }
    }
}

/// Everything but the service is a reconciliation; the service is started anew.
async fn apply(netlink: &Netlink, plan: &Plan) -> Result<Option<dnsmasq::Service>, Error> {
    bridge::apply(netlink, plan).await?;
    firewall::apply(plan).await?;
    stale::kill(plan).await?;
    if !plan.has_service() {
        dnsmasq::remove_files(plan)?;
        return Ok(None);
    }
    dnsmasq::start(plan).await.map(Some)
}

async fn switch(running: &mut Running, netlink: &Netlink, plan: Plan) -> Result<(), Error> {
    if let Some(service) = running.dnsmasq.take() {
        service.stop().await;
    }
    running.dnsmasq = apply(netlink, &plan).await?;
    running.plan = plan;
    Ok(())
}

async fn take_down(netlink: &Netlink, plan: &Plan) -> Result<(), Error> {
    stale::kill(plan).await?;
    firewall::remove(&plan.name).await?;
    match netlink.link(&plan.name).await? {
        Some(link) if link.is_bridge() => netlink.delete(&link).await,
        _ => Ok(()),
    }
}

async fn remove_dir(dir: &Path) -> Result<(), Error> {
    match tokio::fs::remove_dir_all(dir).await {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Error::host("remove", dir)(error))
        }
        _ => Ok(()),
    }
}
