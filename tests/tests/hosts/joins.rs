//! Tokens, joins at once, and joins that fail without a trace.

use std::{net::TcpListener, thread};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    api::{Api, sort},
    cluster::{self, Cluster},
    daemon::{Daemon, LIMIT},
    flavour::Flavour,
    host::Host,
    rack::Rack,
    wait::wait_until,
};

use crate::commands::fails;

/// As people have them: an integer in `config`, a nic by its parent.
const PRESEED: &str = "\
config:
  core.trust_password: sekret
  core.https_address: 10.0.0.1:8443
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
fn failed_joins_leave_no_trace() -> Result<()> {
    let mut rack = Rack::new("failed-joins", Flavour::under_test(), 2)?;
    let _cluster = Cluster::form(&rack)?;
    let used = cluster::token(&rack.hosts[0], "node9")?;
    rack.add(Flavour::under_test())?;
    let joiner = &rack.hosts[2];
    let _daemon = Daemon::start_ready(joiner)?;
    let good = cluster::token(&rack.hosts[0], &joiner.name)?;
    let before = traces(&rack)?;
    let unknown = "No matching cluster join operation found";
    let mismatch =
        "Certificate fingerprint mismatch between join token and cluster member \"10.0.0.1:8443\"";
    let wrong = [
        (changed(&good, "secret", &json!("00".repeat(32)))?, unknown),
        (changed(&good, "fingerprint", &json!("00".repeat(32)))?, mismatch),
        (changed(&good, "server_name", &json!("node1"))?, unknown),
        (changed(&good, "addresses", &json!(["10.0.0.99:8443"]))?, "Unable to connect to any of"),
        ("bm9uc2Vuc2U=".to_owned(), "Invalid cluster join token"),
    ];
    for (token, text) in wrong {
        let error = format!("{:#}", join_patiently(joiner, &token)?.err().context("joined")?);
        ensure!(error.contains(text), "{text} is not in {error}");
        let after = traces(&rack)?;
        ensure!(after == before, "after {token}: {after:#?} and not {before:#?}");
    }
    let guess = changed(&good, "secret", &json!("11".repeat(32)))?;
    wait_until("guessing is slowed", LIMIT, || is_slowed(&cluster::join(joiner, &guess)))?;
    join_patiently(joiner, &good)??;
    cluster::wait_online(joiner, 3)?;
    rack.add(Flavour::under_test())?;
    let late = &rack.hosts[3];
    let _late = Daemon::start_ready(late)?;
    ensure!(cluster::join(late, &good).is_err(), "a token is good for one member");
    // The token is for a name, which wins over the host's own.
    cluster::join(late, &used)?;
    ensure!(Api::of(late).get("/1.0/cluster")?["server_name"] == "node9");
    rack.finish()
}

#[test]
fn ten_join_at_once() -> Result<()> {
    let rack = Rack::new("joins-at-once", Flavour::under_test(), 11)?;
    let _daemons = rack.hosts.iter().map(Daemon::start_ready).collect::<Result<Vec<_>>>()?;
    let (first, joiners) = rack.hosts.split_first().context("there are eleven")?;
    cluster::bootstrap(first)?;
    let token = |host: &Host| cluster::token(first, &host.name);
    let tokens = joiners.iter().map(token).collect::<Result<Vec<_>>>()?;
    thread::scope(|scope| {
        let join = |(host, token): (_, &String)| {
            let token = token.clone();
            scope.spawn(move || cluster::join(host, &token))
        };
        let joining: Vec<_> = joiners.iter().zip(&tokens).map(join).collect();
        joining.into_iter().try_for_each(|thread| thread.join().expect("no panic in a join"))
    })?;
    for host in &rack.hosts {
        cluster::wait_online(host, rack.hosts.len())?;
    }
    let voters = cluster::members(first)?;
    let voters =
        voters.iter().filter(|member| member["roles"].to_string().contains("\"database\""));
    ensure!(voters.count() == 3, "{:?}", cluster::members(first)?);
    rack.finish()
}

