//! The clients: one operation at a time each, some of which they repeat elsewhere until it is settled.

use crate::simulation::history::{Operation, Outcome};
use crate::simulation::workload;
use crate::simulation::world::World;
use crate::types::NodeId;
use rand::Rng;
use rand::seq::IteratorRandom;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What clients did and heard; clones share it.
#[derive(Clone, Default)]
pub(super) struct Book(Arc<Mutex<Pages>>);

#[derive(Default)]
pub(super) struct Pages {
    /// Counts the moments at which an operation begins or ends.
    moment: u64,
    pub(super) operations: BTreeMap<u64, Operation>,
    answers: Vec<Answer>,
}

struct Answer {
    number: u64,
    attempt: u32,
    outcome: Outcome,
    moment: u64,
}

impl Book {
    pub(super) fn open(&self) -> std::sync::MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    fn moment(&mut self) -> u64 {
        self.moment += 1;
        self.moment
    }
}

/// Somebody with one operation under way at most.
#[derive(Default)]
pub(super) struct Client {
    /// Does nothing before.
    rests: u64,
    busy: Option<Busy>,
}

struct Busy {
    number: u64,
    attempt: u32,
    /// Where, in which of its lives.
    at: (NodeId, u32),
    /// When it looks for another member, in ms.
    patience: u64,
    /// Some attempt may take effect.
    unknown: bool,
    /// Asks again elsewhere if it does not know.
    stubborn: bool,
}

impl World {
    /// Ends what was answered or lost, and begins something new unless there shall be nothing new.
    pub(super) fn serve_clients(&mut self, new: bool) {
        let answers = std::mem::take(&mut self.book.open().answers);
        for answer in answers {
            self.answered(answer);
        }
        for place in 0..self.clients.len() {
            let client = &mut self.clients[place];
            match &client.busy {
                Some(busy) => {
                    let (id, life) = busy.at;
                    let host = self.hosts.get(&id);
                    let gone = host.is_none_or(|host| host.life != life || !host.runs());
                    if gone || self.now >= busy.patience {
                        self.unsettled(place);
                    }
                }
                None if new && self.now >= client.rests => self.begin(place),
                None => {}
            }
        }
    }

    /// Whether no operation is under way.
    pub(super) fn clients_rest(&self) -> bool {
        self.clients.iter().all(|client| client.busy.is_none())
    }

    fn begin(&mut self, place: usize) {
        if self.hosts.values().all(|host| host.db().is_none()) {
            return;
        }
        let kind = workload::draw(&mut self.rng, self.plan.keys, &self.versions);
        let number = {
            let mut book = self.book.open();
            let (number, began) = (book.operations.len() as u64 + 1, book.moment());
            let (ended, outcome) = (None, Outcome::Unknown);
            book.operations.insert(number, Operation { kind, began, ended, outcome });
            number
        };
        let stubborn = self.rng.random_bool(0.5);
        let busy = Busy { number, attempt: 0, at: (0, 0), patience: 0, unknown: false, stubborn };
        self.attempt(place, busy);
    }

    /// Asks some member.
    fn attempt(&mut self, place: usize, mut busy: Busy) {
        let open = self.hosts.values().filter(|host| host.db().is_some()).choose(&mut self.rng);
        let Some((host, db)) = open.and_then(|host| Some((host, host.db()?))) else {
            self.rest(place);
            return;
        };
        busy.attempt += 1;
        busy.at = (host.id, host.life);
        busy.patience = self.now + self.rng.random_range(1_000..=10_000);
        let (number, attempt, keys, book) =
            (busy.number, busy.attempt, self.plan.keys, self.book.clone());
        let keyed = busy.stubborn;
        let kind = book.open().operations[&number].kind.clone();
        self.trace.say(&format!("{number}.{attempt} at {}: {kind:?}", host.id));
        host.spawn(async move {
            let outcome = workload::run(&db, number, &kind, keys, keyed).await;
            let mut book = book.open();
            let moment = book.moment();
            book.answers.push(Answer { number, attempt, outcome, moment });
        });
        self.clients[place].busy = Some(busy);
    }

    fn answered(&mut self, answer: Answer) {
        let Answer { number, attempt, outcome, moment } = answer;
        self.trace.say(&format!("{number}.{attempt} {outcome:?}"));
        let this = |busy: &Busy| (busy.number, busy.attempt) == (number, attempt);
        let its = |client: &Client| client.busy.as_ref().is_some_and(this);
        let Some(place) = self.clients.iter().position(its) else { return };
        let unknown = self.clients[place].busy.as_ref().is_some_and(|busy| busy.unknown);
        match outcome {
            Outcome::Unknown => self.unsettled(place),
            Outcome::Wrote(ref seen) => self.settle(place, outcome.clone(), moment, seen),
            // What an earlier attempt may do is still open.
            _ if unknown => self.rest(place),
            Outcome::Saw(ref seen) => self.settle(place, outcome.clone(), moment, seen),
            Outcome::Failed => self.settle(place, outcome, moment, &[]),
        }
    }

    fn settle(
        &mut self,
        place: usize,
        outcome: Outcome,
        moment: u64,
        seen: &[crate::simulation::history::Seen],
    ) {
        for seen in seen {
            self.versions.insert(seen.key, seen.version);
        }
        if let Some(busy) = &self.clients[place].busy {
            let mut book = self.book.open();
            if let Some(operation) = book.operations.get_mut(&busy.number) {
                (operation.outcome, operation.ended) = (outcome, Some(moment));
            }
        }
        self.rest(place);
    }

    /// Nobody knows what became of it.
    fn unsettled(&mut self, place: usize) {
        let Some(mut busy) = self.clients[place].busy.take() else { return };
        busy.unknown = true;
        if busy.stubborn && busy.attempt < 6 {
            self.attempt(place, busy);
        } else {
            self.rest(place);
        }
    }

    fn rest(&mut self, place: usize) {
        let rests = self.now + self.rng.random_range(1..=self.plan.think);
        self.clients[place] = Client { rests, busy: None };
    }
}
