//! Disks that are full, and databases that are damaged.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};
use tests::{
    api::Api,
    cluster::{self, Cluster},
    daemon::{Daemon, LIMIT},
    flavour::Flavour,
    host::Host,
    program,
    rack::Rack,
    wait::wait_until,
};

/// A small disk for the databases.
const SMALL: &str = "mkdir /run/lxd/database && mount -t tmpfs -o size=48m tmpfs /run/lxd/database";

#[test]
fn a_leader_whose_disk_is_full_is_replaced_and_comes_back_when_there_is_room() -> Result<()> {
    let mut rack = Rack::new("disk-full", Flavour::Ours, 3)?;
    for host in &rack.hosts {
        host.sh(SMALL)?;
    }
    let _cluster = Cluster::form(&rack)?;
    let full = cluster::leader(&rack, &rack.hosts[0])?;
    let (host, other) = (&rack.hosts[full], &rack.hosts[(full + 1) % 3]);
    host.sh("cat /dev/zero > /run/lxd/database/filler || true")?;
    let (api, mut count) = (Api::of(other), 0);
    wait_until("the member says that its disk is full", LIMIT, || {
        count += 1;
        let profile = json!({"name": format!("p{count}"), "description": "x".repeat(10_000)});
        if let Err(error) = api.post("/1.0/profiles", &profile) {
            return Some(Err(error));
        }
        let member = member(other, &host.name)?;
        let says = member["message"].as_str()?.contains("disk of the database is full");
        (says && member["status"] == "Offline").then_some(Ok(()))
    })??;
    ensure!(cluster::leader(&rack, other)? != full, "it still leads");
    let reply = Api::of(host).call(Method::POST, "/1.0/profiles", Some(&json!({"name": "no"})))?;
    ensure!(reply.status == 503, "{} {}", reply.status, reply.error());
    ensure!(reply.error().contains("disk of the database is full"), "{}", reply.error());
    host.sh("rm /run/lxd/database/filler")?;
    for host in &rack.hosts {
        cluster::wait_online(host, 3)?;
    }
    api.post("/1.0/profiles", &json!({"name": "after"}))?;
    Api::of(host).get("/1.0/profiles/after")?;
    Api::of(host).get(&format!("/1.0/profiles/p{count}"))?;
    cluster::check_tables(&rack)?;
    for text in ["disk", "full", "stopped", "storage", "a batch of transactions failed"] {
        rack.expect_error(text);
    }
    rack.finish()
}

#[test]
fn a_member_that_lost_its_log_comes_back_under_another_id() -> Result<()> {
    let mut rack = Rack::new("lost-log", Flavour::Ours, 3)?;
    let mut cluster = Cluster::form(&rack)?;
    let host = &rack.hosts[2];
    Api::of(host).post("/1.0/profiles", &json!({"name": "before"}))?;
    wait_until("everybody votes", LIMIT, || votes(&rack.hosts[0]))?;
    wait_until("it knows where the others are", LIMIT, || {
        let rows = host.lxd(&["sql", "local", "SELECT count(*) FROM members"], "").ok()?;
        rows.contains('3').then_some(())
    })?;
    ensure!(cluster.daemons.remove(2).stop()?.success());
    let file = replica(host)?.join("raft.db");
    let mut bytes = fs::read(&file)?;
    // In the page with the last entries.
    let last = bytes.len() - 100;
    bytes[last] ^= 1;
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0x5a);
    fs::write(&file, bytes)?;
    cluster.daemons.push(Daemon::start_ready(host)?);
    cluster::wait_online(&rack.hosts[0], 3)?;
    wait_until("everybody votes again", LIMIT, || votes(&rack.hosts[0]))?;
    Api::of(host).get("/1.0/profiles/before")?;
    Api::of(host).post("/1.0/profiles", &json!({"name": "after"}))?;
    let id = host.lxd(&["sql", "global", "SELECT id FROM nodes WHERE name = 'node3'"], "")?;
    ensure!(id.contains('4'), "{id}");
    cluster::check_host(host)?;
    cluster::check_tables(&rack)?;
    // And it stays that way.
    ensure!(cluster.daemons.remove(2).stop()?.success());
    cluster.daemons.push(Daemon::start_ready(host)?);
    cluster::wait_online(&rack.hosts[0], 3)?;
    rack.expect_error("given a new place");
    rack.expect_error("waits for a new place");
    rack.finish()
}

