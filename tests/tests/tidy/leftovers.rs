//! What must not be left in a file. The words are written in halves, or this file would hold them.

use crate::files::File;

const WORDS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("db", "g!("),
    concat!("#[ig", "nore"),
    concat!("should_", "panic"),
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("work", "tree"),
    concat!("sub", "agent"),
];

/// Unfinished things, switched-off tests, paths of one machine.
pub(crate) fn words(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.path != "Cargo.lock" && file.path != "LICENSE") {
        for (index, line) in file.text.lines().enumerate() {
            for word in WORDS.iter().filter(|word| line.contains(**word)) {
                complaints.push(format!("{}:{}: {word}", file.path, index + 1));
            }
        }
    }
    complaints
}

/// Tests wait for conditions: they sleep in functions named `wait_until`, and in `trouble`, which lets
/// a fault last.
pub(crate) fn sleeps(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let product = if file.is_test() { 0 } else { file.product().count() };
        let mut waits = false;
        for (index, line) in file.text.lines().enumerate().skip(product) {
            if line.contains("fn ") {
                waits = line.contains("fn wait_until") || line.contains("fn trouble(");
            }
            if line.contains(concat!("sl", "eep(")) && !waits {
                complaints.push(format!("{}:{}: a sleep in a test", file.path, index + 1));
            }
        }
    }
    complaints
}

#[test]
fn leftovers_are_found() {
    use crate::check;
    for word in WORDS {
        check(words, "lxc-cli/src/ui.rs", &format!("// {word} later\n"), 1);
    }
    let sleep = concat!("thread::sl", "eep(second);\n");
    check(sleeps, "lxd-server/src/x.rs", sleep, 0);
    check(sleeps, "lxd-server/src/x.rs", &format!("#[cfg(test)]\nmod tests {{ {sleep} }}"), 1);
    check(sleeps, "lxd-server/tests/x.rs", sleep, 1);
    check(sleeps, "lxd-server/tests/x.rs", &format!("fn wait_until() {{\n{sleep}}}\n"), 0);
}
