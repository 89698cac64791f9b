//! `lxd init` on a terminal: clusters formed by dialog alone, and Ctrl-C at any time.

use std::{fs, process::ExitStatus};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{
    api::{Api, sort},
    cluster::{self, Cluster},
    daemon::{Daemon, LIMIT},
    flavour::Flavour,
    host::Host,
    rack::Rack,
    terminal::{CTRL_C, Terminal},
    wait::wait_until,
};

use crate::comparison_init::standalone;

/// Questions, by some words of them, and the answers to them.
pub(crate) type Dialog<'a> = Vec<(&'a str, &'a str)>;

#[test]
fn a_cluster_is_formed_by_dialog_alone() -> Result<()> {
    let rack = Rack::new("dialogs", Flavour::under_test(), 3)?;
    rack.hosts.iter().try_for_each(Host::hide_drivers)?;
    let _daemons = rack.hosts.iter().map(Daemon::start_ready).collect::<Result<Vec<_>>>()?;
    let [first, second, third] = &rack.hosts[..] else { anyhow::bail!("three hosts") };
    let mut bootstrap = bootstrap();
    bootstrap.last_mut().context("a dialog has an end")?.1 = "yes";
    let screen = succeeds(first, &bootstrap)?;
    let (_, preseed) = screen.rsplit_once("[default=no]: yes\n").context("no preseed")?;
    first.lxd(&["init", "--preseed", "--dry-run"], preseed)?;
    let token = cluster::token(first, "node2")?;
    let certificate = Api::of(first).get("/1.0")?["environment"]["certificate_fingerprint"].clone();
    let fingerprint = certificate.as_str().context("a fingerprint")?;
    let mut by_token = by_token(&token);
    by_token.last_mut().context("a dialog has an end")?.1 = "yes";
    let screen = succeeds(second, &by_token)?;
    let (_, preseed) = screen.rsplit_once("[default=no]: yes\n").context("no preseed")?;
    second.lxd(&["init", "--preseed", "--dry-run"], preseed)?;
    let screen = succeeds(third, &by_password(fingerprint))?;
    ensure!(screen.contains(&format!("Cluster fingerprint: {fingerprint}\n")), "{screen}");
    ensure!(!screen.contains("sekret"), "{screen}");
    cluster::wait_online(first, 3)?;
    for host in &rack.hosts {
        ensure!(host.data().join("storage-pools/local/containers").is_dir());
        ensure!(host.sh("ip -brief address show lxdbr0")?.contains("10.9.8.1/24"));
    }
    cluster::check_tables(&rack)?;
    rack.finish()
}

#[test]
fn ctrl_c_at_any_question_leaves_nothing_behind() -> Result<()> {
    let mut rack = Rack::new("ctrl-c", Flavour::under_test(), 1)?;
    let _cluster = Cluster::form(&rack)?;
    rack.add(Flavour::under_test())?;
    let [member, host] = &rack.hosts[..] else { anyhow::bail!("two hosts") };
    host.hide_drivers()?;
    let _daemon = Daemon::start_ready(host)?;
    let token = cluster::token(member, "node2")?;
    let server = Api::of(member).get("/1.0")?;
    let fingerprint = server["environment"]["certificate_fingerprint"].as_str();
    let fingerprint = fingerprint.context("a fingerprint")?;
    let before = traces(member, host)?;
    for dialog in [standalone(), bootstrap(), by_token(&token), by_password(fingerprint)] {
        for count in 0..dialog.len() {
            let (answered, [(question, _), ..]) = dialog.split_at(count) else { continue };
            let mut terminal = start(host)?;
            for (question, answer) in answered {
                terminal.answer(question, answer)?;
            }
            terminal.wait_question(question)?;
            terminal.press(CTRL_C)?;
            ensure!(!terminal.wait_end()?.success(), "{}", terminal.screen);
            ensure!(terminal.shows_keys()?, "after {question}");
            let after = traces(member, host)?;
            ensure!(after == before, "after {question}: {after} and not {before}");
        }
    }
    cluster::join(host, &token)?;
    rack.finish()
}

