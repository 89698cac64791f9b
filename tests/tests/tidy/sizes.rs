//! How long files, functions and headers may be.

use crate::files::File;

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 60;
const HEADER_LINES_MAX: usize = 5;
const ARCHITECTURE_LINES_MAX: usize = 300;

/// Files that people write.
pub(crate) fn files(files: &[File]) -> Vec<String> {
    let written = [".rs", ".sql", ".md", ".toml", ".sh"];
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| written.iter().any(|end| file.path.ends_with(end))) {
        let lines = file.text.lines().count();
        let limit =
            if file.path == "ARCHITECTURE.md" { ARCHITECTURE_LINES_MAX } else { FILE_LINES_MAX };
        if lines > limit {
            complaints.push(format!("{}: {lines} lines, at most {limit}", file.path));
        }
    }
    complaints
}

/// Functions, counted as clippy does: lines of the body without blank ones and comments.
pub(crate) fn functions(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let lines: Vec<_> = file.text.lines().collect();
        for (start, line) in lines.iter().enumerate().filter(|(_, line)| is_function(line)) {
            let indent = &line[..line.len() - line.trim_start().len()];
            let end = format!("{indent}}}");
            let body = lines[start..].iter().skip_while(|line| !line.trim_end().ends_with('{'));
            let body = body.skip(1).take_while(|line| **line != end).map(|line| line.trim());
            let count = body.filter(|line| !line.is_empty() && !line.starts_with("//")).count();
            if count > FUNCTION_LINES_MAX && !ends_at_once(&lines[start..]) {
                complaints.push(format!(
                    "{}:{}: a function of {count} lines, at most {FUNCTION_LINES_MAX}",
                    file.path,
                    start + 1
                ));
            }
        }
    }
    complaints
}

/// Every module says at its top what it is, briefly; a crate may say more.
pub(crate) fn headers(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let lines = file.text.lines().take_while(|line| line.starts_with("//!")).count();
        if lines == 0 {
            complaints.push(format!("{}: no //! at the top", file.path));
        } else if lines > HEADER_LINES_MAX && !file.path.ends_with("lib.rs") {
            complaints.push(format!("{}: //! of {lines} lines", file.path));
        }
    }
    complaints
}

fn is_function(line: &str) -> bool {
    let mut words = line.split_whitespace();
    let word = words.find(|word| {
        let before = ["pub", "pub(crate)", "pub(super)", "const", "async", "unsafe", "default"];
        !before.contains(word)
    });
    word == Some("fn")
}

/// A declaration in a trait, or a body on the line of its head.
fn ends_at_once(lines: &[&str]) -> bool {
    let head =
        lines.iter().find(|line| [";", "{", "}"].iter().any(|end| line.trim_end().ends_with(end)));
    head.is_none_or(|line| !line.trim_end().ends_with('{'))
}

#[test]
fn violations_are_found() {
    use crate::check;
    check(files, "a.md", &"line\n".repeat(501), 1);
    check(files, "man/lxc.1", &"line\n".repeat(501), 0);
    check(files, "ARCHITECTURE.md", &"line\n".repeat(301), 1);
    let function = |lines: usize| {
        format!(
            "impl A {{\n    pub async fn a(\n        b: u8,\n    ) {{\n{}    }}\n}}\n",
            "        x();\n".repeat(lines)
        )
    };
    check(functions, "a.rs", &function(60), 0);
    check(functions, "a.rs", &function(61), 1);
    check(functions, "a.rs", &format!("trait A {{\n    fn a();\n}}\n{}", function(60)), 0);
    check(headers, "a.rs", "use std::fmt;\n", 1);
    check(headers, "a.rs", "//! What.\n", 0);
    check(headers, "a.rs", &"//! What.\n".repeat(6), 1);
}
