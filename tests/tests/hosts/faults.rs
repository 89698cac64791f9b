//! Members die, and nobody else notices.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::{
    api::Api,
    cluster::{self, Cluster},
    daemon::{Daemon, LIMIT},
    faults::matrix,
    flavour::Flavour,
    host::Host,
    rack::Rack,
    wait::wait_until,
};

#[test]
fn a_killed_leader_costs_nothing_but_time() -> Result<()> {
    holds("leader killed")
}

#[test]
fn a_leader_cut_off_costs_nothing_but_time() -> Result<()> {
    holds("leader alone")
}

#[test]
fn a_restart_of_all_loses_nothing() -> Result<()> {
    holds("all restarted at once")
}

#[test]
fn a_dead_member_is_offline_and_online_again_at_once() -> Result<()> {
    let rack = Rack::new("offline", Flavour::under_test(), 3)?;
    let mut cluster = Cluster::form(&rack)?;
    let api = Api::of(&rack.hosts[1]);
    api.patch("/1.0", &json!({"config": {"cluster.offline_threshold": "11"}}))?;
    cluster.daemons.remove(2).kill()?;
    wait_until("node3 is OFFLINE", LIMIT, || {
        let list = rack.hosts[1].lxc(&["cluster", "list", "--format", "csv"]).ok()?;
        list.lines()
            .find(|line| line.starts_with("node3,"))?
            .contains(",OFFLINE,No heartbeat for ")
            .then_some(())
    })?;
    let _daemon = Daemon::start_ready(&rack.hosts[2])?;
    cluster::wait_online(&rack.hosts[1], 3)?;
    rack.finish()
}

#[test]
fn a_half_broken_link_that_flaps_deposes_nobody() -> Result<()> {
    let rack = Rack::new("flapping", Flavour::under_test(), 3)?;
    let _cluster = Cluster::form(&rack)?;
    let place = cluster::leader(&rack, &rack.hosts[0])?;
    let (leader, follower) = (&rack.hosts[place], &rack.hosts[(place + 1) % 3]);
    let (term, endpoint) = (gauge(leader, "lxd_database_term")?, leader.endpoint());
    let address = endpoint.rsplit_once(':').context("an address and a port")?.0;
    let chain = "add chain inet flap out { type filter hook output priority 0 ; }";
    follower.sh(&format!("nft 'add table inet flap ; {chain}'"))?;
    for _ in 0..6 {
        // Whatever it sends is answered by a reset at once: to it the leader's process is gone. It hears the
        // leader as before, and the others hear both.
        let reset = format!("ip daddr {address} meta l4proto tcp reject with tcp reset");
        follower.sh(&format!("nft add rule inet flap out {reset}"))?;
        wait_connected(follower, leader, "0")?;
        follower.sh("nft flush chain inet flap out")?;
        wait_connected(follower, leader, "1")?;
        wait_connected(leader, follower, "1")?;
    }
    for host in &rack.hosts {
        cluster::wait_write(host, &format!("flapped-{}", host.name))?;
    }
    let now = (cluster::leader(&rack, follower)?, gauge(leader, "lxd_database_term")?);
    ensure!(now == (place, term.clone()), "{now:?} and not {:?}", (place, term));
    rack.finish()
}

/// Waits until a member has a stream to another one, or has none.
fn wait_connected(host: &Host, other: &Host, connected: &str) -> Result<()> {
    let name = format!("lxd_database_peer_connected{{member=\"{}\"}}", other.name);
    let what = format!("{name} is {connected} at {}", host.name);
    wait_until(&what, LIMIT, || (gauge(host, &name).ok()? == connected).then_some(()))
}

/// A value of a member's metrics.
fn gauge(host: &Host, name: &str) -> Result<String> {
    let text = Api::of(host).text("/1.0/metrics")?;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    Ok(value.with_context(|| format!("no {name} in {text}"))?.to_owned())
}

/// A short form of the matrix: one of its cells, with three members.
fn holds(cell: &str) -> Result<()> {
    let cell = matrix().into_iter().find(|one| one.name == cell).context("no such cell")?;
    let row = cell.run(3)?;
    ensure!(row.complaints.is_empty(), "{}", row.complaints.join("\n"));
    ensure!(row.operations > 500, "too little was asked: {row:?}");
    Ok(())
}
