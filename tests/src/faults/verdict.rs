//! What must hold, read from the events of a run.

use std::{collections::BTreeSet, time::Duration};

use crate::history::{self, Event, Failure};

/// Words that mean nothing to a user.
const INTERNAL: &[&str] = &["raft", "eof", "forward", "quorum"];
/// Of each kind of complaint so many examples are told.
const EXAMPLES: usize = 3;

/// Who was to be served, and when, since the load began.
#[derive(Debug)]
pub(super) struct Expected {
    /// Members that belong to a majority all the time.
    pub(super) majority: BTreeSet<usize>,
    /// Members whose daemon does not run for a time: they cannot answer.
    pub(super) down: BTreeSet<usize>,
    pub(super) begun: Duration,
    /// All members are ONLINE again.
    pub(super) whole: Duration,
}

/// Errors that nobody may see: of majority members at any time, of the others before and after.
pub(super) fn errors<'a>(events: &'a [Event], expected: &Expected) -> Vec<&'a Event> {
    let failed = events.iter().filter(|event| event.failure().is_some());
    let served = |event: &&Event| {
        let quiet = event.end < expected.begun || event.begin > expected.whole;
        quiet || expected.majority.contains(&event.member)
    };
    failed.filter(served).collect()
}

/// Everything that is not as it must be.
pub(super) fn complaints(events: &[Event], expected: &Expected) -> Vec<String> {
    let mut complaints = Vec::new();
    let errors = errors(events, expected);
    tell(&mut complaints, "an error where there was a majority", errors.iter().copied());
    let unclear =
        events.iter().filter(|event| !errors.iter().any(|error| std::ptr::eq(*error, *event)));
    let unclear = unclear.filter(|event| {
        let down = expected.down.contains(&event.member);
        event.failure().is_some_and(|failure| !is_clear(failure, down))
    });
    tell(&mut complaints, "an unclear error", unclear);
    if let Err(broken) = history::check(events) {
        complaints.extend(broken.iter().map(|broken| format!("not linearizable: {broken}")));
    }
    complaints
}

/// A 503 in words for users; where no daemon runs, a lost connection.
fn is_clear(failure: &Failure, down: bool) -> bool {
    let text = failure.text.to_lowercase();
    match failure.status {
        Some(503) => !INTERNAL.iter().any(|word| text.contains(word)),
        Some(_) => false,
        None => down,
    }
}

fn tell<'a>(complaints: &mut Vec<String>, what: &str, events: impl Iterator<Item = &'a Event>) {
    let events: Vec<_> = events.collect();
    complaints.extend(events.iter().take(EXAMPLES).map(|event| format!("{what}: {event}")));
    if events.len() > EXAMPLES {
        complaints.push(format!("… {} times {what}", events.len()));
    }
}
