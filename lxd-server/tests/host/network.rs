//! Bridges on a real kernel: made, changed, refused, removed.

use std::fs;

use lxd_server::network::{self, Error, Network};
use shared_api::config::Map;

use crate::sandbox::{Sandbox, inside, sh, succeeds};

/// A network with a configuration of `key=value` words.
pub(crate) fn network(sandbox: &Sandbox, name: &str, words: &str) -> Network {
    let pairs = words.split_whitespace().map(|word| word.split_once('=').unwrap());
    let config: Map = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    Network { name: name.parse().unwrap(), config, root: sandbox.root() }
}

/// The line that shows an interface's addresses.
fn addresses(name: &str) -> String {
    sh(&format!("ip -br addr show {name}")).split_whitespace().skip(2).collect::<Vec<_>>().join(" ")
}

fn setting(path: &str) -> String {
    fs::read_to_string(format!("/proc/sys/net/{path}")).unwrap().trim().to_owned()
}

/// The processes of this namespace that are a dnsmasq for a network.
pub(crate) fn dnsmasqs(network: &Network) -> Vec<u32> {
    let argument = format!("--conf-file={}/networks/{}/", network.root.display(), network.name);
    let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let entry = entry.unwrap();
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let line = fs::read_to_string(entry.path().join("cmdline")).ok()?;
        line.contains(&argument).then_some(pid)
    });
    pids.collect()
}

#[test]
fn a_bridge_is_made_as_lxd_does() {
    inside("network::a_bridge_is_made_as_lxd_does", |sandbox| async move {
        let mut network = network(&sandbox, "hostbr0", "");
        network.config = network::fill(network.config).await.unwrap();
        let [v4, v6] = ["ipv4.address", "ipv6.address"].map(|key| network.config[key].clone());
        assert_eq!(network.config["ipv4.nat"], "true");
        assert_eq!(network.config["ipv6.nat"], "true");

        let running = network::create(&network).await.unwrap();
        assert_eq!(addresses("hostbr0"), format!("{v4} {v6}"));
        let link = sh("ip link show hostbr0");
        assert!(link.contains("UP") && link.contains("mtu 1500"), "{link}");
        assert!(link.contains("link/ether 00:16:3e:"), "{link}");
        for (path, value) in [
            ("ipv4/ip_forward", "1"),
            ("ipv6/conf/all/forwarding", "1"),
            ("ipv6/conf/all/accept_ra", "2"),
            ("ipv6/conf/lo/accept_ra", "2"),
            ("ipv6/conf/hostbr0/disable_ipv6", "0"),
            ("ipv6/conf/hostbr0/autoconf", "0"),
            ("ipv6/conf/hostbr0/accept_dad", "0"),
        ] {
            assert_eq!(setting(path), value, "{path}");
        }
        let v4 = v4.replace(".1/24", ".0/24");
        let v6 = v6.replace("::1/64", "::/64");
        let expected = CHAINS.replace("V4", &v4).replace("V6", &v6);
        assert_eq!(sh("nft list table inet lxd"), expected);
        assert_eq!(dnsmasqs(&network).len(), 1);

        network::stop(running).await.unwrap();
        assert!(!succeeds("ip link show hostbr0"));
        assert_eq!(sh("nft list tables"), "");
        assert!(dnsmasqs(&network).is_empty());
        assert!(network.root.join("networks/hostbr0").exists());
    });
}

/// What Debian's LXD 5.0.2 makes.
const CHAINS: &str = r#"table inet lxd {
	chain pstrt.hostbr0 {
		type nat hook postrouting priority srcnat; policy accept;
		ip saddr V4 ip daddr != V4 masquerade
		ip6 saddr V6 ip6 daddr != V6 masquerade
	}

	chain fwd.hostbr0 {
		type filter hook forward priority filter; policy accept;
		ip version 4 oifname "hostbr0" accept
		ip version 4 iifname "hostbr0" accept
		ip6 version 6 oifname "hostbr0" accept
		ip6 version 6 iifname "hostbr0" accept
	}

	chain in.hostbr0 {
		type filter hook input priority filter; policy accept;
		iifname "hostbr0" tcp dport 53 accept
		iifname "hostbr0" udp dport 53 accept
		iifname "hostbr0" icmp type { destination-unreachable, time-exceeded, parameter-problem } accept
		iifname "hostbr0" udp dport 67 accept
		iifname "hostbr0" icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report } accept
		iifname "hostbr0" udp dport 547 accept
	}

	chain out.hostbr0 {
		type filter hook output priority filter; policy accept;
		oifname "hostbr0" tcp sport 53 accept
		oifname "hostbr0" udp sport 53 accept
		oifname "hostbr0" icmp type { destination-unreachable, time-exceeded, parameter-problem } accept
		oifname "hostbr0" udp sport 67 accept
		oifname "hostbr0" icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem, echo-request, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report } accept
		oifname "hostbr0" udp sport 547 accept
	}
}
"#;

