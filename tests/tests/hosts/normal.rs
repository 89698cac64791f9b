//! Outputs without what differs from run to run: ids, hashes, tokens, dates, versions.

use std::collections::BTreeSet;

/// Each such word replaced by its kind; in lines that hold a token runs of fill are shortened too,
/// because tokens have no fixed length.
pub(crate) fn words(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", line_of_words(line))).collect()
}

/// [`words`] with the lines sorted and without commas at their ends; JSON on one line is broken up.
pub(crate) fn lines(text: &str) -> String {
    let mut text = words(text);
    if text.lines().count() == 1 {
        text = text.replace([',', '[', ']'], "\n");
    }
    let mut lines: Vec<_> = text.lines().map(|line| line.trim_end_matches(',')).collect();
    lines.sort_unstable();
    lines.into_iter().map(|line| format!("{line}\n")).collect()
}

/// The names of the fields of YAML or JSON, without those inside the lists of features.
pub(crate) fn keys(text: &str) -> String {
    let text = text.replace(['{', '}', ','], "\n");
    let (mut keys, mut features) = (BTreeSet::new(), None);
    for line in text.lines() {
        let Some((key, _)) = line.split_once(':') else { continue };
        let depth = line.len() - line.trim_start().len();
        if features.is_some_and(|start| depth > start) {
            continue;
        }
        let key = key.trim_matches([' ', '\t', '-', '"']);
        features = key.ends_with("_features").then_some(depth);
        if key.chars().all(|c| c.is_ascii_alphabetic() || "_.".contains(c)) {
            keys.insert(format!("{key}\n"));
        }
    }
    keys.into_iter().collect()
}

fn line_of_words(line: &str) -> String {
    let of_word = |letter: char| letter.is_ascii_alphanumeric() || "-:./+=_".contains(letter);
    let (mut done, mut rest) = (String::new(), line);
    while let Some(letter) = rest.chars().next() {
        let inside = of_word(letter);
        let end = rest.find(|letter| of_word(letter) != inside).unwrap_or(rest.len());
        done.push_str(if inside {
            kind(&rest[..end]).unwrap_or(&rest[..end])
        } else {
            &rest[..end]
        });
        rest = &rest[end..];
    }
    if done.contains("TOKEN") {
        done.split_whitespace().collect::<Vec<_>>().join(" ")
    } else {
        done
    }
}

/// What kind of changing word this is, if any.
fn kind(word: &str) -> Option<&'static str> {
    let hex = |text: &str| text.chars().all(|letter| letter.is_ascii_hexdigit());
    let parts: Vec<_> = word.split('-').map(|part| (part.len(), hex(part))).collect();
    let uuid = [(8, true), (4, true), (4, true), (4, true), (12, true)];
    let is_date = |text: &str| {
        let digits = text.chars().filter(char::is_ascii_digit).count();
        digits >= 4 && text.chars().all(|c| c.is_ascii_digit() || "-/:.TZ+".contains(c))
    };
    let separators = word.chars().filter(|letter| "/:-".contains(*letter)).count();
    if parts == uuid {
        Some("UUID")
    } else if word.len() == 64 && hex(word) {
        Some("HASH")
    } else if word.len() > 100 && !word.contains("--") {
        Some("TOKEN")
    } else if separators >= 1 && is_date(word) && !word.contains('+') && !is_address(word) {
        Some("DATE")
    } else {
        None
    }
}

fn is_address(word: &str) -> bool {
    word.split(['/', ':']).next().is_some_and(|host| host.split('.').count() == 4)
}

#[test]
fn changing_words_are_replaced() {
    let token = "ab12".repeat(30);
    for (text, expected) in [
        ("id: 8142b170-71f1-424c-bc6e-905c4d5d51ee", "id: UUID\n"),
        ("at 2026-11-22T16:46:47.622041023Z", "at DATE\n"),
        ("| node4 | 2026/11/22 19:46 UTC |", "| node4 | DATE DATE UTC |\n"),
        ("https://10.0.0.1:8443 10.158.0.1/24", "https://10.0.0.1:8443 10.158.0.1/24\n"),
        ("+-----+---+", "+-----+---+\n"),
        (&token, "TOKEN\n"),
    ] {
        assert_eq!(words(text), expected);
    }
    assert_eq!(lines("b,\na\n"), "a\nb\n");
    assert_eq!(lines("{b,a}"), "a}\n{b\n");
    assert_eq!(keys("{\"b\":1,\"a\":{\"c d\":2}}"), "a\nb\n");
    assert_eq!(keys("b:\n  x_features:\n    y: 1\n  c: 2\n"), "b\nc\nx_features\n");
}
