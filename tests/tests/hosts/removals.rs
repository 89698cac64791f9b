//! Members that leave: asked, by force, while they are off, with kills in between; and that join again.

use std::thread;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::{
    api::Api,
    cluster::{self, Cluster},
    daemon::{Daemon, LIMIT},
    flavour::Flavour,
    host::Host,
    rack::Rack,
    wait::wait_until,
};

#[test]
fn a_member_leaves_without_a_trace_and_joins_again() -> Result<()> {
    let rack = Rack::new("removal", Flavour::under_test(), 3)?;
    let cluster = Cluster::form(&rack)?;
    // Asked of the leader, of another, of the member itself, which may be the leader.
    for round in 0..4 {
        let leader = cluster::leader(&rack, &rack.hosts[0])?;
        let gone = (leader + [1, 2, 0, 1][round]) % 3;
        let asked = (leader + [0, 1, 0, 1][round]) % 3;
        let (gone, asked) = (&rack.hosts[gone], &rack.hosts[asked]);
        let client = [Flavour::Ours, Flavour::Debian][round % 2];
        let removed = asked
            .stdout(&mut asked.client(client, &["cluster", "remove", &gone.name])?, "")
            .with_context(|| format!("{} asked to remove {}", asked.name, gone.name))?;
        ensure!(removed == format!("Member {} removed\n", gone.name), "{removed}");
        check_left(gone)?;
        let staying = rack.hosts.iter().find(|host| host.name != gone.name).context("two stay")?;
        cluster::wait_online(staying, 2)?;
        ensure!(
            !Api::of(staying)
                .get("/1.0/certificates?recursion=1")?
                .to_string()
                .contains(&gone.name)
        );
        cluster::join(gone, &cluster::token(staying, &gone.name)?)?;
        for host in &rack.hosts {
            cluster::wait_online(host, 3)?;
            cluster::check_host(host)?;
        }
    }
    // The restarts of those who left and came back.
    let mut again = Vec::new();
    for (daemon, host) in cluster.daemons.into_iter().zip(&rack.hosts) {
        daemon.stop()?;
        again.push(Daemon::start_ready(host)?);
    }
    cluster::wait_online(&rack.hosts[0], 3)?;
    rack.finish()
}

#[test]
fn the_leader_of_two_leaves_the_other_alone() -> Result<()> {
    let rack = Rack::new("removal-of-two", Flavour::under_test(), 2)?;
    let _cluster = Cluster::form(&rack)?;
    let [first, second] = &rack.hosts[..] else { anyhow::bail!("there are two") };
    // It has the only vote.
    second.lxc(&["cluster", "remove", "node1"])?;
    check_left(first)?;
    cluster::wait_online(second, 1)?;
    cluster::wait_write(second, "after")?;
    for force in
        [&["cluster", "remove", "node2"][..], &["cluster", "remove", "node2", "--force", "--yes"]]
    {
        refused(second, force, "Error: Member is the only member in the cluster\n")?;
    }
    refused(second, &["cluster", "remove", "node1"], "Error: Cluster member not found\n")?;
    refused(first, &["cluster", "remove", "node1"], "Error: Server is not clustered\n")?;
    cluster::wait_online(second, 1)?;
    ensure!(second.lxc(&["cluster", "disable"])? == "Clustering disabled\n");
    rack.finish()
}

#[test]
fn two_remove_each_other_at_the_same_time() -> Result<()> {
    let rack = Rack::new("removal-of-each-other", Flavour::under_test(), 4)?;
    let _cluster = Cluster::form(&rack)?;
    for shift in 0..3 {
        let leader = cluster::leader(&rack, &rack.hosts[0])?;
        let at = |distance: usize| &rack.hosts[(leader + distance) % 4];
        // The leader and another, then two others.
        let (one, other) = (at(shift / 2), at(1 + shift));
        let staying: Vec<_> = rack
            .hosts
            .iter()
            .filter(|host| host.name != one.name && host.name != other.name)
            .collect();
        thread::scope(|scope| {
            for (asked, gone) in [(one, other), (other, one)] {
                scope.spawn(move || asked.lxc(&["cluster", "remove", &gone.name]));
            }
        });
        // Whoever is out before its own request is through says so instead.
        for gone in [one, other] {
            if cluster::members(staying[0])?
                .iter()
                .any(|member| member["server_name"] == *gone.name)
            {
                staying[0].lxc(&["cluster", "remove", &gone.name])?;
            }
            wait_until("it has left", LIMIT, || check_left(gone).ok())?;
        }
        for host in &staying {
            cluster::wait_online(host, 2)?;
            cluster::wait_write(host, &format!("{}-{shift}", host.name))?;
        }
        for gone in [one, other] {
            cluster::join(gone, &cluster::token(staying[0], &gone.name)?)?;
        }
        cluster::wait_online(staying[0], 4)?;
    }
    rack.finish()
}

