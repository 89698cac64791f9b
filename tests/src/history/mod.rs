//! What clients did and what came of it, and whether one server without faults could have answered so.

mod check;
#[cfg(test)]
mod dice;
#[cfg(test)]
mod exact_tests;
mod model;
mod part;
#[cfg(test)]
mod paused_tests;
mod search;

use std::{collections::BTreeMap, fmt, time::Duration};

pub use check::{Broken, check};

/// What a profile holds. Every write's is another one, so that a lost or doubled write shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Value {
    /// Updates that were made on what their client had read, since the profile was made.
    pub count: u32,
    /// The write that put it there.
    pub write: u64,
}

/// What a client asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// POST: the profile must not be there.
    Create(Value),
    /// PUT without a condition.
    Set(Value),
    /// PUT with the ETag of what the client has read.
    Swap {
        from: Value,
        to: Value,
    },
    Delete,
    Get,
    /// GET of the list: it names no profile.
    List,
}

/// A definite answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Done,
    Found(Value),
    Listed(BTreeMap<String, Value>),
    /// Refused: there is no such profile (404).
    Absent,
    /// Refused: there is such a profile.
    Exists,
    /// Refused: the profile holds another value (412).
    Changed,
}

/// What a client knows afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Answered(Answer),
    /// It has not happened and never will: the server said so, or was never reached.
    Nothing(Failure),
    /// It may have happened, or may yet happen.
    Unknown(Failure),
}

/// An error that is no refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// HTTP status; none if no answer came.
    pub status: Option<u16>,
    pub text: String,
}

/// One request, from its beginning to its answer, both counted from the start of the load.
#[derive(Clone, Debug)]
pub struct Event {
    /// The index of the member that was asked.
    pub member: usize,
    /// The profile; empty for a list.
    pub name: String,
    pub action: Action,
    pub outcome: Outcome,
    pub begin: Duration,
    pub end: Duration,
}

impl Event {
    /// The error, if it ended with one.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match &self.outcome {
            Outcome::Answered(_) => None,
            Outcome::Nothing(failure) | Outcome::Unknown(failure) => Some(failure),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { member, name, action, outcome, begin, end } = self;
        let (begin, end) = (begin.as_secs_f64(), end.as_secs_f64());
        write!(f, "{begin:.3}–{end:.3} s, node{}, {name}: {action:?}: {outcome:?}", member + 1)
    }
}
