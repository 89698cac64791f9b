//! How the client ends when it is interrupted, or nobody reads.

use std::process::Stdio;

use crate::program;
use crate::stub::Stub;

#[test]
fn an_interrupt_ends_with_130() {
    let stub = Stub::start();
    stub.answer("GET /1.0/slow", "hang", "");
    let arguments = ["query", "/1.0/slow"].map(str::to_owned);
    let child = program::lxc(&stub.socket(), &arguments).spawn().unwrap();
    assert_eq!(stub.wait(), "GET /1.0/slow");
    program::interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(130), vec![]));
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let stub = Stub::start();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = program::lxc(&stub.socket(), &["version".to_owned()]);
    let output = program::output(command.stdout(Stdio::from(writer)), "");
    assert_eq!((output.status.code(), output.stderr), (Some(0), vec![]));
}
