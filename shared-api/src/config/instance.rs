//! The keys of instances, as far as profiles may have them.

use super::check::{
    any, boolean, hold, integer, is_true, number, one_of, priority, refuse, size, uint32,
};
use super::keys::{Key, Problem, optional, validate as walk};
use super::{Invalid, Map, schedule};
use crate::expiry::Expiry;

const KEYS: &[Key] = &[
    optional("agent.nic_config", boolean),
    optional("boot.autostart", boolean),
    optional("boot.autostart.delay", integer),
    optional("boot.autostart.priority", integer),
    optional("boot.host_shutdown_timeout", integer),
    optional("boot.stop.priority", integer),
    optional("cloud-init.network-config", network_config),
    optional("cloud-init.user-data", cloud_config),
    optional("cloud-init.vendor-data", cloud_config),
    optional("cluster.evacuate", |value| {
        one_of(value, &["auto", "migrate", "live-migrate", "stop"])
    }),
    optional("environment.*", any),
    optional("limits.cpu", cpu),
    optional("limits.cpu.allowance", cpu_allowance),
    optional("limits.cpu.priority", priority),
    optional("limits.disk.priority", priority),
    optional("limits.hugepages.1GB", size),
    optional("limits.hugepages.1MB", size),
    optional("limits.hugepages.2MB", size),
    optional("limits.hugepages.64KB", size),
    optional("limits.kernel.*", any),
    optional("limits.memory", memory),
    optional("limits.memory.enforce", |value| one_of(value, &["soft", "hard"])),
    optional("limits.memory.hugepages", boolean),
    optional("limits.memory.swap", boolean),
    optional("limits.memory.swap.priority", priority),
    optional("limits.network.priority", priority),
    optional("limits.processes", integer),
    optional("linux.kernel_modules", any),
    optional("linux.sysctl.*", any),
    optional("migration.incremental.memory", boolean),
    optional("migration.incremental.memory.goal", uint32),
    optional("migration.incremental.memory.iterations", uint32),
    optional("migration.stateful", boolean),
    optional("nvidia.driver.capabilities", any),
    optional("nvidia.require.cuda", any),
    optional("nvidia.require.driver", any),
    optional("nvidia.runtime", boolean),
    optional("raw.apparmor", any),
    optional("raw.idmap", any),
    optional("raw.lxc", raw_lxc),
    optional("raw.qemu", any),
    optional("raw.qemu.conf", any),
    optional("raw.seccomp", any),
    optional("security.agent.metrics", boolean),
    optional("security.devlxd", boolean),
    optional("security.devlxd.images", boolean),
    optional("security.idmap.base", uint32),
    optional("security.idmap.isolated", boolean),
    optional("security.idmap.size", uint32),
    optional("security.nesting", boolean),
    optional("security.privileged", boolean),
    optional("security.protection.delete", boolean),
    optional("security.protection.shift", boolean),
    optional("security.secureboot", boolean),
    optional("security.syscalls.allow", any),
    optional("security.syscalls.blacklist", any),
    optional("security.syscalls.blacklist_compat", boolean),
    optional("security.syscalls.blacklist_default", boolean),
    optional("security.syscalls.deny", any),
    optional("security.syscalls.deny_compat", boolean),
    optional("security.syscalls.deny_default", boolean),
    optional("security.syscalls.intercept.bpf", boolean),
    optional("security.syscalls.intercept.bpf.devices", boolean),
    optional("security.syscalls.intercept.mknod", boolean),
    optional("security.syscalls.intercept.mount", boolean),
    optional("security.syscalls.intercept.mount.allowed", any),
    optional("security.syscalls.intercept.mount.fuse", any),
    optional("security.syscalls.intercept.mount.shift", boolean),
    optional("security.syscalls.intercept.sched_setscheduler", boolean),
    optional("security.syscalls.intercept.setxattr", boolean),
    optional("security.syscalls.whitelist", any),
    optional("snapshots.expiry", expiry),
    optional("snapshots.pattern", any),
    optional("snapshots.schedule", schedule::check),
    optional("snapshots.schedule.stopped", boolean),
    optional("user.*", any),
];

/// Checks the configuration of a profile.
pub fn validate_profile(config: &Map) -> Result<(), Invalid> {
    for (prefix, kind) in [("image.", "Image"), ("volatile.", "Volatile")] {
        if config.keys().any(|key| key.starts_with(prefix)) {
            return Err(Invalid::new(format_args!("{kind} keys can only be set on instances")));
        }
    }
    walk(&[KEYS], config).map_err(|problem| match problem {
        Problem::Unknown(key) => Invalid::new(format_args!("Unknown configuration key: {key}")),
        Problem::Bad(_, reason) => Invalid::new(reason),
    })?;
    together(config).map_err(Invalid::new)
}

