//! What daemon and host come back to.

use std::fs;

use lxd_server::network;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lease::Machine;
use crate::network::{dnsmasqs, network};
use crate::sandbox::{inside, sh, wait_until};

#[test]
fn a_dead_dnsmasq_is_started_again() {
    inside("restart::a_dead_dnsmasq_is_started_again", |sandbox| async move {
        let config = "ipv4.address=10.81.1.1/24 ipv6.address=none";
        let bridge = network(&sandbox, "hostbr10", config);
        let running = network::create(&bridge).await.unwrap();
        let first = dnsmasqs(&bridge)[0];
        kill(Pid::from_raw(first.try_into().unwrap()), Signal::SIGKILL).unwrap();
        let back = || dnsmasqs(&bridge).iter().any(|pid| *pid != first);
        wait_until("another dnsmasq", back).await;
        let machine = Machine::plug(&sandbox, "hostm10", "hostbr10");
        assert!(machine.ask().contains("router=10.81.1.1"));
        network::delete(&bridge, Some(running)).await.unwrap();
        assert!(dnsmasqs(&bridge).is_empty());
    });
}

#[test]
fn a_restart_of_the_daemon_interrupts_nothing() {
    inside("restart::a_restart_of_the_daemon_interrupts_nothing", |sandbox| async move {
        let config = "ipv4.address=10.82.1.1/24 ipv4.nat=true ipv6.address=none";
        let bridge = network(&sandbox, "hostbr11", config);
        let running = network::create(&bridge).await.unwrap();
        let machine = Machine::plug(&sandbox, "hostm11", "hostbr11");
        let before = dnsmasqs(&bridge);
        let rules = sh("nft list table inet lxd");
        let told = machine.ask();

        // As when the daemon is killed: its end of dnsmasq's log is closed.
        drop(running);
        assert_eq!(machine.ask(), told);
        assert_eq!(dnsmasqs(&bridge), before);

        let running = network::start(&bridge).await.unwrap();
        let after = dnsmasqs(&bridge);
        assert_eq!(after.len(), 1);
        assert_ne!(after, before);
        assert_eq!(sh("nft list table inet lxd"), rules);
        assert_eq!(machine.ask(), told);

        // A creation that was killed before anybody knew of it is repeated.
        drop(running);
        let running = network::create(&bridge).await.unwrap();
        network::delete(&bridge, Some(running)).await.unwrap();
    });
}

#[test]
fn a_restart_of_the_host_brings_all_back() {
    inside("restart::a_restart_of_the_host_brings_all_back", |sandbox| async move {
        let config = "ipv4.address=10.83.1.1/24 ipv4.nat=true ipv6.address=none";
        let bridge = network(&sandbox, "hostbr12", config);
        let running = network::create(&bridge).await.unwrap();
        let machine = Machine::plug(&sandbox, "hostm12", "hostbr12");
        let told = machine.ask();
        let link = sh("ip -br link show hostbr12");
        let hwaddr = link.split_whitespace().nth(2).unwrap();
        let rules = sh("nft list table inet lxd");

        network::stop(running).await.unwrap();
        sh("nft flush ruleset");
        sh("ip link del hostm12");
        fs::write("/proc/sys/net/ipv4/ip_forward", "0").unwrap();

        let running = network::start(&bridge).await.unwrap();
        machine.wire("hostbr12");
        assert!(sh("ip -br link show hostbr12").contains(hwaddr), "the hardware address stays");
        assert_eq!(sh("nft list table inet lxd"), rules);
        assert_eq!(fs::read_to_string("/proc/sys/net/ipv4/ip_forward").unwrap(), "1\n");
        assert!(machine.ask().contains("router=10.83.1.1"), "{told}");
        network::delete(&bridge, Some(running)).await.unwrap();
    });
}

#[test]
fn a_bridge_that_was_tampered_with_is_put_right() {
    inside("restart::a_bridge_that_was_tampered_with_is_put_right", |sandbox| async move {
        let config = "ipv4.address=10.84.1.1/24 ipv4.nat=true ipv6.address=none";
        let bridge = network(&sandbox, "hostbr13", config);
        let running = network::create(&bridge).await.unwrap();
        let rules = sh("nft list table inet lxd");
        drop(running);
        sh("ip addr del 10.84.1.1/24 dev hostbr13");
        sh("ip addr add 10.84.2.1/24 dev hostbr13");
        sh("ip link set hostbr13 down mtu 1300");
        sh("nft flush chain inet lxd pstrt.hostbr13");
        sh("nft add rule inet lxd in.hostbr13 drop");
        let running = network::start(&bridge).await.unwrap();
        let addresses = sh("ip -br addr show hostbr13");
        assert!(addresses.contains("10.84.1.1/24") && !addresses.contains("10.84.2.1"));
        assert!(sh("ip link show hostbr13").contains("mtu 1500"));
        assert_eq!(sh("nft list table inet lxd"), rules);
        network::delete(&bridge, Some(running)).await.unwrap();
    });
}
