//! The DHCP and DNS service of one network: dnsmasq, started as LXD does, watched, and started
//! again when it dies.

use std::fs;
use std::io::ErrorKind;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Group, Pid};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr};
use tokio::task::JoinHandle;
use tokio::time::{self, Instant};
use tokio_util::sync::CancellationToken;

use super::plan::{Dhcp6, MTU, Plan, V4, V6};
use super::{Error, bridge};
use crate::run::Program;

/// How long it may take to say that it has started; after that it is taken at its word.
const START_TIME_MAX: Duration = Duration::from_secs(5);
/// How long it may take to end when asked to.
const STOP_TIME_MAX: Duration = Duration::from_secs(5);
/// How long to wait before it is started again: this at first, twice as long each time,
const PAUSE_MIN: Duration = Duration::from_secs(1);
/// this at most, and from the beginning after it has run this long.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Bytes of its last words that are kept.
const WORDS_BYTES_MAX: usize = 1024;

/// A dnsmasq that is watched. Dropping it ends the watch and leaves dnsmasq at work.
#[derive(Debug)]
pub(super) struct Service {
    stop: CancellationToken,
    watch: JoinHandle<()>,
}

/// Writes its files and starts it; it has begun to serve when this returns.
pub(super) async fn start(plan: &Plan) -> Result<Service, Error> {
    write_files(plan)?;
    let process = Process::start(program(plan)).await?;
    let stop = CancellationToken::new();
    let watch = tokio::spawn(watch(plan.clone(), process, stop.clone()));
    Ok(Service { stop, watch })
}

/// Removes the files that only a running dnsmasq has.
pub(super) fn remove_files(plan: &Plan) -> Result<(), Error> {
    for name in ["dnsmasq.leases", "dnsmasq.pid"] {
        let path = plan.dir.join(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(Error::host("remove", &path)(error));
            }
            _ => {}
        }
    }
    Ok(())
}

impl Service {
    /// Ends dnsmasq and waits until it is gone.
    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        if let Err(error) = (&mut self.watch).await {
            tracing::error!(%error, "the watch over dnsmasq failed");
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

/// Starts dnsmasq again whenever it ends, until told to stop.
async fn watch(plan: Plan, mut process: Process, stop: CancellationToken) {
    let mut pause = PAUSE_MIN;
    loop {
        let started = Instant::now();
        let status = tokio::select! {
            () = stop.cancelled() => return process.terminate().await,
            status = process.ended() => status,
        };
        tracing::warn!(network = plan.name, ?status, words = process.words, "dnsmasq ended");
        if started.elapsed() > PAUSE_MAX {
            pause = PAUSE_MIN;
        }
        process = loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = time::sleep(pause) => {}
            }
            pause = (pause * 2).min(PAUSE_MAX);
            match Process::start(program(&plan)).await {
                Ok(process) => break process,
                Err(error) => tracing::warn!(network = plan.name, %error, "dnsmasq does not start"),
            }
        };
        tracing::info!(network = plan.name, "dnsmasq is back");
    }
}

/// A dnsmasq and what it says.
struct Process {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    /// Its last line.
    words: String,
}

impl Process {
    async fn start(program: Program) -> Result<Self, Error> {
        let mut child = program.start()?;
        let stderr = child.stderr.take().expect("stderr is piped");
        let lines = BufReader::new(stderr).lines();
        let mut process = Self { child, lines, words: String::new() };
        let started = time::timeout(START_TIME_MAX, process.started()).await;
        match started {
            Err(_) | Ok(None) => Ok(process),
            Ok(Some(status)) => Err(Error::Service { status, words: process.words }),
        }
    }

    /// Waits until it says that it has started, or for its end: its exit status.
    async fn started(&mut self) -> Option<i32> {
        while self.line().await {
            if self.words.contains("]: started, version ") {
                return None;
            }
        }
        Some(self.ended().await)
    }

    /// Reads what it says until it ends.
    async fn ended(&mut self) -> i32 {
        while self.line().await {}
        self.child.wait().await.ok().and_then(|status| status.code()).unwrap_or(-1)
    }

