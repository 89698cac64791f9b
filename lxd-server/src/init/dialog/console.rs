//! The terminal, or whatever standard input is.

use super::Terminal;
use crate::client;
use crate::error::{Context, Error, Result};
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, BufRead, StdinLock};

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const CTRL_U: u8 = 0x15;
const BACKSPACE: [u8; 2] = [8, 0x7f];

/// Standard input and output.
pub(in crate::init) struct Console(StdinLock<'static>);

impl Console {
    /// The only one.
    pub(in crate::init) fn open() -> Self {
        Self(io::stdin().lock())
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line).context("read the answer")? == 0 {
            return Err(ended());
        }
        Ok(line.trim().to_owned())
    }

    /// Reads a line key by key: the terminal neither shows it nor acts on Ctrl-C, which would leave it
    /// not showing anything.
    fn keys(&mut self) -> Result<String> {
        let mut line = Vec::new();
        loop {
            let key = self.0.fill_buf().context("read the answer")?.first().copied();
            self.0.consume(1);
            match key {
                Some(b'\n' | b'\r') => break,
                Some(CTRL_C) => return Err(Error::invalid("Interrupted")),
                Some(CTRL_D) if line.is_empty() => return Err(ended()),
                None => return Err(ended()),
                Some(CTRL_U) => line.clear(),
                Some(key) if BACKSPACE.contains(&key) => remove_last(&mut line),
                Some(key) => line.push(key),
            }
        }
        String::from_utf8(line).context("read the answer")
    }
}

impl Terminal for Console {
    fn ask(&mut self, question: &str) -> Result<String> {
        client::print(question)?;
        self.line()
    }

    fn ask_hidden(&mut self, question: &str) -> Result<String> {
        // Before it is asked: whoever answers at once is not shown either.
        let hidden = Hidden::start()?;
        client::print(question)?;
        if hidden.is_none() {
            return self.line();
        }
        let line = self.keys();
        client::print("\n")?;
        line
    }

    fn say(&mut self, text: &str) -> Result<()> {
        client::print(text)
    }
}

/// A terminal that shows nothing until this is dropped.
struct Hidden(Termios);

impl Hidden {
    /// Nothing if standard input is no terminal.
    fn start() -> Result<Option<Self>> {
        let Ok(shown) = tcgetattr(rustix::stdio::stdin()) else { return Ok(None) };
        let mut hidden = shown.clone();
        hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        let set = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &hidden);
        set.context("hide the answer")?;
        Ok(Some(Self(shown)))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing anyway.
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &self.0);
    }
}

/// Removes a character, which in UTF-8 has further bytes of this form.
fn remove_last(line: &mut Vec<u8>) {
    while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {}
}

/// As LXD says it.
fn ended() -> Error {
    Error::invalid("EOF")
}