#[test]
fn a_lone_server_whose_log_is_gone_says_what_can_be_done() -> Result<()> {
    let rack = Rack::new("lone-lost-log", Flavour::Ours, 1)?;
    let host = &rack.hosts[0];
    ensure!(Daemon::start_ready(host)?.stop()?.success());
    fs::remove_file(replica(host)?.join("raft.db"))?;
    ensure!(!Daemon::start(host)?.wait_end()?.success(), "it started");
    let log = fs::read_to_string(host.folder.join("lxd.log"))?;
    ensure!(log.contains("the log is gone"), "{log}");
    ensure!(log.contains("mv /run/lxd/database /run/lxd/database.lost"), "{log}");
    rack.finish()
}

#[test]
fn a_host_whose_local_database_is_gone_keeps_its_replica() -> Result<()> {
    let rack = Rack::new("lost-local", Flavour::Ours, 1)?;
    let host = &rack.hosts[0];
    let daemon = Daemon::start_ready(host)?;
    Api::of(host).post("/1.0/profiles", &json!({"name": "before"}))?;
    ensure!(daemon.stop()?.success());
    let (local, copy) = (host.data().join("database/local.db"), rack.folder.join("local.db"));
    fs::rename(&local, &copy)?;
    ensure!(!Daemon::start(host)?.wait_end()?.success(), "it started");
    let log = fs::read_to_string(host.folder.join("lxd.log"))?;
    ensure!(log.contains("database/local.db is gone"), "{log}");
    fs::copy(&copy, &local)?;
    let daemon = Daemon::start_ready(host)?;
    Api::of(host).get("/1.0/profiles/before")?;
    ensure!(daemon.stop()?.success());
    rack.finish()
}

fn member(host: &Host, name: &str) -> Option<Value> {
    let members = cluster::members(host).ok()?;
    members.into_iter().find(|member| member["server_name"] == name)
}

/// Whether three members hold the database.
fn votes(host: &Host) -> Option<()> {
    let members = cluster::members(host).ok()?;
    let voter = |member: &&Value| {
        let roles = member["roles"].as_array();
        roles.is_some_and(|roles| roles.iter().any(|role| role == "database"))
    };
    (members.iter().filter(voter).count() == 3).then_some(())
}

/// The directory of a host's replica.
fn replica(host: &Host) -> Result<PathBuf> {
    let entries = fs::read_dir(host.data().join("database"))?;
    let mut paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let name = |path: &PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("replica-"))
    };
    paths.find(name).context("a replica's directory")
}

/// Every sync of a process takes this long from now on.
const SLOW: &str = "inject=fdatasync,fsync:delay_exit=500000";

#[test]
fn a_slow_disk_costs_a_leader_its_lead_and_the_others_nothing() -> Result<()> {
    let rack = Rack::new("slow-disk", Flavour::Ours, 3)?;
    let cluster = Cluster::form(&rack)?;
    wait_until("everybody votes", LIMIT, || votes(&rack.hosts[0]))?;
    let slow = cluster::leader(&rack, &rack.hosts[0])?;
    let (other, third) = (&rack.hosts[(slow + 1) % 3], &rack.hosts[(slow + 2) % 3]);
    let (process, log) = (cluster.daemons[slow].id().to_string(), rack.folder.join("strace"));
    let mut strace = program::command("strace")
        .args(["--quiet", "--follow-forks", "--trace=fdatasync,fsync", "-e", SLOW, "-o"])
        .arg(&log)
        .args(["-p", &process])
        .spawn()
        .context("start strace")?;
    let (api, mut count) = (Api::of(other), 0);
    wait_until("another leads", LIMIT, || {
        count += 1;
        if let Err(error) = api.post("/1.0/profiles", &json!({"name": format!("p{count}")})) {
            return Some(Err(error));
        }
        (cluster::leader(&rack, third).ok()? != slow).then_some(Ok(()))
    })??;
    // Now it is a follower whose disk is slow.
    let mut times = Vec::new();
    for turn in 0..15 {
        let begun = Instant::now();
        api.post("/1.0/profiles", &json!({"name": format!("q{turn}")}))?;
        times.push(begun.elapsed());
    }
    times.sort();
    // Whoever waits for the slow disk waits for longer than one sync.
    ensure!(times[7] < Duration::from_millis(500), "{times:?}");
    ensure!(fs::read_to_string(&log)?.contains("DELAYED"), "no sync was slow");
    ensure!(cluster::leader(&rack, third)? != slow, "it leads again");
    strace.kill()?;
    strace.wait()?;
    cluster::wait_online(third, 3)?;
    wait_until("the slow disk has all of it", LIMIT, || cluster::check_tables(&rack).ok())?;
    rack.finish()
}
