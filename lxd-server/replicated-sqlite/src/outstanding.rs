//! The numbers of this member's transactions, and which of them still want an answer.

use crate::types::{NodeId, TxId};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Hands out transaction ids.
#[derive(Debug)]
pub(crate) struct Outstanding {
    node: NodeId,
    boot: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    open: BTreeSet<u64>,
}

impl Outstanding {
    pub(crate) fn new(node: NodeId, boot: u64) -> Self {
        Self { node, boot, state: Mutex::default() }
    }

    /// A new id, which wants an answer for as long as the ticket lives.
    pub(crate) fn begin(&self) -> Ticket<'_> {
        let mut state = self.state();
        state.last += 1;
        let sequence = state.last;
        state.open.insert(sequence);
        Ticket { owner: self, id: TxId { node: self.node, boot: self.boot, sequence } }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transaction under way.
#[derive(Debug)]
pub(crate) struct Ticket<'a> {
    owner: &'a Outstanding,
    pub(crate) id: TxId,
}

impl Ticket<'_> {
    /// The oldest sequence that still wants an answer.
    pub(crate) fn oldest(&self) -> u64 {
        self.owner.state().open.first().copied().unwrap_or(self.id.sequence)
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.owner.state().open.remove(&self.id.sequence);
    }
}
