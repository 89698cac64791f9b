//! Members come back with everything they had.

use anyhow::{Result, ensure};
use nix::sys::signal::{Signal, kill};
use serde_json::json;
use tests::{
    api::Api,
    cluster::{self, Cluster},
    daemon::{Daemon, LIMIT},
    flavour::Flavour,
    host::Host,
    namespace::pid,
    rack::Rack,
    wait::wait_until,
};

#[test]
fn each_member_restarts() -> Result<()> {
    let rack = Rack::new("restart-each", Flavour::under_test(), 3)?;
    let mut cluster = Cluster::form(&rack)?;
    for (index, host) in rack.hosts.iter().enumerate() {
        let other = &rack.hosts[(index + 1) % 3];
        ensure!(cluster.daemons.remove(index).stop()?.success());
        Api::of(other).post("/1.0/profiles", &json!({"name": format!("while{index}")}))?;
        cluster.daemons.insert(index, Daemon::start_ready(host)?);
        cluster::wait_online(other, 3)?;
        Api::of(host).get(&format!("/1.0/profiles/while{index}"))?;
        host_is_whole(host)?;
    }
    cluster::check_tables(&rack)?;
    rack.finish()
}

#[test]
fn all_members_restart_at_once() -> Result<()> {
    let rack = Rack::new("restart-all", Flavour::under_test(), 3)?;
    let mut cluster = Cluster::form(&rack)?;
    Api::of(&rack.hosts[1]).post("/1.0/profiles", &json!({"name": "before"}))?;
    for daemon in &cluster.daemons {
        kill(pid(daemon.id()), Signal::SIGTERM)?;
    }
    for daemon in &mut cluster.daemons {
        daemon.wait_end()?;
    }
    cluster.daemons = rack.hosts.iter().map(Daemon::start).collect::<Result<_>>()?;
    come_back(&rack, &mut cluster)?;
    rack.finish()
}

#[test]
fn all_hosts_lose_power_at_once() -> Result<()> {
    let mut rack = Rack::new("power-cut", Flavour::under_test(), 3)?;
    let mut cluster = Cluster::form(&rack)?;
    Api::of(&rack.hosts[2]).post("/1.0/profiles", &json!({"name": "before"}))?;
    for index in 0..3 {
        rack.reboot(index)?;
    }
    cluster.daemons = rack.hosts.iter().map(Daemon::start).collect::<Result<_>>()?;
    come_back(&rack, &mut cluster)?;
    rack.finish()
}

fn come_back(rack: &Rack, cluster: &mut Cluster) -> Result<()> {
    for (host, daemon) in rack.hosts.iter().zip(&mut cluster.daemons) {
        daemon.wait_ready(host)?;
    }
    for host in &rack.hosts {
        cluster::wait_online(host, 3)?;
        Api::of(host).get("/1.0/profiles/before")?;
        host_is_whole(host)?;
    }
    cluster::check_tables(rack)
}

/// A daemon may be ready before its bridges are.
fn host_is_whole(host: &Host) -> Result<()> {
    let whole = wait_until("pool and bridge are there", LIMIT, || cluster::check_host(host).ok());
    whole.or_else(|_| cluster::check_host(host))
}
