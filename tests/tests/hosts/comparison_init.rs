//! The same dialogs with Debian's `lxd init` and ours, and the same flags: the same must stand on the
//! screen, but for tokens, fingerprints and certificates.

use anyhow::{Context, Result, ensure};
use tests::{api::Api, cluster, daemon::Daemon, flavour::Flavour, host::Host, rack::Rack};

use crate::{
    dialogs::{Dialog, hold},
    normal::words,
};

const PRINT: (&str, &str) = ("preseed to be printed? (yes/no) [default=no]: ", "yes");

/// What is refused, before anything is done.
const WRONG_FLAGS: &[&str] = &[
    "--auto --preseed",
    "--minimal --preseed",
    "--minimal --auto",
    "--auto --dump",
    "--dump --minimal",
    "--network-address 10.0.0.1",
    "--minimal --network-address 10.0.0.1",
    "--auto --network-port 99",
    "--auto --trust-password x",
    "--auto --storage-backend bogus",
    "--auto --storage-create-loop 5",
    "--auto --storage-backend dir --storage-pool x",
    "--auto --storage-backend dir --storage-create-device /dev/sdz",
];

#[test]
fn dialogs_are_debians() -> Result<()> {
    let debian = shown(Flavour::Debian)?;
    let ours = shown(Flavour::under_test())?;
    ensure!(debian.len() == ours.len());
    let odd: Vec<_> = debian.iter().zip(&ours).filter(|(debian, ours)| debian != ours).collect();
    let show =
        |(debian, ours): &(&String, &String)| format!("--- Debian\n{debian}\n--- ours\n{ours}\n");
    ensure!(odd.is_empty(), "{}", odd.iter().map(show).collect::<String>());
    Ok(())
}

/// All screens of a flavour: a server of its own, a first member, one that joins by token and one
/// that joins by password; then what the flags say.
fn shown(flavour: Flavour) -> Result<Vec<String>> {
    let rack = Rack::new(&format!("dialogs-{}", flavour.name()), flavour, 4)?;
    for host in &rack.hosts {
        host.hide_drivers()?;
    }
    let _daemons = rack.hosts.iter().map(Daemon::start_ready).collect::<Result<Vec<_>>>()?;
    let [first, second, third, alone] = &rack.hosts[..] else { anyhow::bail!("four hosts") };
    let mut screens = vec![screen(alone, &nothing())?, screen(alone, &standalone())?];
    screens.push(alone.lxd(&["init", "--dump"], "")?);
    screens.push(screen(first, &bootstrap())?);
    let token = cluster::token(first, "node2")?;
    screens.push(screen(second, &by_token(&token))?);
    let server = Api::of(first).get("/1.0")?;
    let fingerprint = server["environment"]["certificate_fingerprint"].as_str();
    screens.push(screen(third, &by_password(fingerprint.context("a fingerprint")?))?);
    cluster::wait_online(first, 3)?;
    for flags in WRONG_FLAGS {
        let mut command = alone.command(flavour.program("lxd")?)?;
        let output = alone.capture(command.arg("init").args(flags.split(' ')), "")?;
        let text = String::from_utf8_lossy(&output.stderr);
        screens.push(format!("{flags}: {:?} {text}", output.status.code()));
    }
    rack.finish()?;
    Ok(screens)
}

/// The screen of a dialog, and how it ended.
fn screen(host: &Host, dialog: &[(&str, &str)]) -> Result<String> {
    let (screen, status) = hold(host, dialog)?;
    let mut inside = false;
    let is_kept = |line: &&str| {
        let was_inside = inside;
        inside =
            (inside || line.contains("BEGIN CERTIFICATE")) && !line.contains("END CERTIFICATE");
        !was_inside
    };
    let lines: Vec<&str> = screen.lines().filter(is_kept).collect();
    Ok(format!("{}{:?}", words(&lines.join("\n")), status.code()))
}

fn nothing() -> Dialog<'static> {
    vec![
        ("use LXD clustering? (yes/no) [default=no]: ", ""),
        ("configure a new storage pool? (yes/no) [default=yes]: ", "no"),
        ("connect to a MAAS server? (yes/no) [default=no]: ", ""),
        ("create a new local network bridge? (yes/no) [default=yes]: ", "n"),
        ("an existing bridge or host interface? (yes/no) [default=no]: ", ""),
        ("available over the network? (yes/no) [default=no]: ", ""),
        ("updated automatically? (yes/no) [default=yes]: ", ""),
        PRINT,
    ]
}

