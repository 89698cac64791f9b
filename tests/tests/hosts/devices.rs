//! Pools of btrfs, on devices and in files.

use anyhow::{Context, Result, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    api::{Api, sort},
    cluster::{self, Cluster},
    daemon::{self, Daemon, LIMIT},
    disk::Disk,
    flavour::Flavour,
    host::Host,
    rack::Rack,
    wait::wait_until,
};

const BY_UUID: &str = "/dev/disk/by-uuid/";

#[test]
fn members_have_a_pool_on_a_device_each() -> Result<()> {
    let rack = Rack::new("devices", Flavour::under_test(), 3)?;
    let disk = |name| Disk::create(&rack.folder, name);
    let (one, two, three, taken) = (disk("one")?, disk("two")?, disk("three")?, disk("taken")?);
    let [first, second, third] = &rack.hosts[..] else { anyhow::bail!("three hosts") };
    let _first = Daemon::start_ready(first)?;
    let mut preseed: Value =
        serde_json::from_str(&cluster::bootstrap_preseed(&first.name, &first.endpoint()))?;
    preseed["storage_pools"] =
        json!([{"name": "local", "driver": "btrfs", "config": {"source": one.path}}]);
    first.lxd(&["init", "--preseed"], &preseed.to_string())?;
    is_on(first, &one)?;
    let again = first.lxd(&["init", "--preseed", "--dry-run"], &preseed.to_string())?;
    ensure!(again.is_empty(), "{again}");
    let asked = Api::of(first).get("/1.0/cluster")?["member_config"].clone();
    ensure!(asked.as_array().is_some_and(|keys| keys.len() == 1), "{asked}");
    ensure!(asked[0]["key"] == "source", "{asked}");

    // The second is killed on its way, then joins by the same token.
    let failing = Daemon::start_ready(second)?;
    failing.stop()?;
    let token = token(first, second, &two.path)?;
    let mut failing = Daemon::start_failing(second, "join: pools made")?;
    ensure!(join(second, &token).is_err(), "the join survived a kill");
    failing.wait_end()?;
    ensure!(two.kinds()?.contains("btrfs"), "{}", two.kinds()?);
    let _second = Daemon::start_ready(second)?;
    ensure!(two.kinds()?.is_empty(), "{}", two.kinds()?);
    join(second, &token)?;
    is_on(second, &two)?;

    third.sh(&format!("mkfs.btrfs -q {}", taken.path))?;
    refused(&rack, &taken, &two)?;
    let token = self::token(first, third, &three.path)?;
    let daemon = Daemon::start_ready(third)?;
    join(third, &token)?;
    is_on(third, &three)?;
    cluster::wait_online(third, 3)?;
    restarts(third, daemon, &three)?;
    // One that leaves gives its device back.
    first.lxc(&["cluster", "remove", "node3"])?;
    wait_until("the device is blank", LIMIT, || three.kinds().ok()?.is_empty().then_some(()))?;
    rack.finish()
}

/// The third host is refused for what its device holds and for all else, and nothing changes.
fn refused(rack: &Rack, taken: &Disk, busy: &Disk) -> Result<()> {
    let (first, third) = (&rack.hosts[0], &rack.hosts[2]);
    let daemon = Daemon::start_ready(third)?;
    third.sh("ip link add lxdbr0 type bridge")?;
    let kinds = taken.kinds()?;
    let before = (traces(first)?, traces(third)?);
    for (source, problem) in [
        (&taken.path, "isn't empty: it holds btrfs"),
        (&busy.path, "is in use"),
        (&"/dev/none".to_owned(), "Source path '/dev/none' doesn't exist"),
        (&"/proc".to_owned(), "Source path '/proc' isn't"),
    ] {
        let token = token(first, third, source)?;
        let error = format!("{:#}", join(third, &token).err().context("joined")?);
        for problem in [problem, "Network interface \"lxdbr0\" already exists"] {
            ensure!(error.contains(problem), "{problem} is not in {error}");
        }
        first.lxc(&["cluster", "revoke-token", &third.name])?;
        let after = (traces(first)?, traces(third)?);
        ensure!(after == before, "{after:?} and not {before:?}");
    }
    ensure!(taken.kinds()? == kinds, "{}", taken.kinds()?);
    third.sh("ip link delete lxdbr0")?;
    daemon.stop().map(drop)
}

