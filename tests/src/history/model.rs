//! One profile on a server without faults: absent, or there with a value.

use super::{Action, Answer, Value};

/// What the profile holds; none while there is no such profile.
pub(super) type State = Option<Value>;

/// What an action does to a profile and what is answered.
pub(super) fn step(state: State, action: Action) -> (State, Answer) {
    match (action, state) {
        (Action::Create(value), None) => (Some(value), Answer::Done),
        (Action::Create(_), Some(_)) => (state, Answer::Exists),
        (Action::Get, Some(value)) => (state, Answer::Found(value)),
        (_, None) => (state, Answer::Absent),
        (Action::Set(value), Some(_)) => (Some(value), Answer::Done),
        (Action::Swap { from, to }, Some(value)) if value == from => (Some(to), Answer::Done),
        (Action::Swap { .. }, Some(_)) => (state, Answer::Changed),
        (Action::Delete, Some(_)) => (None, Answer::Done),
        (Action::List, Some(_)) => unreachable!("a list is taken apart before"),
    }
}
