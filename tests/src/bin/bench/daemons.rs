//! A cluster of many daemons on this machine.

use std::{thread, time::Instant};

use anyhow::{Context, Result, ensure};
use tests::{api::Api, cluster, daemon::Daemon, flavour::Flavour, rack::Rack};

use crate::{
    load, meter,
    report::Report,
    round::whole,
    rows::{DAEMONS, Row},
};

const ROWS: &[Row] = &[
    Row::DaemonsJoin,
    Row::DaemonsList,
    Row::DaemonsCreate,
    Row::DaemonsIdleCpu,
    Row::DaemonsFailover,
];
const LISTS: u32 = 10;
const CLIENTS: u32 = 16;
const SIZE: u32 = DAEMONS as u32;

/// All but the first join at once. What fails is told in the table.
pub(crate) fn run(flavour: Flavour, report: &mut Report) -> Result<()> {
    if !report.wants(ROWS) {
        return Ok(());
    }
    let mut rack = Rack::new(&format!("bench-daemons-{}", flavour.name()), flavour, DAEMONS)?;
    rack.expect_error("");
    if let Err(error) = measure(&rack, flavour, report) {
        report.fail(flavour, ROWS, SIZE, &error);
    }
    rack.finish()
}

fn measure(rack: &Rack, flavour: Flavour, report: &mut Report) -> Result<()> {
    let daemons = rack.hosts.iter().map(Daemon::start_ready).collect::<Result<Vec<_>>>();
    let mut daemons = daemons?;
    cluster::bootstrap(&rack.hosts[0])?;
    let mut add = |row, value| report.add_at(flavour, row, SIZE, Some(value));
    let begin = Instant::now();
    join_all(rack)?;
    add(Row::DaemonsJoin, begin.elapsed().as_secs_f64() * 1000.0);
    cluster::wait_online(&rack.hosts[0], DAEMONS.into())?;
    let leader = cluster::leader(rack, &rack.hosts[0])?;
    let host = &rack.hosts[leader];
    add(Row::DaemonsIdleCpu, meter::idle(host, &daemons[leader])?.cpu);
    for _ in 0..LISTS {
        let mut list = host.client(flavour, &["cluster", "list"])?;
        add(Row::DaemonsList, whole(host, &mut list, "")?);
    }
    add(Row::DaemonsCreate, load::writes(&Api::of(host), CLIENTS)?.creates_per_s);
    let writer = Api::of(&rack.hosts[(leader + 1) % rack.hosts.len()]);
    let victim = daemons.remove(leader);
    add(Row::DaemonsFailover, load::gap(&writer, "failover", || victim.kill())?.ms);
    Ok(())
}

fn join_all(rack: &Rack) -> Result<()> {
    let (first, others) = rack.hosts.split_first().context("there are many hosts")?;
    thread::scope(|scope| {
        let join = |host| move || cluster::join(host, &cluster::token(first, &host.name)?);
        let joining: Vec<_> = others.iter().map(|host| scope.spawn(join(host))).collect();
        let failed = joining.into_iter().map(|thread| thread.join().expect("no panic in a join"));
        let failed: Vec<_> = failed.filter_map(Result::err).collect();
        let first = failed.first().map(|error| format!("{error:#}")).unwrap_or_default();
        ensure!(failed.is_empty(), "{} joins failed, such as: {first}", failed.len());
        Ok(())
    })
}
