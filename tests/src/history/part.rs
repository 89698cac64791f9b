//! One request on a profile, and what the others tell of those whose outcome nobody heard.

use std::{collections::HashMap, time::Duration};

use super::{Action, Answer, Event, Value};

/// One request on the profile, or a list's word about it.
#[derive(Debug)]
pub(super) struct Part<'a> {
    pub(super) event: &'a Event,
    pub(super) action: Action,
    /// None if nobody knows whether it happened.
    pub(super) answer: Option<Answer>,
    /// When it had happened at the latest, if it did.
    pub(super) end: Duration,
}

impl<'a> Part<'a> {
    pub(super) fn required(event: &'a Event, action: Action, answer: &Answer) -> Self {
        Self { event, action, answer: Some(answer.clone()), end: event.end }
    }

    pub(super) fn optional(event: &'a Event) -> Self {
        Self { event, action: event.action, answer: None, end: Duration::MAX }
    }

    /// The value that was there when this happened, if its answer says so.
    pub(super) fn saw(&self) -> Option<Value> {
        match (self.action, &self.answer) {
            (Action::Get, Some(Answer::Found(value))) => Some(*value),
            (Action::Swap { from, .. }, Some(Answer::Done)) => Some(from),
            _ => None,
        }
    }

    /// The value that it found, or would have liked to find.
    pub(super) fn names(&self) -> Option<Value> {
        match self.action {
            Action::Swap { from, .. } => Some(from),
            _ => self.saw(),
        }
    }

    /// The value that is there after it, unless it was refused.
    fn wrote(&self) -> Option<Value> {
        let (Action::Create(value) | Action::Set(value) | Action::Swap { to: value, .. }) =
            self.action
        else {
            return None;
        };
        matches!(self.answer, None | Some(Answer::Done)).then_some(value)
    }
}

/// The values that one part alone can have written, and which.
pub(super) fn sole_writers(parts: &[Part<'_>]) -> HashMap<Value, usize> {
    let mut writers: HashMap<Value, Option<usize>> = HashMap::new();
    for (index, part) in parts.iter().enumerate() {
        let Some(value) = part.wrote() else { continue };
        writers.entry(value).and_modify(|sole| *sole = None).or_insert(Some(index));
    }
    writers.into_iter().filter_map(|(value, index)| Some((value, index?))).collect()
}

/// Whose value was seen, that has happened: before whoever saw it was answered.
pub(super) fn settle_doubts(parts: &mut [Part<'_>]) {
    let writers = sole_writers(parts);
    loop {
        let mut settled = true;
        for index in 0..parts.len() {
            let Some(writer) = parts[index].saw().and_then(|value| writers.get(&value)) else {
                continue;
            };
            let (seen, writer) = (parts[index].end, &mut parts[*writer]);
            if writer.answer.is_none() || writer.end > seen {
                (writer.answer, writer.end) = (Some(Answer::Done), writer.end.min(seen));
                settled = false;
            }
        }
        if settled {
            return;
        }
    }
}
