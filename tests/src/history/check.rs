//! Takes a history apart by profile and has each part searched for an order that explains it.
//!
//! Profiles are independent, so a history is linearizable if and only if that of each profile is. A
//! list takes effect at one moment, so what it says of each name is a read of that name within the same
//! time: whatever breaks is broken. That all names of a list are of *one* moment is not checked.

use std::{collections::BTreeMap, fmt};

use super::{Action, Answer, Event, Outcome, part::Part, search::Search};

/// Why no server without faults could have answered so.
#[derive(Debug)]
pub struct Broken {
    /// The profile.
    pub name: String,
    /// What could not be explained, and what happened around it.
    pub story: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.story)
    }
}

/// Whether the history is linearizable: every answer is one that a single server would have given
/// at some moment between request and answer.
///
/// # Errors
/// The profiles whose answers fit no order.
pub fn check(events: &[Event]) -> Result<(), Vec<Broken>> {
    let parts = take_apart(events).into_iter();
    let broken = parts.filter_map(|(name, parts)| {
        let story = Search::new(parts).run().err()?;
        Some(Broken { name: name.to_owned(), story })
    });
    let broken: Vec<_> = broken.collect();
    if broken.is_empty() { Ok(()) } else { Err(broken) }
}

/// Every profile's own requests and what lists said of it.
fn take_apart(events: &[Event]) -> BTreeMap<&str, Vec<Part<'_>>> {
    let mut parts: BTreeMap<&str, Vec<Part<'_>>> = BTreeMap::new();
    for event in events.iter().filter(|event| event.action != Action::List) {
        let list = parts.entry(&event.name).or_default();
        match &event.outcome {
            Outcome::Answered(answer) => list.push(Part::required(event, event.action, answer)),
            Outcome::Unknown(_) if event.action != Action::Get => list.push(Part::optional(event)),
            Outcome::Unknown(_) | Outcome::Nothing(_) => {}
        }
    }
    for event in events {
        let Outcome::Answered(Answer::Listed(listed)) = &event.outcome else { continue };
        for (name, list) in &mut parts {
            let said = listed.get(*name).map_or(Answer::Absent, |value| Answer::Found(*value));
            list.push(Part::required(event, Action::Get, &said));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        super::{Action::*, Failure, Value},
        *,
    };

    const A: Value = Value { count: 0, write: 1 };
    const B: Value = Value { count: 1, write: 2 };
    const C: Value = Value { count: 2, write: 3 };

    /// Begin and end in seconds, action, outcome.
    type Line = (u64, u64, Action, Outcome);

    fn holds(lines: &[Line]) -> bool {
        let event = |(begin, end, action, outcome): &Line| Event {
            member: 0,
            name: if *action == List { String::new() } else { "x".to_owned() },
            action: *action,
            outcome: outcome.clone(),
            begin: Duration::from_secs(*begin),
            end: Duration::from_secs(*end),
        };
        let events: Vec<_> = lines.iter().map(event).collect();
        check(&events).is_ok()
    }

    fn done() -> Outcome {
        Outcome::Answered(Answer::Done)
    }

    fn found(value: Value) -> Outcome {
        Outcome::Answered(Answer::Found(value))
    }

    fn refused(answer: Answer) -> Outcome {
        Outcome::Answered(answer)
    }

    fn unknown() -> Outcome {
        Outcome::Unknown(Failure { status: Some(503), text: String::new() })
    }

    fn nothing() -> Outcome {
        Outcome::Nothing(Failure { status: Some(503), text: String::new() })
    }

    fn listed(values: &[Value]) -> Outcome {
        let values = values.iter().map(|value| ("x".to_owned(), *value));
        Outcome::Answered(Answer::Listed(values.collect()))
    }

    #[test]
    fn what_one_server_would_answer_holds() {
        assert!(holds(&[]));
        assert!(holds(&[
            (0, 1, Get, refused(Answer::Absent)),
            (2, 3, Create(A), done()),
            (4, 5, Create(B), refused(Answer::Exists)),
            (6, 7, Swap { from: A, to: B }, done()),
            (8, 9, Swap { from: A, to: C }, refused(Answer::Changed)),
            (10, 11, List, listed(&[B])),
            (12, 13, Set(C), done()),
            (14, 15, Get, found(C)),
            (16, 17, Delete, done()),
            (18, 19, List, listed(&[])),
            (20, 21, Set(A), refused(Answer::Absent)),
        ]));
    }

    #[test]
    fn what_overlaps_may_happen_in_any_order() {
        assert!(holds(&[(0, 9, Create(A), done()), (1, 2, Get, refused(Answer::Absent))]));
        assert!(holds(&[(0, 9, Create(A), done()), (1, 2, Get, found(A))]));
        // The delete comes between two creates, though it was asked for first.
        assert!(holds(&[
            (0, 9, Delete, done()),
            (1, 9, Create(A), done()),
            (2, 9, Create(B), done()),
            (10, 11, Get, found(A)),
        ]));
        // Both orders of two concurrent updates, but one for all.
        let two = [(0, 1, Create(A), done()), (2, 5, Set(B), done()), (2, 5, Set(C), done())];
        for value in [B, C] {
            assert!(holds(&[&two[..], &[(6, 7, Get, found(value))]].concat()));
        }
        let both = [(6, 7, Get, found(B)), (8, 9, Get, found(C))];
        assert!(!holds(&[&two[..], &both[..]].concat()));
    }

    #[test]
    fn a_value_may_come_back_by_another_write() {
        let twice = [(0, 1, Create(A), done()), (2, 5, Set(B), done()), (4, 8, Set(A), done())];
        assert!(holds(&[&twice[..], &[(9, 10, Swap { from: A, to: C }, done())]].concat()));
        assert!(holds(&[&twice[..], &[(9, 10, Get, found(B))]].concat()));
    }

    #[test]
    fn a_stale_read_is_found() {
        let written = [(0, 1, Create(A), done()), (2, 3, Set(B), done())];
        assert!(!holds(&[&written[..], &[(4, 5, Get, found(A))]].concat()));
        assert!(!holds(&[&written[..], &[(4, 5, List, listed(&[A]))]].concat()));
        assert!(!holds(&[&written[..], &[(4, 5, List, listed(&[]))]].concat()));
        // Seen once, it cannot be unseen, though the write goes on.
        let slow = [(0, 1, Create(A), done()), (2, 9, Set(B), done())];
        let seen = [(3, 4, Get, found(B)), (5, 6, Get, found(A))];
        assert!(!holds(&[&slow[..], &seen[..]].concat()));
    }

    #[test]
    fn a_lost_update_is_found() {
        // Two updates of the same value cannot both have been made…
        assert!(!holds(&[
            (0, 1, Create(A), done()),
            (2, 5, Swap { from: A, to: B }, done()),
            (2, 5, Swap { from: A, to: C }, done()),
        ]));
        // … and one that was acknowledged must be there.
        let written = [(0, 1, Create(A), done()), (2, 3, Swap { from: A, to: B }, done())];
        assert!(!holds(&[&written[..], &[(4, 5, Get, found(A))]].concat()));
        assert!(!holds(&[&written[..], &[(4, 5, Get, refused(Answer::Absent))]].concat()));
    }

    #[test]
    fn a_doubled_write_is_found() {
        assert!(!holds(&[
            (0, 1, Create(A), done()),
            (2, 3, Delete, done()),
            (4, 5, Get, found(A)),
        ]));
        assert!(!holds(&[
            (0, 1, Create(A), done()),
            (2, 3, Set(B), done()),
            (4, 5, Set(C), done()),
            (6, 7, Get, found(B)),
        ]));
        assert!(!holds(&[(0, 5, Create(A), done()), (1, 5, Create(B), done())]));
    }

    #[test]
    fn a_write_after_a_definite_no_is_found() {
        assert!(!holds(&[(0, 1, Create(A), nothing()), (2, 3, Get, found(A))]));
        assert!(holds(&[(0, 1, Create(A), nothing()), (2, 3, Get, refused(Answer::Absent))]));
        assert!(!holds(&[
            (0, 1, Create(A), done()),
            (2, 3, Swap { from: B, to: C }, refused(Answer::Changed)),
            (4, 5, Get, found(C)),
        ]));
    }

    #[test]
    fn a_wrong_refusal_is_found() {
        assert!(!holds(&[(0, 1, Create(A), refused(Answer::Exists))]));
        assert!(!holds(&[(0, 1, Create(A), done()), (2, 3, Delete, refused(Answer::Absent))]));
        assert!(!holds(&[
            (0, 1, Create(A), done()),
            (2, 3, Swap { from: A, to: B }, refused(Answer::Changed)),
        ]));
    }

    #[test]
    fn what_may_have_happened_may_come_late_or_never() {
        let doubtful = [(0, 1, Create(A), done()), (2, 3, Set(B), unknown())];
        assert!(holds(&[&doubtful[..], &[(4, 5, Get, found(A))]].concat()));
        assert!(holds(&[&doubtful[..], &[(4, 5, Get, found(B))]].concat()));
        let late = [(4, 5, Get, found(A)), (6, 7, Get, found(B))];
        assert!(holds(&[&doubtful[..], &late[..]].concat()));
        let undone = [(4, 5, Get, found(B)), (6, 7, Get, found(A))];
        assert!(!holds(&[&doubtful[..], &undone[..]].concat()));
        // It happens once at most.
        let twice = [(4, 5, Get, found(B)), (6, 7, Set(C), done()), (8, 9, Get, found(B))];
        assert!(!holds(&[&doubtful[..], &twice[..]].concat()));
        // And not before it was asked for.
        assert!(!holds(&[
            (0, 1, Create(A), done()),
            (2, 3, Get, found(B)),
            (4, 5, Set(B), unknown()),
        ]));
    }

    #[test]
    fn an_unknown_delete_explains_a_second_create() {
        let doubtful = [(0, 1, Create(A), done()), (2, 3, Delete, unknown())];
        let again = [(4, 5, Create(B), done()), (6, 7, Get, found(B))];
        assert!(holds(&[&doubtful[..], &again[..]].concat()));
        let third = [(8, 9, Delete, done()), (10, 11, Create(A), refused(Answer::Exists))];
        assert!(!holds(&[&doubtful[..], &again[..], &third[..]].concat()));
    }

    #[test]
    fn many_unknowns_are_decided() {
        let value = |write| Value { count: 0, write };
        let mut lines = vec![(0, 1, Create(A), done())];
        lines.extend((10..60).map(|write| (2, 3, Set(value(write)), unknown())));
        lines.extend((10..60).map(|write| (write, write + 1, Get, found(value(write)))));
        assert!(holds(&lines));
        lines.push((99, 100, Get, found(value(10))));
        assert!(!holds(&lines));
    }
}
