//! The only printer: what was asked for and notes go to stdout, all else to stderr.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ui {
    quiet: bool,
    debug: bool,
}

impl Ui {
    pub(crate) fn new(quiet: bool, debug: bool) -> Self {
        Self { quiet, debug }
    }

    /// What was asked for, as it stands.
    pub(crate) fn data(&self, text: impl Display) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        write!(stdout, "{text}")?;
        stdout.flush()
    }

    /// A line that tells what was done, unless quiet. On stdout, where LXD's users look for it.
    pub(crate) fn note(&self, line: impl Display) -> io::Result<()> {
        if self.quiet {
            return Ok(());
        }
        self.data(format_args!("{line}\n"))
    }

    /// A text about what went wrong, as it stands.
    pub(crate) fn diagnose(&self, text: impl Display) -> io::Result<()> {
        write!(io::stderr().lock(), "{text}")
    }

    /// A line beside what was asked for, unless quiet.
    pub(crate) fn remark(&self, line: impl Display) -> io::Result<()> {
        if self.quiet { Ok(()) } else { self.diagnose(format_args!("{line}\n")) }
    }

    /// A line for those who asked for all messages.
    pub(crate) fn debug(&self, line: impl Display) {
        if self.debug {
            // A message that cannot be shown is no reason to fail.
            let _ = self.diagnose(format_args!("DEBUG: {line}\n"));
        }
    }

    /// Asks on stdout and reads the answer, a line of stdin.
    pub(crate) fn ask(&self, question: &str) -> io::Result<String> {
        self.data(question)?;
        let mut answer = String::new();
        if io::stdin().read_line(&mut answer)? == 0 {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "No answer on standard input",
            ));
        }
        Ok(answer.trim().to_owned())
    }

    /// Asks for what nobody may see; read from a terminal without showing it.
    pub(crate) fn ask_secret(&self, question: &str) -> io::Result<String> {
        if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
            return self.ask(question);
        }
        self.data(question)?;
        Term::stdout().read_secure_line()
    }

    /// A sign of life on a terminal, gone when dropped; nothing elsewhere or when quiet.
    pub(crate) fn progress(&self, message: &str) -> Progress {
        if self.quiet || !io::stderr().is_terminal() {
            return Progress(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template("{spinner} {msg}").expect("the template is valid");
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style);
        bar.set_message(message.to_owned());
        bar.enable_steady_tick(std::time::Duration::from_millis(100));
        Progress(bar)
    }
}

/// A progress line.
pub(crate) struct Progress(ProgressBar);

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
