//! The same commands with Debian's client and ours, against Debian's daemon and ours: they must
//! print the same, but for ids, dates and versions.

use std::process::Command;

use anyhow::{Result, ensure};
use tests::{cluster::Cluster, flavour::Flavour, host::Host, rack::Rack};

use crate::normal::{keys, lines, words};

/// What of an output counts.
#[derive(Clone, Copy)]
enum As {
    /// Every byte.
    Exact,
    /// Lines in any order: LXD's lists come in any.
    Lines,
    /// Names of fields: the values are the host's or the program's.
    Keys,
}
use As::{Exact, Keys, Lines};

/// The last ones undo what the others do: the list is run again with another client.
const LINES: &[(As, &str)] = &[
    (Exact, "lxc cluster list"),
    (Exact, "lxc cluster list --format csv"),
    (Lines, "lxc cluster list --format json"),
    (Lines, "lxc cluster list --format yaml"),
    (Exact, "lxc cluster list --format compact"),
    (Exact, "lxc cluster list --format foo"),
    (Exact, "lxc cluster show node3"),
    (Exact, "lxc cluster show nope"),
    (Exact, "lxc cluster list-tokens"),
    (Exact, "lxc cluster add node4"),
    (Lines, "lxc cluster list-tokens --format csv"),
    (Exact, "lxc cluster revoke-token node4"),
    (Exact, "lxc cluster revoke-token node4"),
    (Exact, "lxc cluster group list"),
    (Exact, "lxc cluster group list --format csv"),
    (Lines, "lxc cluster group list --format json"),
    (Lines, "lxc cluster group list --format yaml"),
    (Exact, "lxc cluster group list --format foo"),
    (Exact, "lxc cluster group show default"),
    (Exact, "lxc cluster group show nope"),
    (Exact, "lxc cluster group create gg"),
    (Exact, "lxc cluster group create gg"),
    (Exact, "lxc cluster group create a/b"),
    (Exact, "lxc cluster group create a_b"),
    (Exact, "lxc cluster group create '*'"),
    (Exact, "lxc cluster group show gg"),
    (Exact, "lxc cluster group assign node2 gg,default"),
    (Exact, "lxc cluster group assign node2 nope"),
    (Exact, "lxc cluster group assign node2 ''"),
    (Exact, "lxc cluster group assign nope gg"),
    (Exact, "lxc cluster group remove node2 default"),
    (Exact, "lxc cluster group remove node2 default"),
    (Exact, "lxc cluster group remove node2 gg"),
    (Exact, "lxc cluster group list"),
    (Exact, "lxc cluster group show default"),
    (Exact, "lxc cluster show node2"),
    (Exact, "lxc cluster group delete gg"),
    (Exact, "lxc cluster group delete default"),
    (Exact, "lxc cluster group rename gg hh"),
    (Exact, "lxc cluster group rename hh default"),
    (Exact, "lxc cluster group rename default x"),
    (Exact, "echo '{description: d, members: [node2, node3]}' | lxc cluster group edit hh"),
    (Exact, "echo '{members: [node2, nope]}' | lxc cluster group edit hh"),
    (Exact, "lxc cluster group show hh"),
    (Exact, "lxc query /1.0/cluster/groups"),
    (Lines, "lxc query '/1.0/cluster/groups?recursion=1'"),
    (Exact, "lxc cluster group apply node2 default"),
    (Exact, "lxc cluster group remove node3 hh"),
    (Exact, "lxc cluster group delete hh"),
    (Exact, "lxc cluster group list"),
    (Exact, "lxc cluster set node2 user.a=1 user.b='two words'"),
    (Exact, "lxc cluster set node2 user.a 2"),
    (Exact, "lxc cluster set node2 bogus=1"),
    (Exact, "lxc cluster set nope user.a=1"),
    (Exact, "lxc cluster get node2 user.a"),
    (Exact, "lxc cluster get node2 user.c"),
    (Exact, "lxc cluster get nope user.a"),
    (Exact, "lxc cluster unset node2 user.a"),
    (Exact, "lxc cluster unset node2 user.a"),
    (
        Exact,
        "lxc cluster show node2 | sed 's/failure_domain: .*/failure_domain: rack/' | lxc cluster edit node2",
    ),
    (Exact, "lxc cluster show node2"),
    (
        Exact,
        "echo '{roles: [database, bogus], failure_domain: x, groups: [default]}' | lxc cluster edit node2",
    ),
    (Exact, "echo '{roles: [database], groups: [default]}' | lxc cluster edit node2"),
    (Exact, "echo '{failure_domain: x}' | lxc cluster edit node2"),
    (
        Exact,
        "echo '{roles: [database], failure_domain: default, groups: [default]}' | lxc cluster edit node2",
    ),
    (Exact, "lxc cluster show node2"),
    (Exact, "lxc query /1.0/cluster"),
    (Lines, "lxc query /1.0/cluster/members"),
    (Lines, "lxc query '/1.0/cluster/members?recursion=1'"),
    (Lines, "lxc query /1.0/cluster/members/node1"),
    (Keys, "lxc query --raw /1.0/cluster/members/node1"),
    (Exact, "lxc query /1.0/nope"),
    (Exact, "lxc query /1.0/profiles/nope"),
    (Exact, "lxc query -X POST -d '{\"name\": \"q\"}' /1.0/profiles"),
    (Exact, "lxc query -X PATCH -d '{\"description\": \"d\"}' /1.0/profiles/q"),
    (Exact, "lxc query /1.0/profiles/q"),
    (Exact, "lxc query -X PUT -d '[1]' /1.0/profiles/q"),
    (Exact, "lxc query -X DELETE /1.0/profiles/q"),
    (Exact, "lxc query --wait -X POST -d '{\"server_name\": \"a/b\"}' /1.0/nope"),
    (Exact, "lxc storage list"),
    (Exact, "lxc storage list --format csv"),
    (Lines, "lxc storage list --format yaml"),
    (Lines, "lxc storage show local"),
    (Lines, "lxc storage show local --target node1"),
    (Exact, "lxc storage show nope"),
    (Exact, "lxc storage create second dir"),
    (Exact, "lxc storage create second dir --target node1"),
    (Exact, "lxc storage create second dir --target node1"),
    (Exact, "lxc storage create second dir --target node2"),
    (Exact, "lxc storage create second dir"),
    (Exact, "lxc storage create second dir --target node3"),
    (Lines, "lxc storage show second"),
    (Exact, "lxc storage create second dir"),
    (Lines, "lxc storage show second"),
    (Exact, "lxc storage list"),
    (Exact, "lxc storage create second dir"),
    (Exact, "lxc storage delete second"),
    (Exact, "lxc storage delete second"),
    (Exact, "lxc storage delete local"),
    (Exact, "lxc storage create a/b dir --target node1"),
    (Exact, "lxc network list"),
    (Exact, "lxc network list --format csv"),
    (Lines, "lxc network list --format json"),
    (Lines, "lxc network show lxdbr0"),
    (Lines, "lxc network show lxdbr0 --target node1"),
    (Exact, "lxc network show nope"),
    (Exact, "lxc network create br1"),
    (Exact, "lxc network create br1 --target node1"),
    (Exact, "lxc network create br1 --target node2"),
    (Exact, "lxc network create br1 --target node3"),
    (Lines, "lxc network show br1"),
    (Exact, "lxc network create br1 ipv4.address=10.9.0.1/24 ipv6.address=none"),
    (Lines, "lxc network show br1"),
    (Exact, "lxc network list"),
    (Exact, "lxc network delete br1"),
    (Exact, "lxc network delete br1"),
    (Exact, "lxc network delete lxdbr0"),
    (Exact, "lxc network create name-that-is-too-long --target node1"),
    (Exact, "lxc profile list"),
    (Exact, "lxc profile list --format csv"),
    (Lines, "lxc profile list --format yaml"),
    (Lines, "lxc profile show default"),
    (Exact, "lxc profile show nope"),
    (Exact, "lxc profile create p"),
    (Exact, "lxc profile create p"),
    (Exact, "lxc profile set p limits.memory 1GiB"),
    (Exact, "lxc profile set p user.a=1 user.b='two words'"),
    (Exact, "lxc profile set p bogus 1"),
    (Exact, "lxc profile show p"),
    (Exact, "lxc profile unset p user.a"),
    (Exact, "lxc profile show p"),
    (Exact, "lxc profile list"),
    (Exact, "lxc profile delete p"),
    (Exact, "lxc profile delete p"),
    (Exact, "lxc profile delete default"),
    (Exact, "lxc project list"),
    (Lines, "lxc project list --format json"),
    (Exact, "lxc project create p"),
    (Exact, "lxc project create p"),
    (Exact, "lxc project create a_b"),
    (Exact, "lxc project create q -c bogus"),
    (Exact, "lxc project create q -c bogus=1"),
    (Exact, "lxc project create q -c features.profiles=false -c user.a=b=c"),
    (Exact, "lxc project show p"),
    (Exact, "lxc project show q"),
    (Exact, "lxc project show nope"),
    (Exact, "lxc project get p features.images"),
    (Exact, "lxc project get p user.none"),
    (Exact, "lxc project set p user.a=1 user.b='two words'"),
    (Exact, "lxc project set p user.a 3"),
    (Exact, "lxc project set p bogus=3"),
    (Exact, "lxc project set nope user.a=3"),
    (Exact, "lxc project set default features.images=false"),
    (Exact, "lxc project unset p user.a"),
    (Exact, "lxc project rename p r"),
    (Exact, "lxc project rename default x"),
    (Exact, "lxc project rename r q"),
    (Exact, "lxc project rename nope x"),
    (Exact, "lxc project list --format csv"),
    (Exact, "lxc profile create w --project r"),
    (Exact, "lxc profile list --project r"),
    (Exact, "lxc profile list --project q"),
    (Exact, "lxc profile list --project nope"),
    (Exact, "lxc project set r features.profiles=false"),
    (Exact, "lxc project delete r"),
    (Exact, "lxc project switch nope"),
    (Exact, "lxc project switch r"),
    (Exact, "lxc project list"),
    (Exact, "lxc info | grep project:"),
    (Exact, "lxc profile delete w"),
    (Exact, "lxc project delete r"),
    (Exact, "lxc project list --format compact"),
    (
        Exact,
        "echo '{description: d, config: {features.profiles: false, user.x: 1}}' | lxc project edit q",
    ),
    (Exact, "lxc project show q"),
    (Exact, "lxc project delete q"),
    (Exact, "lxc project delete q"),
    (Exact, "lxc project delete default"),
    (Exact, "lxc query -X POST -d '{\"name\": \"q\"}' /1.0/projects"),
    (Exact, "lxc query -X PATCH -d '{\"description\": \"d\"}' /1.0/projects/q"),
    (Exact, "lxc query /1.0/projects/q"),
    (Exact, "lxc query -X DELETE /1.0/projects/q"),
    (Exact, "lxc config show"),
    (Exact, "lxc config get core.https_address"),
    (Exact, "lxc config get core.trust_password"),
    (Exact, "lxc config get images.auto_update_interval"),
    (Exact, "lxc config set images.auto_update_interval 15"),
    (Exact, "lxc config get images.auto_update_interval"),
    (Exact, "lxc config set images.auto_update_interval=abc"),
    (Exact, "lxc config set core.bogus 1"),
    (Exact, "lxc config set cluster.max_voters 4"),
    (Exact, "lxc config set cluster.offline_threshold 5"),
    (Exact, "lxc config set cluster.join_token_expiry 5X"),
    (Exact, "lxc config set cluster.https_address 10.0.0.9:8443"),
    (Exact, "lxc config show"),
    (Exact, "lxc config unset images.auto_update_interval"),
    (Exact, "lxc config get images.auto_update_interval"),
    (Exact, "lxc config show"),
    (Keys, "lxc info"),
    (Keys, "lxc query /1.0"),
    (Keys, "lxc version"),
];

