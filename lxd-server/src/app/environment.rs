//! What the server tells of itself and its host. Needs no quorum.

use crate::app::cluster;
use crate::context::Context;
use crate::db::tables::objects;
use crate::error::Result;
use crate::{host, network, storage};
use futures::FutureExt;
use shared_api::server::{Environment, StorageDriver};
use std::net::SocketAddr;

/// The environment as of now, as one who uses that project sees it.
pub async fn environment(ctx: &Context, project: &str) -> Result<Environment> {
    let certificate = ctx.tls.public();
    let uname = rustix::system::uname();
    let (os_name, os_version) = operating_system();
    let drivers = storage::supported().await;
    let (storage, storage_version) = in_use(ctx, drivers).await?;
    let driver = |driver: &storage::Driver| StorageDriver {
        name: driver.name.to_owned(),
        version: driver.version.clone(),
        remote: driver.remote,
    };
    Ok(Environment {
        addresses: addresses(ctx).await,
        architectures: architectures(),
        certificate: certificate.certificate.clone(),
        certificate_fingerprint: certificate.fingerprint.clone(),
        firewall: "nftables".to_owned(),
        kernel: uname.sysname().to_string_lossy().into_owned(),
        kernel_architecture: uname.machine().to_string_lossy().into_owned(),
        kernel_version: uname.release().to_string_lossy().into_owned(),
        os_name,
        os_version,
        project: project.to_owned(),
        server: "lxd".to_owned(),
        server_clustered: cluster::is_clustered(ctx),
        server_event_mode: "full-mesh".to_owned(),
        server_name: name(ctx),
        server_pid: std::process::id(),
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
        storage,
        storage_version,
        storage_supported_drivers: drivers.iter().map(driver).collect(),
        ..Environment::default()
    })
}

/// The member's name, or the host's outside a cluster.
fn name(ctx: &Context) -> String {
    if cluster::is_clustered(ctx) { ctx.events.location() } else { ctx.host.clone() }
}

/// `host:port` of all that the API is bound to; a wildcard is all global addresses of the host.
async fn addresses(ctx: &Context) -> Vec<String> {
    let bound = ctx.listeners.addresses();
    let global = match bound.iter().any(|address| address.ip().is_unspecified()) {
        true => network::addresses().await.unwrap_or_default(),
        false => Vec::new(),
    };
    let mut addresses = Vec::new();
    for address in bound {
        if !address.ip().is_unspecified() {
            addresses.push(address.to_string());
            continue;
        }
        let both = address.is_ipv6();
        let reached = global.iter().filter(|ip| both || ip.is_ipv4());
        addresses.extend(reached.map(|ip| SocketAddr::new(*ip, address.port()).to_string()));
    }
    addresses
}

fn architectures() -> Vec<String> {
    let own = host::architecture_name(host::architecture_id());
    let also = if own == "x86_64" { Some("i686") } else { None };
    std::iter::once(own).chain(also).map(str::to_owned).collect()
}

/// The drivers of the pools that there are, and their versions, each joined by ` | `.
async fn in_use(ctx: &Context, drivers: &[storage::Driver]) -> Result<(String, String)> {
    let pools = ctx.db.read_local(|tx| objects::POOLS.list(tx).boxed()).await?;
    let used = |driver: &&storage::Driver| pools.iter().any(|pool| pool.kind == driver.name);
    let used: Vec<_> = drivers.iter().filter(used).collect();
    let join = |part: fn(&storage::Driver) -> &str| {
        used.iter().map(|driver| part(driver)).collect::<Vec<_>>().join(" | ")
    };
    Ok((join(|driver| driver.name), join(|driver| &driver.version)))
}

/// Name and version from os-release(5).
fn operating_system() -> (String, String) {
    let text = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.unwrap_or_default().trim_matches('"').to_owned()
    };
    (value("NAME"), value("VERSION_ID"))
}
