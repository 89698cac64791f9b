//! The only place that starts programs: short ones that are waited for, and long-lived services.
//! Output is bounded, nothing waits for ever, and no shell is ever involved.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::time;

/// Bytes of standard output that are kept; a program that prints more has failed.
pub const STDOUT_BYTES_MAX: usize = 8 << 20;
/// Bytes of standard error that are kept for the message; the rest is read and dropped.
pub const STDERR_BYTES_MAX: usize = 4 << 10;
/// How long a program may take unless [`Program::limit`] says otherwise.
pub const TIME_MAX: Duration = Duration::from_secs(30);

/// A program to start: its name is looked up in `PATH`, its arguments go to it as they are.
#[derive(Clone, Debug)]
pub struct Program {
    name: &'static str,
    args: Vec<OsString>,
    stdin: Vec<u8>,
    limit: Duration,
}

impl Program {
    /// A program without arguments or input, with the usual time limit.
    pub fn new(name: &'static str) -> Self {
        Self { name, args: Vec::new(), stdin: Vec::new(), limit: TIME_MAX }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds several arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Gives the program its whole standard input.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = bytes.into();
        self
    }

    /// Sets how long the program may take before it is killed.
    #[must_use]
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Runs the program to its end and returns what it printed on standard output.
    ///
    /// It is killed when the limit passes or the future is dropped.
    pub async fn run(self) -> Result<String, Failed> {
        let mut command = self.command();
        command.stdin(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| self.failed(Status::NotStarted(error)))?;
        match time::timeout(self.limit, finish(&mut child, &self.stdin)).await {
            Err(_) => Err(self.failed(Status::TimedOut(self.limit))),
            Ok(Err(error)) => Err(self.failed(Status::Lost(error))),
            Ok(Ok((status, stdout, _))) if status.success() => Ok(stdout),
            Ok(Ok((status, _, stderr))) => {
                Err(Failed { stderr, ..self.failed(Status::Ended(status)) })
            }
        }
    }

    /// Starts a service that outlives this call, and the daemon too if nobody stops it.
    ///
    /// It gets a process group of its own, so that Ctrl-C at the daemon's terminal spares it; its
    /// standard error is a pipe for the caller to read, the rest is /dev/null.
    pub fn start(&self) -> Result<Child, Failed> {
        let mut command = self.command();
        command.stdin(Stdio::null()).stdout(Stdio::null()).process_group(0);
        command.spawn().map_err(|error| self.failed(Status::NotStarted(error)))
    }

    #[allow(clippy::disallowed_methods, reason = "this is the one place that starts programs")]
    fn command(&self) -> Command {
        let mut command = Command::new(self.name);
        command.args(&self.args).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env("LC_ALL", "C.UTF-8");
        command
    }

    fn failed(&self, status: Status) -> Failed {
        let words =
            std::iter::once(OsStr::new(self.name)).chain(self.args.iter().map(|arg| &**arg));
        let program = words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
        Failed { program, status, stderr: String::new() }
    }
}

/// A program that did not do its work.
#[derive(Debug)]
pub struct Failed {
    /// The command line, words joined by blanks.
    pub program: String,
    /// How it ended.
    pub status: Status,
    /// What it said on standard error, trimmed and cut to [`STDERR_BYTES_MAX`].
    pub stderr: String,
}

/// How a failed program ended.
#[derive(Debug)]
pub enum Status {
    /// It could not be started, most often because it is not installed.
    NotStarted(io::Error),
    /// It ended by itself or by a signal.
    Ended(ExitStatus),
    /// It was killed when its time was over.
    TimedOut(Duration),
    /// Talking to it failed, or it printed more than [`STDOUT_BYTES_MAX`].
    Lost(io::Error),
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Failed to run: {}: {}", self.program, self.status)?;
        if self.stderr.is_empty() { Ok(()) } else { write!(f, " ({})", self.stderr) }
    }
}

impl std::error::Error for Failed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.status {
            Status::NotStarted(error) | Status::Lost(error) => Some(error),
            Status::Ended(_) | Status::TimedOut(_) => None,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted(_) => f.write_str("cannot be started"),
            Self::Ended(status) => match status.code() {
                Some(code) => write!(f, "exit status {code}"),
                None => write!(f, "{status}"),
            },
            Self::TimedOut(limit) => write!(f, "killed after {} seconds", limit.as_secs()),
            Self::Lost(_) => f.write_str("lost"),
        }
    }
}

/// Feeds a child, reads both its outputs at once and waits for its end.
async fn finish(child: &mut Child, input: &[u8]) -> io::Result<(ExitStatus, String, String)> {
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let stdout = child.stdout.take().expect("stdout is piped");
    let stderr = child.stderr.take().expect("stderr is piped");
    let feed = async move {
        match stdin.write_all(input).await {
            // It may end without reading all: its exit status tells the story.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => Ok(()),
        }
    };
    let (status, (), out, err) = tokio::try_join!(
        child.wait(),
        feed,
        collect(stdout, STDOUT_BYTES_MAX),
        collect(stderr, STDERR_BYTES_MAX),
    )?;
    if out.len() > STDOUT_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "too much output"));
    }
    Ok((status, text(&out, STDOUT_BYTES_MAX), text(&err, STDERR_BYTES_MAX).trim().to_owned()))
}

/// Reads to the end, but keeps no more than `bytes_max` and one.
async fn collect(mut from: impl AsyncRead + Unpin, bytes_max: usize) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    (&mut from).take(limit).read_to_end(&mut kept).await?;
    tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    Ok(kept)
}

fn text(bytes: &[u8], bytes_max: usize) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(bytes_max)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Program {
        Program::new("sh").args(["-c", script])
    }

    #[tokio::test]
    async fn gives_input_and_returns_output() {
        let output = Program::new("cat").stdin("what is\nsent").run().await.unwrap();
        assert_eq!(output, "what is\nsent");
    }

    #[tokio::test]
    async fn a_failure_tells_program_status_and_stderr() {
        let failed = sh("echo no; echo why >&2; exit 3").run().await.unwrap_err();
        assert_eq!(
            failed.to_string(),
            "Failed to run: sh -c echo no; echo why >&2; exit 3: exit status 3 (why)"
        );
        let missing = Program::new("no-such-program").run().await.unwrap_err();
        assert_eq!(missing.to_string(), "Failed to run: no-such-program: cannot be started");
    }

    #[tokio::test]
    async fn output_is_bounded() {
        let failed = sh("head -c 9000000 /dev/zero").run().await.unwrap_err();
        assert!(matches!(failed.status, Status::Lost(_)), "{failed}");
        let failed = sh("head -c 9000000 /dev/zero | tr '\\0' x >&2; exit 1").run().await;
        assert_eq!(failed.unwrap_err().stderr.len(), STDERR_BYTES_MAX);
    }

    #[tokio::test]
    async fn a_program_that_hangs_is_killed() {
        let limit = Duration::from_millis(50);
        let failed = sh("exec sleep 600").limit(limit).run().await.unwrap_err();
        assert!(matches!(failed.status, Status::TimedOut(_)), "{failed}");
    }

    #[tokio::test]
    async fn input_that_nobody_reads_is_no_failure() {
        let output = Program::new("true").stdin(vec![0; 1 << 20]).run().await.unwrap();
        assert_eq!(output, "");
    }
}
