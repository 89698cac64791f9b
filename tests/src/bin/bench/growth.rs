//! What becomes of a cluster of three as its database grows.

use std::{
    ops::Range,
    time::{Duration, Instant},
};

use anyhow::Result;
use reqwest::Method;
use tests::{
    api::{Api, block_on},
    cluster::{self, Cluster},
    daemon::Daemon,
    flavour::Flavour,
    host::Host,
    rack::Rack,
};
use tokio::time::timeout;

use crate::{
    load, meter,
    report::Report,
    rows::{Row, WRITES},
};

const CLIENTS: u32 = 16;
/// The last ones on the way to a size are created one by one and timed.
const TIMED: u32 = 100;
const MEMBER_LISTS: u32 = 20;
const PROFILE_LISTS: u32 = 5;
/// Whatever takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(40);
const PROFILES: &str = "/1.0/profiles?recursion=1";

/// Rows by the number of profiles.
const BY_PROFILES: &[Row] =
    &[Row::ProfilesCreate, Row::ProfilesList, Row::ProfilesMembers, Row::ProfilesJoin];

/// Adds profiles up to each size, and measures there.
pub(crate) fn profiles(flavour: Flavour, report: &mut Report) -> Result<()> {
    let sizes = report.sizes(BY_PROFILES);
    if sizes.is_empty() {
        return Ok(());
    }
    let mut rack = Rack::new(&format!("bench-profiles-{}", flavour.name()), flavour, 3)?;
    rack.expect_error("");
    let cluster = Cluster::form(&rack)?;
    let (mut daemons, mut there) = (cluster.daemons, 0);
    for size in sizes {
        let leader = cluster::leader(&rack, &rack.hosts[0])?;
        let api = Api::of(&rack.hosts[leader]);
        fill(&rack.hosts[leader], there..size - TIMED)?;
        let rate = load::one_by_one(&api, size - TIMED..size, PATIENCE).ok();
        report.add_at(flavour, Row::ProfilesCreate, size, rate);
        there = size;
        lists(&api, flavour, size, report)?;
        if report.wants(&[Row::ProfilesJoin]) {
            let host = rack.add(flavour)?;
            daemons.push(Daemon::start_ready(host)?);
            let took = join(&rack.hosts[leader], &rack.hosts[rack.hosts.len() - 1], PATIENCE)?;
            report.add_at(flavour, Row::ProfilesJoin, size, took);
        }
    }
    rack.finish()
}

/// LXD takes minutes to create thousands, so its database is filled by its own `lxd sql`.
fn fill(host: &Host, numbers: Range<u32>) -> Result<()> {
    if host.flavour == Flavour::Ours {
        return load::fill(&Api::of(host), numbers, CLIENTS);
    }
    let Range { start, end } = numbers;
    for sql in [
        format!(
            "WITH RECURSIVE n(i) AS (SELECT {start} UNION ALL SELECT i + 1 FROM n WHERE i < {end} - 1)
            INSERT INTO profiles (name, description, project_id)
            SELECT 'grown-' || i, 'a profile of the benchmark', 1 FROM n"
        ),
        "WITH fresh AS (SELECT id, name FROM profiles WHERE name LIKE 'grown-%' AND id NOT IN
            (SELECT profile_id FROM profiles_config))
            INSERT INTO profiles_config (profile_id, key, value)
            SELECT id, 'limits.memory', '1GiB' FROM fresh
            UNION ALL SELECT id, 'user.written', name FROM fresh"
            .to_owned(),
    ] {
        host.lxd(&["sql", "global", &sql], "")?;
    }
    Ok(())
}

/// The database's sizes after a known number of writes.
pub(crate) fn written(flavour: Flavour, report: &mut Report) -> Result<()> {
    if !report.wants(&[Row::WrittenMemory, Row::WrittenDisk]) {
        return Ok(());
    }
    let mut rack = Rack::new(&format!("bench-written-{}", flavour.name()), flavour, 3)?;
    rack.expect_error("");
    let cluster = Cluster::form(&rack)?;
    let leader = cluster::leader(&rack, &rack.hosts[0])?;
    load::mix(&Api::of(&rack.hosts[leader]), WRITES, CLIENTS)?;
    report.add(flavour, Row::WrittenMemory, meter::memory(cluster.daemons[leader].id())?);
    let folder = rack.hosts[leader].data().join("database");
    report.add(flavour, Row::WrittenDisk, meter::disk(&folder)?);
    rack.finish()
}

fn lists(api: &Api, flavour: Flavour, size: u32, report: &mut Report) -> Result<()> {
    let rows = [
        (Row::ProfilesList, PROFILES, PROFILE_LISTS),
        (Row::ProfilesMembers, "/1.0/cluster/members?recursion=1", MEMBER_LISTS),
    ];
    for (row, path, count) in rows {
        if !report.wants(&[row]) {
            continue;
        }
        for _ in 0..count {
            let begin = Instant::now();
            let reply =
                block_on(async { timeout(PATIENCE, api.send(Method::GET, path, None)).await });
            let listed = reply.is_ok_and(|reply| reply.is_ok_and(|reply| reply.metadata().is_ok()));
            let took = listed.then(|| begin.elapsed().as_secs_f64() * 1000.0);
            report.add_at(flavour, row, size, took);
            if took.is_none() {
                break;
            }
        }
    }
    Ok(())
}

/// Milliseconds until `lxd init` of a joiner returns; none if it fails, or not within the limit.
pub(crate) fn join(member: &Host, joiner: &Host, limit: Duration) -> Result<Option<f64>> {
    let Ok(token) = cluster::token(member, &joiner.name) else { return Ok(None) };
    let preseed = cluster::join_preseed(&joiner.endpoint(), &token);
    let seconds = limit.as_secs().to_string();
    let mut command = joiner.command("/usr/bin/timeout")?;
    command.arg(seconds).arg(joiner.flavour.program("lxd")?).args(["init", "--preseed"]);
    let begin = Instant::now();
    let joined = joiner.capture(&mut command, &preseed)?.status.success();
    Ok(joined.then(|| begin.elapsed().as_secs_f64() * 1000.0))
}