pub(crate) fn standalone() -> Dialog<'static> {
    let v4 = "What IPv4 address should be used?";
    let v6 = "What IPv6 address should be used?";
    let bind = "Address to bind LXD to (not including port) [default=all]: ";
    let port = "Port to bind LXD to [default=8443]: ";
    vec![
        ("use LXD clustering? (yes/no) [default=no]: ", "maybe"),
        ("use LXD clustering? (yes/no) [default=no]: ", "No"),
        ("configure a new storage pool? (yes/no) [default=yes]: ", ""),
        ("Name of the new storage pool [default=default]: ", ""),
        ("connect to a MAAS server? (yes/no) [default=no]: ", ""),
        ("create a new local network bridge? (yes/no) [default=yes]: ", "y"),
        ("What should the new bridge be called? [default=lxdbr0]: ", "eth0"),
        ("What should the new bridge be called? [default=lxdbr0]: ", ""),
        (v4, "foo"),
        (v4, "10.9.8.1"),
        (v4, "10.9.8.1/24"),
        ("NAT IPv4 traffic on your bridge? [default=yes]: ", "no"),
        (v6, "10.9.9.1/24"),
        (v6, "none"),
        ("available over the network? (yes/no) [default=no]: ", "yes"),
        (bind, "bogus!"),
        (bind, ""),
        (port, "99999"),
        (port, "yes"),
        (port, "8444"),
        ("Trust password for new clients: ", "a"),
        ("Again: ", "b"),
        ("Trust password for new clients: ", ""),
        ("Again: ", ""),
        ("Trust password for new clients: ", "sekret"),
        ("Again: ", "sekret"),
        ("updated automatically? (yes/no) [default=yes]: ", "no"),
        PRINT,
    ]
}

fn bootstrap() -> Dialog<'static> {
    let address = "to reach this server? [default=10.0.0.1]: ";
    let interface = "Name of the existing bridge or host interface: ";
    vec![
        ("use LXD clustering? (yes/no) [default=no]: ", "yes"),
        (address, "0.0.0.0"),
        (address, "10.0.0.77"),
        (address, ""),
        ("joining an existing cluster? (yes/no) [default=no]: ", ""),
        ("this server in the cluster? [default=node1]: ", ""),
        ("Setup password authentication on the cluster? (yes/no) [default=no]: ", "yes"),
        ("Trust password for new clients: ", "sekret"),
        ("Again: ", "sekret"),
        ("configure a new local storage pool? (yes/no) [default=yes]: ", ""),
        ("configure a new remote storage pool? (yes/no) [default=no]: ", ""),
        ("connect to a MAAS server? (yes/no) [default=no]: ", ""),
        ("an existing bridge or host interface? (yes/no) [default=no]: ", "yes"),
        (interface, "nope"),
        (interface, "eth0"),
        ("updated automatically? (yes/no) [default=yes]: ", ""),
        PRINT,
    ]
}

fn by_token(token: &str) -> Dialog<'_> {
    let have = "Do you have a join token? (yes/no/[token]) [default=no]: ";
    vec![
        ("use LXD clustering? (yes/no) [default=no]: ", "yes"),
        ("to reach this server? [default=10.0.0.2]: ", ""),
        ("joining an existing cluster? (yes/no) [default=no]: ", "yes"),
        (have, "bogus"),
        (have, "yes"),
        ("Please provide join token: ", "bogus"),
        ("Please provide join token: ", token),
        ("joining a cluster, continue? (yes/no) [default=no] ", "yes"),
        ("Choose \"source\" property for storage pool \"local\": ", ""),
        PRINT,
    ]
}

fn by_password(fingerprint: &str) -> Dialog<'_> {
    let correct = "correct fingerprint? (yes/no/[fingerprint]) [default=no]: ";
    vec![
        ("use LXD clustering? (yes/no) [default=no]: ", "yes"),
        ("to reach this server? [default=10.0.0.3]: ", ""),
        ("joining an existing cluster? (yes/no) [default=no]: ", "yes"),
        ("Do you have a join token? (yes/no/[token]) [default=no]: ", "no"),
        ("this server in the cluster? [default=node3]: ", ""),
        ("existing cluster member (may include port): ", "10.0.0.1"),
        (correct, "0123"),
        (correct, fingerprint),
        ("Cluster trust password: ", "sekret"),
        ("joining a cluster, continue? (yes/no) [default=no] ", "yes"),
        ("Choose \"source\" property for storage pool \"local\": ", ""),
        PRINT,
    ]
}
