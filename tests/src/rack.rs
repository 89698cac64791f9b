//! Hosts on one switch, and what goes wrong between them.

use std::{fs, net::Ipv4Addr, path::PathBuf};

use anyhow::{Context, Result, ensure};

use crate::{
    flavour::Flavour,
    host::Host,
    keep,
    namespace::{Life, Namespace},
    program,
};

/// Makes the switch in its namespaces.
pub const SWITCH: &str = r"
ip link set lo up
ip link add switch type bridge
ip link set switch up
nft 'add table bridge cuts; add chain bridge cuts forward { type filter hook forward priority 0; }'
";

/// Ends with [`Rack::finish`] when all went well; dropped without it, files are kept.
#[derive(Debug)]
pub struct Rack {
    name: String,
    /// Everything of this run; gone after [`Rack::finish`].
    pub folder: PathBuf,
    switch: Namespace,
    pub hosts: Vec<Host>,
    expected_errors: Vec<String>,
}

impl Rack {
    /// A switch with `count` hosts named node1, node2, …, at 10.0.0.1, 10.0.0.2, …
    /// `name` says where files are kept after a failure.
    pub fn new(name: &str, flavour: Flavour, count: u8) -> Result<Self> {
        Self::of(name, &vec![flavour; count.into()])
    }

    /// The same with a flavour for each host.
    pub fn of(name: &str, flavours: &[Flavour]) -> Result<Self> {
        let folder = keep::create()?;
        let switch = Namespace::create(Life::Creator, SWITCH, &[])?;
        let (name, hosts) = (name.to_owned(), Vec::new());
        let mut rack = Self { name, folder, switch, hosts, expected_errors: Vec::new() };
        for flavour in flavours {
            rack.add(*flavour)?;
        }
        Ok(rack)
    }

    /// One more host on the switch.
    pub fn add(&mut self, flavour: Flavour) -> Result<&Host> {
        let number = u8::try_from(self.hosts.len() + 1).context("too many hosts")?;
        let name = format!("node{number}");
        let address = Ipv4Addr::new(10, 0, 0, number);
        let folder = self.folder.join(&name);
        let host = Host::create(&name, address, flavour, folder, Life::Creator)?;
        plug(&self.switch, number, &host)?;
        self.hosts.push(host);
        Ok(self.hosts.last().expect("just pushed"))
    }

    /// Cuts the power of a host and starts it again with the files it had; no daemon runs then.
    pub fn reboot(&mut self, index: usize) -> Result<()> {
        let number = u8::try_from(index + 1).context("too many hosts")?;
        let host = &mut self.hosts[index];
        host.end();
        *host = Host::create(
            &host.name,
            host.address,
            host.flavour,
            host.folder.clone(),
            Life::Creator,
        )?;
        plug(&self.switch, number, host)
    }

    /// Cuts both ways between two hosts, counted from 0.
    pub fn cut(&self, one: usize, other: usize) -> Result<()> {
        self.cut_one_way(one, other)?;
        self.cut_one_way(other, one)
    }

    /// What `from` sends no longer reaches `to`.
    pub fn cut_one_way(&self, from: usize, to: usize) -> Result<()> {
        let (from, to) = (from + 1, to + 1);
        self.nft(&format!("add rule bridge cuts forward iifname p{from} oifname p{to} drop"))
    }

    /// Cuts a host from all others.
    pub fn isolate(&self, host: usize) -> Result<()> {
        let port = host + 1;
        self.nft(&format!(
            "add rule bridge cuts forward iifname p{port} drop; \
             add rule bridge cuts forward oifname p{port} drop"
        ))
    }

    /// Loses so many percent of all frames between hosts, at random.
    pub fn lose(&self, percent: u8) -> Result<()> {
        self.nft(&format!("add rule bridge cuts forward numgen random mod 100 < {percent} drop"))
    }

    /// Mends all cuts and losses.
    pub fn heal(&self) -> Result<()> {
        self.nft("flush chain bridge cuts forward")
    }

    /// Log lines with ERROR that hold this text do not fail the test.
    pub fn expect_error(&mut self, text: &str) {
        self.expected_errors.push(text.to_owned());
    }

    /// Ends the hosts; fails when a daemon has logged an error nobody expected.
    pub fn finish(mut self) -> Result<()> {
        self.end();
        let found = self.unexpected_errors();
        ensure!(found.is_empty(), "errors in the logs:\n{}", found.join("\n"));
        keep::remove(&self.folder)
    }

    fn end(&mut self) {
        for host in &mut self.hosts {
            host.end();
        }
        self.switch.end();
    }

    fn unexpected_errors(&self) -> Vec<String> {
        let mut found = Vec::new();
        for host in self.hosts.iter().filter(|host| host.flavour == Flavour::Ours) {
            let log = fs::read_to_string(host.folder.join("lxd.log")).unwrap_or_default();
            let bad =
                log.lines().filter(|line| line.contains(" ERROR ") || line.contains("panicked"));
            let bad =
                bad.filter(|line| !self.expected_errors.iter().any(|text| line.contains(text)));
            found.extend(bad.map(|line| format!("{}: {line}", host.name)));
        }
        found
    }

    fn nft(&self, rules: &str) -> Result<()> {
        self.switch.enter(|| program::stdout(program::command("nft").arg(rules), "").map(drop))
    }
}

impl Drop for Rack {
    #[allow(clippy::print_stderr, reason = "the test has failed already: this adds to it")]
    fn drop(&mut self) {
        if !self.folder.exists() {
            return;
        }
        self.end();
        if let Err(error) = keep::keep(&self.folder, &self.name) {
            eprintln!("files of {} stay in {}: {error:#}", self.name, self.folder.display());
        }
    }
}

/// Connects a host to port `number` of the switch.
pub fn plug(switch: &Namespace, number: u8, host: &Host) -> Result<()> {
    let (port, init, address) = (format!("p{number}"), host.namespace().init(), host.address);
    // Of a host before this one a port may be left for a moment.
    let line = format!(
        "ip link delete {port} 2>/dev/null; \
         ip link add {port} type veth peer name eth0 netns {init} && ip link set {port} master switch up"
    );
    // The host's process id means something outside only: the network alone is entered.
    switch
        .enter_network(|| program::stdout(program::command("/bin/sh").args(["-c", &line]), ""))?;
    host.sh(&format!("ip address add {address}/24 dev eth0 && ip link set eth0 up"))?;
    Ok(())
}