#[test]
fn ctrl_c_amid_the_work_takes_back_what_was_done() -> Result<()> {
    let mut rack = Rack::new("ctrl-c-amid", Flavour::under_test(), 1)?;
    let _cluster = Cluster::form(&rack)?;
    rack.add(Flavour::under_test())?;
    let [member, host] = &rack.hosts[..] else { anyhow::bail!("two hosts") };
    let _daemon = Daemon::start_ready(host)?;
    let mut preseed: Value =
        serde_json::from_str(&cluster::bootstrap_preseed("node1", &host.endpoint()))?;
    preseed["storage_pools"] =
        (0..100).map(|n| json!({"name": format!("p{n}"), "driver": "dir"})).collect();
    fs::write(host.data().join("preseed"), preseed.to_string())?;
    let before = traces(member, host)?;
    let mut command = host.command("/bin/sh")?;
    command.args(["-c", "exec lxd init --preseed < /run/lxd/preseed"]);
    let mut terminal = Terminal::start(host, &command)?;
    wait_until("the first pool is there", LIMIT, || {
        host.data().join("storage-pools/p0").exists().then_some(())
    })?;
    terminal.press(CTRL_C)?;
    ensure!(!terminal.wait_end()?.success() && terminal.screen.contains("Interrupted"));
    let after = traces(member, host)?;
    ensure!(after == before, "{after} and not {before}");
    rack.finish()
}

#[test]
fn what_a_cluster_refuses_leaves_nothing_behind() -> Result<()> {
    let mut rack = Rack::new("dialog-refused", Flavour::under_test(), 1)?;
    let _cluster = Cluster::form(&rack)?;
    rack.add(Flavour::under_test())?;
    let [member, host] = &rack.hosts[..] else { anyhow::bail!("two hosts") };
    host.hide_drivers()?;
    let _daemon = Daemon::start_ready(host)?;
    let fingerprint =
        Api::of(member).get("/1.0")?["environment"]["certificate_fingerprint"].clone();
    let fingerprint = fingerprint.as_str().context("a fingerprint")?.to_owned();
    let before = traces(member, host)?;
    let mut wrong: Dialog = by_password(&fingerprint);
    wrong.truncate(wrong.len() - 2);
    for answer in &mut wrong {
        if answer.1 == "sekret" {
            answer.1 = "wrong";
        }
    }
    let (screen, status) = hold(host, &wrong)?;
    let text = "Error: Failed to setup trust relationship with cluster: \
                Failed to add server cert to cluster: not authorized\n";
    ensure!(status.code() == Some(1) && screen.ends_with(text), "{screen}");
    ensure!(traces(member, host)? == before);
    let used = cluster::token(member, "node9")?;
    member.lxc(&["cluster", "revoke-token", "node9"])?;
    let mut revoked = by_token(&used);
    revoked.truncate(revoked.len() - 2);
    // The wrong password makes it wait.
    let (screen, status) = wait_until("tokens are looked at again", LIMIT, || {
        let held = hold(host, &revoked);
        let is_slowed = matches!(&held, Ok((screen, _)) if screen.contains("try again later"));
        (!is_slowed).then_some(held)
    })??;
    let text = "No matching cluster join operation found\n";
    ensure!(status.code() == Some(1) && screen.ends_with(text), "{screen}");
    ensure!(traces(member, host)? == before);
    rack.finish()
}

/// The first member, with a bridge.
fn bootstrap() -> Dialog<'static> {
    vec![
        ("use LXD clustering? (yes/no) [default=no]: ", "yes"),
        ("to reach this server? [default=10.0.0.", ""),
        ("joining an existing cluster? (yes/no) [default=no]: ", "no"),
        ("this server in the cluster? [default=node", ""),
        ("Setup password authentication on the cluster? (yes/no) [default=no]: ", "yes"),
        ("Trust password for new clients: ", "sekret"),
        ("Again: ", "sekret"),
        ("configure a new local storage pool? (yes/no) [default=yes]: ", ""),
        ("configure a new remote storage pool? (yes/no) [default=no]: ", ""),
        ("connect to a MAAS server? (yes/no) [default=no]: ", ""),
        ("an existing bridge or host interface? (yes/no) [default=no]: ", ""),
        ("create a new local network bridge? (yes/no) [default=yes]: ", ""),
        ("What should the new bridge be called? [default=lxdbr0]: ", ""),
        (
            "What IPv4 address should be used? (CIDR subnet notation, “auto” or “none”) [default=auto]: ",
            "10.9.8.1/24",
        ),
        ("NAT IPv4 traffic on your bridge? [default=yes]: ", ""),
        (
            "What IPv6 address should be used? (CIDR subnet notation, “auto” or “none”) [default=auto]: ",
            "none",
        ),
        ("updated automatically? (yes/no) [default=yes]: ", "no"),
        ("preseed to be printed? (yes/no) [default=no]: ", ""),
    ]
}

