//! Members die, and nobody else notices.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::{
    api::Api,
    cluster::{self, Cluster},
    daemon::{Daemon, LIMIT},
    faults::matrix,
    flavour::Flavour,
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

/// A short form of the matrix: one of its cells, with three members.
fn holds(cell: &str) -> Result<()> {
    let cell = matrix().into_iter().find(|one| one.name == cell).context("no such cell")?;
    let row = cell.run(3)?;
    ensure!(row.complaints.is_empty(), "{}", row.complaints.join("\n"));
    ensure!(row.operations > 500, "too little was asked: {row:?}");
    Ok(())
}
