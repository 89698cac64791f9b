//! What the checks must find: right observations, and the same with one thing wrong.

use crate::codec::Position;
use crate::simulation::checks::Checks;
use crate::simulation::history::{Effect, Kind, Operation, Outcome, Seen, check};
use std::collections::BTreeMap;

const A: Seen = Seen { key: 0, version: 1, value: Some(7) };
const B: Seen = Seen { key: 0, version: 2, value: Some(9) };
const NONE: Seen = Seen { key: 0, version: 0, value: None };

fn put(seen: Seen) -> Kind {
    Kind::Put { key: seen.key, value: seen.value.unwrap_or(0) }
}

/// Each begins when the one before has ended.
fn holds(operations: &[(Kind, Outcome)], effects: &[(u64, Seen)]) -> bool {
    let operations = operations.iter().zip(1u64..).map(|((kind, outcome), number)| {
        let (began, heard) = (2 * number, *outcome != Outcome::Unknown);
        let ended = heard.then_some(2 * number + 1);
        (number, Operation { kind: kind.clone(), began, ended, outcome: outcome.clone() })
    });
    let operations: BTreeMap<u64, Operation> = operations.collect();
    let effect = |(operation, seen): &(u64, Seen)| Effect { operation: *operation, seen: *seen };
    let effects: Vec<Effect> = effects.iter().map(effect).collect();
    check(&operations, &effects).is_ok()
}

fn wrote(seen: Seen) -> (Kind, Outcome) {
    (put(seen), Outcome::Wrote(vec![seen]))
}

fn saw(seen: Seen) -> (Kind, Outcome) {
    (Kind::Get { key: seen.key }, Outcome::Saw(vec![seen]))
}

#[test]
fn an_acknowledged_write_is_there_once() {
    assert!(holds(&[wrote(A), wrote(B)], &[(1, A), (2, B)]));
    // Lost, doubled, or another's.
    assert!(!holds(&[wrote(A)], &[]));
    assert!(!holds(&[wrote(A)], &[(1, A), (1, Seen { version: 2, ..A })]));
    assert!(!holds(&[wrote(A), (put(B), Outcome::Failed)], &[(1, A), (2, B)]));
    assert!(!holds(&[wrote(A)], &[(1, Seen { value: Some(8), ..A })]));
    assert!(!holds(&[], &[(1, A)]));
    // In the place of another, or with a hole before it.
    assert!(!holds(
        &[wrote(A), wrote(B)],
        &[(2, Seen { version: 1, ..B }), (1, Seen { version: 2, ..A })]
    ));
    assert!(!holds(&[wrote(B)], &[(1, B)]));
    // Nobody knows of these.
    assert!(holds(&[(put(A), Outcome::Unknown)], &[(1, A)]));
    assert!(holds(&[(put(A), Outcome::Unknown)], &[]));
}

#[test]
fn a_read_sees_the_last_write_that_had_ended() {
    assert!(holds(&[saw(NONE), wrote(A), saw(A), wrote(B), saw(B)], &[(2, A), (4, B)]));
    assert!(!holds(&[wrote(A), saw(NONE)], &[(1, A)]));
    assert!(!holds(&[wrote(A), wrote(B), saw(A)], &[(1, A), (2, B)]));
    assert!(!holds(&[saw(A), wrote(A)], &[(2, A)]));
    assert!(!holds(&[wrote(A), saw(Seen { value: Some(8), ..A })], &[(1, A)]));
}

#[test]
fn those_who_see_all_see_one_history() {
    let (other, all) =
        (Seen { key: 1, ..A }, |seen: [Seen; 2]| (Kind::All, Outcome::Saw(seen.into())));
    let nothing = Seen { key: 1, ..NONE };
    let writes = [(put(A), Outcome::Unknown), (put(other), Outcome::Unknown)];
    let effects = [(1, A), (2, other)];
    let views = |views: [(Kind, Outcome); 2]| holds(&[&writes[..], &views[..]].concat(), &effects);
    assert!(views([all([A, nothing]), all([A, other])]));
    assert!(!views([all([A, nothing]), all([NONE, other])]));
    // One that writes two keys is seen whole.
    let gone = Seen { key: 0, version: 1, value: None };
    let come = Seen { key: 1, version: 1, value: None };
    let moved = (Kind::Move { from: 0, to: 1 }, Outcome::Wrote(vec![gone, come]));
    let done = [(1, gone), (1, come)];
    assert!(holds(&[moved.clone(), all([gone, come])], &done));
    assert!(!holds(&[(moved.0, Outcome::Unknown), all([gone, nothing])], &done));
}

#[test]
fn what_members_may_not_disagree_about() {
    let mut checks = Checks::default();
    let at = |term, index| Position { term, index };
    assert!(checks.leads(1, 1).is_ok() && checks.leads(1, 1).is_ok() && checks.leads(2, 2).is_ok());
    assert!(checks.leads(3, 2).is_err());
    assert!(checks.commit(at(1, 5)).is_ok() && checks.commit(at(1, 5)).is_ok());
    assert!(checks.commit(at(2, 5)).is_err());
    let (one, two) = ([1; 32], [2; 32]);
    assert!(checks.follows(at(1, 4), one, None).is_ok());
    assert!(checks.follows(at(1, 5), one, Some(at(1, 4))).is_ok());
    assert!(checks.follows(at(1, 5), one, Some(at(1, 4))).is_ok());
    assert!(checks.follows(at(1, 5), two, Some(at(1, 4))).is_err());
    assert!(checks.follows(at(1, 5), one, Some(at(2, 4))).is_err());
}
