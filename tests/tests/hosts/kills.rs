//! Joins during which the joiner or a member is killed, at each step.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{
    api::{Api, sort},
    cluster::{self, Cluster},
    daemon::Daemon,
    flavour::Flavour,
    host::Host,
    rack::Rack,
};

use crate::alone;

/// Where a kill of the joiner is taken back when it starts again.
const UNDONE: [&str; 10] = [
    "join: begun",
    "join: listening",
    "join: let in",
    "join: checked",
    "join: pools made",
    "join: networks made",
    "join: accepted",
    "join: directory made",
    "join: replica open",
    "join: replica filled",
];
/// Where a kill of the joiner leaves a member that is one after its next start.
const MEMBER: [&str; 2] = ["join: active", "join: pointed"];

#[test]
fn a_joiner_killed_at_any_step_leaves_nothing_or_is_a_member() -> Result<()> {
    let mut rack = Rack::new("killed-joiner", Flavour::under_test(), 1)?;
    let _cluster = Cluster::form(&rack)?;
    for point in UNDONE.into_iter().chain(MEMBER) {
        rack.add(Flavour::under_test())?;
        let (first, joiner) = (&rack.hosts[0], rack.hosts.last().context("one was added")?);
        let mut daemon = Daemon::start_ready(joiner)?;
        let token = cluster::token(first, &joiner.name)?;
        let before = (at_member(first)?, at_joiner(joiner)?);
        daemon.stop()?;
        daemon = Daemon::start_failing(joiner, point)?;
        ensure!(cluster::join(joiner, &token).is_err(), "{point}: the join survived a kill");
        daemon.wait_end()?;
        let _daemon = Daemon::start_ready(joiner)?;
        if !MEMBER.contains(&point) {
            let after = (at_member(first)?, at_joiner(joiner)?);
            ensure!(after == before, "{point}: {after:#?} and not {before:#?}");
            cluster::join(joiner, &token)
                .with_context(|| format!("the same again after {point}"))?;
        }
        cluster::wait_online(joiner, rack.hosts.len())?;
        ensure!(pending(first)?.is_empty(), "{point}: {}", pending(first)?);
        cluster::check_host(joiner).with_context(|| point.to_owned())?;
    }
    rack.finish()
}

#[test]
fn a_member_killed_while_it_lets_somebody_in_stops_no_join() -> Result<()> {
    let mut rack = Rack::new("killed-member", Flavour::under_test(), 3)?;
    let mut cluster = Cluster::form(&rack)?;
    for point in ["member: let in", "member: looked", "member: accepted", "member: activated"] {
        rack.add(Flavour::under_test())?;
        let (first, joiner) = (&rack.hosts[0], rack.hosts.last().context("one was added")?);
        cluster.daemons.push(Daemon::start_ready(joiner)?);
        cluster.daemons.remove(0).stop()?;
        let mut failing = Daemon::start_failing(first, point)?;
        // Its address comes first in tokens.
        let token = cluster::token(first, &joiner.name)?;
        cluster::join(joiner, &token).with_context(|| format!("{point} was reached"))?;
        failing.wait_end()?;
        cluster.daemons.insert(0, Daemon::start_ready(first)?);
        cluster::wait_online(first, rack.hosts.len())?;
        ensure!(pending(first)?.is_empty(), "{point}: {}", pending(first)?);
    }
    rack.finish()
}

#[test]
fn the_only_member_killed_while_it_lets_somebody_in_can_be_asked_again() -> Result<()> {
    for (place, point) in
        ["member: let in", "member: looked", "member: accepted"].into_iter().enumerate()
    {
        let rack = Rack::new(&format!("killed-only-{place}"), Flavour::under_test(), 2)?;
        let [first, joiner] = &rack.hosts[..] else { anyhow::bail!("there are two") };
        let (daemon, _joiner) = (Daemon::start_ready(first)?, Daemon::start_ready(joiner)?);
        cluster::bootstrap(first)?;
        let token = cluster::token(first, &joiner.name)?;
        let before = at_joiner(joiner)?;
        daemon.stop()?;
        let mut failing = Daemon::start_failing(first, point)?;
        ensure!(cluster::join(joiner, &token).is_err(), "{point}: joined with nobody");
        failing.wait_end()?;
        let after = at_joiner(joiner)?;
        ensure!(after == before, "{point}: {after:#?} and not {before:#?}");
        let _first = Daemon::start_ready(first)?;
        cluster::join(joiner, &token).with_context(|| format!("the same again after {point}"))?;
        cluster::wait_online(first, 2)?;
        ensure!(pending(first)?.is_empty(), "{point}: {}", pending(first)?);
        rack.finish()?;
    }
    Ok(())
}

