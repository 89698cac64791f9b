//! The world: time, machines, the network between them, who uses them, what is checked.

use crate::simulation::admin::{AtWork, Order};
use crate::simulation::checks::Checks;
use crate::simulation::clients::{Book, Client};
use crate::simulation::disk::{self, Speed};
use crate::simulation::faults::Later;
use crate::simulation::history;
use crate::simulation::host::Host;
use crate::simulation::net::{Cut, Net};
use crate::simulation::plan::Plan;
use crate::simulation::trace::Trace;
use crate::simulation::workload::{self, STEPS};
use crate::types::NodeId;
use crate::{Db, Error, Tx};
use futures::FutureExt;
use futures::future::BoxFuture;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// After the last fault, how long until everything works again, at most, in ms.
const RECOVERY: u64 = 30_000;

pub(super) struct World {
    pub(super) now: u64,
    pub(super) rng: StdRng,
    pub(super) trace: Trace,
    pub(super) net: Net,
    pub(super) plan: Plan,
    pub(super) hosts: BTreeMap<NodeId, Host>,
    pub(super) checks: Checks,
    pub(super) book: Book,
    pub(super) clients: Vec<Client>,
    /// The newest version of each key that any client has seen.
    pub(super) versions: BTreeMap<u8, i64>,
    pub(super) order: Option<Order>,
    pub(super) at_work: Vec<AtWork>,
    pub(super) next_order: u64,
    pub(super) later: BTreeMap<(u64, u64), Later>,
    pub(super) events: u64,
    /// Who was asked to close, and who has.
    pub(super) closing: BTreeMap<NodeId, u32>,
    pub(super) closed: Arc<Mutex<Vec<NodeId>>>,
    /// How fast disks usually are.
    pub(super) speed: Speed,
    counts: BTreeMap<String, u64>,
    last_id: NodeId,
}

type Verdict = Result<(), String>;