/// A restart of the daemon leaves the pool alone, a shutdown unmounts it.
fn restarts(host: &Host, daemon: Daemon, disk: &Disk) -> Result<()> {
    let mounted = "grep storage-pools /proc/self/mountinfo || :";
    let before = host.sh(mounted)?;
    daemon.stop()?;
    let mut daemon = Daemon::start_ready(host)?;
    ensure!(host.sh(mounted)? == before && before.lines().count() == 1, "{before}");
    host.lxd(&["shutdown"], "")?;
    daemon.wait_end()?;
    ensure!(host.sh(mounted)?.is_empty(), "{}", host.sh(mounted)?);
    let _daemon = Daemon::start_ready(host)?;
    is_on(host, disk)
}

#[test]
fn pools_of_btrfs_are_made_and_deleted_by_both_clients() -> Result<()> {
    let mut rack = Rack::new("btrfs", Flavour::under_test(), 2)?;
    rack.expect_error("A pool could not be started");
    let mut cluster = Cluster::form(&rack)?;
    let disk = Disk::create(&rack.folder, "disk")?;
    let [first, second] = &rack.hosts[..] else { anyhow::bail!("two hosts") };
    for client in [Flavour::under_test(), Flavour::Debian] {
        let lxc = |words: &str| {
            let words: Vec<_> = words.split(' ').collect();
            first.stdout(&mut first.client(client, &words)?, "")
        };
        lxc("storage create p btrfs --target node1 size=200MiB")?;
        lxc(&format!("storage create p btrfs --target node2 source={}", disk.path))?;
        let mark = json!({"config": {"volatile.initial_source": disk.path}});
        let path = "/1.0/storage-pools/p?target=node2";
        let own = Api::of(first).call(Method::PATCH, path, Some(&mark))?;
        ensure!(own.error().contains("is the server's own"), "{}", own.body);
        lxc("storage create p btrfs btrfs.mount_options=noatime,user_subvol_rm_allowed")?;
        let pool = Api::of(first).get("/1.0/storage-pools/p?target=node1")?;
        let image = "/run/lxd/disks/p.img";
        ensure!(pool["config"]["source"] == image && pool["config"]["size"] == "200MiB", "{pool}");
        let mounted = first.sh("grep storage-pools/p /proc/mounts")?;
        ensure!(mounted.contains(" btrfs ") && mounted.contains("noatime"), "{mounted}");
        let pool = Api::of(first).get("/1.0/storage-pools/p?target=node2")?;
        ensure!(pool["config"]["volatile.initial_source"] == disk.path, "{pool}");
        let shown = lxc("storage list --format csv")?;
        ensure!(shown.contains("p,btrfs,"), "{shown}");
        let change = json!({"config": {"size": "1GiB"}});
        let path = "/1.0/storage-pools/p?target=node1";
        let fixed = Api::of(first).call(Method::PATCH, path, Some(&change))?;
        ensure!(fixed.error().contains("cannot be changed"), "{}", fixed.body);
        lxc("storage delete p")?;
        ensure!(disk.kinds()?.is_empty(), "{}", disk.kinds()?);
        let left = first.sh("ls /run/lxd/disks /run/lxd/storage-pools; losetup --list")?;
        ensure!(!left.contains("p.img") && !left.contains("\np\n"), "{left}");
    }
    // What is lost holds up nothing and can be deleted.
    for target in ["node1", "node2"] {
        first.lxc(&["storage", "create", "q", "btrfs", "--target", target, "size=200MiB"])?;
    }
    first.lxc(&["storage", "create", "q", "btrfs"])?;
    second.lxd(&["shutdown"], "")?;
    cluster.daemons[1].wait_end()?;
    let mounted = second.sh("grep storage-pools /proc/mounts || :")?;
    ensure!(mounted.is_empty(), "{mounted}");
    second.sh("rm /run/lxd/disks/q.img")?;
    cluster.daemons[1] = Daemon::start_ready(second)?;
    wait_until("the loss is told", LIMIT, || {
        let log = daemon::log(second);
        (log.contains("A pool is owed: Failed to find")).then_some(())
    })?;
    cluster::wait_online(first, 2)?;
    first.lxc(&["storage", "delete", "q"])?;
    rack.finish()
}