#[test]
fn the_only_member_killed_while_it_forgets_a_joiner_has_forgotten_it() -> Result<()> {
    let rack = Rack::new("killed-forgetting", Flavour::under_test(), 2)?;
    let [first, joiner] = &rack.hosts[..] else { anyhow::bail!("there are two") };
    let (daemon, _joiner) = (Daemon::start_ready(first)?, Daemon::start_ready(joiner)?);
    cluster::bootstrap(first)?;
    let token = cluster::token(first, &joiner.name)?;
    let nobody = pending(first)?;
    daemon.stop()?;
    let mut failing = Daemon::start_failing(first, "member: forgot")?;
    joiner.sh("ip link add lxdbr0 type bridge")?;
    let before = at_joiner(joiner)?;
    ensure!(cluster::join(joiner, &token).is_err(), "joined with a bridge in the way");
    failing.wait_end()?;
    let after = at_joiner(joiner)?;
    ensure!(after == before, "{after:#?} and not {before:#?}");
    let _first = Daemon::start_ready(first)?;
    ensure!(pending(first)? == nobody, "{}", pending(first)?);
    joiner.sh("ip link delete lxdbr0")?;
    cluster::join(joiner, &token)?;
    cluster::wait_online(first, 2)?;
    rack.finish()
}

#[test]
fn a_founder_killed_half_way_listens_where_it_did() -> Result<()> {
    let rack = Rack::new("killed-founder", Flavour::under_test(), 1)?;
    let host = &rack.hosts[0];
    let mut daemon = Daemon::start_ready(host)?;
    let before = at_joiner(host)?;
    for point in ["found: listening", "found: certificate written"] {
        daemon.stop()?;
        let mut failing = Daemon::start_failing(host, point)?;
        let cluster =
            json!({"enabled": true, "server_name": "node1", "server_address": host.endpoint()});
        let founded = host.lxd(&["init", "--preseed"], &json!({"cluster": cluster}).to_string());
        ensure!(founded.is_err(), "{point}: the founding survived a kill");
        failing.wait_end()?;
        daemon = Daemon::start_ready(host)?;
        let after = at_joiner(host)?;
        ensure!(after == before, "{point}: {after:#?} and not {before:#?}");
    }
    cluster::bootstrap(host)?;
    rack.finish()
}

#[test]
fn a_server_killed_as_its_cluster_ends_is_one_of_its_own() -> Result<()> {
    let rack = Rack::new("killed-last", Flavour::under_test(), 1)?;
    let host = &rack.hosts[0];
    let daemon = Daemon::start_ready(host)?;
    alone::set_up(host)?;
    let before = alone::kept(host)?;
    host.lxc(&["cluster", "enable", "node1"])?;
    daemon.stop()?;
    let mut failing = Daemon::start_failing(host, "disabled: unnamed")?;
    ensure!(host.lxc(&["cluster", "disable"]).is_err(), "it survived a kill");
    failing.wait_end()?;
    let _daemon = Daemon::start_ready(host)?;
    let after = alone::kept(host)?;
    ensure!(after == before, "{after:#?} and not {before:#?}");
    rack.finish()
}

/// What a join changes in the cluster: members, trust, who is about to join, tokens.
fn at_member(host: &Host) -> Result<Vec<Value>> {
    let paths = ["/1.0/cluster/members?recursion=1", "/1.0/certificates"];
    let mut found =
        paths.map(|path| Api::of(host).get(path)).into_iter().collect::<Result<Vec<_>>>()?;
    found.iter_mut().for_each(sort);
    found.push(host.lxc(&["cluster", "list-tokens", "--format", "csv"])?.into());
    found.push(pending(host)?.into());
    Ok(found)
}

/// Rows of those who were let in and are no members yet.
fn pending(host: &Host) -> Result<String> {
    let rows = "SELECT name FROM joins UNION SELECT name FROM nodes WHERE state = 1";
    let table = host.lxd(&["sql", "global", rows], "")?;
    Ok(table.lines().filter(|line| line.contains("node")).collect())
}

/// What a join changes on the joiner's host: files, interfaces, rules, programs, configuration, sockets.
fn at_joiner(host: &Host) -> Result<Vec<Value>> {
    let commands = [
        "cd /run/lxd && find . -path ./database/replica-* -o -path ./logs -prune -o -print | sort",
        "ls /run/lxd/database | grep -c replica-",
        "ip -brief address show | sort",
        "nft list ruleset",
        "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c dnsmasq || :",
        "ss -Hltn | sort",
    ];
    let mut found: Vec<Value> = Vec::new();
    for command in commands {
        found.push(host.sh(command)?.into());
    }
    let api = Api::of(host);
    for path in ["/1.0/cluster", "/1.0/certificates", "/1.0/storage-pools", "/1.0/networks"] {
        let mut answer = api.get(path)?;
        sort(&mut answer);
        found.push(answer);
    }
    found.push(api.get("/1.0")?["config"].clone());
    Ok(found)
}
