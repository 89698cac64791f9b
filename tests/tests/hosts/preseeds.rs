//! `lxd init` without questions: the same again changes nothing, what would change is shown, what
//! contradicts is refused; `--auto`, `--minimal`, `--dump`, `--wait`.

use std::thread;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{
    api::Api,
    cluster::{self, Cluster},
    daemon::Daemon,
    flavour::Flavour,
    host::Host,
    rack::Rack,
};

use crate::commands::{fails, state};

#[test]
fn what_would_change_is_shown_and_not_done() -> Result<()> {
    let rack = Rack::new("dry-run", Flavour::under_test(), 1)?;
    let host = &rack.hosts[0];
    let _daemon = Daemon::start_ready(host)?;
    let preseed = cluster::bootstrap_preseed(&host.name, &host.endpoint());
    let fresh = state(host)?;
    let diff = would_change(host, &preseed)?;
    for part in [
        "--- config\n+++ config\n",
        "+  core.https_address: 10.0.0.1:8443\n",
        "+  core.trust_password: (another one)\n",
        "--- /dev/null\n+++ storage_pools/local\n@@ -0,0 +1,",
        "+++ networks/lxdbr0\n",
        "--- profiles/default\n",
        "+    pool: local\n",
        "+++ cluster\n",
        "+server_name: node1\n",
    ] {
        ensure!(diff.contains(part), "no {part} in {diff}");
    }
    ensure!(!diff.contains("sekret"), "{diff}");
    ensure!(state(host)? == fresh);
    host.lxd(&["init", "--preseed"], &preseed)?;
    let applied = state(host)?;
    changes_nothing(host, &preseed)?;
    changes_nothing(host, &host.lxd(&["init", "--dump"], "")?)?;
    ensure!(state(host)? == applied);
    let diff = would_change(host, &preseed.replace("sekret", "other"))?;
    ensure!(diff.starts_with("--- config\n+++ config\n") && diff.matches("+++").count() == 1);
    let error = fails(host, &["init", "--preseed", "--dry-run"], "profiles: [{name: a/b}]")?;
    ensure!(error.contains("Failed to create profile \"a/b\": "), "{error}");
    ensure!(state(host)? == applied);
    rack.finish()
}

#[test]
fn the_same_again_changes_nothing_and_a_contradiction_says_what_differs() -> Result<()> {
    let mut rack = Rack::new("again", Flavour::under_test(), 1)?;
    let _cluster = Cluster::form(&rack)?;
    for _ in 0..3 {
        rack.add(Flavour::under_test())?;
    }
    let [first, by_token, by_password, other] = &rack.hosts[..] else { anyhow::bail!("hosts") };
    let joiners = [by_token, by_password, other];
    let _daemons = joiners.into_iter().map(Daemon::start_ready).collect::<Result<Vec<_>>>()?;
    let token = cluster::token(first, "node2")?;
    let token = cluster::join_preseed(&by_token.endpoint(), &token);
    twice_at_once(by_token, &token)?;
    let path = first.data().join("cluster.crt");
    let certificate = std::fs::read_to_string(&path)?;
    std::fs::copy(&path, by_password.data().join("theirs.crt"))?;
    let password = by_password_preseed();
    let mut init = by_password.command(by_password.flavour.program("lxd")?)?;
    let joined =
        by_password.capture(init.args(["init", "--preseed"]), &with_profile(&password)?)?;
    let remark = String::from_utf8(joined.stderr)?;
    ensure!(joined.status.success() && remark.ends_with("beside it is lost\n"), "{remark}");
    cluster::wait_online(first, 3)?;
    let bootstrap = cluster::bootstrap_preseed("node1", &first.endpoint());
    for (host, preseed) in [(first, &bootstrap), (by_token, &token), (by_password, &password)] {
        let before = state(host)?;
        changes_nothing(host, preseed)?;
        let after = state(host)?;
        ensure!(after == before, "{}: {after} and not {before}", host.name);
    }
    // As LXD's documentation has operators write it.
    let blank = certificate.trim_end().replace('\n', "\n\n");
    let quoted = format!(
        "cluster:\n  enabled: true\n  server_name: node3\n  cluster_address: 10.0.0.1\n  \
         server_address: 10.0.0.3\n  cluster_password: sekret\n  cluster_certificate: \"{blank}\"\n"
    );
    changes_nothing(by_password, &quoted)?;
    other.lxd(&["init", "--preseed"], &cluster::bootstrap_preseed("node2", &other.endpoint()))?;
    let moved = token.replace("10.0.0.2", "10.0.0.9");
    let elsewhere = with_source(&password, "/elsewhere")?;
    let own = with_profile(&token)?;
    for (host, preseed, difference) in [
        (first, bootstrap.replace("node1", "x"), "its name is \"node1\", not \"x\""),
        (by_token, moved, "it is reached at \"10.0.0.2:8443\", not"),
        (by_password, token.clone(), "its name is \"node3\", not \"node2\""),
        (other, token, "the fingerprint of its cluster's certificate is "),
        (by_password, password.replace("node3", "node4"), "its name is \"node3\", not \"node4\""),
        (by_token, own, "it would have to create profile \"own\""),
        (by_password, elsewhere, "storage-pool \"local\" has source \""),
    ] {
        let before = state(host)?;
        let error = fails(host, &["init", "--preseed"], &preseed)?;
        let known = error.contains("This server is already clustered: ");
        ensure!(known && error.contains(difference), "{error} and not {difference}");
        let after = state(host)?;
        ensure!(after == before, "{}: {after} and not {before}", host.name);
    }
    rack.finish()
}

