//! What travels from a read or write to this member's writer and back.

use crate::store::Loan;
use crate::types::{NodeId, Submission, Transcript, TxId, Verdict};
use tokio::sync::oneshot;

/// A transaction on its way through the writer.
pub(crate) struct Job {
    pub(crate) task: Task,
    pub(crate) reply: oneshot::Sender<Verdict>,
}

pub(crate) enum Task {
    /// From another member: do again what it did there.
    Replay(Submission),
    /// From this one: lend the connection to the closure, in the caller's own task.
    Lend(Call),
}

/// What the writer can be asked for.
pub(crate) enum Work {
    /// Transactions that ran one on top of the other, or a single one.
    Transactions(Vec<Job>),
    Step(Step),
}

/// A schema step, number `from` + 1.
pub(crate) struct Step {
    pub(crate) from: u32,
    pub(crate) sql: String,
    pub(crate) reply: oneshot::Sender<Verdict>,
}

/// A closure that waits for its turn.
pub(crate) struct Call {
    pub(crate) id: TxId,
    /// The oldest sequence that this member still wants an answer for.
    pub(crate) oldest: u64,
    pub(crate) attempt: u32,
    pub(crate) conflicts: u32,
    /// `None` once it has had its turn.
    pub(crate) offer: Option<oneshot::Sender<Offer>>,
}

/// The connection, for one run of a closure.
pub(crate) struct Offer {
    pub(crate) loan: Loan,
    pub(crate) record: bool,
    /// What the closure did (no steps if not recorded), and whether it failed.
    pub(crate) done: oneshot::Sender<Transcript>,
}

impl Task {
    pub(crate) fn id(&self) -> TxId {
        match self {
            Self::Replay(submission) => submission.id,
            Self::Lend(call) => call.id,
        }
    }

    pub(crate) fn attempt(&self) -> u32 {
        match self {
            Self::Replay(submission) => submission.attempt,
            Self::Lend(call) => call.attempt,
        }
    }

    pub(crate) fn oldest(&self) -> u64 {
        match self {
            Self::Replay(submission) => submission.oldest,
            Self::Lend(call) => call.oldest,
        }
    }

    /// The member that has had enough of collisions, if this is such a transaction.
    pub(crate) fn patience_lost(&self) -> Option<NodeId> {
        match self {
            Self::Replay(submission) if submission.conflicts >= 2 => Some(submission.id.node),
            _ => None,
        }
    }
}
