//! Members come back with everything they had.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
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
    wait::{wait_until, wait_until_finely},
};

/// As many as a first start makes.
const FILES: usize = 36;
/// How often a start is looked at.
const FINELY: Duration = Duration::from_micros(50);

/// As soon as there is one file more than at the death before, sockets and unfinished files included.
#[test]
fn a_first_start_may_die_at_every_file() -> Result<()> {
    let rack = Rack::new("first-start", Flavour::under_test(), 1)?;
    let (host, socket) = (&rack.hosts[0], rack.hosts[0].data().join("unix.socket"));
    for count in 0..FILES {
        let daemon = Daemon::start(host)?;
        let mut seen = BTreeSet::new();
        wait_until_finely("a file more, or the socket", LIMIT, FINELY, || {
            seen.extend(names(&host.data()));
            (seen.len() > count || seen.contains(&socket)).then_some(())
        })?;
        daemon.kill()?;
        Daemon::start_ready(host).with_context(|| format!("after {seen:?}"))?.kill()?;
        host.sh("rm -rf /run/lxd/*")?;
    }
    rack.finish()
}

/// The files below a directory; of those that go away meanwhile, some.
fn names(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let paths = entries.map(|entry| entry.path());
    paths.flat_map(|path| names(&path).into_iter().chain([path])).collect()
}

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
