//! Work that goes on after its request was answered: a bounded registry of it.
//! Knows nothing of tokens, which are rows of the database and only shown as operations.

mod work;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use shared_api::operations::{Class, Operation, StatusCode};
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub use work::Progress;

use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::events::Events;
use crate::limits;

/// What an operation is about.
#[derive(Clone, Debug, Default)]
pub struct Task {
    /// Such as `Creating bootstrap node`.
    pub description: String,
    /// URLs of what is worked on, by kind.
    pub resources: BTreeMap<String, Vec<String>>,
    /// Its project; nothing for work on the server itself, which everybody sees.
    pub project: Option<String>,
    /// Whether a user may end it half-way; the work then is dropped where it waits.
    pub may_cancel: bool,
}

/// The operations of this member. Clones are the same.
#[derive(Clone)]
pub struct Operations(Arc<Inner>);

struct Inner {
    events: Events,
    entries: Mutex<HashMap<Uuid, Entry>>,
    /// How many have not ended.
    running: watch::Sender<usize>,
    /// How long one stays visible after its end.
    linger: Duration,
}

#[derive(Clone)]
struct Entry {
    state: watch::Sender<Operation>,
    project: Option<String>,
    cancel: CancellationToken,
}

impl Operations {
    /// An empty registry that tells `events` of each change.
    pub fn new(events: Events) -> Self {
        Self::lingering(events, limits::OPERATION_LINGER)
    }

    fn lingering(events: Events, linger: Duration) -> Self {
        let running = watch::Sender::new(0);
        Self(Arc::new(Inner { events, entries: Mutex::default(), running, linger }))
    }

    /// Starts the work in a task of its own and returns its operation, already running. It stays
    /// visible for [`limits::OPERATION_LINGER`] after its end.
    ///
    /// # Errors
    /// There are [`limits::OPERATIONS_MAX`] already.
    pub fn spawn<W, F>(&self, task: Task, work: W) -> Result<Operation>
    where
        W: FnOnce(Progress) -> F,
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let entry = self.enter(task)?;
        let progress = Progress::new(self.0.events.clone(), entry.clone());
        progress.set_status(StatusCode::Running);
        let running = entry.state.borrow().clone();
        let (registry, id, work) = (self.clone(), running.id, work(progress.clone()));
        tokio::spawn(async move {
            work::run(work, &progress, &entry.cancel).await;
            registry.0.running.send_modify(|running| *running -= 1);
            tokio::time::sleep(registry.0.linger).await;
            registry.entries().remove(&id);
        });
        Ok(running)
    }

    /// An operation as it is now.
    pub fn get(&self, id: Uuid) -> Result<Operation> {
        Ok(self.entry(id)?.state.borrow().clone())
    }

    /// The project of an operation of this member, if it has one.
    pub fn project(&self, id: Uuid) -> Option<String> {
        self.entries().get(&id)?.project.clone()
    }

    /// The operations of a project and those of none, or all; oldest first.
    pub fn list(&self, project: Option<&str>) -> Vec<Operation> {
        let shown = |entry: &&Entry| match (project, &entry.project) {
            (Some(wanted), Some(project)) => wanted == project,
            _ => true,
        };
        let mut list: Vec<_> = self
            .entries()
            .values()
            .filter(shown)
            .map(|entry| entry.state.borrow().clone())
            .collect();
        list.sort_by_key(|operation| operation.created_at);
        list
    }

    /// The operation when it has ended, or as it is when the time is over.
    pub async fn wait(&self, id: Uuid, limit: Option<Duration>) -> Result<Operation> {
        let mut state = self.entry(id)?.state.subscribe();
        let ended = async {
            // Its sender lives in the registry, or the state is final.
            let _ = state.wait_for(|operation| operation.status_code.is_final()).await;
        };
        match limit {
            Some(limit) => drop(timeout(limit, ended).await),
            None => ended.await,
        }
        let operation = state.borrow().clone();
        Ok(operation)
    }

    /// Ends an operation half-way.
    ///
    /// # Errors
    /// It has ended already, or its work may not be left half-way.
    pub async fn cancel(&self, id: Uuid) -> Result<()> {
        let entry = self.entry(id)?;
        let operation = entry.state.borrow().clone();
        if operation.status_code.is_final() {
            return Err(Error::invalid("Only running operations can be cancelled"));
        }
        if !operation.may_cancel {
            return Err(Error::invalid("This operation can't be cancelled"));
        }
        entry.cancel.cancel();
        self.wait(id, None).await.map(drop)
    }

    /// How many have not ended.
    pub fn running(&self) -> usize {
        *self.0.running.borrow()
    }

    /// Waits until none is running: for a graceful end of the daemon.
    pub async fn idle(&self) {
        let mut running = self.0.running.subscribe();
        // The sender is in self.
        let _ = running.wait_for(|running| *running == 0).await;
    }

    /// Enters a pending operation.
    fn enter(&self, task: Task) -> Result<Entry> {
        let now = clock::now();
        let resources = task.resources.into_iter().map(|(kind, urls)| (kind, Some(urls))).collect();
        let operation = Operation {
            id: Uuid::new_v4(),
            class: Class::Task,
            description: task.description,
            created_at: now,
            updated_at: now,
            status: StatusCode::Pending.text().to_owned(),
            status_code: StatusCode::Pending,
            resources: Some(resources).filter(|resources: &BTreeMap<_, _>| !resources.is_empty()),
            metadata: None,
            may_cancel: task.may_cancel,
            err: String::new(),
            location: self.0.events.location(),
        };
        let entry = Entry {
            state: watch::Sender::new(operation.clone()),
            project: task.project,
            cancel: CancellationToken::new(),
        };
        {
            let mut entries = self.entries();
            if entries.len() >= limits::OPERATIONS_MAX {
                return Err(Error::new(Kind::Busy, "Too many operations"));
            }
            entries.insert(operation.id, entry.clone());
        }
        self.0.running.send_modify(|running| *running += 1);
        self.0.events.operation(&operation, entry.project.as_deref());
        Ok(entry)
    }

    fn entry(&self, id: Uuid) -> Result<Entry> {
        let entry = self.entries().get(&id).cloned();
        entry.ok_or_else(|| Error::not_found("Operation not found"))
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<Uuid, Entry>> {
        self.0.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an operation tells of itself while it runs.
pub type Metadata = Map<String, Value>;

#[cfg(test)]
mod tests;
