//! One round: a cluster of three is formed, used, hurt and thrown away.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use serde_json::json;
use tests::{
    api::Api,
    cluster,
    daemon::{Daemon, LIMIT},
    flavour::Flavour,
    host::Host,
    program,
    rack::Rack,
    wait::wait_until_finely,
};

use crate::{
    load,
    meter::{self, mebibytes, memory},
    report::Report,
    rows::Row,
    tls,
};

const PAUSE: Duration = Duration::from_micros(500);
/// Short commands are measured so often in a round.
const TIMES: u32 = 10;

/// Adds the values of one round.
pub(crate) fn run(flavour: Flavour, report: &mut Report) -> Result<()> {
    let mut rack = Rack::new(&format!("bench-{}", flavour.name()), flavour, 3)?;
    rack.expect_error("");
    let mut daemons = Vec::new();
    for host in &rack.hosts {
        daemons.push(start(host, [Row::ColdApi, Row::ColdReady], report)?);
    }
    form(&rack, report)?;
    for daemon in &daemons {
        report.add(flavour, Row::MemoryIdle, memory(daemon.id())?);
    }
    if report.wants(&[Row::IdleCpu, Row::IdleNetwork]) {
        idle(&rack, &daemons, report)?;
    }
    if report.wants(&[Row::Token, Row::List]) {
        commands(&rack.hosts[0], report)?;
    }
    if report.wants(&[Row::GetLeader, Row::GetOther, Row::Tls]) {
        requests(&rack, report)?;
    }
    if report.wants(&[Row::TlsLeader, Row::TlsOther]) {
        connections(&rack, report)?;
    }
    if report.wants(&[Row::RestartApi, Row::RestartReady]) {
        daemons.pop().context("three were started")?.stop()?;
        daemons.push(start(&rack.hosts[2], [Row::RestartApi, Row::RestartReady], report)?);
        cluster::wait_online(&rack.hosts[0], 3)?;
    }
    writes(&rack, report)?;
    if report.wants(&[Row::RestartOnline]) {
        offline(&rack, &mut daemons, report)?;
    }
    if report.wants(&[Row::Cut, Row::CutErrors]) {
        cut(&rack, report)?;
    }
    if report.wants(&[Row::Stop, Row::StopErrors]) {
        stop(&rack, &mut daemons, report)?;
    }
    if report.wants(&[Row::Failover, Row::FailoverErrors]) {
        failover(&rack, daemons, report)?;
    }
    rack.finish()
}

/// Adds how long a join takes that shows the trust password, a hash that is made to be slow, and the removal
/// of who joined.
pub(crate) fn by_password(flavour: Flavour, report: &mut Report) -> Result<()> {
    if !report.wants(&[Row::JoinPassword, Row::Remove]) {
        return Ok(());
    }
    let mut rack = Rack::new(&format!("bench-password-{}", flavour.name()), flavour, 2)?;
    rack.expect_error("");
    let [first, second] = &rack.hosts[..] else { bail!("two hosts are used") };
    let _daemons = (Daemon::start_ready(first)?, Daemon::start_ready(second)?);
    cluster::bootstrap(first)?;
    let certificate = Api::of(first).get("/1.0")?["environment"]["certificate"].clone();
    let join = json!({"cluster": {
        "enabled": true,
        "server_name": second.name,
        "server_address": second.endpoint(),
        "cluster_address": first.endpoint(),
        "cluster_certificate": certificate,
        "cluster_password": "sekret",
        "member_config": [cluster::source()],
    }});
    init(second, &join.to_string(), Row::JoinPassword, report)?;
    cluster::wait_online(first, 2)?;
    let mut remove = first.client(flavour, &["cluster", "remove", &second.name])?;
    report.add(flavour, Row::Remove, whole(first, &mut remove, "")?);
    rack.finish()
}