fn by_token(token: &str) -> Dialog<'_> {
    vec![
        ("use LXD clustering? (yes/no) [default=no]: ", "yes"),
        ("to reach this server? [default=10.0.0.", ""),
        ("joining an existing cluster? (yes/no) [default=no]: ", "yes"),
        ("Do you have a join token? (yes/no/[token]) [default=no]: ", token),
        ("joining a cluster, continue? (yes/no) [default=no] ", "yes"),
        ("Choose \"source\" property for storage pool \"local\": ", ""),
        ("preseed to be printed? (yes/no) [default=no]: ", ""),
    ]
}

fn by_password(fingerprint: &str) -> Dialog<'_> {
    vec![
        ("use LXD clustering? (yes/no) [default=no]: ", "yes"),
        ("to reach this server? [default=10.0.0.", ""),
        ("joining an existing cluster? (yes/no) [default=no]: ", "yes"),
        ("Do you have a join token? (yes/no/[token]) [default=no]: ", ""),
        ("this server in the cluster? [default=node", ""),
        ("existing cluster member (may include port): ", "10.0.0.1"),
        ("correct fingerprint? (yes/no/[fingerprint]) [default=no]: ", fingerprint),
        ("Cluster trust password: ", "sekret"),
        ("joining a cluster, continue? (yes/no) [default=no] ", "yes"),
        ("Choose \"source\" property for storage pool \"local\": ", ""),
        ("preseed to be printed? (yes/no) [default=no]: ", ""),
    ]
}

/// The screen of a dialog that must succeed.
fn succeeds(host: &Host, dialog: &[(&str, &str)]) -> Result<String> {
    let (screen, status) = hold(host, dialog)?;
    ensure!(status.success(), "{status}:\n{screen}");
    Ok(screen)
}

/// Holds a dialog with the host's `lxd init`; its screen, and how it ended.
pub(crate) fn hold(host: &Host, dialog: &[(&str, &str)]) -> Result<(String, ExitStatus)> {
    let mut terminal = start(host)?;
    for (question, answer) in dialog {
        terminal.answer(question, answer)?;
    }
    let status = terminal.wait_end()?;
    Ok((terminal.screen, status))
}

fn start(host: &Host) -> Result<Terminal> {
    let mut command = host.command(host.flavour.program("lxd")?)?;
    command.arg("init");
    Terminal::start(host, &command)
}

/// What a dialog could change, at a member of the cluster and at the host.
fn traces(member: &Host, host: &Host) -> Result<String> {
    let mut found = String::new();
    for (host, path) in [
        (member, "/1.0/certificates"),
        (member, "/1.0/cluster/members"),
        (host, "/1.0/cluster"),
        (host, "/1.0/certificates"),
        (host, "/1.0/storage-pools"),
        (host, "/1.0/networks"),
        (host, "/1.0/profiles/default"),
    ] {
        let mut answer = Api::of(host).get(path)?;
        sort(&mut answer);
        found.push_str(&format!("{} {path} {answer}\n", host.name));
    }
    found.push_str(&Api::of(host).get("/1.0")?["config"].to_string());
    found.push_str(&member.lxc(&["cluster", "list-tokens", "--format", "csv"])?);
    found.push_str(&member.lxd(&["sql", "global", "SELECT count(*) FROM joins"], "")?);
    found.push_str(&host.sh("find /run/lxd -path /run/lxd/database -prune -o -print | sort")?);
    Ok(found)
}
