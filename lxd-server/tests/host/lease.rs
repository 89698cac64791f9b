//! A machine on the bridge: it gets an address, names and the way out.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use lxd_server::network;

use crate::network::network;
use crate::sandbox::{Sandbox, inside, sh, succeeds};

/// A machine on a bridge: a network namespace with `eth0`.
pub(crate) struct Machine {
    name: &'static str,
    script: String,
}

impl Machine {
    pub(crate) fn plug(sandbox: &Sandbox, name: &'static str, bridge: &str) -> Self {
        let script = sandbox.scratch().join("udhcpc.sh");
        fs::write(&script, UDHCPC_SCRIPT).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        sh(&format!("ip netns add {name}"));
        let machine = Self { name, script: script.display().to_string() };
        machine.wire(bridge);
        machine
    }

    /// Plugs it into a bridge, as after that was made anew.
    pub(crate) fn wire(&self, bridge: &str) {
        let name = self.name;
        sh(&format!("ip link add {name} type veth peer name eth0 netns {name}"));
        sh(&format!("ip link set {name} master {bridge} up"));
        self.sh("ip link set lo up");
        self.sh("ip link set eth0 up");
    }

    pub(crate) fn sh(&self, line: &str) -> String {
        sh(&format!("ip netns exec {} {line}", self.name))
    }

    pub(crate) fn reaches(&self, address: &str) -> bool {
        succeeds(&format!("ip netns exec {} busybox ping -c 1 -W 2 {address}", self.name))
    }

    /// Asks for an address by DHCP, takes it, and returns what it was told.
    pub(crate) fn ask(&self) -> String {
        self.sh(&format!("udhcpc -i eth0 -f -q -n -t 5 -T 1 -s {}", self.script))
    }
}

const UDHCPC_SCRIPT: &str = r#"#!/bin/sh
[ "$1" = bound ] || exit 0
echo "ip=$ip/$mask router=$router dns=$dns domain=$domain mtu=$mtu search=$search lease=$lease"
ip addr flush dev "$interface"
ip addr add "$ip/$mask" dev "$interface"
ip route add default via "$router"
"#;

#[test]
fn a_machine_gets_an_address_and_reaches_out() {
    inside("lease::a_machine_gets_an_address_and_reaches_out", |sandbox| async move {
        let config = "ipv4.address=10.96.1.1/24 ipv4.nat=true ipv6.address=none \
                      ipv4.dhcp.ranges=10.96.1.50-10.96.1.50 ipv4.dhcp.expiry=10m dns.domain=test";
        let mut bridge = network(&sandbox, "hostbr6", config);
        let mut running = network::create(&bridge).await.unwrap();
        let machine = Machine::plug(&sandbox, "hostm0", "hostbr6");
        let told = machine.ask();
        let expected = "ip=10.96.1.50/24 router=10.96.1.1 dns=10.96.1.1 domain=test \
                        mtu= search= lease=600";
        assert!(told.contains(expected), "{told}");
        let leases = fs::read_to_string(bridge.root.join("networks/hostbr6/dnsmasq.leases"));
        assert!(leases.unwrap().contains("10.96.1.50"));
        let answer = machine.sh("busybox nslookup _gateway.test 10.96.1.1");
        assert!(answer.contains("10.96.1.1"), "{answer}");

        // A host outside that knows nothing of the bridge's subnet answers through NAT alone.
        sh("ip netns add hostout");
        sh("ip link add hostup type veth peer name eth0 netns hostout");
        sh("ip addr add 192.0.2.1/24 dev hostup");
        sh("ip link set hostup up");
        sh("ip -n hostout addr add 192.0.2.2/24 dev eth0");
        sh("ip -n hostout link set eth0 up");
        assert!(machine.reaches("192.0.2.2"));
        bridge.config.insert("ipv4.nat".to_owned(), "false".to_owned());
        network::update(&mut running, &bridge).await.unwrap();
        assert!(!machine.reaches("192.0.2.2"));
        assert!(machine.reaches("10.96.1.1"));
        network::delete(&bridge, Some(running)).await.unwrap();
    });
}

#[test]
fn what_dhcp_hands_out_is_configured() {
    inside("lease::what_dhcp_hands_out_is_configured", |sandbox| async move {
        let config = "ipv4.address=10.97.1.1/24 ipv6.address=none bridge.mtu=1400 \
                      ipv4.dhcp.gateway=10.97.1.254 dns.search=one.test,two.test";
        let bridge = network(&sandbox, "hostbr7", config);
        let running = network::create(&bridge).await.unwrap();
        let machine = Machine::plug(&sandbox, "hostm1", "hostbr7");
        let told = machine.ask();
        for part in ["router=10.97.1.254", "mtu=1400", "search=one.test two.test", "lease=3600"] {
            assert!(told.contains(part), "{part} in {told}");
        }
        assert!(sh("ip link show hostbr7").contains("mtu 1400"));
        network::delete(&bridge, Some(running)).await.unwrap();
    });
}

#[test]
fn a_machine_finds_its_ipv6_address() {
    inside("lease::a_machine_finds_its_ipv6_address", |sandbox| async move {
        let config = "ipv4.address=none ipv6.address=fd42:98::1/64";
        let bridge = network(&sandbox, "hostbr8", config);
        let running = network::create(&bridge).await.unwrap();
        let machine = Machine::plug(&sandbox, "hostm2", "hostbr8");
        let has_address = || machine.sh("ip -6 addr show eth0 scope global").contains("fd42:98::");
        crate::sandbox::wait_until("an address by advertisement", has_address).await;
        let routed = || machine.sh("ip -6 route show default").contains("via fe80::");
        crate::sandbox::wait_until("a default route", routed).await;
        crate::sandbox::wait_until("an answer", || machine.reaches("fd42:98::1")).await;
        network::delete(&bridge, Some(running)).await.unwrap();
    });
}