/// The sizes of the binaries.
pub(crate) fn sizes(flavour: Flavour, report: &mut Report) -> Result<()> {
    for (row, name) in [(Row::SizeLxd, "lxd"), (Row::SizeLxc, "lxc")] {
        let path = flavour.program(name)?;
        let size = fs::metadata(&path).with_context(|| format!("look at {}", path.display()))?;
        report.add(flavour, row, mebibytes(size.len()));
    }
    Ok(())
}

fn start(host: &Host, rows: [Row; 2], report: &mut Report) -> Result<Daemon> {
    let begin = Instant::now();
    let mut daemon = Daemon::start(host)?;
    let api = Api::of(host);
    wait_until_finely("the API answers", LIMIT, PAUSE, || api.get("/1.0").ok())?;
    report.add(host.flavour, rows[0], milliseconds(begin));
    host.lxd(&["waitready", "--timeout", "60"], "")?;
    report.add(host.flavour, rows[1], milliseconds(begin));
    daemon.wait_ready(host)?;
    Ok(daemon)
}

fn form(rack: &Rack, report: &mut Report) -> Result<()> {
    let [first, second, third] = &rack.hosts[..] else { bail!("three hosts are used") };
    let preseed = cluster::bootstrap_preseed(&first.name, &first.endpoint());
    init(first, &preseed, Row::Bootstrap, report)?;
    for (host, row) in [(second, Row::JoinSecond), (third, Row::JoinThird)] {
        let token = cluster::token(first, &host.name)?;
        init(host, &cluster::join_preseed(&host.endpoint(), &token), row, report)?;
    }
    cluster::wait_online(first, 3)
}

fn init(host: &Host, preseed: &str, row: Row, report: &mut Report) -> Result<()> {
    let mut command = host.command(host.flavour.program("lxd")?)?;
    command.args(["init", "--preseed"]);
    report.add(host.flavour, row, whole(host, &mut command, preseed)?);
    Ok(())
}

fn commands(host: &Host, report: &mut Report) -> Result<()> {
    for number in 0..TIMES {
        let name = format!("guest{number}");
        let mut add = host.client(host.flavour, &["cluster", "add", &name])?;
        report.add(host.flavour, Row::Token, whole(host, &mut add, "")?);
        let mut list = host.client(host.flavour, &["cluster", "list"])?;
        report.add(host.flavour, Row::List, whole(host, &mut list, "")?);
        host.lxc(&["cluster", "revoke-token", &name])?;
    }
    Ok(())
}

fn requests(rack: &Rack, report: &mut Report) -> Result<()> {
    let leader = cluster::leader(rack, &rack.hosts[0])?;
    let (leader, other) = (&rack.hosts[leader], &rack.hosts[(leader + 1) % 3]);
    for (host, row) in [(leader, Row::GetLeader), (other, Row::GetOther)] {
        for value in load::gets(&Api::of(host))? {
            report.add(host.flavour, row, value);
        }
    }
    for value in load::handshakes(other)? {
        report.add(other.flavour, Row::Tls, value);
    }
    Ok(())
}

fn idle(rack: &Rack, daemons: &[Daemon], report: &mut Report) -> Result<()> {
    let leader = cluster::leader(rack, &rack.hosts[0])?;
    let idle = meter::idle(&rack.hosts[leader], &daemons[leader])?;
    report.add(rack.hosts[leader].flavour, Row::IdleCpu, idle.cpu);
    report.add(rack.hosts[leader].flavour, Row::IdleNetwork, idle.network);
    Ok(())
}

fn connections(rack: &Rack, report: &mut Report) -> Result<()> {
    let leader = cluster::leader(rack, &rack.hosts[0])?;
    let client = tls::Client::trusted(&rack.hosts[leader])?;
    for (index, row) in [(leader, Row::TlsLeader), ((leader + 1) % 3, Row::TlsOther)] {
        let host = &rack.hosts[index];
        report.add(host.flavour, row, client.rate(host)?);
    }
    Ok(())
}