impl World {
    pub(super) fn new(seed: u64, trace: Trace) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let plan = Plan::draw(&mut rng);
        disk::begin(rng.random());
        let net = Net::new(rng.random(), trace.clone(), plan.usual, plan.doubled);
        let clients = (0..plan.clients).map(|_| Client::default()).collect();
        let speed = Speed { odds: [0.0, 0.02, 0.1][rng.random_range(0..3)], max: 5 };
        Self {
            now: 0,
            rng,
            trace,
            net,
            plan,
            hosts: BTreeMap::new(),
            checks: Checks::default(),
            book: Book::default(),
            clients,
            versions: BTreeMap::new(),
            order: None,
            at_work: Vec::new(),
            next_order: 0,
            later: BTreeMap::new(),
            events: 0,
            closing: BTreeMap::new(),
            closed: Arc::default(),
            speed,
            counts: BTreeMap::new(),
            last_id: 0,
        }
    }

    /// From the founding to the verdict.
    pub(super) fn run(&mut self) -> Verdict {
        self.found()?;
        let end = self.now + self.plan.trouble;
        let mut next = self.now;
        while self.now < end {
            if self.now >= next {
                self.trouble();
                next = self.now + self.rng.random_range(1..=self.plan.calm);
            }
            self.relief();
            self.administrate();
            self.serve_clients(true);
            self.step()?;
        }
        let members = self.heal()?;
        self.finish(&members)
    }

    /// A newcomer is cut off, and nobody is told, when it has a snapshot and has not said so.
    pub(super) fn lose_a_snapshot(&mut self) -> Verdict {
        self.found_with_a_fourth()?;
        self.write_until_a_snapshot()?;
        self.add_the_fourth()?;
        self.lose_the_snapshot()
    }

    /// The same with a newcomer that is out of reach until it needs a snapshot: that may come by its first stream.
    pub(super) fn lose_a_first_stream(&mut self) -> Verdict {
        self.found_with_a_fourth()?;
        for (from, to) in [(1, 4), (4, 1)] {
            self.net.set(from, to, |way| way.cut = Some(Cut::Hold));
        }
        self.add_the_fourth()?;
        self.write_until_a_snapshot()?;
        let given_up = self.now + 1_500;
        self.until("it has been tried for long", |world| world.now >= given_up)?;
        self.net.heal();
        self.lose_the_snapshot()
    }

    fn found_with_a_fourth(&mut self) -> Verdict {
        (self.plan.voters, self.plan.spares, self.plan.doubled) = (3, 1, 0.0);
        (self.plan.options.entries_kept, self.plan.options.snapshot_every) = (0, 8);
        self.found()
    }

    fn write_until_a_snapshot(&mut self) -> Verdict {
        (0..20)
            .try_for_each(|_| self.insist(1, |db| async move { db.write(nothing).await }.boxed()))
    }

    fn add_the_fourth(&mut self) -> Verdict {
        let address = self.hosts[&4].address();
        let db = self.hosts[&1].db().ok_or("the first member is not open")?;
        let work = async move { db.add_learner(4, &address).await };
        self.give(1, "add 4".to_owned(), None, work.boxed());
        Ok(())
    }

    fn lose_the_snapshot(&mut self) -> Verdict {
        self.until("a snapshot arrives", |_| std::path::Path::new("4-0/snapshot.db").exists())?;
        for (from, to) in [(1, 4), (4, 1)] {
            self.net.set(from, to, |way| way.cut = Some(Cut::Lose));
        }
        self.step()?;
        self.net.heal();
        self.insist(4, |db| async move { db.write(nothing).await }.boxed())
    }

    /// Where packets take 100 ms, nobody asks anything for longer than a leader's majority is good for; then all
    /// do, and the same member still leads.
    pub(super) fn rest_far_apart(&mut self) -> Verdict {
        (self.plan.voters, self.plan.spares, self.plan.doubled, self.plan.drift) = (3, 0, 0.0, 0.0);
        self.plan.options.deadline = Duration::from_secs(6);
        self.found()?;
        for (from, to) in (1..=3).flat_map(|from| (1..=3).map(move |to| (from, to))) {
            self.net.set(from, to, |way| (way.delay, way.jitter) = (100, 5));
        }
        for _ in 0..5 {
            let rested = self.now + 3_000;
            self.until("a rest", |world| world.now >= rested)?;
            for id in 1..=3 {
                self.call(id, |db| async move { db.read(nothing).await }.boxed())?;
                self.call(id, |db| async move { db.write(nothing).await }.boxed())?;
            }
        }
        let terms = self.checks.terms();
        if terms == 1 { Ok(()) } else { Err(format!("{terms} terms")) }
    }

    pub(super) fn count(&mut self, what: &str) {
        *self.counts.entry(what.replace(' ', "-")).or_default() += 1;
    }

    /// What happened, in numbers.
    pub(super) fn report(&self) -> String {
        let mut counts = self.counts.clone();
        counts.insert("terms".to_owned(), self.checks.terms() as u64);
        counts.insert("entries".to_owned(), self.checks.applied());
        counts.insert("tables-compared".to_owned(), self.checks.compared() as u64);
        counts.insert("ms".to_owned(), self.now);
        for operation in self.book.open().operations.values() {
            use history::Outcome::{Failed, Saw, Unknown, Wrote};
            let outcome = match operation.outcome {
                Unknown => "unknown",
                Failed => "failed",
                Wrote(_) => "wrote",
                Saw(_) => "saw",
            };
            *counts.entry(outcome.to_owned()).or_default() += 1;
        }
        let words = counts.into_iter().map(|(what, count)| format!("{what}={count}"));
        words.collect::<Vec<_>>().join(" ")
    }

    /// A machine with an id that nobody had.
    pub(super) fn add_host(&mut self) -> NodeId {
        self.last_id += 1;
        let id = self.last_id;
        let mut host = Host::new(id, self.net.clone(), self.plan.options.clone());
        host.speed = self.speed;
        let drift = self.plan.drift;
        host.rate = 2f64.powf(self.rng.random_range(-drift..=drift) * 2.0);
        host.start();
        self.hosts.insert(id, host);
        id
    }

    fn found(&mut self) -> Verdict {
        let voters = self.plan.voters;
        let all = voters + self.plan.spares;
        let first = self.add_host();
        self.until("the first member opens", |world| world.hosts[&first].db().is_some())?;
        let address = self.hosts[&first].address();
        self.call(first, move |db| {
            async move {
                db.bootstrap(&address).await?;
                db.migrate(&STEPS[..1]).await
            }
            .boxed()
        })?;
        for _ in 1..all {
            self.add_host();
        }
        for id in 2..=voters {
            let address = self.hosts[&id].address();
            self.call(first, move |db| async move { db.add_learner(id, &address).await }.boxed())?;
        }
        self.call(first, move |db| {
            async move { db.change_voters((1..=voters).collect()).await }.boxed()
        })
    }

    /// Lets a little time pass, for everybody.
    pub(super) fn step(&mut self) -> Verdict {
        let time = self.rng.random_range(1..=10);
        self.now += time;
        self.trace.tick(self.now);
        for incoming in self.net.advance(self.now) {
            if let Some(host) = self.hosts.get(&incoming.to) {
                host.accept(incoming.from, incoming.stream);
            }
        }
        let mut order: Vec<NodeId> = self.hosts.keys().copied().collect();
        order.shuffle(&mut self.rng);
        for id in order {
            if let Some(host) = self.hosts.get_mut(&id) {
                host.step(self.now, time);
                self.look(id);
            }
        }
        self.bury();
        self.trace.verdict()
    }

    fn look(&mut self, id: NodeId) {
        let Some(host) = self.hosts.get(&id) else { return };
        if let Some(why) = host.failure() {
            self.trace.broken(&format!("{id} does not open: {why}"));
        }
        if let Some(db) = host.db()
            && !self.closing.contains_key(&id)
        {
            self.checks.look(&db, &self.trace);
            if self.rng.random_bool(0.002) {
                self.checks.tables(&db, &self.trace);
            }
        }
    }

    /// Ends the processes that have closed.
    fn bury(&mut self) {
        let closed = std::mem::take(&mut *self.closed.lock().expect("nobody panics with it"));
        for id in closed {
            let life = self.closing.remove(&id);
            if let Some(host) = self.hosts.get_mut(&id)
                && life == Some(host.life)
            {
                host.gone();
                self.checks.forget(id);
                let later = self.rng.random_range(1..=1_000);
                self.after(later, Later::Start(id));
            }
        }
        let hosts = &self.hosts;
        self.closing.retain(|id, life| hosts.get(id).is_some_and(|host| host.life == *life));
    }

    /// Steps until something is so.
    fn until(&mut self, what: &str, so: impl Fn(&Self) -> bool) -> Verdict {
        let end = self.now + RECOVERY;
        while !so(self) {
            if self.now >= end {
                let stati = self.hosts.values().filter_map(Host::db).map(|db| db.status());
                let stati: Vec<String> = stati.map(|status| format!("{status:?}")).collect();
                return Err(format!("{what}: not in {RECOVERY} ms\n{}", stati.join("\n")));
            }
            self.relief();
            self.serve_clients(false);
            self.step()?;
        }
        Ok(())
    }

    /// Has a member do something, and steps until it has.
    fn call<T: Send + 'static>(
        &mut self,
        at: NodeId,
        work: impl FnOnce(Db) -> BoxFuture<'static, Result<T, Error>>,
    ) -> Result<T, String> {
        let db = self.hosts[&at].db().ok_or("a member is not open")?;
        let answer = Arc::new(Mutex::new(None));
        let (slot, work) = (answer.clone(), work(db));
        self.hosts[&at].spawn(async move {
            let done = work.await;
            *slot.lock().expect("nobody panics with it") = Some(done);
        });
        self.until("a call", |_| answer.lock().expect("nobody panics with it").is_some())?;
        let done = answer.lock().expect("nobody panics with it").take();
        done.expect("waited for").map_err(|error| error.to_string())
    }

    /// The same, again and again until it has succeeded.
    fn insist<T: Send + 'static>(
        &mut self,
        at: NodeId,
        work: impl Fn(Db) -> BoxFuture<'static, Result<T, Error>>,
    ) -> Result<T, String> {
        let end = self.now + RECOVERY;
        loop {
            match self.call(at, &work) {
                Err(why) if self.now < end => {
                    self.trace.verdict()?;
                    self.trace.say(&format!("{at} could not: {why}"));
                }
                done => return done.map_err(|why| format!("at {at}, for {RECOVERY} ms: {why}")),
            }
        }
    }

    /// Everything works again, and everybody is there. Returns who the members are.
    fn heal(&mut self) -> Result<BTreeSet<NodeId>, String> {
        self.trace.say("everything heals");
        self.net.heal();
        self.later.retain(|_, later| matches!(later, Later::Start(_)));
        for host in self.hosts.values_mut() {
            (host.frozen, host.speed) = (0, self.speed);
        }
        self.order = None;
        self.until("all members open", |world| {
            world.closing.is_empty() && world.hosts.values().all(|host| host.db().is_some())
        })?;
        self.until("clients end", Self::clients_rest)?;
        self.until("orders end", |world| {
            world.at_work.iter().all(|order| order.strong_count() == 0)
        })?;
        self.settle_group()
    }

    /// Ends a change of voters whose leader died over it; returns the members once nothing changes them any more.
    fn settle_group(&mut self) -> Result<BTreeSet<NodeId>, String> {
        let end = self.now + RECOVERY;
        while self.now < end {
            self.trace.verdict()?;
            self.until("somebody leads", |world| world.leader().is_some())?;
            let leader = self.leader().unwrap_or_default();
            let Some(db) = self.hosts[&leader].db() else { continue };
            // What it thinks of the group may be its own idea. When this is committed, so is all before.
            if self.call(leader, |db| async move { db.write(nothing).await }.boxed()).is_ok() {
                let group = db.0.store.progress().membership;
                if group.get_joint_config().len() == 1 {
                    return Ok(group.nodes().map(|(id, _)| *id).collect());
                }
                let mut voters: BTreeSet<NodeId> = group.voter_ids().collect();
                voters.insert(leader);
                // It may have to be tried again: the leader may be another by now.
                let _ = self
                    .call(leader, move |db| async move { db.change_voters(voters).await }.boxed());
            }
        }
        Err("the change of voters does not end".to_owned())
    }

    /// A write succeeds at every member; then all have the same, and it is what clients were told.
    fn finish(&mut self, members: &BTreeSet<NodeId>) -> Verdict {
        for id in members {
            if !self.hosts.contains_key(id) {
                return Err(format!("member {id} was taken away and is one: {members:?}"));
            }
            self.insist(*id, |db| async move { db.write(nothing).await }.boxed())?;
        }
        self.until("all have the same", |world| {
            let dbs = members.iter().filter_map(|id| world.hosts[id].db());
            let mut applied: Vec<u64> = dbs.map(|db| db.status().applied).collect();
            applied.dedup();
            applied.len() == 1
        })?;
        for id in members {
            let db = self.hosts[id].db().ok_or("a member is gone")?;
            self.checks.tables(&db, &self.trace);
        }
        self.trace.verdict()?;
        let first = *members.first().ok_or("nobody is a member")?;
        let effects = self.insist(first, |db| {
            async move { db.read(|tx| workload::effects(tx).boxed()).await }.boxed()
        })?;
        self.trace.say(&format!("{} effects", effects.len()));
        history::check(&self.book.open().operations, &effects)
    }
}

fn nothing<'t>(_: &'t mut Tx<'_>) -> BoxFuture<'t, Result<(), Error>> {
    Box::pin(async { Ok(()) })
}
