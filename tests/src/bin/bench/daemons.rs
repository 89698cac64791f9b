//! A cluster of many daemons on this machine.

use std::{
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use tests::{api::Api, cluster, daemon::Daemon, flavour::Flavour, host::Host, rack::Rack};

use crate::{
    growth::join,
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
/// How long one of many joins may take.
const PATIENCE: Duration = Duration::from_secs(120);
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
    join_all(rack, flavour, report)?;
    let mut add = |row, value| report.add_at(flavour, row, SIZE, Some(value));
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

/// Those that fail when all join at once join one by one afterwards; LXD's never join at once, for
/// those that failed there cannot join any more.
fn join_all(rack: &Rack, flavour: Flavour, report: &mut Report) -> Result<()> {
    let (first, others) = rack.hosts.split_first().context("there are many hosts")?;
    if flavour == Flavour::Debian {
        return others.iter().try_for_each(|host| join_alone(first, host));
    }
    let begin = Instant::now();
    let joined: Vec<_> = thread::scope(|scope| {
        let join = |host| scope.spawn(move || join(first, host, PATIENCE));
        let joining: Vec<_> = others.iter().map(join).collect();
        joining.into_iter().map(|thread| thread.join().expect("no panic in a join")).collect()
    });
    let took = begin.elapsed().as_secs_f64() * 1000.0;
    let failed = others.iter().zip(&joined).filter(|(_, joined)| !matches!(joined, Ok(Some(_))));
    let failed: Vec<_> = failed.map(|(host, _)| host).collect();
    report.add_at(flavour, Row::DaemonsJoin, SIZE, failed.is_empty().then_some(took));
    for host in failed {
        // There may be none left to revoke.
        let _ = first.lxc(&["cluster", "revoke-token", &host.name]);
        join_alone(first, host)?;
    }
    Ok(())
}

fn join_alone(first: &Host, host: &Host) -> Result<()> {
    join(first, host, PATIENCE)?.with_context(|| format!("{} cannot join", host.name)).map(drop)
}
