//! Where the data of one member stands: kept in the database, in the transaction that changes the data.

use crate::codec::{Position, StoredGroup, decode, encode};
use crate::connection::Connection;
use crate::error::io;
use crate::schema;
use crate::types::{LogId, Membership, NodeId};
use sqlx::Row;
use std::collections::BTreeSet;
use std::io::Result;

/// Where the data stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) applied: Option<LogId>,
    pub(crate) membership: Membership,
    /// Log index of the last entry that changed data: what `Change::base` is compared with.
    pub(crate) version: u64,
    /// Schema steps taken.
    pub(crate) schema: u32,
    /// Up to here the log was durable when this was written. openraft may apply what a majority has before
    /// this member's own log does: so `applied` can be ahead of the log, and this cannot.
    pub(crate) durable: u64,
    /// Who was a member once. Ids are never used again, so these are kept for ever.
    pub(crate) removed: BTreeSet<NodeId>,
    /// What the schema hashes to. Not stored: the schema is there to be asked.
    pub(crate) digest: u64,
}

impl Progress {
    /// Takes on a new membership.
    pub(crate) fn regroup(&mut self, membership: Membership) {
        let gone = self.membership.nodes().map(|(id, _)| *id);
        let gone = gone.filter(|id| membership.get_node(id).is_none());
        self.removed.extend(gone);
        self.membership = membership;
    }

    /// Index of the last applied entry; 0 if none was.
    pub(crate) fn index(&self) -> u64 {
        self.applied.map_or(0, |id| id.index)
    }
}

/// Reads it from a state database or a snapshot.
pub(crate) async fn load(connection: &mut Connection) -> Result<Progress> {
    let digest = schema::digest(connection).await.map_err(io)?;
    let row =
        sqlx::query("SELECT applied, membership, version, schema, durable, removed FROM _raft");
    let Some(row) = row.fetch_optional(connection).await.map_err(io)? else {
        return Ok(Progress { digest, ..Progress::default() });
    };
    Ok(Progress {
        applied: decode::<Option<Position>>(row.get(0))?.map(LogId::from),
        membership: decode::<StoredGroup>(row.get(1))?.try_into()?,
        version: row.get::<i64, _>(2).unsigned_abs(),
        schema: row.get::<u32, _>(3),
        durable: row.get::<i64, _>(4).unsigned_abs(),
        removed: decode(row.get(5))?,
        digest,
    })
}

/// To be called in the transaction that holds the data.
pub(crate) async fn save(connection: &mut Connection, progress: &Progress) -> Result<()> {
    sqlx::query("REPLACE INTO _raft VALUES (1, ?, ?, ?, ?, ?, ?)")
        .bind(encode(&progress.applied.map(Position::from))?)
        .bind(encode(&StoredGroup::from(&progress.membership))?)
        .bind(i64::try_from(progress.version).map_err(io)?)
        .bind(progress.schema)
        .bind(i64::try_from(progress.durable).map_err(io)?)
        .bind(encode(&progress.removed)?)
        .execute(connection)
        .await
        .map_err(io)?;
    Ok(())
}
