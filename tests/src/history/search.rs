//! Searches for an order of the requests on one profile that explains every answer: the algorithm of
//! Wing and Gong with Lowe's memory of what was tried ("Testing for linearizability", 2017).
//!
//! A request that may have happened can be placed anywhere after its beginning, or nowhere.

use std::{collections::HashSet, fmt::Write, time::Duration};

use super::{
    Action, Answer, Event,
    model::{State, step},
};

/// More than any history with an explanation has needed by far.
const TRIED_MAX: usize = 1_000_000;
/// Events told before the one that fits nowhere.
const TOLD: usize = 12;

/// One request on the profile, or a list's word about it.
#[derive(Debug)]
pub(super) struct Part<'a> {
    event: &'a Event,
    action: Action,
    /// None if nobody knows whether it happened.
    answer: Option<Answer>,
    end: Duration,
}

impl<'a> Part<'a> {
    pub(super) fn required(event: &'a Event, action: Action, answer: &Answer) -> Self {
        Self { event, action, answer: Some(answer.clone()), end: event.end }
    }

    pub(super) fn optional(event: &'a Event) -> Self {
        Self { event, action: event.action, answer: None, end: Duration::MAX }
    }
}

/// What has been placed so far, and where that leads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Place {
    /// Of the required ones, sorted by beginning, all before this are placed…
    first: usize,
    /// … and these after it, sorted.
    later: Vec<usize>,
    /// The optional ones that are placed, sorted.
    optional: Vec<usize>,
    state: State,
    /// The state before an optional one that nothing has shown the effect of yet.
    before: Option<State>,
}

pub(super) struct Search<'a> {
    required: Vec<&'a Part<'a>>,
    optional: Vec<&'a Part<'a>>,
}

impl<'a> Search<'a> {
    pub(super) fn new(parts: &'a [Part<'a>]) -> Self {
        let mut sorted: Vec<_> = parts.iter().collect();
        sorted.sort_by_key(|part| part.event.begin);
        let (required, optional) = sorted.into_iter().partition(|part| part.answer.is_some());
        Self { required, optional }
    }

    /// Finds an order, or tells how far the best attempt came.
    pub(super) fn run(&self) -> Result<(), String> {
        let (mut tried, mut best) = (HashSet::new(), Place::default());
        let mut open = vec![Place::default()];
        while let Some(mut place) = open.pop() {
            self.settle(&mut place);
            if place.first == self.required.len() {
                return Ok(());
            }
            if place.first + place.later.len() >= best.first + best.later.len() {
                best = place.clone();
            }
            if !tried.insert(place.clone()) {
                continue;
            }
            if tried.len() > TRIED_MAX {
                return Err(format!("undecided; {}", self.story(&best)));
            }
            self.branch(&place, &mut open);
        }
        Err(self.story(&best))
    }

    /// Places all whose answer fits and that change nothing: placing those first loses no order.
    fn settle(&self, place: &mut Place) {
        loop {
            let fits = |part: &Part<'_>| {
                let (state, answer) = step(place.state, part.action);
                state == place.state && part.answer.as_ref() == Some(&answer)
            };
            let Some(next) = self.possible(place).into_iter().find(|i| fits(self.required[*i]))
            else {
                return;
            };
            let action = self.required[next].action;
            if place
                .before
                .is_some_and(|before| step(before, action).1 != step(place.state, action).1)
            {
                place.before = None;
            }
            self.put(place, next);
        }
    }

    /// Every way to go on; those tried first are added last.
    fn branch(&self, place: &Place, open: &mut Vec<Place>) {
        let until = self.soonest_end(place);
        for (index, part) in self.optional.iter().enumerate() {
            let late = part.event.begin > until || place.optional.contains(&index);
            let (state, _) = step(place.state, part.action);
            if late || state == place.state || useless_before(place, part.action) {
                continue;
            }
            let mut next = Place { state, before: Some(place.state), ..place.clone() };
            next.optional.push(index);
            next.optional.sort_unstable();
            open.push(next);
        }
        for index in self.possible(place).into_iter().rev() {
            let part = self.required[index];
            let (state, answer) = step(place.state, part.action);
            if part.answer.as_ref() == Some(&answer) && !useless_before(place, part.action) {
                let mut next = Place { state, before: None, ..place.clone() };
                self.put(&mut next, index);
                open.push(next);
            }
        }
    }

    fn put(&self, place: &mut Place, index: usize) {
        place.later.push(index);
        place.later.sort_unstable();
        while place.later.first() == Some(&place.first) {
            place.later.remove(0);
            place.first += 1;
        }
    }

    /// The required ones that may come next: begun before any other that is left had ended.
    fn possible(&self, place: &Place) -> Vec<usize> {
        let until = self.soonest_end(place);
        self.left(place).take_while(|i| self.required[*i].event.begin <= until).collect()
    }

    fn soonest_end(&self, place: &Place) -> Duration {
        let mut soonest = Duration::MAX;
        for index in self.left(place) {
            let part = self.required[index];
            if part.event.begin > soonest {
                break;
            }
            soonest = soonest.min(part.end);
        }
        soonest
    }

    fn left(&self, place: &Place) -> impl Iterator<Item = usize> {
        let left = place.first..self.required.len();
        left.filter(|index| place.later.binary_search(index).is_err())
    }

    fn story(&self, best: &Place) -> String {
        let until = self.soonest_end(best);
        let mut text = format!("with the profile {:?} no order fits these:", best.state);
        for index in self.possible(best) {
            let part = self.required[index];
            let _ = write!(text, "\n  {:?} {:?} in {}", part.action, part.answer, part.event);
        }
        let before = |part: &&&Part<'_>| part.event.begin <= until && part.action != Action::Get;
        let _ = write!(text, "\nafter these writes:");
        let mut writes: Vec<_> =
            self.required.iter().chain(&self.optional).filter(before).collect();
        writes.sort_by_key(|part| part.event.begin);
        for part in writes.iter().rev().take(TOLD).rev() {
            let _ = write!(text, "\n  {}", part.event);
        }
        text
    }
}

/// Whether an optional request was placed just before that this one makes undone and unseen: then the
/// order without it is tried, too, and leaves more open.
fn useless_before(place: &Place, action: Action) -> bool {
    place.before.is_some_and(|before| step(before, action) == step(place.state, action))
}