fn writes(rack: &Rack, report: &mut Report) -> Result<()> {
    let host = &rack.hosts[cluster::leader(rack, &rack.hosts[0])?];
    let rows = [(1, Row::Create1, Row::Update1), (16, Row::Create16, Row::Update16)];
    for (clients, create, update) in rows {
        if !report.wants(&[create, update]) {
            continue;
        }
        let rates = load::writes(&Api::of(host), clients)?;
        report.add(host.flavour, create, rates.creates_per_s);
        report.add(host.flavour, update, rates.updates_per_s);
    }
    Ok(())
}

/// Only a member that was OFFLINE can be seen to come back.
fn offline(rack: &Rack, daemons: &mut Vec<Daemon>, report: &mut Report) -> Result<()> {
    let leader = cluster::leader(rack, &rack.hosts[0])?;
    let (watcher, gone) = (&rack.hosts[leader], (leader + 1) % 3);
    let threshold = json!({"config": {"cluster.offline_threshold": "11"}});
    Api::of(watcher).patch("/1.0", &threshold)?;
    daemons.remove(gone).kill()?;
    let is = |status: &'static str| {
        move || {
            let members = cluster::members(watcher).ok()?;
            let name = rack.hosts[gone].name.as_str();
            let member = members.iter().find(|member| member["server_name"] == name)?;
            (member["status"] == status).then_some(())
        }
    };
    wait_until_finely("a dead member is OFFLINE", LIMIT, PAUSE, is("Offline"))?;
    let begin = Instant::now();
    daemons.insert(gone, Daemon::start(&rack.hosts[gone])?);
    wait_until_finely("it is ONLINE again", LIMIT, PAUSE, is("Online"))?;
    report.add(watcher.flavour, Row::RestartOnline, milliseconds(begin));
    daemons[gone].wait_ready(&rack.hosts[gone])
}

fn cut(rack: &Rack, report: &mut Report) -> Result<()> {
    let leader = cluster::leader(rack, &rack.hosts[0])?;
    let writer = &rack.hosts[(leader + 1) % 3];
    let gap = load::gap(&Api::of(writer), "cut", || rack.isolate(leader))?;
    report.add(writer.flavour, Row::Cut, gap.ms);
    report.add(writer.flavour, Row::CutErrors, f64::from(gap.errors));
    rack.heal()?;
    // The one that was cut off has to have found the others, too.
    rack.hosts.iter().try_for_each(|host| cluster::wait_online(host, 3))
}

fn stop(rack: &Rack, daemons: &mut Vec<Daemon>, report: &mut Report) -> Result<()> {
    let leader = cluster::leader(rack, &rack.hosts[0])?;
    let writer = &rack.hosts[(leader + 1) % 3];
    let leaving = daemons.remove(leader);
    let gap = load::longest_gap(&Api::of(writer), "stop", || leaving.stop().map(drop))?;
    report.add(writer.flavour, Row::Stop, gap.ms);
    report.add(writer.flavour, Row::StopErrors, f64::from(gap.errors));
    daemons.insert(leader, Daemon::start_ready(&rack.hosts[leader])?);
    cluster::wait_online(writer, 3)
}

fn failover(rack: &Rack, mut daemons: Vec<Daemon>, report: &mut Report) -> Result<()> {
    let leader = cluster::leader(rack, &rack.hosts[0])?;
    let writer = &rack.hosts[(leader + 1) % 3];
    let victim = daemons.remove(leader);
    let gap = load::gap(&Api::of(writer), "failover", || victim.kill())?;
    report.add(writer.flavour, Row::Failover, gap.ms);
    report.add(writer.flavour, Row::FailoverErrors, f64::from(gap.errors));
    Ok(())
}

/// A program from its start to its end, in ms.
pub(crate) fn whole(host: &Host, command: &mut Command, input: &str) -> Result<f64> {
    host.namespace().enter(|| {
        let begin = Instant::now();
        program::stdout(command, input)?;
        Ok(milliseconds(begin))
    })
}

fn milliseconds(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1000.0
}
