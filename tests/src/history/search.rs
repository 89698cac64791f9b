//! Searches for an order of the requests on one profile that explains every answer: the algorithm of
//! Wing and Gong with Lowe's memory of what was tried ("Testing for linearizability", 2017).
//!
//! A request that may have happened can be placed anywhere after its beginning, or nowhere. A value that
//! one request alone can have written does not come back: it is left when all who saw it are placed.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write,
    time::Duration,
};

use super::{
    Action, Answer, Value,
    model::{State, step},
    part::{Part, settle_doubts, sole_writers},
};

/// More than any history with an explanation has needed by far.
const TRIED_MAX: usize = 100_000;
/// Events told before the one that fits nowhere.
const TOLD: usize = 12;

/// What has been placed so far, and where that leads.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Place {
    /// The required ones that are placed, sorted by beginning…
    required: Bits,
    /// … of which all before this are…
    first: usize,
    /// … and how many they are.
    count: usize,
    /// The optional ones that are placed.
    optional: Bits,
    state: State,
    /// The state before an optional one that nothing has shown the effect of yet.
    before: Option<State>,
}

/// A set of small numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Bits(Box<[u64]>);

impl Bits {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)].into())
    }

    fn add(&mut self, number: usize) {
        self.0[number / 64] |= 1 << (number % 64);
    }

    fn has(&self, number: usize) -> bool {
        self.0[number / 64] & 1 << (number % 64) != 0
    }
}

pub(super) struct Search<'a> {
    required: Vec<Part<'a>>,
    optional: Vec<Part<'a>>,
    /// The required ones that saw a value which only one can have written.
    saw: HashMap<Value, Vec<usize>>,
    /// The required ones that were refused since the profile did not hold this value.
    missed: HashMap<Value, Vec<usize>>,
    /// Values that any of them names as what is, or was to be, there.
    named: HashSet<Value>,
}

impl<'a> Search<'a> {
    pub(super) fn new(mut parts: Vec<Part<'a>>) -> Self {
        settle_doubts(&mut parts);
        parts.sort_by_key(|part| part.event.begin);
        let named = parts.iter().filter_map(Part::names).collect();
        let sole = sole_writers(&parts);
        let (required, optional): (Vec<_>, Vec<_>) =
            parts.into_iter().partition(|part| part.answer.is_some());
        let (mut saw, mut missed) = (HashMap::<_, Vec<_>>::new(), HashMap::<_, Vec<_>>::new());
        for (index, part) in required.iter().enumerate() {
            if let Some(value) = part.saw().filter(|value| sole.contains_key(value)) {
                saw.entry(value).or_default().push(index);
            }
            if let (Some(value), Some(Answer::Changed)) = (part.names(), &part.answer) {
                missed.entry(value).or_default().push(index);
            }
        }
        Self { required, optional, saw, missed, named }
    }

    fn start(&self) -> Place {
        let (required, optional) = (Bits::new(self.required.len()), Bits::new(self.optional.len()));
        Place { required, first: 0, count: 0, optional, state: None, before: None }
    }

    /// Finds an order, or tells how far the best attempt came.
    pub(super) fn run(&self) -> Result<(), String> {
        let (mut tried, mut best) = (HashSet::new(), self.start());
        let mut open = vec![self.start()];
        while let Some(mut place) = open.pop() {
            self.settle(&mut place);
            if place.count == self.required.len() {
                return Ok(());
            }
            if place.count >= best.count {
                best = place.clone();
            }
            if tried.len() == TRIED_MAX {
                return Err(format!("undecided; {}", self.story(&best)));
            }
            if !tried.contains(&place) {
                self.branch(&place, &mut open);
                tried.insert(place);
            }
        }
        Err(self.story(&best))
    }

