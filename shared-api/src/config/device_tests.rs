//! Devices of profiles, one a line: what they are, and what is said to them.

use super::*;

/// Said by LXD 5.0.2 too.
const SEEN: &str = r#"
 => Failed loading device "d": Missing device type in config
type=bogus => Failed loading device "d": Unsupported device type
type= => Failed loading device "d": Missing device type in config
type=none =>
type=none x=y => Invalid device option "x"
type=disk => Disk entry is missing the required "source" or "path" property
type=disk path=/ => Root disk entry must have a "pool" property set
type=disk path=/ pool=pool1 =>
type=disk path=/ pool=pool1 bogus=1 => Invalid device option "bogus"
type=disk path=/ pool=pool1 size=zz => Invalid value for device option "size": Invalid value: zz
type=disk path=/ source=/tmp => Root disk entry may not have a "source" property set
type=disk path=/x => Disk entry is missing the required "source" or "path" property
type=disk path=/x source=/nonexist =>
type=disk path=/x source=rel => Source path must be absolute for local sources
type=disk path=/x source=vol pool=pool1 =>
type=disk path=x source=/tmp =>
type=disk source=/tmp =>
type=disk path=/x source=/tmp readonly=maybe => Invalid value for device option "readonly": Invalid value for a boolean "maybe"
type=disk path=/x source=/tmp propagation=rshared =>
type=disk path=/x source=/tmp shift=true pool=pool1 => The "shift" property cannot be used with custom storage volumes (set "security.shifted=true" on the volume instead)
type=disk path=/x source=/tmp pool=pool1 => Storage volumes cannot be specified as absolute paths
type=disk path=/x source=/tmp required=x => Invalid value for device option "required": Invalid value for a boolean "x"
type=disk path=/x source=/tmp size=1GB => Only the root disk may have a size quota
type=disk path=/ pool=pool1 size.state=1GB =>
type=disk path=/ pool=pool1 recursive=true => The recursive option is only supported for additional bind-mounted paths
type=disk path=/x source=/tmp recursive=true readonly=true => Recursive read-only bind-mounts aren't currently supported by the kernel
type=disk path=/ pool=pool1 raw.mount.options=x =>
type=disk path=/x source=ceph:a/b =>
type=disk path=/x source=cloud-init:config =>
type=disk path=/x source=/tmp limits.read=x =>
type=disk path=/x source=/tmp limits.read=10MB limits.max=10MB =>
type=disk path=/x source=/tmp ceph.user_name=x => Invalid options ceph.cluster_name/ceph.user_name for source "/tmp"
type=nic => Failed loading device "d": Unsupported device type
type=nic nictype=bogus => Failed loading device "d": Unsupported device type
type=nic nictype=bridged => Invalid value for device option "parent": Required value
type=nic nictype=bridged parent=br0 =>
type=nic nictype=bridged parent=nope =>
type=nic nictype=bridged parent=br0 bogus=1 => Invalid device option "bogus"
type=nic network=br0 =>
type=nic network=br0 nictype=bridged => Cannot use "nictype" property in conjunction with "network" property
type=nic network=br0 parent=x => Cannot use "parent" property in conjunction with "network" property
type=nic network=br0 mtu=1500 => Cannot use "mtu" property in conjunction with "network" property
type=nic network=br0 hwaddr=zz => Invalid value for device option "hwaddr": Invalid MAC address, must be 6 bytes of hex separated by colons
type=nic network=br0 hwaddr=00:16:3e:00:00:01 =>
type=nic network=br0 ipv4.address=10.141.171.5 =>
type=nic network=br0 name=a/b => Invalid value for device option "name": Network interface contains invalid characters
type=nic network=br0 name=eth0 vlan=5 =>
type=nic network=br0 vlan=x => Invalid value for device option "vlan": Invalid VLAN ID "x"
type=nic network=br0 vlan=5000 => Invalid value for device option "vlan": Out of VLAN ID range (0-4094) "5000"
type=nic network=br0 limits.ingress=x =>
type=nic network=br0 limits.max=1Mbit limits.ingress=1Mbit =>
type=nic network=br0 security.port_isolation=x => Invalid value for device option "security.port_isolation": Invalid value for a boolean "x"
type=nic network=br0 ipv4.routes=x => Invalid value for device option "ipv4.routes": Item "x": invalid CIDR address: x
type=nic network=br0 maas.subnet.ipv4=x => Cannot use "maas.subnet.ipv4" property in conjunction with "network" property
type=nic nictype=macvlan => Invalid value for device option "parent": Required value
type=nic nictype=macvlan parent=eth0 =>
type=nic nictype=macvlan parent=nope =>
type=nic nictype=macvlan parent=eth0 ipv4.address=1.2.3.4 => Invalid device option "ipv4.address"
type=nic nictype=p2p =>
type=nic nictype=p2p ipv4.address=1.2.3.4 => Invalid device option "ipv4.address"
type=nic nictype=physical => Invalid value for device option "parent": Required value
type=nic nictype=physical parent=eth0 =>
type=nic nictype=sriov => Invalid value for device option "parent": Required value
type=nic nictype=sriov parent=eth0 =>
type=nic nictype=ipvlan => Invalid value for device option "parent": Required value
type=nic nictype=ipvlan parent=eth0 =>
type=nic nictype=ipvlan parent=eth0 mode=x => Invalid value for device option "mode": Must be one of: l3s, l2
type=nic nictype=ipvlan parent=eth0 ipv4.gateway=x => Invalid value for device option "ipv4.gateway": Invalid gateway: x
type=nic nictype=routed =>
type=nic nictype=routed ipv4.gateway=x => Invalid value for device option "ipv4.gateway": Invalid gateway: x
type=nic nictype=routed ipv4.address=10.1.1.1,10.1.1.2 =>
type=infiniband => Failed loading device "d": Unsupported device type
type=infiniband nictype=bogus parent=x => Failed loading device "d": Unsupported device type
type=infiniband nictype=physical parent=x =>
type=infiniband nictype=physical parent=x name=ib0 mtu=x hwaddr=y => Invalid value for device option "hwaddr": Invalid value, must be either 8 or 20 bytes of hex separated by colons
type=proxy listen=tcp:0.0.0.0:80 connect=tcp:127.0.0.1:80 =>
type=proxy listen=bogus connect=tcp:127.0.0.1:80 => Invalid value for device option "listen": Unknown protocol type "bogus"
type=proxy listen=tcp:foo:80 connect=tcp:127.0.0.1:80 => Invalid value for device option "listen": Not an IP address "foo"
type=proxy listen=tcp:1.2.3.4:80-81 connect=tcp:127.0.0.1:80 =>
type=proxy listen=unix:/x connect=tcp:127.0.0.1:80 bind=foo => Invalid value for device option "bind": Invalid binding side given. Must be "host" or "instance"
type=proxy listen=tcp:1.2.3.4:80 connect=tcp:127.0.0.1:80 uid=x => Invalid value for device option "uid": Invalid value for a UNIX ID
type=proxy listen=unix:/x connect=tcp:127.0.0.1:80 mode=9 => Invalid value for device option "mode": Invalid value for an octal file mode
type=proxy listen=tcp:1.2.3.4:80 connect=tcp:127.0.0.1:80 nat=true =>
type=unix-char => Unix device entry is missing the required "source" or "path" property
type=unix-char path=/dev/null =>
type=unix-char source=/dev/null =>
type=unix-char path=x =>
type=unix-char path=/dev/null major=x => Invalid value for device option "major": Invalid value for a UNIX device number
type=unix-char path=/dev/null mode=999 => Invalid value for device option "mode": Invalid value for an octal file mode
type=unix-char path=/dev/null uid=-1 => Invalid value for device option "uid": Invalid value for a UNIX ID
type=unix-char path=/dev/null required=x => Invalid value for device option "required": Invalid value for a boolean "x"
type=unix-char path=/dev/null bogus=x => Invalid device option "bogus"
type=unix-block path=/dev/vda =>
type=unix-hotplug => Unix hotplug devices require a vendorid or a productid
type=unix-hotplug vendorid=xyz => Invalid value for device option "vendorid": Invalid value, must be four lower case hex characters
type=unix-hotplug vendorid=12ab productid=1 => Invalid value for device option "productid": Invalid value, must be four lower case hex characters
type=usb =>
type=usb vendorid=zz => Invalid value for device option "vendorid": Invalid value, must be four lower case hex characters
type=usb bogus=1 => Invalid device option "bogus"
type=gpu =>
type=gpu gputype=physical pci=zz => Invalid value for device option "pci": Invalid PCI address
type=gpu gputype=mdev => Invalid value for device option "mdev": Required value
type=gpu gputype=mig => Either "mig.uuid" or both "mig.gi" and "mig.ci" must be set
type=gpu gputype=mig mig.ci=x mig.gi=1 => Invalid value for device option "mig.ci": Invalid value for an integer "x". Must be between 0 and 255
type=gpu gputype=sriov =>
type=gpu id=x pci=0000:00:00.0 => Cannot use "id" when when "pci" is set
type=gpu bogus=x => Invalid device option "bogus"
type=tpm =>
type=tpm path=/dev/tpm0 =>
type=tpm path=/dev/tpm0 pathrm=/dev/tpmrm0 =>
type=pci => Failed to validate config: Invalid value for device option "address": Invalid PCI address
type=pci address=zz => Failed to validate config: Invalid value for device option "address": Invalid PCI address
type=pci address=0000:00:01.0 =>
type=nic nictype=bridged parent=eth0 mtu=5 => Invalid value for device option "mtu": Out of MTU range (1280-16384) "5"
type=nic nictype=routed ipv4.address=foo => Invalid value for device option "ipv4.address": Item "foo": Not an IPv4 address "foo"
type=nic nictype=routed vlan=5 => The vlan setting can only be used when combined with a parent interface
type=nic nictype=routed ipv4.neighbor_probe=x => Invalid value for device option "ipv4.neighbor_probe": Invalid value for a boolean "x"
type=nic nictype=ipvlan parent=eth0 ipv4.address=1.2.3.4,x => Invalid value for device option "ipv4.address": Item "x": Not an IPv4 address "x"
type=nic nictype=p2p vlan=5 => Invalid device option "vlan"
type=nic network=br0 vlan.tagged=1,2-5 =>
type=nic network=br0 security.ipv4_filtering=true =>
type=nic network=br0 ipv4.routes=10.0.0.1/8 => Invalid value for device option "ipv4.routes": Item "10.0.0.1/8": Not an IPv4 network address "10.0.0.1/8"
type=nic network=br0 ipv4.routes=fd42::/64 => Invalid value for device option "ipv4.routes": Item "fd42::/64": Not an IPv4 network "fd42::/64"
type=nic nictype=macvlan network=br0 => Cannot use "nictype" property in conjunction with "network" property
type=infiniband nictype=physical => Invalid value for device option "parent": Required value
type=infiniband nictype=sriov parent=x =>
type=infiniband nictype=physical parent=x mtu=x => Invalid value for device option "mtu": Invalid MTU "x"
type=infiniband nictype=physical parent=x name=a/b => Invalid value for device option "name": Network interface contains invalid characters
type=infiniband nictype=physical parent=x hwaddr=a0:00:0f:c0:fe:80:00:00 =>
type=proxy listen=tcp:1.2.3.4 connect=tcp:127.0.0.1:80 => Invalid value for device option "listen": address 1.2.3.4: missing port in address
type=proxy listen=unix:/x connect=unix:/y =>
type=proxy listen=unix:@x connect=udp:[::1]:53 =>
type=proxy listen=udp:1.2.3.4:1,3-5 connect=udp:127.0.0.1:80 =>
type=proxy listen=tcp:1.2.3.4:80 connect=tcp:127.0.0.1:80 mode=0644 => Only proxy devices for non-abstract unix sockets can carry uid, gid, or mode properties
type=proxy listen=tcp:1.2.3.4:80 connect=tcp:127.0.0.1:80 security.uid=x => Invalid value for device option "security.uid": Invalid value for a UNIX ID
type=proxy listen=tcp:1.2.3.4:80 connect=tcp:127.0.0.1:80 proxy_protocol=x => Invalid value for device option "proxy_protocol": Invalid value for a boolean "x"
type=proxy listen=udp:1.2.3.4:80 connect=udp:127.0.0.1:80 proxy_protocol=true => The PROXY header can only be sent to tcp servers in non-nat mode
type=proxy listen=tcp:0.0.0.0:80 connect=tcp:127.0.0.1:80 nat=true => Cannot listen on wildcard address "0.0.0.0" when in nat mode
type=proxy listen=unix:/x connect=tcp:127.0.0.1:80 nat=true => Proxying unix <-> tcp is not supported when using NAT
type=proxy listen=tcp:1.2.3.4:80 connect=tcp:127.0.0.1:80 nat=true bind=instance => Only host-bound proxies can use NAT
type=proxy listen=tcp:1.2.3.4:80 => Invalid value for device option "connect": Unknown protocol type ""
type=usb required=x => Invalid value for device option "required": Invalid value for a boolean "x"
type=usb mode=999 => Invalid value for device option "mode": Invalid value for an octal file mode
type=usb uid=x => Invalid value for device option "uid": Invalid value for a UNIX ID
type=gpu vendorid=zz => Invalid value for device option "vendorid": Invalid value, must be four lower case hex characters
type=gpu gputype=physical uid=x => Invalid value for device option "uid": Invalid value for a UNIX ID
type=gpu id=x vendorid=10de => Cannot use "vendorid" when when "id" is set
type=gpu pci=0000:00:00.0 productid=10de => Cannot use "productid" when when "pci" is set
type=gpu gputype=mdev mdev=x uid=0 => Invalid device option "uid"
type=gpu gputype=mig mig.uuid=x => Invalid value for device option "mig.uuid": Invalid UUID
type=gpu gputype=mig mig.uuid=x mig.gi=1 => Invalid value for device option "mig.uuid": Invalid UUID
type=gpu gputype=mig mig.ci=1 mig.gi=1 =>
type=gpu gputype=sriov mode=0 => Invalid device option "mode"
type=tpm path=x =>
type=tpm bogus=x => Failed to validate config: Invalid device option "bogus"
type=pci address=00:01.0 =>
type=pci address=0000:00:01.0 x=y => Failed to validate config: Invalid device option "x"
type=unix-hotplug vendorid=12ab required=x => Invalid value for device option "required": Invalid value for a boolean "x"
type=unix-char source=x path=/dev/y => Invalid value for device option "source": Path needs to be in /dev
type=unix-char path=/dev/null gid=x => Invalid value for device option "gid": Invalid value for a UNIX ID
type=unix-char path=/dev/null mode=0 =>
type=unix-char path=/dev/null mode=0x1 => Invalid value for device option "mode": Invalid value for an octal file mode
type=disk path=/ pool=pool1 size= =>
type=disk path=/ pool=nopool =>
type=disk path=/x source=/tmp size.state=1GB => Only the root disk may have a migration size quota
type=disk path=/x source=/tmp size.state=zz => Invalid value for device option "size.state": Invalid value: zz
type=disk path=/x source=cephfs:a/b ceph.user_name=x =>
type=disk path=/x source=cloud-init:config size=1 => Only the root disk may have a size quota
type=disk path=/ pool=pool1 shift=true => The "shift" property cannot be used with custom storage volumes (set "security.shifted=true" on the volume instead)
type=disk path=/x pool=pool1 source=v recursive=true => The recursive option is only supported for additional bind-mounted paths
type=disk path=/x pool=pool1 => Disk entry is missing the required "source" or "path" property
type=disk source=/tmp size=1GB => Only the root disk may have a size quota
type=disk path=/ pool=pool1 limits.max=x limits.read=x =>
"#;

