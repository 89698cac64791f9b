//! The one place of this package that starts programs.

use std::{
    ffi::OsStr,
    io::Write,
    process::{Command, Output, Stdio},
};

use anyhow::{Context, Result, ensure};

/// A command with an empty environment and no input, to be filled by the caller.
#[must_use]
pub fn command(program: impl AsRef<OsStr>) -> Command {
    #[allow(
        clippy::disallowed_methods,
        reason = "the harness starts programs here and nowhere else"
    )]
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
    command
}

/// Runs to the end with `input` on stdin; both outputs are captured.
///
/// Starts no thread, so it may be called where [`crate::namespace::Namespace::enter`] forbids them;
/// `input` must therefore fit into a pipe (64 KiB).
pub fn capture(command: &mut Command, input: &str) -> Result<Output> {
    let name = command.get_program().to_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("start {}", name.display()))?;
    let mut stdin = child.stdin.take().expect("stdin is piped");
    // A program that does not read its input closes the pipe: that is its right.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    child.wait_with_output().with_context(|| format!("wait for {}", name.display()))
}

/// Stdout of a program that succeeded; its stderr in the error otherwise.
pub fn stdout(command: &mut Command, input: &str) -> Result<String> {
    let output = capture(command, input)?;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stderr),
        String::from_utf8_lossy(&output.stdout),
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
