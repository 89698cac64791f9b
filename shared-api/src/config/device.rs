//! The devices of profiles: their types, the keys of each and what goes together.
//! Whether networks and pools that they name exist is for whoever knows: see [`networks`], [`pools`].

use super::check::{
    any, boolean, hex_bytes, hold, interface, is_true, mtu, number, one_of, refuse, size, uint32,
};
use super::keys::{Key, Problem, optional, required, validate as walk};
use super::{Devices, Invalid, Map, nic, proxy};

/// The longest name of a device, in bytes.
const NAME_BYTES_MAX: usize = 63;

/// What a type of device takes: its keys, and a check of them together.
pub(super) type Kind = (Tables, fn(&Map) -> Result<(), String>);

/// Tables of keys, as several types share some.
pub(super) type Tables = &'static [&'static [Key]];

/// Checks the devices of a profile.
pub fn validate(devices: &Devices) -> Result<(), Invalid> {
    let mut paths = Vec::new();
    for (name, config) in devices {
        let failed = |reason: String| failed(name, &reason);
        check_name(name).map_err(failed)?;
        validate_one(name, config).map_err(failed)?;
        let Some(path) = get(config, "path").filter(|_| get(config, "type") == Some("disk")) else {
            continue;
        };
        let twice = || format!("More than one disk device uses the same path \"{path}\"");
        hold(!paths.contains(&path), twice).map_err(failed)?;
        paths.push(path);
    }
    Ok(())
}

/// The error for a device, with LXD's words around the reason.
pub fn failed(name: &str, reason: &str) -> Invalid {
    Invalid::new(format_args!("Device validation failed for \"{name}\": {reason}"))
}

/// Which networks the devices name by the key `network`: device and network.
pub fn networks(devices: &Devices) -> impl Iterator<Item = (&str, &str)> {
    named(devices, "nic", "network")
}

/// Which storage pools the devices name: device and pool.
pub fn pools(devices: &Devices) -> impl Iterator<Item = (&str, &str)> {
    named(devices, "disk", "pool")
}

/// Checks an interface against the configuration of the network that it names.
pub fn validate_on_network(name: &str, device: &Map, network: &Map) -> Result<(), Invalid> {
    let network_name = get(device, "network").unwrap_or_default();
    nic::check_addresses(device, network_name, network).map_err(|reason| failed(name, &reason))
}

/// The value of a key; unset and empty are the same.
pub(super) fn get<'a>(config: &'a Map, key: &str) -> Option<&'a str> {
    config.get(key).map(String::as_str).filter(|value| !value.is_empty())
}

fn named<'a>(
    devices: &'a Devices,
    kind: &'static str,
    key: &'static str,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    devices
        .iter()
        .filter(move |(_, config)| get(config, "type") == Some(kind))
        .filter_map(move |(name, config)| Some((name.as_str(), get(config, key)?)))
}

fn check_name(name: &str) -> Result<(), String> {
    if name.is_empty() || name.len() > NAME_BYTES_MAX {
        return refuse("Name must be 1-63 characters long");
    }
    if name.starts_with('.') {
        return refuse("Name must not start with \".\" character");
    }
    hold(name.chars().all(|char| char.is_ascii_alphanumeric() || "/-:_.".contains(char)), || {
        "Name can only contain alphanumeric, forward slash, hyphen, colon, underscore and full \
         stop characters"
            .to_owned()
    })
}

fn validate_one(name: &str, config: &Map) -> Result<(), String> {
    let loading = |reason: &str| format!("Failed loading device \"{name}\": {reason}");
    let kind = get(config, "type").ok_or_else(|| loading("Missing device type in config"))?;
    let found = find(kind, config).ok_or_else(|| loading("Unsupported device type"))?;
    let (tables, together) = found;
    let checked = walk(&[&[COMMON], tables].concat(), config).map_err(|problem| match problem {
        Problem::Unknown(key) => format!("Invalid device option \"{key}\""),
        Problem::Bad(key, reason) => format!("Invalid value for device option \"{key}\": {reason}"),
    });
    let checked = checked.and_then(|()| together(config));
    match kind {
        "pci" | "tpm" => checked.map_err(|reason| format!("Failed to validate config: {reason}")),
        _ => checked,
    }
}

