//! Remotes and trust over the network, with our client and Debian's, which share one directory of settings.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use tests::{
    cluster::{self, Cluster},
    daemon::{self, Daemon, LIMIT},
    flavour::Flavour,
    host::Host,
    rack::Rack,
    wait::wait_until,
};

/// What the preseed of a test cluster sets.
pub(crate) const PASSWORD: &str = "sekret";
const CLIENTS: [Flavour; 2] = [Flavour::Ours, Flavour::Debian];

#[test]
fn both_clients_add_remotes_and_use_each_others() -> Result<()> {
    let rack = Rack::new("remotes", Flavour::Ours, 2)?;
    let [server, user] = &rack.hosts[..] else { anyhow::bail!("two hosts") };
    let _cluster = form_one(server)?;
    for [adds, uses] in [CLIENTS, [CLIENTS[1], CLIENTS[0]]] {
        let address = server.address.to_string();
        let add = ["remote", "add", "c", &address, "--accept-certificate", "--password"];
        let (code, _, error) = run(user, adds, &[&add[..], &["wrong"]].concat(), "")?;
        ensure!(code == 1 && error.ends_with("Error: not authorized\n"), "{code} {error}");
        let list = run(user, adds, &["remote", "list", "-f", "csv"], "")?.1;
        ensure!(!list.contains("10.0.0.1"), "a remote that was refused stays: {list}");
        // Who was wrong waits, half a second at first.
        wait_until("the right password is taken", LIMIT, || {
            run(user, adds, &[&add[..], &[PASSWORD]].concat(), "").ok().filter(|done| done.0 == 0)
        })?;
        for client in [adds, uses] {
            let members = must(user, client, &["cluster", "list", "c:", "-f", "csv"])?;
            ensure!(members.starts_with("node1,https://10.0.0.1:8443,"), "{members}");
            must(user, client, &["profile", "create", "c:p"])?;
            must(user, client, &["profile", "delete", "c:p"])?;
            let token = must(user, client, &["cluster", "add", "c:node9"])?;
            ensure!(token.starts_with("Member node9 join token:\n"), "{token}");
            must(user, client, &["cluster", "revoke-token", "c:node9"])?;
            let list = must(user, client, &["remote", "list", "-f", "csv"])?;
            ensure!(list.contains("c,https://10.0.0.1:8443,lxd,tls,NO,NO,NO\n"), "{list}");
        }
        must(user, uses, &["remote", "rename", "c", "d"])?;
        must(user, uses, &["remote", "switch", "d"])?;
        must(user, adds, &["profile", "list"])?;
        must(user, adds, &["remote", "switch", "local"])?;
        must(user, adds, &["remote", "remove", "d"])?;
        let trusted = must(server, adds, &["config", "trust", "list", "-f", "csv"])?;
        let client = trusted.lines().find(|line| line.starts_with("client,"));
        let fingerprint =
            client.and_then(|line| line.split(',').nth(3)).context(trusted.clone())?;
        must(server, uses, &["config", "trust", "remove", fingerprint])?;
    }
    let log = daemon::log(server);
    ensure!(log.contains("Wrong trust password") && !log.contains(PASSWORD), "{log}");
    let processes = server.sh("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")?;
    ensure!(processes.contains("lxd") && !processes.contains(PASSWORD), "{processes}");
    let shown = must(server, Flavour::Ours, &["config", "show"])?;
    ensure!(shown.contains("core.trust_password: true") && !shown.contains(PASSWORD), "{shown}");
    rack.finish()
}

#[test]
fn the_certificate_is_asked_about_and_kept_to() -> Result<()> {
    let rack = Rack::new("remotes-certificate", Flavour::Ours, 2)?;
    let [server, user] = &rack.hosts[..] else { anyhow::bail!("two hosts") };
    let _cluster = form_one(server)?;
    let fingerprint = must(server, Flavour::Ours, &["info"])?;
    let fingerprint = fingerprint
        .lines()
        .find_map(|line| line.trim().strip_prefix("certificate_fingerprint: ").map(str::to_owned));
    let fingerprint = fingerprint.context("info shows the fingerprint")?;
    let add = |input: &str| {
        run(user, Flavour::Ours, &["remote", "add", "c", "10.0.0.1", "--password", PASSWORD], input)
    };
    let refused = add("n\n")?;
    ensure!(refused.1.contains(&format!("Certificate fingerprint: {fingerprint}\n")));
    ensure!(refused.2.contains("Error: Server certificate NACKed by user"), "{}", refused.2);
    ensure!(add("what\n")?.2.contains("Error: Please type 'y', 'n' or the fingerprint:"));
    let added = add(&format!("{fingerprint}\n"))?;
    ensure!(added.0 == 0, "{}", added.2);
    ensure!(added.1.contains("Client certificate now trusted by server: c"), "{}", added.1);
    for file in ["client.key", "client.crt", "servercerts/c.crt", "config.yml"] {
        let mode = user.sh(&format!("stat -c %a ~/.config/lxc/{file}"))?;
        let expected = if file == "client.key" { "600\n" } else { "644\n" };
        ensure!(mode == expected, "{file}: {mode}");
    }
    // Somebody else answers at that address: nothing is sent to it.
    user.sh("cp ~/.config/lxc/client.crt ~/.config/lxc/servercerts/c.crt")?;
    let other = run(user, Flavour::Ours, &["cluster", "list", "c:"], "")?;
    ensure!(other.0 == 1 && other.2.contains("Another certificate than the accepted one"));
    rack.finish()
}

