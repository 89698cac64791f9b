//! Asking until the answer is one.

use super::{Dialog, Host, Terminal};
use crate::error::Result;

/// What no answer means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
}

/// The meaning of `yes`, `y`, `no`, `n` in any case.
pub(super) fn meaning(text: &str) -> Option<Answer> {
    match text.to_ascii_lowercase().as_str() {
        "yes" | "y" => Some(Answer::Yes),
        "no" | "n" => Some(Answer::No),
        _ => None,
    }
}

impl<T: Terminal, H: Host> Dialog<'_, T, H> {
    /// Whether it is so.
    pub(super) fn yes_no(&mut self, question: &str, default: Answer) -> Result<bool> {
        loop {
            let text = self.terminal.ask(question)?;
            let answer = if text.is_empty() { Some(default) } else { meaning(&text) };
            match answer {
                Some(answer) => return Ok(answer == Answer::Yes),
                None => self.invalid()?,
            }
        }
    }

    /// A text for which there is a default; `check` makes of it what is wanted, or says what is wrong.
    pub(super) fn valid<V>(
        &mut self,
        question: &str,
        default: &str,
        check: impl Fn(&str) -> Result<V, String>,
    ) -> Result<V> {
        loop {
            let text = self.terminal.ask(question)?;
            let text = if text.is_empty() { default } else { text.as_str() };
            match check(text) {
                Ok(value) => return Ok(value),
                Err(reason) => self.invalid_because(&reason)?,
            }
        }
    }

    /// A text that must be there.
    pub(super) fn text(&mut self, question: &str) -> Result<String> {
        loop {
            let text = self.terminal.ask(question)?;
            if !text.is_empty() {
                return Ok(text);
            }
            self.invalid()?;
        }
    }

    /// Asks for something that this server does not have, until it is not wanted.
    pub(super) fn refuse(&mut self, question: &str, reason: &str) -> Result<()> {
        while self.yes_no(question, Answer::No)? {
            self.invalid_because(reason)?;
        }
        Ok(())
    }

    pub(super) fn invalid(&mut self) -> Result<()> {
        self.terminal.say("Invalid input, try again.\n\n")
    }

    pub(super) fn invalid_because(&mut self, reason: &str) -> Result<()> {
        self.terminal.say(&format!("Invalid input: {reason}\n\n"))
    }
}
