//! The paths that a source file names: `use` trees expanded, and paths written in full.

/// Paths such as `crate::db::tables`, in order, with `super` left as written.
pub(crate) fn paths<'a>(lines: impl Iterator<Item = (usize, &'a str)>) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut tree: Option<(usize, String)> = None;
    for (number, line) in lines {
        let line = without_strings(line);
        let start = line.trim_start().trim_start_matches("pub(crate) ").trim_start_matches("pub ");
        if let Some((_, text)) = &mut tree {
            text.push_str(line.trim());
        } else if let Some(rest) = start.strip_prefix("use ") {
            tree = Some((number, rest.trim().to_owned()));
        } else {
            found.extend(in_full(&line).into_iter().map(|path| (number, path)));
        }
        if tree.as_ref().is_some_and(|(_, text)| text.ends_with(';')) {
            let (number, text) = tree.take().expect("just seen");
            let text = text.trim_end_matches(';').to_owned();
            found.extend(expand("", &text).into_iter().map(|path| (number, path)));
        }
    }
    found
}

/// `a::{b, c::{d, e}}` as `a::b`, `a::c::d`, `a::c::e`.
fn expand(prefix: &str, tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else { return vec![format!("{prefix}{tree}")] };
    let prefix = format!("{prefix}{}", &tree[..open]);
    let inner = tree[open + 1..].trim_end().trim_end_matches('}');
    let mut parts = vec![String::new()];
    let mut depth = 0;
    // A trimmed closing brace too many is made up for by the depth never being asked again.
    for letter in inner.chars() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().expect("never empty").push(letter);
    }
    let parts = parts.iter().filter(|part| !part.trim().is_empty());
    parts.flat_map(|part| expand(&prefix, part)).collect()
}

fn in_full(line: &str) -> Vec<String> {
    let words = line.split(|letter: char| !(letter.is_alphanumeric() || "_:".contains(letter)));
    let paths = words.filter(|word| word.contains("::") && !word.starts_with(':'));
    paths.map(ToOwned::to_owned).collect()
}

fn without_strings(line: &str) -> String {
    line.split('"').step_by(2).collect::<Vec<_>>().join("\"\"")
}

#[test]
fn trees_are_expanded() {
    let text = "use std::io;\npub use crate::{\n    db::{self, tables},\n    error::Result,\n};\nfn a() {\n    openraft::Raft::new(\"a::b\");\n}\n";
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let found: Vec<_> =
        paths(lines).into_iter().map(|(line, path)| format!("{line} {path}")).collect();
    let expected = [
        "1 std::io",
        "2 crate::db::self",
        "2 crate::db::tables",
        "2 crate::error::Result",
        "7 openraft::Raft::new",
    ];
    assert_eq!(found, expected);
}
