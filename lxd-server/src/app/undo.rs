//! The way back of work in several steps: each step's undo is pushed beside the step itself.

use futures::FutureExt;
use futures::future::BoxFuture;

/// Undoes what was done, the latest first, unless the work came to its end.
///
/// It does not survive a crash: what a kill between two steps leaves, and who finishes it, is said
/// by each use case.
#[derive(Default)]
#[must_use]
pub struct Undo<'a>(Vec<(&'static str, BoxFuture<'a, ()>)>);

impl<'a> Undo<'a> {
    /// Nothing to undo yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What takes back the step that was just done, or is about to be.
    pub fn push(&mut self, step: &'static str, undo: impl Future<Output = ()> + Send + 'a) {
        self.0.push((step, undo.boxed()));
    }

    /// The work is done: nothing is taken back.
    pub fn disarm(mut self) {
        self.0.clear();
    }

    /// Takes everything back, the latest step first.
    pub async fn run(self) {
        for (step, undo) in self.0.into_iter().rev() {
            tracing::info!("Undoing: {step}");
            undo.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[tokio::test]
    async fn steps_are_taken_back_in_reverse() {
        let done = Mutex::new(Vec::new());
        let note = |step| async move { step };
        let mut undo = Undo::new();
        for step in [1, 2, 3] {
            let done = &done;
            undo.push("a step", async move {
                let step = note(step).await;
                done.lock().unwrap().push(step);
            });
        }
        undo.run().await;
        assert_eq!(*done.lock().unwrap(), [3, 2, 1]);
    }
}