#[test]
fn twenty_join_at_once_while_the_leader_dies() -> Result<()> {
    let mut rack = Rack::new("joins-without-leader", Flavour::under_test(), 3)?;
    let mut cluster = Cluster::form(&rack)?;
    for _ in 0..20 {
        rack.add(Flavour::under_test())?;
    }
    let joiners = &rack.hosts[3..];
    let _daemons = joiners.iter().map(Daemon::start_ready).collect::<Result<Vec<_>>>()?;
    let leader = cluster::leader(&rack, &rack.hosts[0])?;
    let other = &rack.hosts[(leader + 1) % 3];
    let token = |host: &Host| cluster::token(other, &host.name);
    let tokens = joiners.iter().map(token).collect::<Result<Vec<_>>>()?;
    let killed = cluster.daemons.remove(leader);
    thread::scope(|scope| {
        let join = |(host, token): (_, &String)| {
            let token = token.clone();
            scope.spawn(move || cluster::join(host, &token))
        };
        let joining: Vec<_> = joiners.iter().zip(&tokens).map(join).collect();
        // As soon as the first has its place.
        wait_until("somebody joins", LIMIT, || {
            cluster::members(other).ok().filter(|members| members.len() > 3).map(drop)
        })?;
        killed.kill()?;
        joining.into_iter().try_for_each(|thread| thread.join().expect("no panic in a join"))
    })?;
    cluster.daemons.insert(leader, Daemon::start_ready(&rack.hosts[leader])?);
    for host in [other, &rack.hosts[leader], &rack.hosts[22]] {
        cluster::wait_online(host, rack.hosts.len())?;
    }
    rack.finish()
}

#[test]
fn a_dead_address_in_a_token_does_not_matter() -> Result<()> {
    let mut rack = Rack::new("dead-address", Flavour::under_test(), 2)?;
    let _cluster = Cluster::form(&rack)?;
    rack.add(Flavour::under_test())?;
    let _daemon = Daemon::start_ready(&rack.hosts[2])?;
    let token = cluster::token(&rack.hosts[0], "node3")?;
    let listed = decode(&token)?["addresses"].clone();
    ensure!(listed == json!(["10.0.0.1:8443", "10.0.0.2:8443"]), "{listed}");
    let addresses = json!(["10.0.0.2:9", "10.0.0.1:8443"]);
    cluster::join(&rack.hosts[2], &changed(&token, "addresses", &addresses)?)?;
    cluster::wait_online(&rack.hosts[2], 3)?;
    rack.finish()
}

#[test]
fn tokens_survive_restarts_and_work_at_any_member() -> Result<()> {
    let mut rack = Rack::new("tokens", Flavour::under_test(), 3)?;
    let mut cluster = Cluster::form(&rack)?;
    let token = cluster::token(&rack.hosts[1], "node4")?;
    cluster.daemons.remove(1).stop()?;
    cluster.daemons.insert(1, Daemon::start_ready(&rack.hosts[1])?);
    for host in &rack.hosts {
        let tokens = host.lxc(&["cluster", "list-tokens", "--format", "csv"])?;
        ensure!(tokens.starts_with("node4,") && tokens.lines().count() == 1, "{tokens}");
    }
    rack.add(Flavour::under_test())?;
    let _daemon = Daemon::start_ready(&rack.hosts[3])?;
    let only = changed(&token, "addresses", &json!(["10.0.0.3:8443"]))?;
    cluster::join(&rack.hosts[3], &only)?;
    cluster::wait_online(&rack.hosts[0], 4)?;
    ensure!(rack.hosts[0].lxc(&["cluster", "list-tokens", "--format", "csv"])?.is_empty());
    let revoked = cluster::token(&rack.hosts[0], "node5")?;
    rack.hosts[2].lxc(&["cluster", "revoke-token", "node5"])?;
    rack.add(Flavour::under_test())?;
    let _late = Daemon::start_ready(&rack.hosts[4])?;
    ensure!(cluster::join(&rack.hosts[4], &revoked).is_err(), "joined by a revoked token");
    rack.finish()
}