#[test]
fn a_kill_while_a_pool_is_made_leaves_what_can_be_made_or_deleted() -> Result<()> {
    let rack = Rack::new("killed-pool", Flavour::under_test(), 1)?;
    let disk = Disk::create(&rack.folder, "disk")?;
    let host = &rack.hosts[0];
    let device = format!("source={}", disk.path);
    for point in ["pool: planned", "pool: formatted", "pool: made"] {
        for key in [device.as_str(), "size=200MiB"] {
            for again in [true, false] {
                let mut failing = Daemon::start_failing(host, point)?;
                ensure!(host.lxc(&["storage", "create", "p", "btrfs", key]).is_err(), "{point}");
                failing.wait_end()?;
                let daemon = Daemon::start_ready(host)?;
                if again {
                    let made = host.lxc(&["storage", "create", "p", "btrfs"]);
                    made.with_context(|| format!("{key} after {point}"))?;
                    ensure!(host.data().join("storage-pools/p").is_dir());
                    host.sh("grep storage-pools/p /proc/mounts")?;
                }
                host.lxc(&["storage", "delete", "p"])?;
                ensure!(disk.kinds()?.is_empty(), "{point}: {}", disk.kinds()?);
                let left = host.sh("ls -A /run/lxd/storage-pools; ls -A /run/lxd/disks || :")?;
                ensure!(left.is_empty(), "{point} {key}: {left}");
                daemon.stop()?;
            }
        }
    }
    rack.finish()
}

#[test]
fn pools_of_btrfs_are_in_directories_too() -> Result<()> {
    let rack = Rack::new("btrfs-directories", Flavour::under_test(), 1)?;
    let disk = Disk::create(&rack.folder, "disk")?;
    let host = &rack.hosts[0];
    host.sh(&format!("mkfs.btrfs -q {0} && mkdir /run/btrfs && mount {0} /run/btrfs", disk.path))?;
    host.sh("mkdir -p /run/btrfs/given /run/btrfs/full/x /run/btrfs/pools /run/lxd/storage-pools")?;
    host.sh("mount --bind /run/btrfs/pools /run/lxd/storage-pools")?;
    let daemon = Daemon::start_ready(host)?;
    let create = |name: &str, source: &str| {
        host.lxc(&["storage", "create", name, "btrfs", &format!("source={source}")])
    };
    for (source, problem) in [
        ("/run/btrfs/full", "Source path '/run/btrfs/full' isn't empty"),
        ("/run/btrfs/none", "Source path '/run/btrfs/none' doesn't exist"),
        ("/run/cgroup", "Source path '/run/cgroup' isn't on a btrfs file system"),
    ] {
        host.sh("mkdir -p /run/cgroup")?;
        let error = format!("{:#}", create("bad", source).err().context(source)?);
        ensure!(error.contains(problem), "{error}");
    }
    create("given", "/run/btrfs/given")?;
    create("own", "/run/lxd/storage-pools/own")?;
    host.sh("btrfs subvolume show /run/lxd/storage-pools/own")?;
    daemon.stop()?;
    let _daemon = Daemon::start_ready(host)?;
    host.sh("stat /run/lxd/storage-pools/given/images /run/lxd/storage-pools/own/images")?;
    for name in ["given", "own"] {
        host.lxc(&["storage", "delete", name])?;
    }
    let left = host.sh("ls -A /run/btrfs/given /run/lxd/storage-pools")?;
    ensure!(!left.contains("images") && !left.contains("own"), "{left}");
    rack.finish()
}