    /// Reads a line; false when there are no more.
    async fn line(&mut self) -> bool {
        let Ok(Some(mut line)) = self.lines.next_line().await else { return false };
        tracing::debug!(line, "dnsmasq");
        if !line.is_empty() {
            line.truncate(line.floor_char_boundary(WORDS_BYTES_MAX));
            self.words = line;
        }
        true
    }

    async fn terminate(mut self) {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok());
        let asked = pid.is_some_and(|pid| kill(Pid::from_raw(pid), Signal::SIGTERM).is_ok());
        if !asked || time::timeout(STOP_TIME_MAX, self.ended()).await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

fn write_files(plan: &Plan) -> Result<(), Error> {
    bridge::make_dir(&plan.dir.join("dnsmasq.hosts"), 0o755)?;
    let path = plan.conf_file();
    let mut raw = plan.raw_dnsmasq.clone();
    raw.push('\n');
    fs::write(&path, raw).map_err(Error::host("write", &path))
}

fn program(plan: &Plan) -> Program {
    let group = Group::from_name("lxd").ok().flatten().map(|group| group.name);
    Program::new("dnsmasq").args(args(plan, group.as_deref()))
}

/// The command line, in LXD's order; `group` is what it gives up root's for.
fn args(plan: &Plan, group: Option<&str>) -> Vec<String> {
    let mut args: Vec<String> = [
        "--keep-in-foreground",
        "--strict-order",
        "--bind-interfaces",
        "--except-interface=lo",
        "--log-facility=-",
        "--no-ping",
    ]
    .map(str::to_owned)
    .to_vec();
    args.push(format!("--pid-file={}", plan.dir.join("dnsmasq.pid").display()));
    args.push(format!("--interface={}", plan.name));
    args.push("--dhcp-rapid-commit".to_owned());
    args.extend(["--quiet-dhcp", "--quiet-dhcp6", "--quiet-ra"].map(str::to_owned));
    if let Some(v4) = &plan.ipv4 {
        v4_args(&mut args, plan, v4);
    }
    if let Some(v6) = &plan.ipv6 {
        v6_args(&mut args, plan, v6);
    }
    if plan.dns.names {
        let domain = &plan.dns.domain;
        let gateway = format!("_gateway.{domain},{}", plan.name);
        let words = ["-s", domain, "--interface-name", &gateway, "-S", &format!("/{domain}/")];
        args.extend(words.map(str::to_owned));
    }
    args.push(format!("--conf-file={}", plan.conf_file().display()));
    args.extend(["-u", "nobody"].map(str::to_owned));
    if let Some(group) = group {
        args.extend(["-g", group].map(str::to_owned));
    }
    args
}

/// Where leases are kept and where those of instances will be given.
fn lease_args(plan: &Plan) -> [String; 4] {
    let file = |name: &str| plan.dir.join(name).display().to_string();
    [
        "--dhcp-no-override".to_owned(),
        "--dhcp-authoritative".to_owned(),
        format!("--dhcp-leasefile={}", file("dnsmasq.leases")),
        format!("--dhcp-hostsfile={}", file("dnsmasq.hosts")),
    ]
}

fn v4_args(args: &mut Vec<String>, plan: &Plan, v4: &V4) {
    args.push(format!("--listen-address={}", v4.address.addr()));
    let Some(dhcp) = &v4.dhcp else { return };
    args.extend(lease_args(plan));
    if let Some(gateway) = dhcp.gateway {
        args.push(format!("--dhcp-option-force=3,{gateway}"));
    }
    if plan.mtu != MTU {
        args.push(format!("--dhcp-option-force=26,{}", plan.mtu));
    }
    if !plan.dns.search.is_empty() {
        args.push(format!("--dhcp-option-force=119,{}", plan.dns.search));
    }
    for (from, to) in &dhcp.ranges {
        args.extend(["--dhcp-range".to_owned(), format!("{from},{to},{}", dhcp.expiry)]);
    }
}

fn v6_args(args: &mut Vec<String>, plan: &Plan, v6: &V6) {
    args.push(format!("--listen-address={}", v6.address.addr()));
    args.push("--enable-ra".to_owned());
    let leases_v4 = plan.ipv4.as_ref().is_some_and(|v4| v4.dhcp.is_some());
    if v6.dhcp != Dhcp6::Off && !leases_v4 {
        args.extend(lease_args(plan));
    }
    let mut range = |range: String| args.extend(["--dhcp-range".to_owned(), range]);
    match &v6.dhcp {
        Dhcp6::Off => range(format!("::,constructor:{},ra-only", plan.name)),
        Dhcp6::Stateless => range(format!("::,constructor:{},ra-stateless,ra-names", plan.name)),
        Dhcp6::Stateful { ranges, expiry } => {
            let length = v6.address.prefix_len();
            ranges.iter().for_each(|(from, to)| range(format!("{from},{to},{length},{expiry}")));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Network;

    /// The part of the command line that depends on the configuration, without its usual ends.
    fn line(words: &str) -> String {
        let pairs = words.split_whitespace().map(|word| word.split_once('=').unwrap());
        let config = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
        let network = Network { name: "br0".parse().unwrap(), config, root: "/lxd".into() };
        let args = args(&Plan::of(&network).unwrap(), Some("lxd")).join(" ");
        let (_, args) = args.split_once(" --quiet-ra ").unwrap();
        let end = " --conf-file=/lxd/networks/br0/dnsmasq.raw -u nobody -g lxd";
        args.strip_suffix(end).unwrap().replace(LEASES, "LEASES").replace(NAMES, "NAMES")
    }

    const LEASES: &str = "--dhcp-no-override --dhcp-authoritative \
                          --dhcp-leasefile=/lxd/networks/br0/dnsmasq.leases \
                          --dhcp-hostsfile=/lxd/networks/br0/dnsmasq.hosts";
    const NAMES: &str = "-s lxd --interface-name _gateway.lxd,br0 -S /lxd/";

    #[test]
    fn the_command_line_is_that_of_lxd() {
        let v4 = "ipv4.address=10.99.1.1/24";
        let v6 = "ipv6.address=fd42:1:2:3::1/64";
        for (words, expected) in [
            (
                format!("{v4} {v6}"),
                "--listen-address=10.99.1.1 LEASES --dhcp-range 10.99.1.2,10.99.1.254,1h \
                 --listen-address=fd42:1:2:3::1 --enable-ra \
                 --dhcp-range ::,constructor:br0,ra-stateless,ra-names NAMES",
            ),
            (format!("{v4} ipv4.dhcp=false"), "--listen-address=10.99.1.1 NAMES"),
            (
                format!(
                    "{v4} ipv4.dhcp.ranges=10.99.1.10-10.99.1.20,10.99.1.30-10.99.1.40 \
                     ipv4.dhcp.expiry=5m ipv4.dhcp.gateway=10.99.1.254 bridge.mtu=1400"
                ),
                "--listen-address=10.99.1.1 LEASES --dhcp-option-force=3,10.99.1.254 \
                 --dhcp-option-force=26,1400 --dhcp-range 10.99.1.10,10.99.1.20,5m \
                 --dhcp-range 10.99.1.30,10.99.1.40,5m NAMES",
            ),
            (
                format!("{v4} dns.domain=foo.test dns.search=a.b,c.d"),
                "--listen-address=10.99.1.1 LEASES --dhcp-option-force=119,a.b,c.d \
                 --dhcp-range 10.99.1.2,10.99.1.254,1h \
                 -s foo.test --interface-name _gateway.foo.test,br0 -S /foo.test/",
            ),
            (
                format!("{v4} dns.mode=none"),
                "--listen-address=10.99.1.1 LEASES --dhcp-range 10.99.1.2,10.99.1.254,1h",
            ),
            (
                format!("{v6} ipv6.dhcp=false"),
                "--listen-address=fd42:1:2:3::1 --enable-ra --dhcp-range ::,constructor:br0,ra-only \
                 NAMES",
            ),
            (
                format!("{v6} ipv6.dhcp.stateful=true ipv6.dhcp.expiry=7m"),
                "--listen-address=fd42:1:2:3::1 --enable-ra LEASES \
                 --dhcp-range fd42:1:2:3::2,fd42:1:2:3:ffff:ffff:ffff:ffff,64,7m NAMES",
            ),
        ] {
            assert_eq!(line(&words), expected, "{words}");
        }
    }
}
