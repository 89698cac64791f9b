//! Histories such as a leader leaves that is paused for long while packets take 100 ms: five members, hundreds
//! of requests at a time, tens that nobody knows the outcome of. A server without faults makes them; then
//! some are spoilt.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    time::Duration,
};

use super::{
    Action, Answer, Broken, Event, Failure, Outcome, Value, check,
    dice::Dice,
    model::{State, step},
};

/// Of requests, one every 20 ms at each member, for so many ms.
const LENGTH: u64 = 45_000;
/// Member 0 stands still, in ms.
const PAUSE: std::ops::Range<u64> = 4_000..34_000;
/// What a member has under way at most.
const CLIENTS: usize = 200;
const COUNTERS: u64 = 4;
const GUESTS: u64 = 8;
const ERA: u64 = 5_000;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Effect,
    End,
}

/// A server, its clients, and what they write down.
struct Generator {
    dice: Dice,
    writes: u64,
    states: BTreeMap<String, State>,
    agenda: BinaryHeap<Reverse<(u64, Step, usize)>>,
    events: Vec<Event>,
    /// Of those whose outcome nobody hears of.
    unknown: Vec<bool>,
    /// An update: what is read is written again.
    update: Vec<bool>,
    busy: [usize; 5],
}

impl Generator {
    fn history(seed: u64) -> Vec<Event> {
        let mut this = Self {
            dice: Dice(seed),
            writes: 0,
            states: BTreeMap::new(),
            agenda: BinaryHeap::new(),
            events: Vec::new(),
            unknown: Vec::new(),
            update: Vec::new(),
            busy: [0; 5],
        };
        for (time, member) in (0..LENGTH).step_by(20).flat_map(|at| (0..5).map(move |m| (at, m))) {
            this.run(time);
            if this.busy[member] < CLIENTS {
                this.operate(time, member);
            }
        }
        this.run(u64::MAX);
        this.events
    }

    fn fresh(&mut self, count: u32) -> Value {
        self.writes += 1;
        Value { count, write: self.writes }
    }

    /// The mix of the load on real clusters.
    fn operate(&mut self, time: u64, member: usize) {
        let guest = self.dice.roll(3) > 0;
        let name = match guest {
            true => format!("guest{}-{}", time / ERA, self.dice.roll(GUESTS)),
            false => format!("counter{}", self.dice.roll(COUNTERS)),
        };
        let kind = self.dice.roll(10);
        let action = match kind {
            0 | 1 => Action::Create(self.fresh(0)),
            5 => Action::Set(self.fresh(0)),
            6 if guest => Action::Delete,
            7 => Action::List,
            _ => Action::Get,
        };
        let name = if action == Action::List { String::new() } else { name };
        self.begin(time, member, name, action);
        *self.update.last_mut().unwrap() = matches!(kind, 2..=4);
    }

    /// Round trips of 200 ms; whatever the paused member has under way then takes until it goes on, or until
    /// its client has given up, and happens before, in between, later or never.
    fn begin(&mut self, time: u64, member: usize, name: String, action: Action) {
        let (usual, paused) = (time + 200 + self.dice.roll(800), member == 0);
        let stuck = paused && usual > PAUSE.start && time < PAUSE.end;
        let end = if stuck { PAUSE.end + self.dice.roll(900) } else { usual };
        let unknown = stuck && self.dice.roll(3) == 0;
        let effect = match (unknown, self.dice.roll(4)) {
            (true, 0) => None,
            (true, 1) => Some(end + self.dice.roll(3_000)),
            (_, 2) => Some(time + self.dice.roll(usual - time)),
            _ => Some(end.saturating_sub(1 + self.dice.roll(200)).max(time)),
        };
        let (place, ms) = (self.events.len(), Duration::from_millis);
        let outcome = Outcome::Unknown(Failure { status: Some(503), text: String::new() });
        let (begin, end_time) = (ms(time), ms(end));
        self.events.push(Event { member, name, action, outcome, begin, end: end_time });
        self.unknown.push(unknown);
        self.update.push(false);
        self.busy[member] += 1;
        self.agenda.push(Reverse((end, Step::End, place)));
        self.agenda.extend(effect.map(|at| Reverse((at, Step::Effect, place))));
    }

