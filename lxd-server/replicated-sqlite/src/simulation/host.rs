//! One simulated machine: a member's directory, its process, its clock.

use crate::simulation::disk::{self, Speed};
use crate::simulation::net::{Net, Stream};
use crate::types::NodeId;
use crate::{Db, Identity, Options};
use rand::rngs::StdRng;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, advance, sleep_until};

pub(super) struct Host {
    pub(super) id: NodeId,
    net: Net,
    options: Options,
    /// Counts its processes.
    pub(super) life: u32,
    process: Option<Process>,
    /// How fast its clock goes.
    pub(super) rate: f64,
    pub(super) speed: Speed,
    /// Stopped, not ended, until then.
    pub(super) frozen: u64,
}

struct Process {
    runtime: Runtime,
    opened: Arc<Mutex<Option<Result<Db, String>>>>,
    born: Instant,
    /// What its clock says since then, in ms.
    age: f64,
}

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Death {
    /// Killed: what it wrote is in the files, and its streams are closed by the kernel.
    Kill,
    /// The machine goes with it.
    PowerCut,
}

impl Host {
    pub(super) fn new(id: NodeId, net: Net, options: Options) -> Self {
        let (rate, speed) = (1.0, Speed::NONE);
        Self { id, net, options, life: 0, process: None, rate, speed, frozen: 0 }
    }

    pub(super) fn address(&self) -> String {
        format!("host{}", self.id)
    }

    fn dir(&self) -> PathBuf {
        PathBuf::from(format!("{}-{}", self.id, self.life))
    }

    pub(super) fn runs(&self) -> bool {
        self.process.is_some()
    }

    /// Its database, once it is open.
    pub(super) fn db(&self) -> Option<Db> {
        let opened = self.process.as_ref()?.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.as_ref()?.as_ref().ok().cloned()
    }

    /// Why it could not be opened.
    pub(super) fn failure(&self) -> Option<String> {
        let opened = self.process.as_ref()?.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.as_ref()?.as_ref().err().cloned()
    }

    /// Starts the process.
    pub(super) fn start(&mut self) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime without I/O needs nothing");
        let opened = Arc::new(Mutex::new(None));
        let (slot, dir, net) = (opened.clone(), self.dir(), self.net.at(self.id));
        let options = self.options.clone();
        let identity = Identity { cluster: "simulated".to_owned(), incarnation: 1, node: self.id };
        runtime.spawn(async move {
            let db = Db::open(&dir, identity, net, &options).await;
            let db = db.map_err(|error| error.to_string());
            *slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(db);
        });
        let born = runtime.block_on(async { Instant::now() });
        self.process = Some(Process { runtime, opened, born, age: 0.0 });
        self.net.listen(self.id);
    }

    /// Runs what there is to run until its clock has gone on by as much as `time` ms are for it.
    pub(super) fn step(&mut self, now: u64, time: u64) {
        let Some(process) = &mut self.process else { return };
        process.age += time as f64 * self.rate;
        if now < self.frozen {
            return;
        }
        disk::set(self.speed);
        let target = process.born + Duration::from_secs_f64(process.age.floor() / 1_000.0);
        process.runtime.block_on(async {
            let behind = target.saturating_duration_since(Instant::now());
            if behind > Duration::from_millis(50) {
                // It was frozen: all that was due meanwhile is due at once.
                advance(behind).await;
            }
            sleep_until(target).await;
        });
        disk::set(Speed::NONE);
    }

    /// Hands it a stream that another has opened.
    pub(super) fn accept(&self, from: NodeId, stream: Stream) {
        if let (Some(process), Some(db)) = (&self.process, self.db()) {
            process.runtime.spawn(async move { db.serve(from, stream).await });
        }
    }

    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(process) = &self.process {
            process.runtime.spawn(work);
        }
    }

    /// Ends the process at once; returns how many pages of its state's log went with the power.
    pub(super) fn die(&mut self, death: Death, rng: &mut StdRng) -> u64 {
        let Some(process) = self.process.take() else { return 0 };
        self.net.leave(self.id, death == Death::PowerCut);
        let before = self.dir();
        self.life += 1;
        let after = self.dir();
        disk::survivors(&before, &after).expect("files can be copied");
        let lost = match death {
            Death::Kill => 0,
            Death::PowerCut => disk::lose(&before, &after, rng).expect("files can be cut"),
        };
        // From here on it only dies: SQLite's threads close what nobody will look at.
        drop(process);
        let _ = std::fs::remove_dir_all(before);
        lost
    }

    /// Whether a process that was asked to close has done so.
    pub(super) fn gone(&mut self) {
        self.net.leave(self.id, false);
        self.process = None;
    }
}