#[test]
fn a_bridge_is_changed_in_place() {
    inside("network::a_bridge_is_changed_in_place", |sandbox| async move {
        let old = network(&sandbox, "hostbr1", "ipv4.address=10.91.1.1/24 ipv6.address=none");
        let mut running = network::create(&old).await.unwrap();
        assert_eq!(setting("ipv6/conf/hostbr1/disable_ipv6"), "1");
        let index = fs::read_to_string("/sys/class/net/hostbr1/ifindex").unwrap();

        let new = network(
            &sandbox,
            "hostbr1",
            "ipv4.address=10.91.2.1/24 ipv4.nat=true ipv4.nat.address=10.91.2.1 \
             ipv4.routing=false ipv6.address=fd42:91::1/64 bridge.mtu=1400 \
             bridge.hwaddr=00:16:3e:01:02:03",
        );
        network::update(&mut running, &new).await.unwrap();
        assert_eq!(addresses("hostbr1"), "10.91.2.1/24 fd42:91::1/64");
        let link = sh("ip link show hostbr1");
        assert!(link.contains("mtu 1400") && link.contains("00:16:3e:01:02:03"), "{link}");
        assert_eq!(fs::read_to_string("/sys/class/net/hostbr1/ifindex").unwrap(), index);
        let rules = sh("nft list table inet lxd");
        for rule in [
            "ip saddr 10.91.2.0/24 ip daddr != 10.91.2.0/24 snat ip to 10.91.2.1",
            "ip version 4 oifname \"hostbr1\" reject with icmp port-unreachable",
            "ip6 version 6 oifname \"hostbr1\" accept",
        ] {
            assert!(rules.contains(rule), "{rule} in {rules}");
        }

        let bare = network(&sandbox, "hostbr1", "ipv4.address=none ipv6.address=none");
        network::update(&mut running, &bare).await.unwrap();
        assert_eq!(addresses("hostbr1"), "");
        assert_eq!(sh("nft list table inet lxd"), "table inet lxd {\n}\n");
        assert!(dnsmasqs(&bare).is_empty());

        network::update(&mut running, &old).await.unwrap();
        assert_eq!(addresses("hostbr1"), "10.91.1.1/24");
        assert_eq!(dnsmasqs(&old).len(), 1);
        let pids = dnsmasqs(&old);
        let mut same = old.clone();
        same.config.insert("user.note".to_owned(), "nothing for the host".to_owned());
        network::update(&mut running, &same).await.unwrap();
        assert_eq!(dnsmasqs(&old), pids);

        network::delete(&old, Some(running)).await.unwrap();
        assert!(!succeeds("ip link show hostbr1"));
        assert!(!old.root.join("networks/hostbr1").exists());
        network::delete(&old, None).await.unwrap();
    });
}

