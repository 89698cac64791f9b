//! The commands of `lxd` that ask a running daemon.

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tests::{
    api::Api,
    cluster::{self, Cluster},
    daemon::Daemon,
    flavour::Flavour,
    host::Host,
    rack::Rack,
};

/// The preseed that a newcomer finds; ADDRESS is the host's own.
const PRESEED: &str = "\
config:
  core.trust_password: sekret
  core.https_address: ADDRESS
  images.auto_update_interval: 15
storage_pools:
- name: default
  driver: dir
networks:
- name: lxdbr0
  type: bridge
  config:
    ipv4.address: 192.168.100.14/24
    ipv6.address: none
profiles:
- name: default
  devices:
    root:
      path: /
      pool: default
      type: disk
    eth0:
      name: eth0
      nictype: bridged
      parent: lxdbr0
      type: nic
cluster:
  server_name: node1
  enabled: true
";

#[test]
fn a_preseed_is_applied_once_and_taken_back_if_it_fails() -> Result<()> {
    let rack = Rack::new("preseed", Flavour::under_test(), 1)?;
    let host = &rack.hosts[0];
    let _daemon = Daemon::start_ready(host)?;
    let preseed = PRESEED.replace("ADDRESS", &host.endpoint());
    let broken = preseed.replace("type: nic", "type: bogus");
    // The first profile uses what was made before it: that goes only after the profile is as it was.
    let second = "type: nic\n- name: other\n  devices: {eth0: {type: nic, network: nope}}";
    let fresh = state(host)?;
    for (broken, error) in [
        (broken, "Failed to update profile \"default\": "),
        (preseed.replace("type: nic", second), "Failed to create profile \"other\": "),
    ] {
        refuses(host, &broken, error)?;
        ensure!(state(host)? == fresh, "{broken}");
    }
    host.lxd(&["init", "--preseed"], &preseed)?;
    let applied = state(host)?;
    for line in [
        "INSERT INTO config VALUES('images.auto_update_interval','15');",
        "'ipv4.address','192.168.100.14/24');",
    ] {
        ensure!(applied.contains(line), "no {line} in {applied}");
    }
    ensure!(applied.contains("192.168.100.14/24") && host.data().join("cluster.crt").exists());
    host.lxd(&["init", "--preseed"], &preseed)?;
    let again = state(host)?;
    ensure!(again == applied, "{again} and not {applied}");
    for (yaml, error) in [
        (
            "foo: 1",
            "Failed to parse the preseed: yaml: unmarshal errors:\n  line 1: field foo not found in type api.InitPreseed",
        ),
        (
            "config: {bogus.key: 1}",
            "Failed to update server configuration: cannot set 'bogus.key' to '1': unknown key",
        ),
        (
            "storage_pools: [{name: bad, driver: bogus}]",
            "Failed to create storage pool \"bad\": Unknown driver",
        ),
        (
            "storage_pools: [{name: default, driver: btrfs}]",
            "Storage pool \"default\" is of type \"dir\" instead of \"btrfs\"",
        ),
        (
            "networks: [{name: bad, type: bogus}]",
            "Failed to create local member network \"bad\" in project \"default\": Unknown driver",
        ),
        (
            "cluster: {enabled: true, server_name: node2}",
            "Failed to configure cluster: This server is already clustered",
        ),
        (
            "cluster: {enabled: true, cluster_token: \"!\"}",
            "Invalid cluster join token: illegal base64 data at input byte 0",
        ),
    ] {
        refuses(host, yaml, error)?;
        ensure!(state(host)? == applied, "{yaml}");
    }
    rack.finish()
}

#[test]
fn a_join_again_changes_nothing() -> Result<()> {
    let mut rack = Rack::new("join-again", Flavour::under_test(), 1)?;
    let _cluster = Cluster::form(&rack)?;
    rack.add(Flavour::under_test())?;
    let joiner = &rack.hosts[1];
    let _daemon = Daemon::start_ready(joiner)?;
    let token = cluster::token(&rack.hosts[0], "node2")?;
    cluster::join(joiner, &token)?;
    cluster::join(joiner, &token)?;
    rack.finish()
}

#[test]
fn a_cluster_is_joined_by_address_certificate_and_password() -> Result<()> {
    let mut rack = Rack::new("join-password", Flavour::under_test(), 1)?;
    let _cluster = Cluster::form(&rack)?;
    rack.add(Flavour::under_test())?;
    let [first, joiner] = &rack.hosts[..] else { anyhow::bail!("two hosts") };
    let _daemon = Daemon::start_ready(joiner)?;
    let certificate = std::fs::read_to_string(first.data().join("cluster.crt"))?;
    let preseed = json!({"cluster": {
        "enabled": true,
        "server_name": "node2",
        "server_address": joiner.endpoint(),
        "cluster_address": first.endpoint(),
        // As it comes out of YAML in YAML.
        "cluster_certificate": certificate.replace('\n', "\n\n"),
        "cluster_password": "sekret",
    }})
    .to_string();
    refuses(joiner, &preseed.replace(&joiner.endpoint(), ""), "No server address provided")?;
    joiner.lxd(&["init", "--preseed"], &preseed)?;
    cluster::wait_online(first, 2)?;
    joiner.lxd(&["init", "--preseed"], &preseed)?;
    rack.finish()
}

