//! What befalls the group while it works.

use crate::simulation::disk::Speed;
use crate::simulation::host::Death;
use crate::simulation::net::{Cut, Way};
use crate::simulation::world::World;
use crate::types::NodeId;
use rand::Rng;
use rand::seq::{IteratorRandom, SliceRandom};

/// What ends a fault.
pub(super) enum Later {
    Start(NodeId),
    Usual(Vec<(NodeId, NodeId)>),
    Disk(NodeId),
}

/// The kinds, by their bit in the plan.
const KINDS: [fn(&mut World); 12] = [
    World::kill,
    World::power_cut,
    World::close,
    World::freeze,
    World::leader_alone,
    World::halves,
    World::bridge,
    World::one_way,
    World::slow_ways,
    World::resets,
    World::slow_disk,
    World::all_at_once,
];

impl World {
    /// One of the faults that this seed has.
    pub(super) fn trouble(&mut self) {
        let faults = self.plan.faults;
        let kinds = KINDS.iter().enumerate().filter(|(bit, _)| faults & (1 << bit) != 0);
        if let Some((_, fault)) = kinds.choose(&mut self.rng) {
            fault(self);
        }
    }

    /// Ends what is over.
    pub(super) fn relief(&mut self) {
        while let Some(entry) = self.later.first_entry()
            && entry.key().0 <= self.now
        {
            match entry.remove() {
                Later::Start(id) => self.start(id),
                Later::Usual(ways) => {
                    let usual = self.plan.usual;
                    for (from, to) in ways {
                        self.net.set(from, to, |way| *way = usual);
                    }
                }
                Later::Disk(id) => {
                    if let Some(host) = self.hosts.get_mut(&id) {
                        host.speed = self.speed;
                    }
                }
            }
        }
    }

    /// Brings a machine back, unless it has been taken away.
    pub(super) fn start(&mut self, id: NodeId) {
        if let Some(host) = self.hosts.get_mut(&id)
            && !host.runs()
        {
            self.trace.say(&format!("{id} starts"));
            host.start();
        }
    }

    pub(super) fn after(&mut self, time: u64, later: Later) {
        self.events += 1;
        self.later.insert((self.now + time, self.events), later);
    }

    fn anybody(&mut self) -> Option<NodeId> {
        let running = self.hosts.values().filter(|host| host.runs()).map(|host| host.id);
        running.choose(&mut self.rng)
    }

    fn die(&mut self, id: NodeId, death: Death) {
        self.count(if death == Death::Kill { "kills" } else { "power cuts" });
        let Some(host) = self.hosts.get_mut(&id) else { return };
        let lost = host.die(death, &mut self.rng);
        self.checks.forget(id);
        self.trace.say(&format!("{id} dies: {death:?}, {lost} pages are lost"));
        if lost > 0 {
            self.count("states taken back");
        }
        let (later, boot) = (self.rng.random_range(1..=3_000), self.rng.random_bool(0.5));
        if boot {
            self.net.boot(id);
        }
        self.after(later, Later::Start(id));
    }

    fn kill(&mut self) {
        if let Some(id) = self.anybody() {
            self.die(id, Death::Kill);
        }
    }

    fn power_cut(&mut self) {
        if let Some(id) = self.anybody() {
            self.die(id, Death::PowerCut);
        }
    }

    fn all_at_once(&mut self) {
        let death = [Death::Kill, Death::PowerCut][self.rng.random_range(0..2)];
        for id in self.hosts.keys().copied().collect::<Vec<_>>() {
            if self.hosts[&id].runs() {
                self.die(id, death);
            }
        }
    }

    /// As an operator stops it.
    fn close(&mut self) {
        let Some(id) = self.anybody() else { return };
        let Some(db) = self.hosts[&id].db() else { return };
        self.count("closes");
        self.trace.say(&format!("{id} closes"));
        self.closing.insert(id, self.hosts[&id].life);
        let closed = self.closed.clone();
        self.hosts[&id].spawn(async move {
            db.close().await;
            closed.lock().expect("nobody panics with it").push(id);
        });
    }