    /// Places all whose answer fits and that never change anything: placing those first loses no order.
    fn settle(&self, place: &mut Place) {
        loop {
            let mut fitting = self.possible(place);
            fitting.retain(|index| {
                let part = &self.required[*index];
                let (_, answer) = step(place.state, part.action);
                answer != Answer::Done && part.answer.as_ref() == Some(&answer)
            });
            if fitting.is_empty() {
                return;
            }
            for index in fitting {
                let action = self.required[index].action;
                let shown = |before| step(before, action).1 != step(place.state, action).1;
                if place.before.is_some_and(shown) {
                    place.before = None;
                }
                self.put(place, index);
            }
        }
    }

    /// Every way to go on; those tried first are added last.
    fn branch(&self, place: &Place, open: &mut Vec<Place>) {
        let until = self.soonest_end(place);
        for (index, part) in self.optional.iter().enumerate() {
            let late = part.event.begin > until || place.optional.has(index);
            let (state, _) = step(place.state, part.action);
            let same = late || state == place.state;
            if same || self.lost(place, None) || self.useless(place, state, part.action) {
                continue;
            }
            let mut next = Place { state, before: Some(place.state), ..place.clone() };
            next.optional.add(index);
            open.push(next);
        }
        for index in self.possible(place).into_iter().rev() {
            let part = &self.required[index];
            let (state, answer) = step(place.state, part.action);
            let fits = part.answer.as_ref() == Some(&answer) && !self.lost(place, Some(index));
            if fits && !undone(place, part.action) {
                let mut next = Place { state, before: None, ..place.clone() };
                self.put(&mut next, index);
                open.push(next);
            }
        }
    }

    /// Whether somebody who is left saw the value that is there now: it does not come back.
    fn lost(&self, place: &Place, but: Option<usize>) -> bool {
        let saw = place.state.and_then(|value| self.saw.get(&value));
        saw.is_some_and(|saw| {
            saw.iter().any(|index| Some(*index) != but && !place.required.has(*index))
        })
    }

    /// Whether an order with this optional one here is one without it, too: it makes an optional one before it
    /// unseen, or it puts a value that nobody names, and nobody left missed the one that is there now.
    fn useless(&self, place: &Place, next: State, action: Action) -> bool {
        let (Some(now), Some(next)) = (place.state, next) else { return undone(place, action) };
        let missed = self.missed.get(&now);
        let missed = missed.is_some_and(|all| all.iter().any(|index| !place.required.has(*index)));
        undone(place, action) || !self.named.contains(&next) && !missed
    }

    fn put(&self, place: &mut Place, index: usize) {
        place.required.add(index);
        place.count += 1;
        while place.first < self.required.len() && place.required.has(place.first) {
            place.first += 1;
        }
    }

    /// The required ones that may come next: begun before any other that is left had ended.
    fn possible(&self, place: &Place) -> Vec<usize> {
        let until = self.soonest_end(place);
        self.left(place).take_while(|index| self.required[*index].event.begin <= until).collect()
    }

    fn soonest_end(&self, place: &Place) -> Duration {
        let mut soonest = Duration::MAX;
        for index in self.left(place) {
            let part = &self.required[index];
            if part.event.begin > soonest {
                break;
            }
            soonest = soonest.min(part.end);
        }
        soonest
    }

    fn left(&self, place: &Place) -> impl Iterator<Item = usize> {
        (place.first..self.required.len()).filter(|index| !place.required.has(*index))
    }

    fn story(&self, best: &Place) -> String {
        let until = self.soonest_end(best);
        let mut text = format!("with the profile {:?} no order fits these:", best.state);
        for index in self.possible(best) {
            let part = &self.required[index];
            let _ = write!(text, "\n  {:?} {:?} in {}", part.action, part.answer, part.event);
        }
        let before = |part: &&Part<'_>| part.event.begin <= until && part.action != Action::Get;
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

/// Whether an optional one was placed just before that this one makes undone and unseen: then the order without
/// it is tried, too, and leaves more open.
fn undone(place: &Place, action: Action) -> bool {
    place.before.is_some_and(|before| step(before, action) == step(place.state, action))
}