#[test]
fn one_removed_while_it_was_off_is_told_and_joins_again_after_one_command() -> Result<()> {
    let mut rack = Rack::new("removed-while-off", Flavour::under_test(), 3)?;
    rack.expect_error("this server was removed from its cluster");
    rack.expect_error("must be given a new place");
    rack.expect_error("waits for a new place");
    let mut cluster = Cluster::form(&rack)?;
    let [first, second, third] = &rack.hosts[..] else { anyhow::bail!("there are three") };
    cluster.daemons.pop().context("there are three")?.stop()?;
    let output =
        second.capture(&mut second.client(Flavour::Ours, &["cluster", "remove", "node3"])?, "")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let hint = "Start lxd on node3, or remove it as it is (lxc cluster remove --force)";
    ensure!(said.contains("10.0.0.3:8443 cannot be reached") && said.contains(hint), "{said}");
    ensure!(cluster::members(first)?.len() == 3);
    let asked = second.capture(
        &mut second.client(Flavour::Ours, &["cluster", "remove", "node3", "--force"])?,
        "no\n",
    )?;
    ensure!(!asked.status.success() && cluster::members(first)?.len() == 3);
    let removed = second.stdout(
        &mut second.client(Flavour::Debian, &["cluster", "rm", "node3", "--force"])?,
        "yes\n",
    )?;
    ensure!(removed.ends_with("Member node3 removed\n"), "{removed}");
    cluster::wait_online(first, 2)?;
    cluster::wait_write(first, "without")?;

    let daemon = Daemon::start(third)?;
    wait_told(third)?;
    ensure!(Api::of(third).post("/1.0/profiles", &json!({"name": "lost"})).is_err());
    cluster::check_host(third).context("until then it keeps what it has")?;
    ensure!(third.lxc(&["cluster", "disable"])? == "Clustering disabled\n");
    check_left(third)?;
    cluster::join(third, &cluster::token(first, "node3")?)?;
    cluster::wait_online(third, 3)?;
    cluster::check_host(third)?;

    // One that has lost its database, too.
    daemon.stop()?;
    second.lxc(&["cluster", "remove", "node3", "--force", "--yes"])?;
    third.sh("rm -r /run/lxd/database/replica-*")?;
    let _daemon = Daemon::start(third)?;
    wait_told(third)?;
    ensure!(third.lxc(&["cluster", "disable"])? == "Clustering disabled\n");
    check_left(third)?;
    cluster::join(third, &cluster::token(first, "node3")?)?;
    cluster::wait_online(third, 3)?;
    rack.finish()
}

#[test]
fn a_kill_while_a_member_leaves_changes_nothing_in_the_end() -> Result<()> {
    let mut rack = Rack::new("killed-removal", Flavour::under_test(), 3)?;
    // One killed as it drops what it has starts with what is left.
    rack.expect_error("A pool could not be started");
    let mut cluster = Cluster::form(&rack)?;
    let [first, _, third] = &rack.hosts[..] else { anyhow::bail!("there are three") };
    for (killed, point) in [(0, "member: removed"), (2, "leave: emptied"), (2, "leave: pointed")] {
        let host = &rack.hosts[killed];
        cluster.daemons.remove(killed).stop()?;
        let mut failing = Daemon::start_failing(host, point)?;
        cluster::wait_online(first, 3)?;
        // The member that is asked may be the one that dies.
        let _answer = first.lxc(&["cluster", "remove", "node3"]);
        failing.wait_end()?;
        cluster.daemons.insert(killed, Daemon::start(host)?);
        wait_until(&format!("{point}: node3 has left"), LIMIT, || check_left(third).ok())?;
        cluster::wait_online(first, 2)?;
        cluster::join(third, &cluster::token(first, "node3")?).with_context(|| point.to_owned())?;
        cluster::wait_online(third, 3)?;
        cluster::check_host(third)?;
    }
    rack.finish()
}

fn refused(host: &Host, command: &[&str], text: &str) -> Result<()> {
    let output = host.capture(&mut host.client(Flavour::Ours, command)?, "")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(said == text && output.status.code() == Some(1), "{command:?}: {said}");
    Ok(())
}

/// Every command says what has happened, and what helps.
fn wait_told(host: &Host) -> Result<()> {
    wait_until("the removed member is told", LIMIT, || {
        let mut list = host.client(Flavour::Ours, &["cluster", "list"]).ok()?;
        let output = host.capture(&mut list, "").ok()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let told = "this server was removed from its cluster, in which it was node3 on ";
        (said.contains(told) && said.contains("lxc cluster disable")).then_some(())
    })
}

/// Nothing of the cluster is left on a host: neither in its database nor beside it.
fn check_left(host: &Host) -> Result<()> {
    let api = Api::of(host);
    for (path, expected) in [
        ("/1.0/cluster", json!({"server_name": "", "enabled": false, "member_config": null})),
        ("/1.0/certificates", json!([])),
        ("/1.0/storage-pools", json!([])),
        ("/1.0/profiles", json!(["/1.0/profiles/default"])),
    ] {
        let answer = api.get(path)?;
        let none =
            path == "/1.0/cluster" && answer["enabled"] == false && answer["server_name"] == "";
        ensure!(none || answer == expected, "{}: {path} is {answer}", host.name);
    }
    for (command, expected) in [
        ("ls /run/lxd/storage-pools", ""),
        ("ls /run/lxd | grep cluster || :", ""),
        ("ls /run/lxd/database | grep -c replica-", "1\n"),
        ("ip -brief link show | grep lxdbr0 || :", ""),
        ("nft list ruleset", ""),
        ("cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c [d]nsmasq || :", "0\n"),
    ] {
        let found = host.sh(command)?;
        ensure!(found == expected, "{}: {command}: {found}", host.name);
    }
    Ok(())
}