#[test]
fn a_client_token_adds_a_restricted_client() -> Result<()> {
    let rack = Rack::new("remotes-token", Flavour::Ours, 3)?;
    let server = &rack.hosts[0];
    let _cluster = form_one(server)?;
    let mut secrets = Vec::new();
    for (user, client, maker) in [
        (&rack.hosts[1], Flavour::Ours, Flavour::Debian),
        (&rack.hosts[2], Flavour::Debian, Flavour::Ours),
    ] {
        let trust = ["config", "trust"];
        let made = &["add", "--name", "web", "--restricted", "--projects", "default"][..];
        let made = must(server, maker, &[&trust[..], made].concat())?;
        let token = made.lines().last().context("a token")?.to_owned();
        for lister in CLIENTS {
            let list = must(server, lister, &["config", "trust", "list-tokens", "-f", "csv"])?;
            ensure!(list == format!("web,{token},\n"), "{list}");
        }
        let used = run(user, client, &["remote", "add", "c", &token], "")?;
        ensure!(used.0 == 0, "{}{}", used.1, used.2);
        must(user, client, &["profile", "create", "c:own"])?;
        must(user, client, &["profile", "delete", "c:own"])?;
        let refused = run(user, client, &["storage", "create", "c:s", "dir"], "")?;
        ensure!(refused.2.ends_with("Error: not authorized\n"), "{}", refused.2);
        let list = must(server, maker, &["config", "trust", "list-tokens", "-f", "csv"])?;
        ensure!(list.is_empty(), "{list}");
        let entry = must(user, client, &["config", "trust", "list", "c:", "-f", "csv"])?;
        ensure!(entry.starts_with("client,web,") && entry.lines().count() == 1, "{entry}");
        secrets.push(token);
    }
    for maker in CLIENTS {
        must(server, maker, &["config", "trust", "add", "--name", "gone"])?;
        let gone = must(server, maker, &["config", "trust", "revoke-token", "gone"])?;
        ensure!(gone == "Certificate add token for gone deleted\n", "{gone}");
        let none = run(server, maker, &["config", "trust", "revoke-token", "gone"], "")?.2;
        let expected = "Error: No certificate add token for member gone on remote: local\n";
        ensure!(none.ends_with(expected), "{none}");
    }
    let log = daemon::log(server);
    ensure!(secrets.iter().all(|secret| !log.contains(secret)), "{log}");
    rack.finish()
}

#[test]
fn a_remote_outlives_the_member_that_it_was_added_by() -> Result<()> {
    let mut rack = Rack::new("remotes-failover", Flavour::Ours, 4)?;
    let user = rack.hosts.pop().context("four hosts")?;
    let cluster = Cluster::form(&rack)?;
    rack.hosts.push(user);
    let user = &rack.hosts[3];
    let address = rack.hosts[0].address.to_string();
    let add = ["remote", "add", "c", &address, "--accept-certificate", "--password", PASSWORD];
    must(user, Flavour::Ours, &add)?;
    let list = ["cluster", "list", "c:", "-f", "csv"];
    let (before, ..) = fastest(user, &list)?;

    rack.isolate(0)?;
    let other = &rack.hosts[1];
    wait_until("the others see that it is off", LIMIT, || {
        let list = other.lxc(&["cluster", "list", "-f", "csv"]).ok()?;
        list.lines()
            .any(|line| line.starts_with("node1,") && line.contains("OFFLINE"))
            .then_some(())
    })?;
    let (after, listed, remark) = fastest(user, &list)?;
    ensure!(listed.lines().count() == 3, "{listed}{remark}");
    ensure!(remark.starts_with("10.0.0.1:8443 did not answer in time: 10.0.0."), "{remark}");
    ensure!(after < before + Duration::from_secs(1), "{after:?}, and {before:?} before");
    let created = must(user, Flavour::Ours, &["profile", "create", "c:p"])?;
    ensure!(created == "Profile p created\n", "{created}");
    // What is a member's own is not done to another.
    let own =
        run(user, Flavour::Ours, &["config", "set", "c:", "core.https_address=10.0.0.1"], "")?;
    ensure!(own.0 == 1 && own.2.contains("Failed to connect to 10.0.0.1:8443"), "{}", own.2);
    rack.heal()?;
    wait_until("the member answers again", LIMIT, || {
        let (code, _, remark) = run(user, Flavour::Ours, &list, "").ok()?;
        (code == 0 && remark.is_empty()).then_some(())
    })?;
    drop(cluster);
    rack.finish()
}

/// The shortest time of three runs of ours that all succeed, with the last one's stdout and stderr.
fn fastest(host: &Host, arguments: &[&str]) -> Result<(Duration, String, String)> {
    let (mut shortest, mut last) = (Duration::MAX, Default::default());
    for _ in 0..3 {
        let start = Instant::now();
        let (code, stdout, stderr) = run(host, Flavour::Ours, arguments, "")?;
        shortest = shortest.min(start.elapsed());
        ensure!(code == 0, "{arguments:?} ended with {code}: {stdout}{stderr}");
        last = (stdout, stderr);
    }
    Ok((shortest, last.0, last.1))
}

/// A cluster of this host alone.
pub(crate) fn form_one(host: &Host) -> Result<Daemon> {
    let daemon = Daemon::start_ready(host)?;
    cluster::bootstrap(host)?;
    Ok(daemon)
}

/// Exit code, stdout and stderr of a client.
pub(crate) fn run(
    host: &Host,
    client: Flavour,
    arguments: &[&str],
    input: &str,
) -> Result<(i32, String, String)> {
    let output = host.capture(&mut host.client(client, arguments)?, input)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr)))
}

/// Stdout of a client that succeeds.
pub(crate) fn must(host: &Host, client: Flavour, arguments: &[&str]) -> Result<String> {
    let (code, stdout, stderr) = run(host, client, arguments, "")?;
    ensure!(code == 0, "{arguments:?} of {} ended with {code}: {stdout}{stderr}", client.name());
    Ok(stdout)
}