#[test]
fn waitready_waits_for_the_start_and_shutdown_for_the_end() -> Result<()> {
    let rack = Rack::new("waitready", Flavour::under_test(), 1)?;
    let host = &rack.hosts[0];
    let error = fails(host, &["waitready", "--timeout", "1"], "")?;
    ensure!(error.starts_with("Error: LXD still not running after 1s timeout (Failed to connect"));
    let mut waitready = host.command(host.flavour.program("lxd")?)?;
    let mut waitready = host.spawn(waitready.args(["waitready", "--timeout", "60"]))?;
    let mut daemon = Daemon::start(host)?;
    ensure!(waitready.wait()?.success());
    host.lxd(&["shutdown"], "")?;
    // Nothing is left to wait for but the exit code.
    ensure!(daemon.wait_end()?.success());
    let error = fails(host, &["shutdown"], "")?;
    ensure!(error.starts_with("Error: Failed to connect to local LXD: "), "{error}");
    rack.finish()
}

#[test]
fn sql_prints_tables_as_lxd_does() -> Result<()> {
    let rack = Rack::new("sql", Flavour::under_test(), 1)?;
    let host = &rack.hosts[0];
    let _daemon = Daemon::start_ready(host)?;
    for (query, expected) in [
        (
            "SELECT id, name FROM nodes WHERE id = 7",
            "+----+------+\n| id | name |\n+----+------+\n+----+------+\n",
        ),
        ("SELECT NULL AS a", "+-------+\n|   a   |\n+-------+\n| <nil> |\n+-------+\n"),
        ("UPDATE nodes SET description = 'x'", "Rows affected: 1\n"),
        (
            "DELETE FROM joins; SELECT 1",
            "=> Query 0:\n\nRows affected: 0\n\n=> Query 1:\n\n+---+\n| 1 |\n+---+\n| 1 |\n+---+\n\n",
        ),
    ] {
        let printed = host.lxd(&["sql", "global", query], "")?;
        ensure!(printed == expected, "{query}: {printed}");
        ensure!(host.lxd(&["sql", "global", "-"], query)? == expected);
    }
    let local = host.lxd(&["sql", "local", ".schema"], "")?;
    ensure!(local.contains("CREATE TABLE config") && !local.contains("_sqlx"), "{local}");
    for (arguments, expected) in [
        (["sql", "global", "bogus"], "Error: Failed to exec query: near \"bogus\": syntax error\n"),
        (["sql", "global", "DROP TABLE nodes"], "Error: Failed to exec query: not authorized\n"),
        (["sql", "local", ""], "Error: No query provided\n"),
        (["sql", "other", "SELECT 1"], "Error: Invalid database type\n"),
    ] {
        let error = fails(host, &arguments, "")?;
        ensure!(error == expected, "{arguments:?}: {error}");
    }
    rack.finish()
}

/// What a preseed can change on a server: both databases, and where it listens.
pub(crate) fn state(host: &Host) -> Result<String> {
    let global = host.lxd(&["sql", "global", ".dump"], "")?;
    let local = host.lxd(&["sql", "local", ".dump"], "")?;
    // Where the others are is noted when the server comes to it.
    let local = local.lines().filter(|line| !line.contains("INSERT INTO members"));
    let local: String = local.map(|line| format!("{line}\n")).collect();
    let server = Api::of(host).get("/1.0")?;
    let links = host.sh("ip -brief address show | cut -d @ -f 1 | sort")?;
    Ok(format!("{global}{local}{}\n{links}", server["environment"]["addresses"]))
}

fn refuses(host: &Host, preseed: &str, expected: &str) -> Result<()> {
    let error = fails(host, &["init", "--preseed"], preseed)?;
    ensure!(error.contains(expected), "{error} and not {expected}");
    Ok(())
}

/// Stderr of `lxd ARGUMENTS`, which must fail with 1.
pub(crate) fn fails(host: &Host, arguments: &[&str], input: &str) -> Result<String> {
    let mut command = host.command(host.flavour.program("lxd")?)?;
    let output = host.capture(command.args(arguments), input)?;
    ensure!(output.status.code() == Some(1), "{arguments:?} ended with {}", output.status);
    String::from_utf8(output.stderr).context("read stderr")
}
