//! What must hold at every step, whatever happens: looked at from inside the members.

use crate::Db;
use crate::codec::{Position, Record, encode};
use crate::connection::{Connection, OpenOptions};
use crate::progress;
use crate::schema;
use crate::simulation::trace::Trace;
use crate::store;
use crate::types::{NodeId, TableHash};
use futures::FutureExt;
use openraft::async_runtime::watch::WatchReceiver;
use sqlx::Executor;
use std::collections::BTreeMap;

type Hash = [u8; 32];

/// What has been seen of all members so far.
#[derive(Default)]
pub(super) struct Checks {
    /// Who led in each term.
    leaders: BTreeMap<u64, NodeId>,
    /// What each entry holds and which came before it, by term and index.
    entries: BTreeMap<(u64, u64), (Hash, Option<Position>)>,
    /// What was applied, by index.
    committed: BTreeMap<u64, u64>,
    /// What the data was like after an index: version, schema, digests of schema and group.
    states: BTreeMap<u64, State>,
    tables: BTreeMap<u64, Vec<TableHash>>,
    /// What was last looked at of each member's log, and what it has applied.
    logs: BTreeMap<NodeId, (Option<Position>, u64)>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
struct State {
    version: u64,
    schema: u32,
    digest: u64,
    group: Vec<u8>,
    removed: Vec<NodeId>,
}

impl Checks {
    /// How many terms have had a leader.
    pub(super) fn terms(&self) -> usize {
        self.leaders.len()
    }

    /// Index of the last entry that anybody has applied.
    pub(super) fn applied(&self) -> u64 {
        self.committed.last_key_value().map_or(0, |(index, _)| *index)
    }

    /// How often tables were compared, that is: seen twice at the same index or more.
    pub(super) fn compared(&self) -> usize {
        self.tables.len()
    }

    /// A member's process has ended: it may come back with less.
    pub(super) fn forget(&mut self, id: NodeId) {
        self.logs.remove(&id);
    }

    /// Looks at a member.
    pub(super) fn look(&mut self, db: &Db, trace: &Trace) {
        if let Err(rule) = self.member(db, trace) {
            trace.broken(&format!("member {}: {rule}", db.0.identity.node));
        }
    }

    fn member(&mut self, db: &Db, trace: &Trace) -> Result<(), String> {
        let id = db.0.identity.node;
        let metrics = db.0.raft.metrics();
        let metrics = metrics.borrow_watched();
        if let Err(fatal) = &metrics.running_state {
            return Err(format!("it has stopped: {fatal}"));
        }
        if metrics.state.is_leader() {
            let term = metrics.current_term;
            if self.leads(id, term)? {
                trace.say(&format!("{id} leads in term {term}"));
            }
        }
        drop(metrics);
        self.log(db)?;
        self.state(db, trace)
    }

    /// One leader a term. Whether it is the first time that this one is seen.
    pub(super) fn leads(&mut self, id: NodeId, term: u64) -> Result<bool, String> {
        match self.leaders.insert(term, id) {
            Some(leader) if leader != id => {
                Err(format!("it leads in term {term}, and so does {leader}"))
            }
            known => Ok(known.is_none()),
        }
    }

    /// Logs that have an entry in common have all before it in common.
    fn log(&mut self, db: &Db) -> Result<(), String> {
        let (known, applied) = self.logs.get(&db.0.identity.node).copied().unwrap_or_default();
        let log = &db.0.log;
        let last = log.remembered(0, u64::MAX, 1).last().map(|entry| entry.log_id.into());
        if last == known {
            return Ok(());
        }
        // From the last known entry on, if it is still there.
        let from = known.map_or(0, |known| known.index);
        let first = log.remembered(from, from + 1, 1).last().map(|entry| entry.log_id.into());
        let from = if first == known { from } else { 0 };
        let tail = log.remembered(from, u64::MAX, usize::MAX);
        let mut before = None;
        for entry in &tail {
            let at = Position::from(entry.log_id);
            let body = encode(&Record::of(entry).map_err(|error| error.to_string())?);
            let hash = *blake3::hash(&body.map_err(|error| error.to_string())?).as_bytes();
            self.follows(at, hash, before)?;
            before = Some(at);
        }
        self.logs.insert(db.0.identity.node, (before.or(known), applied));
        Ok(())
    }