#[test]
fn a_preseed_of_lxd_bootstraps_and_its_password_joins() -> Result<()> {
    let rack = Rack::new("password", Flavour::under_test(), 3)?;
    let _daemons = rack.hosts.iter().map(Daemon::start_ready).collect::<Result<Vec<_>>>()?;
    let first = &rack.hosts[0];
    first.lxd(&["init", "--preseed"], PRESEED)?;
    let server = Api::of(first).get("/1.0")?;
    ensure!(server["config"]["images.auto_update_interval"] == "15", "{}", server["config"]);
    ensure!(first.sh("ip -brief address show lxdbr0")?.contains("192.168.100.14/24"));
    let join = |host: &Host, password: &str| {
        let source =
            json!({"entity": "storage-pool", "name": "default", "key": "source", "value": ""});
        let cluster = json!({
            "enabled": true, "server_name": host.name, "server_address": host.endpoint(),
            "cluster_address": first.endpoint(), "cluster_password": password,
            "cluster_certificate": server["environment"]["certificate"], "member_config": [source],
        });
        host.lxd(&["init", "--preseed"], &json!({"cluster": cluster}).to_string())
    };
    join(&rack.hosts[1], "sekret")?;
    ensure!(join(&rack.hosts[2], "wrong").is_err(), "joined by a wrong password");
    cluster::wait_online(first, 2)?;
    rack.finish()
}

#[test]
fn tokens_are_refused_for_impossible_names() -> Result<()> {
    let rack = Rack::new("token-names", Flavour::under_test(), 1)?;
    let _cluster = Cluster::form(&rack)?;
    let api = Api::of(&rack.hosts[0]);
    for name in ["", "a/b", "node1", "a b", "..", "-x", &"x".repeat(64)] {
        let body = json!({"server_name": name});
        let reply = api.call(Method::POST, "/1.0/cluster/members", Some(&body))?;
        ensure!((400..500).contains(&reply.status), "{name:?}: {} {}", reply.status, reply.body);
        ensure!(!reply.error().is_empty());
    }
    ensure!(rack.hosts[0].lxc(&["cluster", "list-tokens", "--format", "csv"])?.is_empty());
    rack.finish()
}

#[test]
fn all_that_is_in_the_way_is_told_at_once_and_nothing_is_changed() -> Result<()> {
    let mut rack = Rack::new("in-the-way", Flavour::under_test(), 2)?;
    let _cluster = Cluster::form(&rack)?;
    rack.add(Flavour::under_test())?;
    let joiner = &rack.hosts[2];
    let _daemon = Daemon::start_ready(joiner)?;
    joiner.sh(
        "mkdir -p /run/lxd/storage-pools/local && echo kept > /run/lxd/storage-pools/local/data",
    )?;
    joiner.sh("ip link add lxdbr0 type bridge")?;
    rack.hosts[1].sh("ip route add blackhole 10.0.0.3/32")?;
    let token = cluster::token(&rack.hosts[0], &joiner.name)?;
    let before = traces(&rack)?;
    let error = format!("{:#}", cluster::join(joiner, &token).err().context("joined")?);
    for problem in [
        "10.0.0.3:8443 cannot be reached from 10.0.0.2:8443",
        "Storage pool directory",
        "Network interface \"lxdbr0\" already exists",
    ] {
        ensure!(error.contains(problem), "{problem} is not in {error}");
    }
    let after = traces(&rack)?;
    ensure!(after == before, "{after:#?} and not {before:#?}");
    joiner.sh("rm -r /run/lxd/storage-pools/local && ip link delete lxdbr0")?;
    rack.hosts[1].sh("ip route del blackhole 10.0.0.3/32")?;
    cluster::join(joiner, &token)?;
    cluster::wait_online(joiner, 3)?;
    rack.finish()
}

