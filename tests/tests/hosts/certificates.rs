//! The certificate that all members show is replaced: on all of them, for all who come back, and for clients.

use std::fs;

use anyhow::{Context, Result, ensure};
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
fn all_members_show_the_new_certificate() -> Result<()> {
    let mut rack = Rack::new("certificate", Flavour::under_test(), 3)?;
    let mut cluster = Cluster::form(&rack)?;
    rack.add(Flavour::under_test())?;
    let [first, second, third, client] = &rack.hosts[..] else { anyhow::bail!("there are four") };
    let _client = Daemon::start_ready(client)?;
    let client_token = first.lxc(&["config", "trust", "add", "--name", "laptop"])?;
    let client_token = client_token.lines().last().context("a token")?;
    client.lxc(&["remote", "add", "c", client_token])?;
    first.lxc(&["config", "trust", "add", "--name", "phone"])?;
    let token = cluster::token(second, "node4")?;
    let before = shown(first)?;

    // What is no pair changes nothing.
    let (one, other) = (pair(first, "one")?, pair(first, "other")?);
    for (certificate, key) in [(&one.0, &other.1), (&one.1, &one.0)] {
        let update = ["cluster", "update-certificate", certificate, key];
        ensure!(first.lxc(&update).is_err(), "took {certificate} with {key}");
    }
    ensure!(shown(third)? == before && !client.lxc(&["cluster", "list", "c:"])?.is_empty());

    cluster.daemons.pop().context("there are three")?.stop()?;
    for (flavour, (certificate, key)) in [(Flavour::Debian, &one), (Flavour::Ours, &other)] {
        let update = ["cluster", "update-certificate", certificate, key];
        let output = first.capture(&mut first.client(flavour, &update)?, "")?;
        let (said, remark) = (String::from_utf8(output.stdout)?, String::from_utf8(output.stderr)?);
        ensure!(output.status.success(), "{said}{remark}");
        println!("{flavour:?}: {said}{remark}");
        let now = shown(first)?;
        ensure!(now != before && shown(second)? == now, "members show what they showed");
        // It names what is shown no more.
        ensure!(cluster::join(client, &token).is_err(), "joined by a void token");
        ensure!(first.lxc(&["cluster", "list-tokens", "-f", "csv"])?.is_empty());
        ensure!(first.lxc(&["config", "trust", "list-tokens", "-f", "csv"])?.is_empty());
        ensure!(client.lxc(&["cluster", "list", "c:"]).is_err(), "took a strange certificate");
    }
    // Members ask each other as before.
    ensure!(second.lxc(&["query", "/1.0?target=node1"])?.contains("node1"));

    cluster.daemons.push(Daemon::start_ready(third)?);
    let now = shown(first)?;
    wait_until("who was away shows it, too", LIMIT, || (shown(third).ok()? == now).then_some(()))?;
    cluster::wait_online(first, 3)?;
    cluster::join(client, &cluster::token(third, "node4")?)?;
    cluster::wait_online(client, 4)?;
    ensure!(shown(client)? == now);
    let mut again = Vec::new();
    for (daemon, host) in cluster.daemons.into_iter().zip(&rack.hosts) {
        daemon.kill()?;
        again.push(Daemon::start_ready(host)?);
        wait_until("a member shows it after a kill", LIMIT, || {
            (shown(host).ok()? == now).then_some(())
        })?;
    }
    cluster::wait_online(third, 4)?;
    rack.finish()
}

#[test]
fn a_kill_after_the_replacement_leaves_all_with_the_new_certificate() -> Result<()> {
    let rack = Rack::new("certificate-killed", Flavour::under_test(), 3)?;
    let mut cluster = Cluster::form(&rack)?;
    let [first, second, third] = &rack.hosts[..] else { anyhow::bail!("there are three") };
    let before = shown(first)?;
    cluster.daemons.remove(1).stop()?;
    let mut failing = Daemon::start_failing(second, "certificate: replaced")?;
    cluster::wait_online(second, 3)?;

    let (certificate, key) = pair(second, "new")?;
    ensure!(second.lxc(&["cluster", "update-certificate", &certificate, &key]).is_err());
    failing.wait_end()?;
    for host in [first, third] {
        wait_until("who was told by nobody shows it", LIMIT, || {
            (shown(host).ok()? != before).then_some(())
        })?;
    }
    cluster.daemons.insert(1, Daemon::start_ready(second)?);
    let now = shown(first)?;
    wait_until("who died shows it", LIMIT, || (shown(second).ok()? == now).then_some(()))?;
    cluster::wait_online(third, 3)?;
    ensure!(third.lxc(&["query", "/1.0?target=node2"])?.contains("node2"));
    rack.finish()
}

/// The certificate that a member shows and says it shows.
fn shown(host: &Host) -> Result<String> {
    let server = Api::of(host).get("/1.0")?["environment"]["certificate"].clone();
    let file = fs::read_to_string(host.data().join("cluster.crt"))?;
    ensure!(server == file.as_str(), "{}: the file is another", host.name);
    Ok(file)
}

/// A certificate and its key, in files that the host can read.
fn pair(host: &Host, name: &str) -> Result<(String, String)> {
    let made = rcgen::generate_simple_self_signed([name.to_owned()])?;
    let (certificate, key) = (format!("/run/{name}.crt"), format!("/run/{name}.key"));
    for (path, text) in [(&certificate, made.cert.pem()), (&key, made.signing_key.serialize_pem())]
    {
        let mut write = host.command("/bin/sh")?;
        host.stdout(write.args(["-c", &format!("cat > {path}")]), &text)?;
    }
    Ok((certificate, key))
}