/// What LXD 5.0.2 takes or says otherwise.
const OURS: &str = r#"
type=disk path=/x source=/tmp propagation=foo => Invalid value for device option "propagation": Invalid value "foo" (not one of [private shared slave unbindable rprivate rshared rslave runbindable])
type=disk path=/x source=/tmp boot.priority=x => Invalid value for device option "boot.priority": Invalid value for uint32 "x"
type=nic network=br0 ipv4.address=foo => Invalid value for device option "ipv4.address": Not an IPv4 address "foo"
type=nic network=br0 vlan.tagged=x => Invalid value for device option "vlan.tagged": Invalid VLAN range input: x
type=nic network=br0 security.mac_filtering=x => Invalid value for device option "security.mac_filtering": Invalid value for a boolean "x"
type=nic network=br0 boot.priority=-1 => Invalid value for device option "boot.priority": Invalid value for uint32 "-1"
type=nic nictype=ovn => Failed loading device "d": Unsupported device type
type=proxy => Invalid value for device option "connect": Unknown protocol type ""
type=gpu gputype=bogus => Failed loading device "d": Unsupported device type
type=nic nictype=routed ipv4.host_table=x => Invalid value for device option "ipv4.host_table": Invalid value for uint32 "x"
type=nic network=br0 vlan.tagged=5000 => Invalid value for device option "vlan.tagged": Invalid VLAN range input: 5000
type=nic network=br0 host_name=a/b => Invalid value for device option "host_name": Network interface contains invalid characters
type=proxy listen=tcp:1.2.3.4:99999 connect=tcp:127.0.0.1:80 => Invalid value for device option "listen": Invalid port "99999"
type=proxy listen=tcp:1.2.3.4:x connect=tcp:127.0.0.1:80 => Invalid value for device option "listen": Invalid port "x"
type=proxy listen=tcp:1.2.3.4:1-3 connect=tcp:127.0.0.1:80-81 => Mismatch between listen port(s) and connect port(s) count
type=disk path=/x pool=pool1 source=v/../x => Storage volumes cannot be specified by relative paths
"#;

