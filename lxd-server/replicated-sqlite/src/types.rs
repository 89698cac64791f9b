//! The vocabulary: Raft's types, what a log entry holds, what a transaction's transcript is.
//! The only module, beside the stores and the network, that names openraft.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A member's number. Drawn by the application, never 0, never used twice.
pub type NodeId = u64;

openraft::declare_raft_types!(
    /// The one place that names openraft's type parameters.
    pub(crate) Types:
        D = Command,
        R = Applied,
        NodeId = NodeId,
        // A member's address, as the transport understands it.
        Node = String,
        LeaderId = openraft::impls::leader_id_std::LeaderId<Self::Term, Self::NodeId>,
        AsyncRuntime = openraft_rt_tokio::TokioRuntime,
);

pub(crate) type Raft = openraft::Raft<Types, crate::machine::StateMachine>;
pub(crate) type Term = openraft::type_config::alias::CommittedLeaderIdOf<Types>;
pub(crate) type LogId = openraft::type_config::alias::LogIdOf<Types>;
pub(crate) type Vote = openraft::type_config::alias::VoteOf<Types>;
pub(crate) type Entry = openraft::type_config::alias::EntryOf<Types>;
pub(crate) type Membership = openraft::type_config::alias::StoredMembershipOf<Types>;
pub(crate) type SnapshotMeta = openraft::type_config::alias::SnapshotMetaOf<Types>;
pub(crate) type Snapshot =
    openraft::type_config::alias::SnapshotOf<Types, crate::snapshot::SnapshotFile>;
pub(crate) type Metrics = openraft::RaftMetrics<Types>;
pub(crate) type ServerMetrics = openraft::metrics::RaftServerMetrics<Types>;

/// What the log replicates. (openraft asks for serde here; what is written is [`crate::codec`]'s.)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Command {
    /// What a batch of transactions changed, computed against data version `base` and the schema
    /// with digest `schema`. The transactions' ids travel inside, as rows of `_tx`.
    Change { base: u64, schema: u64, changeset: Vec<u8> },
    /// A schema step: DDL is not captured by the session extension.
    Ddl { from: u32, to: u32, sql: String },
    /// What every table hashed to on the leader at data version `base`.
    Check { base: u64, hashes: Vec<TableHash> },
    /// Written by a later version of this crate. Kept and passed on, never applied.
    Unknown { kind: u8, body: Vec<u8> },
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Change { base, changeset, .. } => {
                write!(f, "change(base {base}, {} bytes)", changeset.len())
            }
            Self::Ddl { from, to, .. } => write!(f, "ddl({from} -> {to})"),
            Self::Check { base, .. } => write!(f, "check(base {base})"),
            Self::Unknown { kind, .. } => write!(f, "unknown({kind})"),
        }
    }
}

/// One table's rows in the order of their key, digested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TableHash {
    pub(crate) table: String,
    pub(crate) hash: Digest,
}

/// What applying an entry came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Applied {
    Done,
    /// The entry was computed on another version of the data than the one it met.
    Stale,
}

/// A transaction's identity, kept over all retries: the member, which of its starts, a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct TxId {
    pub(crate) node: NodeId,
    pub(crate) boot: u64,
    pub(crate) sequence: u64,
}

/// An SQLite value, as it is bound and returned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// NULL.
    Null,
    /// INTEGER.
    Integer(i64),
    /// REAL.
    Real(f64),
    /// TEXT.
    Text(String),
    /// BLOB.
    Blob(Vec<u8>),
}

/// What a transaction did and saw: enough to do it again elsewhere and to know whether it saw the same.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Transcript {
    pub(crate) steps: Vec<Step>,
    /// The closure ended in an error: what it did is undone, only what it saw counts.
    pub(crate) failed: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) sql: String,
    /// `None`: plain SQL text (may be several statements), no parameters.
    pub(crate) params: Option<Vec<Value>>,
    pub(crate) seen: Digest,
}

pub(crate) type Digest = [u8; 16];

/// One attempt of a transaction on its way to the leader.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Submission {
    pub(crate) id: TxId,
    /// The sender's oldest sequence that it still wants an answer for.
    pub(crate) oldest: u64,
    /// Counts the runs of the closure. A retry of the same run keeps it, so that the member knows
    /// which of its results became true if an early attempt was the one that went through.
    pub(crate) attempt: u32,
    /// The data version it ran on, if nothing ran before it in its batch.
    pub(crate) base: Option<u64>,
    /// How often this transaction has collided already.
    pub(crate) conflicts: u32,
    pub(crate) transcript: Transcript,
}

/// The leader's answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Verdict {
    /// The attempt with this number is what happened.
    Committed { index: u64, attempt: u32 },
    /// The leader saw something else; run again on a state of at least `index`.
    Conflict { index: u64 },
    /// Not (or no longer, or not yet) the leader, or the outcome is unknown: same id, again.
    Retry,
    /// Nothing was sent and nothing happened: same id, again, at once.
    Again,
    /// Can never succeed.
    Refused(String),
    /// The closure failed, and did so on a state that was the latest: the error is the answer.
    Failed,
}