fn find(kind: &str, config: &Map) -> Option<Kind> {
    Some(match kind {
        "disk" => (&[DISK], check_disk),
        "gpu" => return find_gpu(config),
        "infiniband" if matches!(get(config, "nictype"), Some("physical" | "sriov")) => {
            (&[INFINIBAND], free)
        }
        "nic" => return nic::find(config),
        "none" => (&[], free),
        "pci" => (&[PCI], free),
        "proxy" => (&[proxy::KEYS], proxy::check),
        "tpm" => (&[TPM], free),
        "unix-block" | "unix-char" => (&[UNIX, OWNER], check_unix),
        "unix-hotplug" => (&[USB, OWNER], check_hotplug),
        "usb" => (&[USB, OWNER], free),
        _ => return None,
    })
}

fn find_gpu(config: &Map) -> Option<Kind> {
    Some(match get(config, "gputype").unwrap_or("physical") {
        "physical" => (&[GPU, OWNER], check_gpu),
        "mdev" => (&[GPU, MDEV], check_gpu),
        "mig" => (&[GPU, MIG], check_mig),
        "sriov" => (&[GPU], check_gpu),
        _ => return None,
    })
}

const COMMON: &[Key] = &[optional("type", any)];

const DISK: &[Key] = &[
    optional("boot.priority", uint32),
    optional("ceph.cluster_name", any),
    optional("ceph.user_name", any),
    optional("limits.max", any),
    optional("limits.read", any),
    optional("limits.write", any),
    optional("path", any),
    optional("pool", any),
    optional("propagation", propagation),
    optional("raw.mount.options", any),
    optional("readonly", boolean),
    optional("recursive", boolean),
    optional("required", boolean),
    optional("shift", boolean),
    optional("size", size),
    optional("size.state", size),
    optional("source", any),
];

const INFINIBAND: &[Key] = &[
    optional("hwaddr", infiniband_hwaddr),
    optional("mtu", mtu),
    optional("name", interface),
    optional("nictype", any),
    required("parent", present),
];

/// Whose a file of a device is.
const OWNER: &[Key] =
    &[optional("gid", unix_id), optional("mode", file_mode), optional("uid", unix_id)];

const UNIX: &[Key] = &[
    optional("major", unix_number),
    optional("minor", unix_number),
    optional("path", any),
    optional("required", boolean),
    optional("source", unix_source),
];

const USB: &[Key] =
    &[optional("productid", hex_id), optional("required", boolean), optional("vendorid", hex_id)];

const GPU: &[Key] = &[
    optional("gputype", any),
    optional("id", any),
    optional("pci", pci_address),
    optional("productid", hex_id),
    optional("vendorid", hex_id),
];

const MDEV: &[Key] = &[required("mdev", present)];

const MIG: &[Key] =
    &[optional("mig.ci", byte), optional("mig.gi", byte), optional("mig.uuid", mig_uuid)];

const PCI: &[Key] = &[required("address", pci_address)];

const TPM: &[Key] = &[optional("path", any), optional("pathrm", any)];

/// For types whose keys do not depend on each other.
pub(super) fn free(_: &Map) -> Result<(), String> {
    Ok(())
}

/// The rules of disks, in LXD's order; the first that is broken is told.
fn check_disk(config: &Map) -> Result<(), String> {
    let value = |key| get(config, key);
    let on = |key| value(key).is_some_and(is_true);
    let (path, source) = (value("path"), value("source").unwrap_or_default());
    let (root, pool) = (path == Some("/"), value("pool").is_some());
    let remote = ["ceph:", "cephfs:"].iter().any(|start| source.starts_with(start));
    let special = remote || source == "cloud-init:config";
    let ceph = value("ceph.cluster_name").or(value("ceph.user_name")).is_some();
    let rules: [(bool, &str); 11] = [
        (
            source.is_empty() && (!root || path.is_none()),
            "Disk entry is missing the required \"source\" or \"path\" property",
        ),
        (root && !source.is_empty(), "Root disk entry may not have a \"source\" property set"),
        (root && !pool, "Root disk entry must have a \"pool\" property set"),
        (!root && value("size").is_some(), "Only the root disk may have a size quota"),
        (
            !root && value("size.state").is_some(),
            "Only the root disk may have a migration size quota",
        ),
        (
            on("recursive") && (root || pool),
            "The recursive option is only supported for additional bind-mounted paths",
        ),
        (
            on("recursive") && on("readonly"),
            "Recursive read-only bind-mounts aren't currently supported by the kernel",
        ),
        (
            pool && on("shift"),
            "The \"shift\" property cannot be used with custom storage volumes (set \
             \"security.shifted=true\" on the volume instead)",
        ),
        (pool && source.starts_with('/'), "Storage volumes cannot be specified as absolute paths"),
        (
            pool && source.split('/').any(|part| part == ".."),
            "Storage volumes cannot be specified by relative paths",
        ),
        (
            !pool && !special && !source.starts_with('/'),
            "Source path must be absolute for local sources",
        ),
    ];
    if ceph && !remote {
        let keys = "ceph.cluster_name/ceph.user_name";
        return Err(format!("Invalid options {keys} for source \"{source}\""));
    }
    rules.iter().find(|(broken, _)| *broken).map_or(Ok(()), |(_, reason)| refuse(reason))
}