fn config(words: &str) -> Map {
    let pairs = words.split_whitespace().map(|word| word.split_once('=').unwrap());
    pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn check(devices: &[(&str, &str)], expected: &str) {
    let devices = devices.iter().map(|(name, words)| ((*name).to_owned(), config(words)));
    let found = validate(&devices.collect()).err().map(|error| error.to_string());
    assert_eq!(found.unwrap_or_default(), expected);
}

#[test]
fn types_keys_and_values() {
    for line in [SEEN, OURS].iter().flat_map(|lines| lines.lines()).filter(|line| !line.is_empty())
    {
        let (words, text) = line.split_once(" =>").unwrap();
        let expected = match text.trim() {
            "" => String::new(),
            text => format!("Device validation failed for \"d\": {text}"),
        };
        check(&[("d", words)], &expected);
    }
}

#[test]
fn a_device_without_type() {
    let text = "Failed loading device \"d\": Missing device type in config";
    check(&[("d", "")], &format!("Device validation failed for \"d\": {text}"));
}

#[test]
fn names() {
    let long = "x".repeat(64);
    for (name, text) in [
        ("eth0", ""),
        ("a/b", ""),
        ("", "Name must be 1-63 characters long"),
        (&long, "Name must be 1-63 characters long"),
        ("../..", "Name must not start with \".\" character"),
        (
            "a b",
            "Name can only contain alphanumeric, forward slash, hyphen, colon, underscore and \
             full stop characters",
        ),
    ] {
        let expected = match text {
            "" => String::new(),
            text => format!("Device validation failed for \"{name}\": {text}"),
        };
        check(&[(name, "type=none")], &expected);
    }
}

#[test]
fn two_disks_at_one_place() {
    check(
        &[("r1", "type=disk path=/ pool=a"), ("r2", "type=disk path=/ pool=b")],
        "Device validation failed for \"r2\": More than one disk device uses the same path \"/\"",
    );
}

#[test]
fn what_devices_name() {
    let devices = Devices::from([
        ("eth0".to_owned(), config("type=nic network=br0 name=eth0")),
        ("eth1".to_owned(), config("type=nic nictype=bridged parent=br1")),
        ("root".to_owned(), config("type=disk path=/ pool=local")),
    ]);
    assert_eq!(networks(&devices).collect::<Vec<_>>(), [("eth0", "br0")]);
    assert_eq!(pools(&devices).collect::<Vec<_>>(), [("root", "local")]);
}

#[test]
fn fixed_addresses_are_in_the_networks_subnet() {
    let network = config("ipv4.address=10.1.1.1/24 ipv6.address=none");
    for (words, text) in [
        ("network=br0", ""),
        ("network=br0 ipv4.address=10.1.1.5", ""),
        ("network=br0 ipv4.address=none security.ipv4_filtering=true", ""),
        (
            "network=br0 ipv4.address=10.1.2.5",
            "Device IP address \"10.1.2.5\" not within network \"br0\" subnet",
        ),
        (
            "network=br0 ipv6.address=fd42::5",
            "Device IP address \"fd42::5\" not within network \"br0\" subnet",
        ),
        (
            "network=br0 ipv4.address=none",
            "Cannot have ipv4.address as none unless using security.ipv4_filtering",
        ),
    ] {
        let found = validate_on_network("d", &config(words), &network).err();
        let expected = match text {
            "" => String::new(),
            text => format!("Device validation failed for \"d\": {text}"),
        };
        assert_eq!(found.map_or(String::new(), |error| error.to_string()), expected, "{words}");
    }
}