    fn freeze(&mut self) {
        let Some(id) = self.anybody() else { return };
        self.count("freezes");
        let time = [100, 1_000, 4_000][self.rng.random_range(0..3)];
        self.trace.say(&format!("{id} freezes for {time} ms"));
        if let Some(host) = self.hosts.get_mut(&id) {
            host.frozen = self.now + time;
        }
    }

    fn leader_alone(&mut self) {
        let leader = self.leader().or_else(|| self.anybody());
        let Some(leader) = leader else { return };
        let others: Vec<_> = self.others(leader);
        self.part(&[leader], &others, true);
    }

    fn halves(&mut self) {
        let mut all: Vec<NodeId> = self.hosts.keys().copied().collect();
        all.shuffle(&mut self.rng);
        let (left, right) = all.split_at(self.rng.random_range(1..all.len()));
        self.part(left, right, true);
    }

    /// Two halves that one member reaches both of.
    fn bridge(&mut self) {
        let mut all: Vec<NodeId> = self.hosts.keys().copied().collect();
        all.shuffle(&mut self.rng);
        let rest = &all[1..];
        let (left, right) = rest.split_at(rest.len() / 2);
        self.part(left, right, true);
    }

    fn one_way(&mut self) {
        let Some(id) = self.anybody() else { return };
        let mut others = self.others(id);
        others.shuffle(&mut self.rng);
        others.truncate(self.rng.random_range(1..=others.len()));
        if self.rng.random_bool(0.5) {
            self.part(&[id], &others, false);
        } else {
            self.part(&others, &[id], false);
        }
    }

    fn others(&self, id: NodeId) -> Vec<NodeId> {
        self.hosts.keys().copied().filter(|other| *other != id).collect()
    }

    /// Cuts the ways from one side to the other, or both ways.
    fn part(&mut self, left: &[NodeId], right: &[NodeId], both: bool) {
        self.count("partitions");
        let cut = [Cut::Hold, Cut::Lose, Cut::Reset][self.rng.random_range(0..3)];
        self.trace.say(&format!("{left:?} | {right:?}: {cut:?}, both ways: {both}"));
        self.bend(left, right, both, |way| way.cut = Some(cut));
    }

    fn slow_ways(&mut self) {
        let Some(id) = self.anybody() else { return };
        self.count("slow ways");
        let (delay, others) = (self.rng.random_range(10..=300), self.others(id));
        self.trace.say(&format!("{id} is {delay} ms away"));
        self.bend(&[id], &others, true, |way| (way.delay, way.jitter) = (delay, delay));
    }

    /// Changes ways for a while.
    fn bend(&mut self, left: &[NodeId], right: &[NodeId], both: bool, change: impl Fn(&mut Way)) {
        let there = left.iter().flat_map(|from| right.iter().map(|to| (*from, *to)));
        let mut ways: Vec<_> = there.collect();
        if both {
            ways.extend(ways.clone().into_iter().map(|(from, to)| (to, from)));
        }
        for (from, to) in &ways {
            self.net.set(*from, *to, &change);
        }
        let time = self.rng.random_range(50..=4_000);
        self.after(time, Later::Usual(ways));
    }

    fn resets(&mut self) {
        let Some(id) = self.anybody() else { return };
        self.count("resets");
        let mut others = self.others(id);
        others.shuffle(&mut self.rng);
        others.truncate(self.rng.random_range(1..=others.len()));
        self.trace.say(&format!("{id} x {others:?}"));
        for other in others {
            self.net.reset(id, other);
        }
    }

    fn slow_disk(&mut self) {
        let Some(id) = self.anybody() else { return };
        self.count("slow disks");
        let (max, time) = (self.rng.random_range(5..=300), self.rng.random_range(100..=4_000));
        self.trace.say(&format!("the disk of {id} takes up to {max} ms"));
        if let Some(host) = self.hosts.get_mut(&id) {
            host.speed = Speed { odds: 0.3, max };
        }
        self.after(time, Later::Disk(id));
    }
}
