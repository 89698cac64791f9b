//! Whether a machine without time to spare deposes its leader.

use std::{
    process::Child,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use reqwest::Method;
use tests::{
    api::{Api, block_on},
    cluster::{self, Cluster},
    flavour::Flavour,
    host::Host,
    program,
    rack::Rack,
};

use crate::{load, report::Report, rows::Row};

/// Spinning processes for each core.
const SPINNERS: usize = 2;
const LEADERS: &str = "lxd_database_leaders_total ";

/// Spins on all cores for that long, while a client writes to the leader.
pub(crate) fn run(seconds: u64, report: &mut Report) -> Result<()> {
    let flavour = Flavour::Ours;
    let rack = Rack::new("bench-busy", flavour, 3)?;
    let cluster = Cluster::form(&rack)?;
    let leader = cluster::leader(&rack, &rack.hosts[0])?;
    let api = Api::of(&rack.hosts[leader]);
    block_on(load::write(&api, Method::POST, "busy".to_owned()))?;
    let before = rack.hosts.iter().map(leaders).collect::<Result<Vec<_>>>()?;
    let mut spinners = Spinners::start(seconds)?;
    let (begin, limit) = (Instant::now(), Duration::from_secs(seconds));
    let mut times = Vec::new();
    while begin.elapsed() < limit {
        let begin = Instant::now();
        block_on(load::write(&api, Method::PUT, "busy".to_owned()))?;
        times.push(begin.elapsed().as_secs_f64() * 1000.0);
    }
    spinners.end()?;
    times.sort_by(f64::total_cmp);
    for (row, percent) in [(Row::BusyP50, 50), (Row::BusyP99, 99)] {
        let place = (times.len() * percent / 100).min(times.len().saturating_sub(1));
        report.add(flavour, row, *times.get(place).context("nothing was written")?);
    }
    let after = rack.hosts.iter().map(leaders).collect::<Result<Vec<_>>>()?;
    let changes = before.iter().zip(&after).map(|(before, after)| after - before);
    report.add(flavour, Row::BusyLeaders, changes.fold(0.0, f64::max));
    drop(cluster);
    rack.finish()
}

/// How many leaders a host's daemon has seen.
fn leaders(host: &Host) -> Result<f64> {
    let text = Api::of(host).text("/1.0/metrics")?;
    let line = text.lines().find_map(|line| line.strip_prefix(LEADERS));
    line.context("leaders are counted")?.parse().context("read the count of leaders")
}

/// Processes that do nothing but spin; they end by themselves a little later, whatever becomes of
/// this one.
struct Spinners(Vec<Child>);

impl Spinners {
    fn start(seconds: u64) -> Result<Self> {
        let count = SPINNERS * thread::available_parallelism().context("count cores")?.get();
        let limit = (seconds + 10).to_string();
        let spin = |_| {
            let mut command = program::command("/usr/bin/timeout");
            command.args([&limit, "/bin/sh", "-c", "while :; do :; done"]);
            command.spawn().context("start a spinning process")
        };
        (0..count).map(spin).collect::<Result<_>>().map(Self)
    }

    fn end(&mut self) -> Result<()> {
        for mut child in self.0.drain(..) {
            // timeout(1) passes SIGTERM on to what it runs.
            nix::sys::signal::kill(
                tests::namespace::pid(child.id()),
                nix::sys::signal::Signal::SIGTERM,
            )?;
            child.wait().context("wait for a spinning process")?;
        }
        Ok(())
    }
}