/// Keys that exclude each other.
fn together(config: &Map) -> Result<(), String> {
    let is_set = |key: &str| config.get(key).is_some_and(|value| !value.is_empty());
    let is_on = |key: &str| config.get(key).is_some_and(|value| is_true(value));
    for (allow, deny) in [("allow", "deny"), ("whitelist", "blacklist")] {
        let key = |word: &str| format!("security.syscalls.{word}");
        let denied =
            ["", "_compat", "_default"].iter().any(|end| is_set(&key(&format!("{deny}{end}"))));
        hold(!(is_set(&key(allow)) && denied), || {
            format!("{} is mutually exclusive with {}*", key(allow), key(deny))
        })?;
    }
    hold(!(is_on("security.privileged") && is_on("nvidia.runtime")), || {
        "nvidia.runtime is incompatible with privileged containers".to_owned()
    })
}

/// A number of CPUs, or numbers and ranges of those that are meant: `2`, `0,2-3`.
fn cpu(value: &str) -> Result<(), String> {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = |text: &str| if digits(text) { text.parse::<u64>().ok() } else { None };
    let valid = value.split(',').all(|item| match item.split_once('-') {
        None => number(item).is_some(),
        Some((from, to)) => number(from).zip(number(to)).is_some_and(|(from, to)| from <= to),
    });
    hold(valid, || "Invalid CPU limit syntax".to_owned())
}

/// A share of all time, `50%`, or so much of each period, `25ms/100ms`.
fn cpu_allowance(value: &str) -> Result<(), String> {
    let share = || value.strip_suffix('%')?.parse::<u32>().ok();
    let slice = || {
        let (time, period) = value.split_once('/')?;
        let time = time.strip_suffix("ms")?.parse::<u32>().ok()?;
        Some((time, period.strip_suffix("ms")?.parse::<u32>().ok().filter(|period| *period > 0)?))
    };
    hold(share().is_some() || slice().is_some(), || format!("Invalid allowance: {value}"))
}

/// A size or a share of the host's memory.
fn memory(value: &str) -> Result<(), String> {
    let Some(share) = value.strip_suffix('%') else { return size(value) };
    if number::<u64>(share)? == 0 {
        return refuse("Memory limit can't be 0%");
    }
    Ok(())
}

fn expiry(value: &str) -> Result<(), String> {
    value.parse::<Expiry>().map(drop).map_err(|error| error.to_string())
}

/// What cloud-init reads: YAML if it says so in its first line, else anything.
fn cloud_config(value: &str) -> Result<(), String> {
    if value.lines().next().is_none_or(|line| line.trim() != "#cloud-config") {
        return Ok(());
    }
    yaml(value).map(drop)
}

/// What cloud-init reads for networks: a map in YAML.
fn network_config(value: &str) -> Result<(), String> {
    let parsed = yaml(value)?;
    hold(parsed.is_mapping() || parsed.is_null(), || "yaml: not a map".to_owned())
}

fn yaml(value: &str) -> Result<serde_yaml::Value, String> {
    serde_yaml::from_str(value).map_err(|error| format!("yaml: {error}"))
}

/// Keys of liblxc that are LXD's own business, and what to say.
const RESERVED_LXC: &[(&str, &str)] = &[
    ("lxc.ephemeral", "Setting lxc.ephemeral is not allowed"),
    ("lxc.log.file", "Setting lxc.logfile is not allowed"),
    ("lxc.logfile", "Setting lxc.logfile is not allowed"),
    ("lxc.log.syslog", "Setting lxc.log.syslog is not allowed"),
    ("lxc.syslog", "Setting lxc.log.syslog is not allowed"),
    (
        "lxc.prlimit.*",
        "Process limits should be set via \"limits.kernel.[limit name]\" and not directly via \
         \"lxc.prlimit.[limit name]\"",
    ),
];