#[test]
fn what_fails_leaves_no_trace() {
    inside("network::what_fails_leaves_no_trace", |sandbox| async move {
        let good = network(&sandbox, "hostbr2", "ipv4.address=10.92.1.1/24 ipv6.address=none");
        let mut bad = good.clone();
        bad.config.insert("raw.dnsmasq".to_owned(), "no-such-option".to_owned());
        let path = bad.root.join("networks/hostbr2/dnsmasq.raw");
        let expected = format!(
            "The DNS and DHCP service exited prematurely: Process exited with non-zero value 1 \
             (\"dnsmasq: bad option at line 1 of {}\")",
            path.display()
        );
        let error = network::create(&bad).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert!(!succeeds("ip link show hostbr2"));
        assert_eq!(sh("nft list tables"), "");
        assert!(!good.root.join("networks/hostbr2").exists());

        let mut running = network::create(&good).await.unwrap();
        let mut worse = bad.clone();
        worse.config.insert("ipv4.address".to_owned(), "10.92.2.1/24".to_owned());
        let error = network::update(&mut running, &worse).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(addresses("hostbr2"), "10.92.1.1/24");
        assert_eq!(dnsmasqs(&good).len(), 1);

        // Somebody else's interface is refused and stays as it is.
        sh("ip link add hostbr3 type bridge");
        sh("ip addr add 10.93.1.1/24 dev hostbr3");
        for name in ["hostbr3", "lo"] {
            let taken = network(&sandbox, name, "ipv4.address=10.93.2.1/24 ipv6.address=none");
            let error = network::create(&taken).await.unwrap_err();
            assert_eq!(error.to_string(), format!("Network interface \"{name}\" already exists"));
            network::delete(&taken, None).await.unwrap();
        }
        assert_eq!(addresses("hostbr3"), "10.93.1.1/24");
        network::delete(&good, Some(running)).await.unwrap();
    });
}

#[test]
fn external_interfaces_become_ports() {
    inside("network::external_interfaces_become_ports", |sandbox| async move {
        sh("ip link add hostv0 type veth peer name hostv1");
        let alone = network(&sandbox, "hostbr4", "ipv4.address=none ipv6.address=none");
        let mut with = alone.clone();
        let ports = "hostv0, absent0".to_owned();
        with.config.insert("bridge.external_interfaces".to_owned(), ports);
        let mut running = network::create(&with).await.unwrap();
        let state = network::state("hostbr4").await.unwrap();
        assert_eq!(state.bridge.unwrap().ports, ["hostv0"]);
        assert!(network::state("hostv0").await.unwrap().up);

        network::update(&mut running, &alone).await.unwrap();
        assert_eq!(network::state("hostbr4").await.unwrap().bridge.unwrap().ports, [""; 0]);

        sh("ip addr add 10.94.1.1/24 dev hostv0");
        let error = network::update(&mut running, &with).await.unwrap_err();
        assert_eq!(error.to_string(), "Only unconfigured network interfaces can be bridged");
        assert_eq!(addresses("hostv0"), "10.94.1.1/24");
        network::delete(&alone, Some(running)).await.unwrap();
    });
}

#[test]
fn the_hosts_interfaces_are_told() {
    inside("network::the_hosts_interfaces_are_told", |sandbox| async move {
        sh("ip link add hostv2 type veth peer name hostv3");
        sh("ip addr add 192.0.2.7/24 dev hostv2");
        sh("ip addr add 2001:db8::7/64 dev hostv2 nodad");
        sh("ip link set hostv2 up");
        let config = "ipv4.address=10.95.1.1/24 ipv6.address=none bridge.hwaddr=00:16:3e:aa:bb:cc";
        let bridge = network(&sandbox, "hostbr5", config);
        let running = network::create(&bridge).await.unwrap();

        let mut interfaces = network::interfaces().await.unwrap();
        interfaces.sort_by(|one, other| one.name.cmp(&other.name));
        let shown: Vec<_> = interfaces.iter().map(|found| (&*found.name, found.kind)).collect();
        let expected = [
            ("hostbr5", "bridge"),
            ("hostv2", "unknown"),
            ("hostv3", "unknown"),
            ("lo", "loopback"),
        ];
        assert_eq!(shown, expected);

        let addresses = network::addresses().await.unwrap();
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["192.0.2.7", "10.95.1.1", "2001:db8::7"]);

        let state = network::state("hostbr5").await.unwrap();
        assert_eq!((state.kind, state.mtu, state.up), ("broadcast", 1500, true));
        assert_eq!(state.hwaddr, "00:16:3e:aa:bb:cc");
        let shown = &state.addresses[0];
        assert_eq!((shown.family, shown.prefix, shown.scope), ("inet", 24, "global"));
        let told = state.bridge.unwrap();
        assert_eq!((told.id.as_str(), told.forward_delay), ("8000.00163eaabbcc", 1500));
        let state = network::state("lo").await.unwrap();
        assert_eq!((state.kind, state.hwaddr.as_str()), ("loopback", ""));
        assert!(matches!(network::state("nope").await, Err(Error::NotFound(_))));
        network::delete(&bridge, Some(running)).await.unwrap();
    });
}