#[test]
fn flags_choose_what_a_pool_of_btrfs_is_made_of() -> Result<()> {
    let rack = Rack::new("btrfs-flags", Flavour::under_test(), 3)?;
    let disk = Disk::create(&rack.folder, "disk")?;
    rack.hosts[2].hide_drivers()?;
    let _daemons = rack.hosts.iter().map(Daemon::start_ready).collect::<Result<Vec<_>>>()?;
    let flags = ["init", "--auto", "--storage-backend", "btrfs"];
    let [one, other, without] = &rack.hosts[..] else { anyhow::bail!("three hosts") };
    one.lxd(&[&flags[..], &["--storage-create-loop", "1"]].concat(), "")?;
    let pool = Api::of(one).get("/1.0/storage-pools/default")?;
    ensure!(pool["config"]["size"] == "1GB" && pool["driver"] == "btrfs", "{pool}");
    other.lxd(&[&flags[..], &["--storage-create-device", &disk.path]].concat(), "")?;
    let pool = Api::of(other).get("/1.0/storage-pools/default")?;
    ensure!(pool["config"]["volatile.initial_source"] == disk.path, "{pool}");
    // A host without the tools says so.
    let drivers = |host: &Host| {
        Api::of(host)
            .get("/1.0")
            .map(|server| server["environment"]["storage_supported_drivers"].to_string())
    };
    ensure!(drivers(one)?.contains("btrfs") && !drivers(without)?.contains("btrfs"));
    let refused = without.lxd(&flags, "").err().context("made a pool")?;
    let text = "The requested backend 'btrfs' isn't supported by lxd init";
    ensure!(format!("{refused:#}").contains(text), "{refused:#}");
    let refused = without.lxc(&["storage", "create", "p", "btrfs"]).err().context("made")?;
    ensure!(format!("{refused:#}").contains("doesn't work on this host"), "{refused:#}");
    ensure!(without.lxc(&["storage", "list", "--format", "csv"])?.is_empty());
    rack.finish()
}

/// A pool `local` that is on a device, mounted and ready for volumes.
fn is_on(host: &Host, disk: &Disk) -> Result<()> {
    let path = format!("/1.0/storage-pools/local?target={}", host.name);
    let pool = Api::of(host).get(&path)?;
    let source = pool["config"]["source"].as_str().context("a source")?;
    let uuid = source.strip_prefix(BY_UUID).with_context(|| source.to_owned())?;
    ensure!(disk.kinds()?.contains(uuid), "{} and not {uuid}", disk.kinds()?);
    ensure!(pool["config"]["volatile.initial_source"] == disk.path, "{pool}");
    let mounted = host.sh("grep storage-pools/local /proc/mounts")?;
    let expected = format!("{} /run/lxd/storage-pools/local btrfs ", disk.path);
    ensure!(mounted.starts_with(&expected), "{mounted}");
    ensure!(mounted.contains("user_subvol_rm_allowed"), "{mounted}");
    host.sh("stat /run/lxd/storage-pools/local/containers").map(drop)
}

fn token(first: &Host, joiner: &Host, source: &str) -> Result<String> {
    let key = format!("storage-pool.local.source={source}");
    let printed = first.lxc(&["cluster", "add", &joiner.name, "--member-config", &key])?;
    Ok(printed.lines().last().context("a token")?.to_owned())
}

fn join(host: &Host, token: &str) -> Result<()> {
    let cluster =
        json!({"enabled": true, "server_address": host.endpoint(), "cluster_token": token});
    host.lxd(&["init", "--preseed"], &json!({"cluster": cluster}).to_string()).map(drop)
}

/// What a join may leave.
fn traces(host: &Host) -> Result<Value> {
    let mut found = Vec::new();
    for path in ["/1.0/cluster", "/1.0/certificates", "/1.0/storage-pools", "/1.0/networks"] {
        found.push(Api::of(host).get(path)?);
    }
    let files = "cd /run/lxd && ls -A storage-pools networks; ls -A disks; cat /proc/mounts";
    found.push(host.sh(files).unwrap_or_default().into());
    let mut found = Value::from(found);
    sort(&mut found);
    Ok(found)
}
