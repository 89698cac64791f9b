//! The search's verdicts beside those of trying all orders, on small histories.

use std::time::Duration;

use super::{
    Action, Answer, Event, Failure, Outcome, Value, check,
    dice::Dice,
    model::{State, step},
};

/// Histories that are compared.
const HISTORIES: u64 = 30_000;

/// Makes small histories.
struct Maker {
    dice: Dice,
    /// How many values there are: where they are few, some are written twice.
    values: u64,
}

impl Maker {
    fn value(&mut self) -> Value {
        Value { count: 0, write: self.dice.roll(self.values) }
    }

    fn action(&mut self) -> Action {
        match self.dice.roll(8) {
            0 | 1 => Action::Create(self.value()),
            2 => Action::Set(self.value()),
            3 | 4 => Action::Swap { from: self.value(), to: self.value() },
            5 => Action::Delete,
            _ => Action::Get,
        }
    }

    fn answer(&mut self) -> Answer {
        match self.dice.roll(5) {
            0 => Answer::Done,
            1 => Answer::Absent,
            2 => Answer::Exists,
            3 => Answer::Changed,
            _ => Answer::Found(self.value()),
        }
    }

    /// What a server without faults answers, but for what is made up or not heard.
    fn history(&mut self) -> Vec<Event> {
        let failure = || Failure { status: None, text: String::new() };
        let (count, mut state): (_, State) = (3 + self.dice.roll(6), None);
        let mut events = Vec::new();
        for at in 0..count {
            let action = self.action();
            let (next, answer) = step(state, action);
            let outcome = match self.dice.roll(12) {
                0 => Outcome::Answered(self.answer()),
                1..=3 => Outcome::Unknown(failure()),
                4 => Outcome::Nothing(failure()),
                _ => Outcome::Answered(answer),
            };
            // What is not heard may have happened.
            let happens = match outcome {
                Outcome::Unknown(_) => self.dice.roll(2) == 0,
                _ => !matches!(outcome, Outcome::Nothing(_)),
            };
            state = if happens { next } else { state };
            let begin = Duration::from_secs((10 * at).saturating_sub(self.dice.roll(25)));
            let end = Duration::from_secs(10 * at + self.dice.roll(25));
            events.push(Event { member: 0, name: "x".to_owned(), action, outcome, begin, end });
        }
        events
    }
}

/// Whether some order of those that are left explains their answers.
fn explained(left: &[&Event], state: State) -> bool {
    let answered = |event: &&Event| matches!(event.outcome, Outcome::Answered(_));
    if !left.iter().any(answered) {
        return true;
    }
    left.iter().enumerate().any(|(place, event)| {
        let others = [&left[..place], &left[place + 1..]].concat();
        if others.iter().filter(|other| answered(other)).any(|other| other.end < event.begin) {
            return false;
        }
        let (next, answer) = step(state, event.action);
        match &event.outcome {
            Outcome::Answered(given) => *given == answer && explained(&others, next),
            Outcome::Unknown(_) => explained(&others, next),
            Outcome::Nothing(_) => false,
        }
    })
}

#[test]
fn the_search_says_what_trying_all_orders_says() {
    let (mut maker, mut held) = (Maker { dice: Dice(1), values: 0 }, 0);
    for number in 0..HISTORIES {
        maker.values = if number % 2 == 0 { 3 } else { 12 };
        let events = maker.history();
        let all: Vec<&Event> = events.iter().collect();
        let expected = explained(&all, None);
        assert_eq!(check(&events).is_ok(), expected, "{number}: {events:#?}");
        held += u64::from(expected);
    }
    assert!((HISTORIES / 4..HISTORIES * 3 / 4).contains(&held), "{held} hold");
}
