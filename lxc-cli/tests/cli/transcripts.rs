//! Sessions in `transcripts`, replayed. `UPDATE=1` writes them anew.
//! `@ METHOD PATH STATUS BODY` prepares an answer (the body is JSON, or a file recorded from LXD; see `Stub`),
//! `$ lxc …` runs a command; then come stdout, stderr after `! `, what was sent but GETs after `> `,
//! and the exit code after `= `, unless 0.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::program;
use crate::stub::Stub;

#[test]
fn sessions_are_as_recorded() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/transcripts");
    let mut stale = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let recorded = fs::read_to_string(&path).unwrap();
        let replayed = replay(&recorded);
        if replayed == recorded {
            continue;
        }
        if is_update() {
            fs::write(&path, replayed).unwrap();
        } else {
            stale.push(difference(&path, &recorded, &replayed));
        }
    }
    assert!(stale.is_empty(), "{}", stale.join("\n"));
}

#[expect(clippy::disallowed_methods, reason = "a switch of this test alone")]
fn is_update() -> bool {
    std::env::var_os("UPDATE").is_some()
}

/// The session with what its commands do now.
fn replay(recorded: &str) -> String {
    let stub = Stub::start();
    let mut replayed = String::new();
    for line in recorded.lines() {
        if line.starts_with("# ") {
            let _ = writeln!(replayed, "{line}");
        } else if let Some(answer) = line.strip_prefix("@ ") {
            prepare(&stub, answer);
            let _ = writeln!(replayed, "{line}");
        } else if let Some(command) = line.strip_prefix("$ lxc") {
            let _ = writeln!(replayed, "{line}\n{}", run(&stub, command));
        }
    }
    replayed
}

fn prepare(stub: &Stub, answer: &str) {
    let parts: Vec<&str> = answer.splitn(4, ' ').collect();
    let [method, path, status, body] = parts[..] else { panic!("@ {answer}: four parts") };
    let body = match body.strip_suffix(".json") {
        Some(_) => {
            let recorded =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared-api/tests/recorded");
            fs::read_to_string(recorded.join(body)).expect("a recorded answer")
        }
        None if body.starts_with("{\"type\"") => body.to_owned(),
        None if status.starts_with('2') || status == "stale" => format!(
            r#"{{"type":"sync","status":"Success","status_code":200,"operation":"","error_code":0,"error":"","metadata":{body}}}"#
        ),
        None => format!(
            r#"{{"type":"error","status":"","status_code":0,"operation":"","error_code":{status},"error":{body},"metadata":null}}"#
        ),
    };
    stub.answer(&format!("{method} {path}"), status, &body);
}

/// Everything that a command shows and does.
fn run(stub: &Stub, command: &str) -> String {
    let (command, stdin) = command.split_once(" <<< ").unwrap_or((command, ""));
    let arguments = split(command);
    let output = program::output(&mut program::lxc(&stub.socket(), &arguments), stdin);
    let folder = stub.folder().to_string_lossy();
    let text = |bytes| {
        let text = String::from_utf8(bytes).expect("text");
        text.replace(&*folder, "FOLDER").replace(env!("CARGO_PKG_VERSION"), "VERSION")
    };
    let mut shown = text(output.stdout);
    if !shown.is_empty() && !shown.ends_with('\n') {
        shown.push_str("(no newline)\n");
    }
    for line in text(output.stderr).lines() {
        let _ = writeln!(shown, "{}", format!("! {line}").trim_end());
    }
    for request in stub.sent().iter().filter(|request| !request.starts_with("GET ")) {
        let _ = writeln!(shown, "> {request}");
    }
    match output.status.code() {
        Some(0) => {}
        code => shown.push_str(&format!("= {code:?}\n").replace("Some(", "").replace(')', "")),
    }
    shown
}

/// Splits at spaces that are not between single quotes.
fn split(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted, mut started) = (vec![], String::new(), false, false);
    for char in command.chars() {
        match char {
            '\'' => (quoted, started) = (!quoted, true),
            ' ' if !quoted => {
                if started {
                    words.push(std::mem::take(&mut word));
                }
                started = false;
            }
            char => {
                word.push(char);
                started = true;
            }
        }
    }
    if started {
        words.push(word);
    }
    words
}

/// The first line that differs.
fn difference(path: &Path, recorded: &str, replayed: &str) -> String {
    let mut lines = recorded.lines().zip(replayed.lines()).enumerate();
    let first = lines.find(|(_, (recorded, replayed))| recorded != replayed);
    let name = path.display();
    match first {
        Some((index, (old, new))) => format!("{name}:{}\n  was: {old}\n  now: {new}", index + 1),
        None => format!("{name}: one ends before the other"),
    }
}