fn check_unix(config: &Map) -> Result<(), String> {
    hold(get(config, "source").or(get(config, "path")).is_some(), || {
        "Unix device entry is missing the required \"source\" or \"path\" property".to_owned()
    })
}

fn check_hotplug(config: &Map) -> Result<(), String> {
    hold(get(config, "vendorid").or(get(config, "productid")).is_some(), || {
        "Unix hotplug devices require a vendorid or a productid".to_owned()
    })
}

fn check_gpu(config: &Map) -> Result<(), String> {
    for (one, others) in
        [("pci", &["id", "productid", "vendorid"][..]), ("id", &["vendorid", "productid"])]
    {
        let other = others.iter().find(|other| get(config, other).is_some());
        if let (Some(_), Some(other)) = (get(config, one), other) {
            return Err(format!("Cannot use \"{other}\" when when \"{one}\" is set"));
        }
    }
    Ok(())
}

fn check_mig(config: &Map) -> Result<(), String> {
    check_gpu(config)?;
    let instance = get(config, "mig.gi").and(get(config, "mig.ci"));
    hold(get(config, "mig.uuid").or(instance).is_some(), || {
        "Either \"mig.uuid\" or both \"mig.gi\" and \"mig.ci\" must be set".to_owned()
    })
}

/// Any text but none.
pub(super) fn present(value: &str) -> Result<(), String> {
    hold(!value.is_empty(), || "Required value".to_owned())
}

pub(super) fn unix_id(value: &str) -> Result<(), String> {
    hold(value.parse::<u32>().is_ok(), || "Invalid value for a UNIX ID".to_owned())
}

pub(super) fn file_mode(value: &str) -> Result<(), String> {
    let octal = value.len() <= 4 && value.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    hold(octal, || "Invalid value for an octal file mode".to_owned())
}

fn unix_number(value: &str) -> Result<(), String> {
    hold(value.parse::<u32>().is_ok(), || "Invalid value for a UNIX device number".to_owned())
}

fn unix_source(value: &str) -> Result<(), String> {
    hold(value.starts_with("/dev/"), || "Path needs to be in /dev".to_owned())
}

fn propagation(value: &str) -> Result<(), String> {
    let words = [
        "private",
        "shared",
        "slave",
        "unbindable",
        "rprivate",
        "rshared",
        "rslave",
        "runbindable",
    ];
    one_of(value, &words)
}

fn infiniband_hwaddr(value: &str) -> Result<(), String> {
    hold([8, 20].into_iter().any(|count| hex_bytes(value, count).is_some()), || {
        "Invalid value, must be either 8 or 20 bytes of hex separated by colons".to_owned()
    })
}

fn hex_id(value: &str) -> Result<(), String> {
    let digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    hold(value.len() == 4 && value.bytes().all(digit), || {
        "Invalid value, must be four lower case hex characters".to_owned()
    })
}

/// `0000:00:01.0`, of which the first part may be missing.
fn pci_address(value: &str) -> Result<(), String> {
    let hex = |text: &str, length| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let (slot, function) = value.rsplit_once('.').unwrap_or_default();
    let parts: Vec<&str> = slot.split(':').collect();
    let valid = match parts[..] {
        [domain, bus, device] => hex(domain, 4) && hex(bus, 2) && hex(device, 2),
        [bus, device] => hex(bus, 2) && hex(device, 2),
        _ => false,
    };
    hold(valid && hex(function, 1), || "Invalid PCI address".to_owned())
}

fn byte(value: &str) -> Result<(), String> {
    hold(number::<u8>(value).is_ok(), || {
        format!("Invalid value for an integer \"{value}\". Must be between 0 and 255")
    })
}

fn mig_uuid(value: &str) -> Result<(), String> {
    let uuid = value.strip_prefix("MIG-").unwrap_or(value);
    hold(uuid::Uuid::try_parse(uuid).is_ok(), || "Invalid UUID".to_owned())
}

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;