fn raw_lxc(value: &str) -> Result<(), String> {
    let lines = value.lines().map(str::trim).filter(|line| !line.is_empty());
    for line in lines.filter(|line| !line.starts_with('#')) {
        let (key, _) =
            line.split_once('=').ok_or_else(|| format!("Invalid raw.lxc line: {line}"))?;
        let key = key.trim().to_ascii_lowercase();
        let is = |name: &str| match name.strip_suffix('*') {
            Some(start) => key.starts_with(start),
            None => key == name,
        };
        if let Some((_, reason)) = RESERVED_LXC.iter().find(|(name, _)| is(name)) {
            return refuse(reason);
        }
        if let Some(rest) = key.strip_prefix("lxc.net.") {
            let field = rest.split_once('.').filter(|(index, _)| index.parse::<u32>().is_ok());
            let address = field
                .is_some_and(|(_, field)| field.starts_with("ipv4.") || field.starts_with("ipv6."));
            hold(address, || {
                "Only interface-specific ipv4/ipv6 lxc.net. keys are allowed".to_owned()
            })?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(pairs: &[(&str, &str)]) -> String {
        let config = pairs.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
        validate_profile(&config).err().map_or(String::new(), |error| error.to_string())
    }

    #[test]
    fn what_profiles_take() {
        for pair in [
            ("boot.autostart.delay", "-5"),
            ("cloud-init.network-config", "version: 1"),
            ("cloud-init.user-data", "#cloud-config\nfoo: bar"),
            ("cloud-init.user-data", "#!/bin/sh\na: b: c"),
            ("environment.FOO", "bar"),
            ("limits.cpu", "2"),
            ("limits.cpu", "0,2-3"),
            ("limits.cpu.allowance", "50%"),
            ("limits.cpu.allowance", "25ms/100ms"),
            ("limits.kernel.nofile", "100:200"),
            ("limits.memory", "1GB"),
            ("limits.memory", "50%"),
            ("limits.memory", ""),
            ("linux.sysctl.net.ipv4.ip_forward", "1"),
            ("raw.lxc", "# c\n\nlxc.a = b = c\nlxc.net.0.ipv4.address=192.0.2.1"),
            ("security.privileged", "TRUE"),
            ("snapshots.schedule", "@daily, @startup"),
            ("user.user-data", "x"),
        ] {
            assert_eq!(problem(&[pair]), "", "{pair:?}");
        }
    }

    #[test]
    fn what_profiles_refuse() {
        let net = "Only interface-specific ipv4/ipv6 lxc.net. keys are allowed";
        for (key, value, text) in [
            ("bogus", "1", "Unknown configuration key: bogus"),
            ("limits.kernel.", "1", "Unknown configuration key: limits.kernel."),
            ("placement.group", "x", "Unknown configuration key: placement.group"),
            ("security.nesting", "maybe", "Invalid value for a boolean \"maybe\""),
            ("boot.autostart.delay", "1.5", "Invalid value for an integer \"1.5\""),
            (
                "cluster.evacuate",
                "foo",
                "Invalid value \"foo\" (not one of [auto migrate live-migrate stop])",
            ),
            ("limits.cpu", "abc", "Invalid CPU limit syntax"),
            ("limits.cpu", "1-2-3", "Invalid CPU limit syntax"),
            ("limits.cpu", "3-1", "Invalid CPU limit syntax"),
            ("limits.cpu", "2,", "Invalid CPU limit syntax"),
            ("limits.cpu.allowance", "abc", "Invalid allowance: abc"),
            ("limits.cpu.allowance", "10ms/0ms", "Invalid allowance: 10ms/0ms"),
            (
                "limits.cpu.priority",
                "11",
                "Invalid value for a limit \"11\". Must be between 0 and 10",
            ),
            ("limits.memory", "0%", "Memory limit can't be 0%"),
            ("limits.memory", "1zz", "Invalid value: 1zz"),
            ("security.idmap.base", "x", "Invalid value for uint32 \"x\""),
            ("snapshots.expiry", "5x", "Invalid expiry expression"),
            ("raw.lxc", "foo", "Invalid raw.lxc line: foo"),
            ("raw.lxc", "lxc.ephemeral=1", "Setting lxc.ephemeral is not allowed"),
            ("raw.lxc", "lxc.net.0.type = veth", net),
            ("raw.lxc", "lxc.net.type = veth", net),
            ("image.os", "x", "Image keys can only be set on instances"),
            ("volatile.uuid", "x", "Volatile keys can only be set on instances"),
        ] {
            assert_eq!(problem(&[(key, value)]), text);
        }
        assert!(
            problem(&[("cloud-init.user-data", "#cloud-config\n\ta: b")]).starts_with("yaml: ")
        );
        assert_eq!(problem(&[("cloud-init.network-config", "plain")]), "yaml: not a map");
    }

    #[test]
    fn what_excludes_each_other() {
        assert_eq!(
            problem(&[("security.syscalls.allow", "x"), ("security.syscalls.deny_default", "1")]),
            "security.syscalls.allow is mutually exclusive with security.syscalls.deny*"
        );
        assert_eq!(
            problem(&[("security.privileged", "true"), ("nvidia.runtime", "true")]),
            "nvidia.runtime is incompatible with privileged containers"
        );
    }
}
