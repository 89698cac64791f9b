//! Forming a cluster the way its users do: preseed files, tokens, `lxc` and `lxd init`.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{
    api::Api,
    daemon::{Daemon, LIMIT},
    host::Host,
    rack::Rack,
    wait::wait_until,
};

/// The bridge that every member of a test cluster has.
pub const BRIDGE: &str = "lxdbr0";
/// The `dir` pool that every member of a test cluster has.
pub const POOL: &str = "local";

/// Members in the order of the rack's hosts.
#[derive(Debug)]
pub struct Cluster {
    pub daemons: Vec<Daemon>,
}

impl Cluster {
    /// Starts a daemon on every host of the rack, bootstraps the first and joins the others.
    pub fn form(rack: &Rack) -> Result<Self> {
        let daemons = rack.hosts.iter().map(Daemon::start_ready).collect::<Result<Vec<_>>>()?;
        let (first, others) = rack.hosts.split_first().context("a cluster needs a host")?;
        bootstrap(first)?;
        for host in others {
            join(host, &token(first, &host.name)?)?;
        }
        wait_online(first, rack.hosts.len())?;
        Ok(Self { daemons })
    }
}

/// What a member has on its host for the test cluster's pool and bridge; all of it, or an error.
pub fn check_host(host: &Host) -> Result<()> {
    let containers = host.data().join("storage-pools").join(POOL).join("containers");
    ensure!(containers.is_dir(), "{} is missing", containers.display());
    let addresses = host.sh(&format!("ip -brief address show {BRIDGE}"))?;
    ensure!(addresses.contains("10.158.0.1/24"), "{}: {addresses}", host.name);
    let programs = host.sh("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")?;
    let server = format!("--interface={BRIDGE}");
    ensure!(programs.matches(&server).count() == 1, "{}: dnsmasq in {programs}", host.name);
    let rules = host.sh("nft list ruleset")?;
    ensure!(rules.matches("masquerade").count() == 1, "{}: {rules}", host.name);
    Ok(())
}

/// Every table of the cluster's database at every member: the same at all, or an error.
pub fn check_tables(rack: &Rack) -> Result<()> {
    let dump = |host: &Host| {
        // A dump is of what the member has; after a read of what is true now it has all that was done.
        host.lxc(&["query", "/1.0/profiles"])?;
        host.lxd(&["sql", "global", ".dump"], "")
    };
    let dumps = rack.hosts.iter().map(dump).collect::<Result<Vec<_>>>()?;
    for (host, other) in rack.hosts.iter().zip(&dumps) {
        let odd = dumps[0].lines().zip(other.lines()).find(|(one, other)| one != other);
        ensure!(*other == dumps[0], "{} has other tables than node1: {odd:?}", host.name);
    }
    Ok(())
}

/// Makes a cluster of one with a pool, a bridge and a profile that uses both.
pub fn bootstrap(host: &Host) -> Result<()> {
    let preseed = bootstrap_preseed(&host.name, &host.endpoint());
    host.lxd(&["init", "--preseed"], &preseed).map(drop)
}

/// A join token for a new member, asked of `member`.
pub fn token(member: &Host, name: &str) -> Result<String> {
    let text = member.lxc(&["cluster", "add", name])?;
    let token = text.lines().last().unwrap_or_default().trim();
    ensure!(!token.is_empty(), "no token in {text:?}");
    Ok(token.to_owned())
}

/// Joins a fresh daemon.
pub fn join(host: &Host, token: &str) -> Result<()> {
    host.lxd(&["init", "--preseed"], &join_preseed(&host.endpoint(), token)).map(drop)
}

/// What the first member reads on `lxd init --preseed`; JSON is YAML.
#[must_use]
pub fn bootstrap_preseed(name: &str, endpoint: &str) -> String {
    let root = json!({"type": "disk", "path": "/", "pool": POOL});
    let nic = json!({"type": "nic", "name": "eth0", "network": BRIDGE});
    let bridge = json!({
        "ipv4.address": "10.158.0.1/24", "ipv4.nat": "true", "ipv6.address": "none",
    });
    json!({
        "config": {"core.https_address": endpoint, "core.trust_password": "sekret"},
        "storage_pools": [{"name": POOL, "driver": "dir"}],
        "networks": [{"name": BRIDGE, "type": "bridge", "config": bridge}],
        "profiles": [{"name": "default", "devices": {"root": root, "eth0": nic}}],
        "cluster": {"server_name": name, "enabled": true},
    })
    .to_string()
}

/// What a joiner reads on `lxd init --preseed`.
#[must_use]
pub fn join_preseed(endpoint: &str, token: &str) -> String {
    json!({"cluster": {
        "enabled": true, "server_address": endpoint, "cluster_token": token,
        "member_config": [source()],
    }})
    .to_string()
}

/// What a joiner says about the pool of [`bootstrap`]: that it lies in its own data directory.
#[must_use]
pub fn source() -> Value {
    json!({"entity": "storage-pool", "name": POOL, "key": "source", "value": ""})
}

/// GET /1.0/cluster/members?recursion=1 on a host's socket.
pub fn members(host: &Host) -> Result<Vec<Value>> {
    let members = Api::of(host).get("/1.0/cluster/members?recursion=1")?;
    Ok(members.as_array().context("members are a list")?.clone())
}

/// Waits until `host` lists `count` members and all of them ONLINE.
pub fn wait_online(host: &Host, count: usize) -> Result<()> {
    wait_until(&format!("{count} members ONLINE on {}", host.name), LIMIT, || {
        let members = members(host).ok()?;
        let online = members.iter().filter(|member| member["status"] == "Online").count();
        (members.len() == count && online == count).then_some(())
    })
}

/// Waits until `host` has made a profile of this name, once.
pub fn wait_write(host: &Host, name: &str) -> Result<()> {
    let api = Api::of(host);
    wait_until(&format!("{} makes {name}", host.name), LIMIT, || {
        let made = api.post("/1.0/profiles", &json!({"name": name, "config": {}}));
        // One that was not confirmed may have taken effect.
        let exists = |error: &anyhow::Error| error.to_string().contains("already exists");
        made.as_ref().map_or_else(exists, |_| true).then_some(())
    })
}

/// The rack's index of the member that leads, as `host` sees it.
pub fn leader(rack: &Rack, host: &Host) -> Result<usize> {
    wait_until("a leader is listed", Duration::from_secs(30), || {
        let members = members(host).ok()?;
        let leads = |member: &&Value| {
            let roles = member["roles"].as_array();
            roles.is_some_and(|roles| roles.iter().any(|role| role == "database-leader"))
        };
        let name = members.iter().find(leads)?["server_name"].as_str()?.to_owned();
        rack.hosts.iter().position(|host| host.name == name)
    })
}