/// One of them does it, and both say that it is done.
fn twice_at_once(host: &Host, preseed: &str) -> Result<()> {
    thread::scope(|scope| {
        let init = || scope.spawn(|| host.lxd(&["init", "--preseed"], preseed));
        let both = [init(), init()];
        both.into_iter().try_for_each(|done| done.join().expect("no panic in it").map(drop))
    })
}

/// The same preseed of a joiner, which chooses a source for its pool.
fn with_source(preseed: &str, path: &str) -> Result<String> {
    let (mut preseed, mut source): (Value, Value) =
        (serde_json::from_str(preseed)?, cluster::source());
    source["value"] = path.into();
    preseed["cluster"]["member_config"] = json!([source]);
    Ok(preseed.to_string())
}

/// Of node3, by the certificate beside its daemon's files.
fn by_password_preseed() -> String {
    json!({"cluster": {
        "enabled": true,
        "server_name": "node3",
        "server_address": "10.0.0.3",
        "cluster_address": "10.0.0.1",
        "cluster_certificate_path": "/run/lxd/theirs.crt",
        "cluster_password": "sekret",
    }})
    .to_string()
}

/// The same preseed with something that a joiner cannot have for its own.
fn with_profile(preseed: &str) -> Result<String> {
    let mut preseed: Value = serde_json::from_str(preseed)?;
    preseed["storage_pools"] = json!([{"name": "local", "driver": "dir"}]);
    preseed["profiles"] = json!([{"name": "own"}]);
    Ok(preseed.to_string())
}

#[test]
fn a_server_is_set_up_without_questions_once() -> Result<()> {
    let rack = Rack::new("auto", Flavour::under_test(), 2)?;
    let _daemons = rack.hosts.iter().map(Daemon::start_ready).collect::<Result<Vec<_>>>()?;
    let [one, other] = &rack.hosts[..] else { anyhow::bail!("two hosts") };
    one.lxd(&["init", "--minimal"], "")?;
    other.lxd(&["init", "--auto", "--network-address", "10.0.0.2", "--trust-password", "x"], "")?;
    for host in [one, other] {
        let profile = Api::of(host).get("/1.0/profiles/default")?;
        ensure!(profile["devices"]["root"]["pool"] == "default", "{profile}");
        ensure!(profile["devices"]["eth0"]["network"] == "lxdbr0", "{profile}");
        let before = state(host)?;
        ensure!(before.contains("lxdbr0") && host.data().join("storage-pools/default").is_dir());
        for flag in ["--minimal", "--auto"] {
            host.lxd(&["init", flag], "")?;
        }
        changes_nothing(host, &host.lxd(&["init", "--dump"], "")?)?;
        let after = state(host)?;
        ensure!(after == before, "{}: {after} and not {before}", host.name);
    }
    let server = Api::of(other).get("/1.0")?;
    ensure!(server["config"]["core.https_address"] == "10.0.0.2:8443", "{}", server["config"]);
    ensure!(server["config"]["core.trust_password"] == true);
    rack.finish()
}

#[test]
fn a_join_waits_for_the_cluster_if_it_is_told_to() -> Result<()> {
    let mut rack = Rack::new("join-waits", Flavour::under_test(), 1)?;
    let cluster = Cluster::form(&rack)?;
    rack.add(Flavour::under_test())?;
    let [first, joiner] = &rack.hosts[..] else { anyhow::bail!("two hosts") };
    let _daemon = Daemon::start_ready(joiner)?;
    let preseed = cluster::join_preseed(&joiner.endpoint(), &cluster::token(first, "node2")?);
    cluster.daemons.into_iter().try_for_each(|daemon| daemon.stop().map(drop))?;
    let error = fails(joiner, &["init", "--preseed"], &preseed)?;
    ensure!(error.contains("Unable to connect to any of the cluster members"), "{error}");
    let error = fails(joiner, &["init", "--preseed", "--wait", "1"], &preseed)?;
    ensure!(error.contains("The server at 10.0.0.1:8443 cannot be reached"), "{error}");
    std::fs::write(joiner.data().join("preseed"), &preseed)?;
    let mut command = joiner.command("/bin/sh")?;
    command.args(["-c", "exec lxd init --preseed --wait 60 < /run/lxd/preseed"]);
    let mut waiting = joiner.spawn(&mut command)?;
    let _first = Daemon::start(first)?;
    ensure!(waiting.wait().context("wait for the join")?.success());
    cluster::wait_online(first, 2)?;
    rack.finish()
}

pub(crate) fn would_change(host: &Host, preseed: &str) -> Result<String> {
    let mut command = host.command(host.flavour.program("lxd")?)?;
    let output = host.capture(command.args(["init", "--preseed", "--dry-run"]), preseed)?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.code() == Some(2), "{}: {text}", output.status);
    Ok(text)
}

pub(crate) fn changes_nothing(host: &Host, preseed: &str) -> Result<()> {
    let diff = host.lxd(&["init", "--preseed", "--dry-run"], preseed)?;
    ensure!(diff.is_empty(), "{diff}");
    host.lxd(&["init", "--preseed"], preseed).map(drop)
}