#[test]
fn a_pool_of_the_same_name_and_driver_is_taken_over_from_where_it_is() -> Result<()> {
    let mut rack = Rack::new("pool-taken-over", Flavour::under_test(), 2)?;
    let _cluster = Cluster::form(&rack)?;
    rack.add(Flavour::under_test())?;
    let [first, _, joiner] = &rack.hosts[..] else { anyhow::bail!("three hosts") };
    let _daemon = Daemon::start_ready(joiner)?;
    joiner.sh("mkdir /run/own")?;
    joiner.lxc(&["storage", "create", "local", "dir", "source=/run/own"])?;
    let kept = "/run/lxd/storage-pools/local/kept";
    joiner.sh(&format!("echo data > {kept}"))?;
    let token = cluster::token(first, &joiner.name)?;
    let before = traces(&rack)?;
    let preseed = cluster::join_preseed(&joiner.endpoint(), &token);
    let mut wrong: Value = serde_json::from_str(&preseed)?;
    wrong["cluster"]["member_config"][0]["value"] = json!("/run/elsewhere");
    let error = fails(joiner, &["init", "--preseed"], &wrong.to_string())?;
    let text = "Storage pool \"local\" has source \"/run/own\" here, not \"/run/elsewhere\"";
    ensure!(error.contains(text), "{error}");
    let after = traces(&rack)?;
    ensure!(after == before, "{after:#?} and not {before:#?}");
    joiner.lxd(&["init", "--preseed"], &preseed)?;
    let pool = Api::of(first).get("/1.0/storage-pools/local?target=node3")?;
    ensure!(pool["config"]["source"] == "/run/own", "{pool}");
    ensure!(joiner.sh(&format!("cat {kept}"))? == "data\n");
    rack.finish()
}

#[test]
fn ports_subnets_and_keys_in_the_way_are_told_too() -> Result<()> {
    let mut rack = Rack::new("ports-in-the-way", Flavour::under_test(), 2)?;
    let _cluster = Cluster::form(&rack)?;
    rack.add(Flavour::under_test())?;
    let joiner = &rack.hosts[2];
    let _daemon = Daemon::start_ready(joiner)?;
    let token = cluster::token(&rack.hosts[0], &joiner.name)?;
    let good = cluster::join_preseed(&joiner.endpoint(), &token);
    let odd = json!({"entity": "storage-pool", "name": "none", "key": "source", "value": "/x"});
    let mut wrong: Value = serde_json::from_str(&good)?;
    wrong["cluster"]["member_config"] = json!([odd, {"entity": "pool", "key": "source"}]);
    let listen =
        |address: &'static str| joiner.namespace().enter(|| Ok(TcpListener::bind(address)?));
    let refused = |problems: &[&str], preseed: &str| -> Result<()> {
        let before = traces(&rack)?;
        let error = fails(joiner, &["init", "--preseed"], preseed)?;
        for problem in problems {
            ensure!(error.contains(problem), "{problem} is not in {error}");
        }
        let after = traces(&rack)?;
        ensure!(after == before, "{after:#?} and not {before:#?}");
        Ok(())
    };
    let taken = listen("10.0.0.3:8443")?;
    joiner.sh("ip link add lan type bridge && ip address add 10.158.0.77/24 dev lan")?;
    refused(
        &[
            "\"10.0.0.3:8443\": listen tcp 10.0.0.3:8443: bind: address already in use",
            "Address 10.158.0.77 of interface \"lan\" is in its subnet 10.158.0.0/24",
            "The cluster has no storage pool \"none\", which member_config names",
            "Invalid entity \"pool\" of the member's key \"source\"",
        ],
        &wrong.to_string(),
    )?;
    drop(taken);
    joiner.sh("ip link delete lan")?;
    let taken = listen("0.0.0.0:53")?;
    refused(&["Failed to create network \"lxdbr0\": Port 53 is in use"], &good)?;
    drop(taken);
    joiner.lxd(&["init", "--preseed"], &good)?;
    cluster::wait_online(joiner, 3)?;
    rack.finish()
}

