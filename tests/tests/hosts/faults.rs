//! Members die, and nobody else notices.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::json;
use tests::{
    api::{Api, runtime},
    cluster::{self, Cluster},
    daemon::{Daemon, LIMIT},
    flavour::Flavour,
    rack::Rack,
    wait::wait_until,
};
use tokio::task::JoinHandle;

/// 50 writes a second.
const PACE: Duration = Duration::from_millis(20);

#[test]
fn a_killed_leader_costs_no_write() -> Result<()> {
    let rack = Rack::new("killed-leader", Flavour::Ours, 3)?;
    let mut cluster = Cluster::form(&rack)?;
    let leader = cluster::leader(&rack, &rack.hosts[0])?;
    let (writer, third) = ((leader + 1) % 3, (leader + 2) % 3);
    let load = Load::start(Api::of(&rack.hosts[writer]));
    load.wait_for(100)?;
    cluster.daemons.remove(leader).kill()?;
    load.wait_for(load.done() + 150)?;
    cluster.daemons.insert(leader, Daemon::start_ready(&rack.hosts[leader])?);
    load.wait_for(load.done() + 50)?;
    let count = load.stop()?;
    cluster::wait_online(&rack.hosts[third], 3)?;
    let profiles = Api::of(&rack.hosts[third]).get("/1.0/profiles?recursion=1")?;
    let profiles = profiles.as_array().context("profiles are a list")?;
    ensure!(profiles.len() == count + 1, "{} profiles of {count} and default", profiles.len());
    let updated = profiles.iter().filter(|profile| profile["description"] == "updated").count();
    ensure!(updated == count, "{updated} of {count} updated");
    cluster::check_tables(&rack)?;
    rack.finish()
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

/// Profiles are created and updated at one member, at a steady pace, each in its own task.
struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU32>,
    task: JoinHandle<Result<usize>>,
}

impl Load {
    fn start(api: Api) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let task = runtime().spawn(write_until(api, stop.clone(), done.clone()));
        Self { stop, done, task }
    }

    fn done(&self) -> u32 {
        self.done.load(Ordering::Relaxed)
    }

    fn wait_for(&self, writes: u32) -> Result<()> {
        let enough = || (self.done() >= writes || self.task.is_finished()).then_some(());
        wait_until(&format!("{writes} writes are done"), LIMIT, enough)
    }

    /// How many profiles were made, or the first error that a client saw.
    fn stop(self) -> Result<usize> {
        self.stop.store(true, Ordering::Relaxed);
        tests::api::block_on(self.task).context("the load panicked")?
    }
}

async fn write_until(api: Api, stop: Arc<AtomicBool>, done: Arc<AtomicU32>) -> Result<usize> {
    let mut pace = tokio::time::interval(2 * PACE);
    let mut writes = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        pace.tick().await;
        let (api, done, name) = (api.clone(), done.clone(), format!("load{}", writes.len()));
        writes.push(tokio::spawn(async move {
            let profile = json!({"name": name, "config": {"user.load": "x"}, "devices": {}});
            api.send(Method::POST, "/1.0/profiles", Some(&profile)).await?.metadata()?;
            done.fetch_add(1, Ordering::Relaxed);
            let update = json!({"description": "updated", "config": {}, "devices": {}});
            let path = format!("/1.0/profiles/{name}");
            api.send(Method::PUT, &path, Some(&update)).await?.metadata()?;
            done.fetch_add(1, Ordering::Relaxed);
            anyhow::Ok(())
        }));
    }
    let count = writes.len();
    for write in writes {
        write.await.context("a write panicked")??;
    }
    Ok(count)
}
