//! Clients at every member, each request written down: mixed operations on profiles, at a steady pace.

mod client;

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use tokio::{
    sync::Semaphore,
    task::{JoinHandle, JoinSet},
    time::{MissedTickBehavior, interval},
};

use crate::{
    api::{Api, block_on, runtime},
    history::{Event, Outcome},
    rack::Rack,
    wait::wait_until,
};
use client::Client;

/// 50 operations a second at each member.
const PACE: Duration = Duration::from_millis(20);
/// Clients at each member; when all of them wait for answers, no operation is begun.
const CLIENTS: usize = 200;
/// Clients lose patience after this; the daemon's own deadline is 30 s.
const LIMIT: Duration = Duration::from_secs(60);

/// A load that runs.
#[derive(Debug)]
pub struct Load {
    apis: Vec<Api>,
    record: Arc<Record>,
    members: Vec<JoinHandle<Result<()>>>,
}

/// What the clients share: the time and what they have done.
#[derive(Debug)]
struct Record {
    start: Instant,
    stop: AtomicBool,
    events: Mutex<Vec<Event>>,
}

impl Load {
    /// Starts clients on the socket of every host.
    pub fn start(rack: &Rack) -> Self {
        let record = Record {
            start: Instant::now(),
            stop: AtomicBool::new(false),
            events: Mutex::new(Vec::new()),
        };
        let record = Arc::new(record);
        let apis: Vec<_> = rack.hosts.iter().map(Api::of).collect();
        let members = apis.iter().enumerate().map(|(member, api)| {
            runtime().spawn(operate(Client::new(member, api.clone(), record.clone())))
        });
        Self { members: members.collect(), apis, record }
    }

    /// How long it has been running: the clock of its events.
    #[must_use]
    pub fn time(&self) -> Duration {
        self.record.start.elapsed()
    }

    /// Waits until every member in `members` has given so many definite answers since `since`.
    pub fn wait_for(
        &self,
        members: &BTreeSet<usize>,
        answers: usize,
        since: Duration,
    ) -> Result<()> {
        wait_until(&format!("{answers} answers at each of {members:?}"), LIMIT, || {
            let events = self.record.events();
            let answered = |member: usize| {
                let of = |event: &&Event| event.member == member && event.begin >= since;
                let answered = |event: &&Event| matches!(event.outcome, Outcome::Answered(_));
                events.iter().filter(of).filter(answered).count()
            };
            members.iter().all(|member| answered(*member) >= answers).then_some(())
        })
    }

    /// Ends it, waits for the answers still owed, and reads the list once more at every member.
    pub fn stop(self) -> Result<Vec<Event>> {
        self.record.stop.store(true, Ordering::Relaxed);
        block_on(async {
            for member in self.members {
                member.await.context("the load panicked")??;
            }
            for (member, api) in self.apis.into_iter().enumerate() {
                Client::new(member, api, self.record.clone()).read_all().await;
            }
            anyhow::Ok(())
        })?;
        Ok(std::mem::take(&mut *self.record.events()))
    }
}

impl Record {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    fn events(&self) -> std::sync::MutexGuard<'_, Vec<Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, event: Event) {
        self.events().push(event);
    }
}

/// The longest time in which none of a member's requests was answered, between two moments.
#[must_use]
pub fn longest_gap(events: &[Event], member: usize, from: Duration, to: Duration) -> Duration {
    let answered = |event: &&Event| matches!(event.outcome, Outcome::Answered(_));
    let of = events.iter().filter(|event| event.member == member).filter(answered);
    let mut ends: Vec<_> = of.map(|event| event.end.clamp(from, to)).collect();
    ends.extend([from, to]);
    ends.sort_unstable();
    ends.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or_default()
}

async fn operate(client: Client) -> Result<()> {
    let (client, places) = (Arc::new(client), Arc::new(Semaphore::new(CLIENTS)));
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut tasks = JoinSet::new();
    for number in 0.. {
        pace.tick().await;
        if client.stopped() {
            break;
        }
        if let Ok(place) = places.clone().try_acquire_owned() {
            let client = client.clone();
            tasks.spawn(async move {
                client.operate(number).await;
                drop(place);
            });
        }
        while tasks.try_join_next().transpose().context("a client panicked")?.is_some() {}
    }
    while let Some(ended) = tasks.join_next().await {
        ended.context("a client panicked")?;
    }
    Ok(())
}
