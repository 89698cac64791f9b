//! What operators do: members come, vote, hand over and go; the schema grows; snapshots are made.

use crate::simulation::host::Host;
use crate::simulation::workload::STEPS;
use crate::simulation::world::World;
use crate::types::NodeId;
use crate::{Db, Status};
use futures::FutureExt;
use futures::future::BoxFuture;
use rand::Rng;
use rand::seq::{IteratorRandom, SliceRandom};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, Weak};

/// What an operator waits for.
pub(super) struct Order {
    pub(super) text: String,
    /// Where it was given, in which of its lives.
    at: (NodeId, u32),
    patience: u64,
    answer: Answer,
    /// Whose machine goes if it succeeds.
    removes: Option<NodeId>,
}

/// Whoever works on the order holds it, and whoever waits.
type Answer = Arc<Mutex<Option<Result<(), String>>>>;
/// An order that is not waited for any more, perhaps.
pub(super) type AtWork = Weak<Mutex<Option<Result<(), String>>>>;
type Work = BoxFuture<'static, Result<(), crate::Error>>;

impl World {
    /// Who leads, as the one with the highest term among those who think so.
    pub(super) fn leader(&self) -> Option<NodeId> {
        let dbs = self.hosts.values().filter_map(Host::db);
        let leads = dbs.map(|db| db.status()).filter(Status::leads);
        leads.max_by_key(|status| status.term).map(|status| status.node)
    }

    /// Hears of the last order, or gives another.
    pub(super) fn administrate(&mut self) {
        if let Some(order) = self.order.take() {
            let answer = order.answer.lock().expect("nobody panics with it").take();
            let (id, life) = order.at;
            let lost = self.hosts.get(&id).is_none_or(|host| host.life != life);
            match answer {
                Some(answer) => self.obeyed(&order, answer),
                None if lost || self.now >= order.patience => {}
                None => self.order = Some(order),
            }
            return;
        }
        if self.now < self.next_order {
            return;
        }
        self.next_order = self.now + self.rng.random_range(100..=2_000);
        let Some(leader) = self.leader() else { return };
        let Some(db) = self.hosts[&leader].db() else { return };
        self.choose(leader, db);
    }

    fn obeyed(&mut self, order: &Order, answer: Result<(), String>) {
        self.trace.say(&format!("{}: {answer:?}", order.text));
        if answer.is_err() {
            return;
        }
        let kind = order.text.split(' ').next().unwrap_or_default();
        self.count(&format!("orders to {kind}"));
        // Sometimes the answer is lost on its way to the operator.
        if let Some(id) = order.removes
            && self.rng.random_bool(0.7)
        {
            self.replace(id);
        }
    }

    /// The machine is taken away; another comes, with an id that nobody had.
    fn replace(&mut self, id: NodeId) {
        self.hosts.remove(&id);
        self.checks.forget(id);
        self.net.leave(id, true);
        self.add_host();
    }

    fn choose(&mut self, leader: NodeId, db: Db) {
        let status = db.status();
        let members: BTreeSet<NodeId> = status.addresses.keys().copied().collect();
        let others: Vec<NodeId> = members.iter().copied().filter(|id| *id != leader).collect();
        let spare = self.hosts.keys().find(|id| !members.contains(id)).copied();
        match self.rng.random_range(0..6) {
            // It was removed, and nobody was told. Who does not look first is refused.
            0 if let Some(id) = spare
                && db.0.store.progress().removed.contains(&id)
                && self.rng.random_bool(0.5) =>
            {
                self.trace.say(&format!("{id} is replaced"));
                self.replace(id);
            }
            0 if let Some(id) = spare => {
                let address = self.hosts[&id].address();
                let work = async move { db.add_learner(id, &address).await };
                self.give(leader, format!("add {id}"), None, work.boxed());
            }
            1 => {
                let count = 3.max(self.plan.voters) - self.rng.random_range(0..=1) * 2;
                let count = usize::try_from(count.max(3)).unwrap_or(3);
                let mut voters = others;
                voters.shuffle(&mut self.rng);
                voters.truncate(count - 1);
                voters.push(leader);
                let text = format!("vote: {voters:?}");
                let work = async move { db.change_voters(voters.into_iter().collect()).await };
                self.give(leader, text, None, work.boxed());
            }
            2 if members.len() > 3 => {
                let Some(id) = others.into_iter().choose(&mut self.rng) else { return };
                let work = async move { db.remove(id).await };
                self.give(leader, format!("remove {id}"), Some(id), work.boxed());
            }
            3 => {
                let Some(id) = others.into_iter().choose(&mut self.rng) else { return };
                let work = async move { db.transfer_leader(id).await };
                self.give(leader, format!("transfer to {id}"), None, work.boxed());
            }
            4 => {
                let steps = usize::try_from(status.schema).unwrap_or(0) + 1;
                let Some(steps) = STEPS.get(..steps) else { return };
                let work = async move { db.migrate(steps).await };
                self.give(leader, format!("migrate to {}", steps.len()), None, work.boxed());
            }
            _ => {
                let Some((id, db)) = self
                    .hosts
                    .values()
                    .filter_map(|host| Some((host.id, host.db()?)))
                    .choose(&mut self.rng)
                else {
                    return;
                };
                let work = async move { db.snapshot().await };
                self.give(id, format!("snapshot at {id}"), None, work.boxed());
            }
        }
    }

    /// Has a member do something.
    pub(super) fn give(&mut self, at: NodeId, text: String, removes: Option<NodeId>, work: Work) {
        self.trace.say(&text);
        let answer = Arc::new(Mutex::new(None));
        self.at_work.retain(|order| order.strong_count() > 0);
        self.at_work.push(Arc::downgrade(&answer));
        let slot = answer.clone();
        let host = &self.hosts[&at];
        host.spawn(async move {
            let done = work.await.map_err(|error| error.to_string());
            *slot.lock().expect("nobody panics with it") = Some(done);
        });
        let (at, patience) = ((at, host.life), self.now + 8_000);
        self.order = Some(Order { text, at, patience, answer, removes });
    }
}