#[test]
fn clients_and_daemons_print_what_debians_do() -> Result<()> {
    let debian = Rack::new("comparison-debian", Flavour::Debian, 3)?;
    let ours = Rack::new("comparison-ours", Flavour::under_test(), 3)?;
    let (_debian_cluster, _our_cluster) = (Cluster::form(&debian)?, Cluster::form(&ours)?);
    let expected = print(&debian.hosts[1], Flavour::Debian)?;
    let mut odd = Vec::new();
    for client in [Flavour::Debian, Flavour::under_test()] {
        let found = print(&ours.hosts[1], client)?;
        for (((_, line), expected), found) in LINES.iter().zip(&expected).zip(found) {
            if *expected != found {
                odd.push(format!(
                    "{line} with the client of {}\n--- Debian\n{expected}\n--- ours\n{found}",
                    client.name()
                ));
            }
        }
    }
    ensure!(odd.is_empty(), "{} outputs differ:\n{}", odd.len(), odd.join("\n\n"));
    debian.finish()?;
    ours.finish()
}

/// What each line prints and how it ends, made comparable.
fn print(host: &Host, client: Flavour) -> Result<Vec<String>> {
    // On its first use Debian's client prints hints; and members of LXD that have joined don't know
    // the password that the preseed of the first has set, until it is set again.
    shell(host, client, "lxc config set core.trust_password sekret")?;
    LINES.iter().map(|(how, line)| Ok(comparable(*how, &shell(host, client, line)?))).collect()
}

fn comparable(how: As, (code, stdout, stderr): &(i32, String, String)) -> String {
    let stdout = match how {
        Exact => words(stdout),
        Lines => lines(stdout),
        Keys => keys(stdout),
    };
    format!("{stdout}{}exit {code}", words(stderr))
}

fn shell(host: &Host, client: Flavour, line: &str) -> Result<(i32, String, String)> {
    let folder = client.program("lxc")?;
    let folder = folder.parent().unwrap_or(&folder).display().to_string();
    let mut command: Command = host.command("/bin/sh")?;
    command.args(["-c", line]).env("PATH", format!("{folder}:/usr/bin:/bin"));
    let output = host.capture(&mut command, "")?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr)))
}
