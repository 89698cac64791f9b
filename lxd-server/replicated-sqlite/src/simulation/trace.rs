//! What happens, in order: its digest is compared between replays, its text is for people.

use std::sync::{Arc, Mutex, PoisonError};

/// The one trace of a simulation; clones share it.
#[derive(Clone)]
pub(super) struct Trace(Arc<Mutex<State>>, u64);

struct State {
    now: u64,
    hasher: blake3::Hasher,
    printed: bool,
    /// Rules that were broken.
    broken: Vec<String>,
}

impl Trace {
    /// Printed to stderr as it happens from level 1 on; from 2 on with all that is logged inside.
    pub(super) fn new(level: u64) -> Self {
        let (hasher, printed) = (blake3::Hasher::new(), level > 0);
        Self(Arc::new(Mutex::new(State { now: 0, hasher, printed, broken: Vec::new() })), level)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets the time, in ms since the start.
    pub(super) fn tick(&self, now: u64) {
        self.state().now = now;
    }

    pub(super) fn say(&self, line: &str) {
        let mut state = self.state();
        let now = state.now;
        state.hasher.update(&now.to_le_bytes());
        state.hasher.update(line.as_bytes());
        if state.printed {
            eprintln!("{now:>7} {line}");
        }
    }

    /// A rule is broken: the simulation ends here.
    pub(super) fn broken(&self, rule: &str) {
        self.say(&format!("BROKEN: {rule}"));
        let mut state = self.state();
        let line = format!("at {} ms: {rule}", state.now);
        state.broken.push(line);
    }

    pub(super) fn verdict(&self) -> Result<(), String> {
        let state = self.state();
        if state.broken.is_empty() { Ok(()) } else { Err(state.broken.join("\n")) }
    }

    pub(super) fn digest(&self) -> String {
        self.state().hasher.finalize().to_hex()[..16].to_owned()
    }
}

/// Errors that the crate logs are broken rules: whatever the faults are, no replica differs from the others.
impl tracing::Subscriber for Trace {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        let ours = metadata.target().starts_with("replicated_sqlite");
        ours && *metadata.level() <= tracing::Level::WARN || self.1 > 1
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut text = String::new();
        event.record(&mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
            text += &format!("{}={value:?} ", field.name());
        });
        let ours = event.metadata().target().starts_with("replicated_sqlite");
        match *event.metadata().level() {
            tracing::Level::ERROR if ours => self.broken(&text),
            tracing::Level::WARN if ours => self.say(&text),
            level => eprintln!("        {level} {}: {text}", event.metadata().target()),
        }
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}