    fn run(&mut self, until: u64) {
        while let Some(Reverse((time, step, place))) = self.agenda.peek().copied()
            && time <= until
        {
            self.agenda.pop();
            match step {
                Step::Effect => self.effect(place),
                Step::End => self.end(time, place),
            }
        }
    }

    fn effect(&mut self, place: usize) {
        let event = &mut self.events[place];
        let answer = if event.action == Action::List {
            let there = self.states.iter().filter_map(|(name, at)| Some((name.clone(), (*at)?)));
            Answer::Listed(there.collect())
        } else {
            let state = self.states.entry(event.name.clone()).or_default();
            let (next, answer) = step(*state, event.action);
            *state = next;
            answer
        };
        if !self.unknown[place] {
            event.outcome = Outcome::Answered(answer);
        }
    }

    fn end(&mut self, time: u64, place: usize) {
        let Event { member, name, outcome, .. } = self.events[place].clone();
        self.busy[member] -= 1;
        if let Outcome::Answered(Answer::Found(from)) = outcome
            && self.update[place]
        {
            let to = self.fresh(from.count + 1);
            self.begin(time, member, name, Action::Swap { from, to });
        }
    }
}

/// The value that an acknowledged write has put there.
fn written(event: &Event) -> Option<Value> {
    match (event.action, &event.outcome) {
        (
            Action::Create(value) | Action::Set(value) | Action::Swap { to: value, .. },
            Outcome::Answered(Answer::Done),
        ) => Some(value),
        _ => None,
    }
}

/// One answer, and what it is to be instead.
type Spoilt = (usize, Outcome);

/// Reads of what had been overwritten before they began.
fn stale(events: &[Event]) -> Vec<Spoilt> {
    let mut spoilt = Vec::new();
    for (place, read) in events.iter().enumerate().step_by(20) {
        let Outcome::Answered(Answer::Found(_)) = read.outcome else { continue };
        let earlier = |event: &&Event| event.name == read.name && event.end < read.begin;
        let mut writes = events.iter().filter(earlier).filter(|event| written(event).is_some());
        let Some(last) = writes.clone().max_by_key(|event| event.begin) else { continue };
        let before = writes.rfind(|event| event.end < last.begin).and_then(written);
        let old = before.map(|value| (place, Outcome::Answered(Answer::Found(value))));
        spoilt.extend(old);
    }
    spoilt
}

/// Refused updates of a value that another has updated, as if they had been made.
fn doubled(events: &[Event]) -> Vec<Spoilt> {
    let from = |event: &Event| match event.action {
        Action::Swap { from, .. } => Some(from),
        _ => None,
    };
    let made = events.iter().filter(|event| written(event).is_some());
    let made: BTreeSet<_> = made.filter_map(from).collect();
    let refused = events.iter().enumerate().filter(|(_, event)| {
        let missed = event.outcome == Outcome::Answered(Answer::Changed);
        missed && from(event).is_some_and(|from| made.contains(&from))
    });
    refused.map(|(place, _)| (place, Outcome::Answered(Answer::Done))).collect()
}

/// Whether it holds, decided within the search's bound.
fn holds(events: &[Event]) -> bool {
    let verdict = check(events);
    let undecided = |broken: &Broken| broken.story.starts_with("undecided");
    assert!(!verdict.as_ref().is_err_and(|all| all.iter().any(undecided)), "{verdict:?}");
    verdict.is_ok()
}

#[test]
fn histories_of_a_paused_leader_are_decided() {
    for seed in 1..=2 {
        let mut events = Generator::history(seed);
        let unknown = events.iter().filter(|event| event.failure().is_some()).count();
        assert!(unknown >= 30 && events.len() > 10_000, "{unknown} of {}", events.len());
        assert!(holds(&events), "seed {seed}");
        for spoilt in [stale(&events), doubled(&events)] {
            let number = spoilt.len();
            assert!(number > 20, "{number}");
            for (place, outcome) in spoilt.into_iter().step_by(number / 2) {
                let right = std::mem::replace(&mut events[place].outcome, outcome);
                assert!(!holds(&events), "seed {seed}: {}", events[place]);
                events[place].outcome = right;
            }
        }
    }
}