#[test]
fn a_token_gives_what_it_was_made_with_and_says_who_used_it() -> Result<()> {
    let mut rack = Rack::new("token-options", Flavour::under_test(), 1)?;
    let _cluster = Cluster::form(&rack)?;
    for _ in 0..2 {
        rack.add(Flavour::under_test())?;
    }
    let [first, joiner, late] = &rack.hosts[..] else { anyhow::bail!("there are three") };
    let _daemons = (Daemon::start_ready(joiner)?, Daemon::start_ready(late)?);
    joiner.sh("mkdir /run/lxd-pool")?;
    let key = "storage-pool.local.source=/run/lxd-pool";
    let options = ["--expiry", "10m", "--failure-domain", "rack7", "--member-config", key];
    for nobodys in ["storage-pool.none.source=/x", "storage-pool.local.size=1GiB"] {
        let refused = first.lxc(&["cluster", "add", "x", "--member-config", nobodys]);
        ensure!(refused.is_err(), "{nobodys} is a key of nothing that is there");
    }
    let printed = first.lxc(&[&["cluster", "add", "node2"][..], &options].concat())?;
    let token = printed.lines().last().unwrap_or_default().to_owned();
    let until = decode(&token)?["expires_at"].as_str().context("a date")?.to_owned();
    let left = first.sh(&format!("echo $(( $(date -d '{until}' +%s) - $(date +%s) ))"))?;
    let left: i64 = left.trim().parse().context("read seconds")?;
    ensure!((500..=600).contains(&left), "good for {left} seconds");
    let cluster =
        json!({"enabled": true, "server_address": joiner.endpoint(), "cluster_token": token});
    joiner.lxd(&["init", "--preseed"], &json!({"cluster": cluster}).to_string())?;
    let member = Api::of(first).get("/1.0/cluster/members/node2")?;
    ensure!(member["failure_domain"] == "rack7", "{member}");
    let pool = Api::of(first).get("/1.0/storage-pools/local?target=node2")?;
    ensure!(pool["config"]["source"] == "/run/lxd-pool", "{pool}");
    let error = format!("{:#}", cluster::join(late, &token).err().context("joined twice")?);
    let text = "the token was used by node2 at 10.0.0.2:8443 on 20";
    ensure!(error.contains(text), "{error}");
    let rows = "SELECT hash FROM tokens_used UNION ALL SELECT secret FROM tokens";
    let kept = first.lxd(&["sql", "global", rows], "")?;
    let secret = decode(&token)?["secret"].as_str().context("a secret")?.to_owned();
    ensure!(!kept.contains(&secret), "the secret of a used token is kept: {kept}");
    rack.finish()
}

/// Joins when earlier wrong tokens do not make it wait any more; returns what became of that.
fn join_patiently(host: &Host, token: &str) -> Result<Result<()>> {
    wait_until("tokens are looked at again", LIMIT, || {
        let joined = cluster::join(host, token);
        is_slowed(&joined).is_none().then_some(joined)
    })
}

fn is_slowed(joined: &Result<()>) -> Option<()> {
    let error = format!("{:#}", joined.as_ref().err()?);
    error.contains("Too many wrong passwords or tokens, try again later").then_some(())
}

/// What a join may leave at a member and at the joiner, which is the last host.
fn traces(rack: &Rack) -> Result<Vec<(String, Value)>> {
    let paths = ["/1.0/cluster", "/1.0/certificates", "/1.0/storage-pools", "/1.0/networks"];
    let mut found = Vec::new();
    for (host, more) in
        [(&rack.hosts[0], "/1.0/cluster/members"), (&rack.hosts[2], "/1.0/profiles")]
    {
        for path in paths.into_iter().chain([more]) {
            let mut answer = Api::of(host).get(path)?;
            sort(&mut answer);
            found.push((format!("{} {path}", host.name), answer));
        }
    }
    let tokens = rack.hosts[0].lxc(&["cluster", "list-tokens", "--format", "csv"])?;
    found.push(("tokens".to_owned(), tokens.into()));
    let joiner = &rack.hosts[2];
    found.push(("files".to_owned(), files(joiner)?.into()));
    let config = Api::of(joiner).get("/1.0")?["config"].clone();
    found.push(("config".to_owned(), config));
    Ok(found)
}

/// Names of what lies in a data directory, but for the database's own files.
fn files(host: &Host) -> Result<String> {
    host.sh("cd /run/lxd && find . -path ./database -prune -o -path ./logs -prune -o -print | sort")
}

fn decode(token: &str) -> Result<Value> {
    let json = STANDARD.decode(token).context("a token is base64")?;
    serde_json::from_slice(&json).context("a token holds JSON")
}

fn changed(token: &str, key: &str, value: &Value) -> Result<String> {
    let mut token = decode(token)?;
    token[key] = value.clone();
    Ok(STANDARD.encode(token.to_string()))
}
