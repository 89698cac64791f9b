//! A program on a terminal, and whoever sits there.

use std::{
    fs::File,
    io::{Read, Write},
    process::{Child, Command, ExitStatus},
    sync::mpsc::{Receiver, channel},
    thread,
};

use anyhow::{Context, Result, bail};
use nix::{
    pty::openpty,
    sys::termios::{LocalFlags, tcgetattr},
};

use crate::{daemon::LIMIT, host::Host, wait::wait_until};

/// What Ctrl-C sends.
pub const CTRL_C: &str = "\x03";
/// Questions whose answers are not shown.
const HIDDEN: [&str; 3] = ["password for new clients: ", "Cluster trust password: ", "Again: "];

/// A program that runs on a terminal of its own.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    keyboard: File,
    /// The program's end, which tells how the terminal is set.
    line: File,
    shown: Receiver<String>,
    /// All that was shown so far; answers too, unless they were hidden.
    pub screen: String,
    /// How much of it had been shown when keys were pressed last.
    answered: usize,
}

impl Terminal {
    /// Starts a program on a host.
    pub fn start(host: &Host, program: &Command) -> Result<Self> {
        let pair = openpty(None, None).context("open a terminal")?;
        let (master, line) = (File::from(pair.master), File::from(pair.slave));
        // Makes it the controlling terminal, whose Ctrl-C is a signal.
        let mut command = host.command("/usr/bin/setsid")?;
        command.arg("--ctty").arg(program.get_program()).args(program.get_args());
        command.stdin(line.try_clone()?).stdout(line.try_clone()?).stderr(line.try_clone()?);
        let child = host.spawn(&mut command)?;
        let (sender, shown) = channel();
        let mut eye = master.try_clone().context("look at the terminal")?;
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count) = eye.read(&mut bytes) {
                let text = String::from_utf8_lossy(&bytes[..count]).replace('\r', "");
                if count == 0 || sender.send(text).is_err() {
                    break;
                }
            }
        });
        Ok(Self { child, keyboard: master, line, shown, screen: String::new(), answered: 0 })
    }

    /// Waits for a question with these words, then types the answer and Enter; a password once the terminal
    /// hides it, which Debian's does a moment after it has asked.
    pub fn answer(&mut self, question: &str, answer: &str) -> Result<()> {
        self.wait_question(question)?;
        if HIDDEN.iter().any(|words| question.contains(words)) {
            wait_until("the terminal hides what is typed", LIMIT, || {
                self.shows_keys()
                    .map_or_else(|error| Some(Err(error)), |shows| (!shows).then_some(Ok(())))
            })??;
        }
        self.press(&format!("{answer}\n"))
    }

    /// Waits until the last line is a question with these words, and not one that was answered.
    pub fn wait_question(&mut self, words: &str) -> Result<()> {
        let answered = self.answered;
        self.wait_for(words, |screen| {
            let line = screen[answered..].lines().last().unwrap_or_default();
            line.contains(words) && line.ends_with(' ')
        })
    }

    fn wait_for(&mut self, what: &str, is_there: impl Fn(&str) -> bool) -> Result<()> {
        while !is_there(&self.screen) {
            match self.shown.recv_timeout(LIMIT) {
                Ok(more) => self.screen.push_str(&more),
                Err(_) => bail!("not {what:?} at the end of\n{}", self.screen),
            }
        }
        Ok(())
    }

    /// Types keys.
    pub fn press(&mut self, keys: &str) -> Result<()> {
        self.answered = self.screen.len();
        self.keyboard.write_all(keys.as_bytes()).context("type")
    }

    /// Whether what is typed is shown.
    pub fn shows_keys(&self) -> Result<bool> {
        let settings = tcgetattr(&self.line).context("read the terminal's settings")?;
        Ok(settings.local_flags.contains(LocalFlags::ECHO))
    }

    /// Waits until the program has ended; the screen shows all that it printed.
    pub fn wait_end(&mut self) -> Result<ExitStatus> {
        let child = &mut self.child;
        let ended = wait_until("the program ends", LIMIT, || child.try_wait().transpose());
        let status = ended?.context("wait for the program")?;
        // A last line of ours tells that all before it has been read.
        self.line.write_all(b"\x04").context("write on the terminal")?;
        self.wait_for("the end", |screen| screen.ends_with('\x04'))?;
        self.screen.pop();
        Ok(status)
    }
}