    /// An entry of some log and, as far as that shows it, the one before.
    pub(super) fn follows(
        &mut self,
        at: Position,
        hash: Hash,
        before: Option<Position>,
    ) -> Result<(), String> {
        let (seen, prior) = *self.entries.entry((at.term, at.index)).or_insert((hash, before));
        if seen != hash || before.is_some() && prior.is_some() && prior != before {
            return Err(format!(
                "its entry {at:?} after {before:?} is another one's, after {prior:?}"
            ));
        }
        if prior.is_none() {
            self.entries.insert((at.term, at.index), (hash, before));
        }
        Ok(())
    }

    /// What is applied is the same everywhere, and makes the same state.
    fn state(&mut self, db: &Db, trace: &Trace) -> Result<(), String> {
        let id = db.0.identity.node;
        let progress = db.0.store.progress();
        let Some(applied) = progress.applied.map(Position::from) else { return Ok(()) };
        let (known, before) = self.logs.get(&id).copied().unwrap_or_default();
        if before == applied.index {
            return Ok(());
        }
        trace.say(&format!("{id} applied {}.{}", applied.term, applied.index));
        self.logs.insert(id, (known, applied.index));
        for entry in db.0.log.remembered(before + 1, applied.index + 1, usize::MAX) {
            self.commit(entry.log_id.into())?;
        }
        self.commit(applied)?;
        if let Some(back) =
            progress.removed.iter().find(|id| progress.membership.get_node(id).is_some())
        {
            return Err(format!("after {applied:?} {back} is a member again"));
        }
        let group = crate::codec::StoredGroup::from(&progress.membership);
        let state = State {
            version: progress.version,
            schema: progress.schema,
            digest: progress.digest,
            group: encode(&group).map_err(|error| error.to_string())?,
            removed: progress.removed.iter().copied().collect(),
        };
        let other = self.states.entry(applied.index).or_insert_with(|| state.clone());
        if *other != state {
            return Err(format!("after {applied:?} it is at {state:?}, another was at {other:?}"));
        }
        Ok(())
    }

    /// What was applied at an index is applied there by all.
    pub(super) fn commit(&mut self, at: Position) -> Result<(), String> {
        let term = *self.committed.entry(at.index).or_insert(at.term);
        if term != at.term {
            return Err(format!("it applied {at:?}, another applied that of term {term}"));
        }
        Ok(())
    }

    /// Compares a member's tables with what others had after the same entry. Reads the file, as it is now.
    pub(super) fn tables(&mut self, db: &Db, trace: &Trace) {
        // With a disk that takes no time, this is ready at once.
        match tables(db).now_or_never().expect("nothing is waited for") {
            Ok((index, hashes)) => {
                let other = self.tables.entry(index).or_insert_with(|| hashes.clone());
                if *other != hashes {
                    let id = db.0.identity.node;
                    trace.broken(&format!(
                        "after {index}, the tables of {id} are others than those of another member"
                    ));
                }
            }
            Err(error) => trace.broken(&format!("the tables cannot be read: {error}")),
        }
    }
}

async fn tables(db: &Db) -> std::io::Result<(u64, Vec<TableHash>)> {
    use crate::error::io;
    // While the state is being exchanged there are two, and the newer may be incomplete.
    let live = (0..).map(|generation| store::file(db.0.store.dir(), generation));
    let path = live.take(10_000).find(|path| path.exists()).unwrap_or_default();
    let options = OpenOptions::new(path).read_only();
    let mut connection = Connection::open(&options).await.map_err(io)?;
    connection.execute("BEGIN").await.map_err(io)?;
    let progress = progress::load(&mut connection).await?;
    let hashes = schema::hashes(&mut connection).await.map_err(io)?;
    connection.close().await.map_err(io)?;
    Ok((progress.index(), hashes))
}
