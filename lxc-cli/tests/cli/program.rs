//! Runs `lxc`.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// The client's command for a socket; output is piped.
#[expect(clippy::disallowed_methods, reason = "the tests start the program under test")]
pub(crate) fn lxc(socket: &Path, arguments: &[String]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lxc"));
    command
        .args(arguments)
        .env_clear()
        .env("LXD_SOCKET", socket)
        .env("LXD_CONF", socket.with_file_name("settings"))
        .env("LXD_GLOBAL_CONF", socket.with_file_name("global"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a command to its end.
pub(crate) fn output(command: &mut Command, stdin: &str) -> Output {
    let mut child = command.spawn().expect("the program starts");
    let mut pipe = child.stdin.take().expect("stdin is piped");
    // A program that does not read its input closes it.
    let _ = pipe.write_all(stdin.as_bytes());
    drop(pipe);
    child.wait_with_output().expect("the program ends")
}

/// Interrupts a program, as Ctrl-C does.
#[expect(clippy::disallowed_methods, reason = "the standard library sends no signals")]
pub(crate) fn interrupt(child: &Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(status.expect("kill starts").success());
}
