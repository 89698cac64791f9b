//! A cluster whose members come and go, and how each fault begins and ends there.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::signal::{Signal, kill};
use serde_json::json;

use super::{
    Fault, Impact, Who,
    delay::Delay,
    host::{self, Tracer},
};
use crate::{
    api::Api,
    cluster::{self, Cluster},
    daemon::{Daemon, LIMIT},
    flavour::Flavour,
    host::Host,
    namespace::pid,
    rack::Rack,
    wait::wait_until,
};

/// All members vote.
#[derive(Debug)]
pub struct Stage {
    pub rack: Rack,
    /// None while one is dead.
    pub daemons: Vec<Option<Daemon>>,
    /// Who led when the faults began, by index.
    pub leader: usize,
    delays: Vec<Delay>,
    tracers: Vec<Tracer>,
}

impl Stage {
    /// A fresh cluster on hosts on which these faults can happen; `name` says where its files are
    /// kept after a failure.
    pub fn form(name: &str, count: u8, faults: &[Fault]) -> Result<Self> {
        let mut rack = Rack::new(name, Flavour::Ours, count)?;
        for host in &mut rack.hosts {
            if faults.iter().any(|fault| matches!(fault, Fault::FullDisk(_))) {
                host::prepare_disk(host)?;
            }
            if faults.iter().any(|fault| matches!(fault, Fault::Clock(_))) {
                host::prepare_clock(host)?;
            }
        }
        let cluster = Cluster::form(&rack)?;
        let first = &rack.hosts[0];
        if count > 3 {
            let config = json!({"config": {"cluster.max_voters": count.to_string()}});
            Api::of(first).patch("/1.0", &config)?;
        }
        wait_until("all members vote", LIMIT, || {
            let members = cluster::members(first).ok()?;
            let votes = |member: &serde_json::Value| {
                let roles = member["roles"].as_array();
                roles.is_some_and(|roles| roles.iter().any(|role| role == "database"))
            };
            members.iter().all(votes).then_some(())
        })?;
        let leader = cluster::leader(&rack, first)?;
        let daemons = cluster.daemons.into_iter().map(Some).collect();
        Ok(Self { rack, daemons, leader, delays: Vec::new(), tracers: Vec::new() })
    }

    /// Sees who leads now: faults that begin from here on mean that one.
    pub fn look(&mut self) -> Result<()> {
        self.leader = cluster::leader(&self.rack, &self.rack.hosts[0])?;
        Ok(())
    }

    /// Whom these faults keep from their work.
    #[must_use]
    pub fn impact(&self, faults: &[Fault]) -> Impact {
        let mut impact = Impact::default();
        for fault in faults {
            fault.add_to(&mut impact, self.leader, self.count());
        }
        impact
    }

    #[must_use]
    pub fn count(&self) -> usize {
        self.rack.hosts.len()
    }

    /// Lets it go wrong.
    pub fn begin(&mut self, fault: Fault) -> Result<()> {
        match fault {
            Fault::Kill(who) => {
                let index = self.index(who);
                self.daemons[index].take().context("it is dead already")?.kill()
            }
            Fault::Pause(who) => self.daemon(who)?.pause(),
            Fault::Alone(who) | Fault::LongAlone(who) => self.rack.isolate(self.index(who)),
            Fault::Pair(one, other) => self.rack.cut(self.index(one), self.index(other)),
            Fault::OneWay(from, to) => self.rack.cut_one_way(self.index(from), self.index(to)),
            Fault::Bridge(_) => {
                let cuts = self.impact(&[fault]).cuts;
                cuts.into_iter().try_for_each(|(one, other)| self.rack.cut(one, other))
            }
            Fault::Loss(percent) => self.rack.lose(percent),
            Fault::Delay(ms) => {
                let begin = |host| Delay::begin(host, Duration::from_millis(ms));
                self.delays = self.rack.hosts.iter().map(begin).collect::<Result<_>>()?;
                Ok(())
            }
            Fault::FullDisk(who) => {
                self.expect_stop("full");
                host::fill_disk(self.host(who))
            }
            Fault::ReadOnlyDisk(who) => {
                self.expect_stop("read-only");
                self.trace(Tracer::read_only(self.daemon(who)?)?)
            }
            Fault::SlowDisk(who, ms) => self.trace(Tracer::slow_fsync(self.daemon(who)?, ms)?),
            Fault::Clock(who) => host::set_clock(self.host(who), "+1h"),
            Fault::RestartAll => self.restart_all(),
        }
    }

    /// Mends it. Daemons that were killed are ready when this returns.
    pub fn end(&mut self, fault: Fault) -> Result<()> {
        match fault {
            Fault::Kill(who) => {
                let index = self.index(who);
                self.daemons[index] = Some(Daemon::start_ready(&self.rack.hosts[index])?);
                Ok(())
            }
            Fault::Pause(who) => self.daemon(who)?.resume(),
            Fault::Alone(_)
            | Fault::LongAlone(_)
            | Fault::Pair(..)
            | Fault::OneWay(..)
            | Fault::Bridge(_)
            | Fault::Loss(_) => self.rack.heal(),
            Fault::Delay(_) => {
                let delays = self.delays.drain(..).zip(&self.rack.hosts);
                delays.into_iter().try_for_each(|(delay, host)| delay.end(host))
            }
            Fault::FullDisk(who) => host::free_disk(self.host(who)),
            Fault::ReadOnlyDisk(_) | Fault::SlowDisk(..) => {
                self.tracers.drain(..).try_for_each(Tracer::end)
            }
            Fault::Clock(who) => host::set_clock(self.host(who), "+0"),
            Fault::RestartAll => Ok(()),
        }
    }

    /// Waits until every member says of every member that it is ONLINE.
    pub fn wait_whole(&self) -> Result<()> {
        let hosts = self.rack.hosts.iter();
        hosts.into_iter().try_for_each(|host: &Host| cluster::wait_online(host, self.count()))
    }

    fn index(&self, who: Who) -> usize {
        who.index(self.leader, self.count())
    }

    fn daemon(&self, who: Who) -> Result<&Daemon> {
        self.daemons[self.index(who)].as_ref().context("it is dead")
    }

    fn host(&self, who: Who) -> &Host {
        &self.rack.hosts[self.index(who)]
    }

    /// A member whose disk takes nothing says so in its log.
    fn expect_stop(&mut self, disk: &str) {
        self.rack.expect_error("The database of this server has stopped");
        self.rack.expect_error(&format!("the disk of the database is {disk}"));
    }

    fn trace(&mut self, tracer: Tracer) -> Result<()> {
        self.tracers.push(tracer);
        Ok(())
    }

    fn restart_all(&mut self) -> Result<()> {
        for daemon in self.daemons.iter().flatten() {
            kill(pid(daemon.id()), Signal::SIGTERM).context("stop lxd")?;
        }
        for daemon in self.daemons.iter_mut().flatten() {
            let status = daemon.wait_end()?;
            ensure!(status.success(), "lxd ended with {status}");
        }
        let started = self.rack.hosts.iter().map(|host| Daemon::start(host).map(Some));
        self.daemons = started.collect::<Result<_>>()?;
        for (host, daemon) in self.rack.hosts.iter().zip(self.daemons.iter_mut().flatten()) {
            daemon.wait_ready(host)?;
        }
        Ok(())
    }
}
