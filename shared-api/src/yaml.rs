//! YAML as LXD prints it: block style, the fields' order, and quotes wherever a reader of YAML 1.1
//! would take a text for something else. Lines are not folded.

use serde::Serialize;
use serde_yaml::{Mapping, Value};

/// Fields that JSON may have as `null`, and YAML as an empty list.
const LISTS: [&str; 2] = ["locations", "used_by"];

/// The value in YAML.
pub fn to_string<T: Serialize>(value: &T) -> String {
    let value = serde_yaml::to_value(value).expect("plain data has a YAML form");
    let mut printer = Printer { out: String::new() };
    match &value {
        Value::Mapping(mapping) if !mapping.is_empty() => printer.mapping(mapping, 0),
        Value::Sequence(items) if !items.is_empty() => printer.sequence(items, 0),
        value => printer.leaf(value, 0),
    }
    printer.out
}

struct Printer {
    out: String,
}

impl Printer {
    fn mapping(&mut self, mapping: &Mapping, indent: usize) {
        for (index, (key, value)) in mapping.iter().enumerate() {
            if index > 0 {
                self.pad(indent);
            }
            self.out.push_str(&scalar(key, None));
            self.out.push(':');
            match value {
                Value::Null if key.as_str().is_some_and(|key| LISTS.contains(&key)) => {
                    self.out.push_str(" []\n");
                }
                Value::Mapping(inner) if !inner.is_empty() => {
                    self.out.push('\n');
                    self.pad(indent + 2);
                    self.mapping(inner, indent + 2);
                }
                Value::Sequence(items) if !items.is_empty() => {
                    self.out.push('\n');
                    self.pad(indent);
                    self.sequence(items, indent);
                }
                value => {
                    self.out.push(' ');
                    self.leaf(value, indent);
                }
            }
        }
    }

    fn sequence(&mut self, items: &[Value], indent: usize) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.pad(indent);
            }
            self.out.push_str("- ");
            match item {
                Value::Mapping(mapping) if !mapping.is_empty() => self.mapping(mapping, indent + 2),
                Value::Sequence(inner) if !inner.is_empty() => self.sequence(inner, indent + 2),
                value => self.leaf(value, indent),
            }
        }
    }

    /// What needs no line of its own, in a parent at `indent`.
    fn leaf(&mut self, value: &Value, indent: usize) {
        self.out.push_str(&scalar(value, Some(indent + 2)));
        if !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    fn pad(&mut self, indent: usize) {
        self.out.extend(std::iter::repeat_n(' ', indent));
    }
}

/// A scalar or an empty collection; a text of several lines is a block at `block_indent`, when
/// there may be one.
fn scalar(value: &Value, block_indent: Option<usize>) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => string(text, block_indent),
        Value::Sequence(_) => "[]".to_owned(),
        Value::Mapping(_) => "{}".to_owned(),
        Value::Tagged(tagged) => scalar(&tagged.value, block_indent),
    }
}

fn string(text: &str, block_indent: Option<usize>) -> String {
    let has_special = text.contains(|char| is_special(char) && char != '\n');
    match block_indent {
        Some(indent) if !has_special && text.contains('\n') && !text.starts_with('\n') => {
            block(text, indent)
        }
        _ if has_special || text.contains('\n') || text.is_empty() || is_ambiguous(text) => {
            double_quoted(text)
        }
        _ if needs_quotes(text) => format!("'{}'", text.replace('\'', "''")),
        _ => text.to_owned(),
    }
}

fn block(text: &str, indent: usize) -> String {
    let content = text.trim_end_matches('\n');
    let chomping = match text.len() - content.len() {
        0 => "-",
        1 => "",
        _ => "+",
    };
    let indicator = if text.starts_with(' ') { "2" } else { "" };
    let mut block = format!("|{indicator}{chomping}\n");
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if !line.is_empty() {
            block.extend(std::iter::repeat_n(' ', indent));
            block.push_str(line);
        }
        block.push('\n');
    }
    block
}

fn double_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            char if is_special(char) && u32::from(char) < 0x100 => {
                quoted.push_str(&format!("\\x{:02X}", u32::from(char)));
            }
            char if is_special(char) => {
                quoted.push_str(&format!("\\u{:04X}", u32::from(char)));
            }
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

/// What may only be written as an escape.
fn is_special(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}'..='\u{ffff}')
}

/// Whether it would end early or mean something else without quotes.
fn needs_quotes(text: &str) -> bool {
    let indicator = text.starts_with(|first| ",[]{}#&*!|>'\"%@`".contains(first));
    let lone = ["-", "?", ":"].iter().any(|sign| {
        text.strip_prefix(sign).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
    });
    indicator
        || lone
        || text.starts_with(' ')
        || text.ends_with([' ', ':'])
        || text.contains(": ")
        || text.contains(" #")
        || text.starts_with("---")
        || text.starts_with("...")
}

/// Whether a reader of YAML 1.1 or 1.2 takes the plain text for something else than a string.
fn is_ambiguous(text: &str) -> bool {
    const WORDS: [&str; 14] = [
        "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", "=", "<<", ".nan", ".inf",
    ];
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_word = |candidate: &str| WORDS.iter().any(|word| word.eq_ignore_ascii_case(candidate));
    is_word(text)
        || is_word(unsigned)
        || is_integer(unsigned)
        || is_float(unsigned)
        || is_sexagesimal(unsigned)
        || is_timestamp(text)
}

fn is_integer(text: &str) -> bool {
    let digits_of = |prefix: &str, radix: u32| {
        text.strip_prefix(prefix).is_some_and(|digits| {
            !digits.is_empty() && digits.chars().all(|digit| digit == '_' || digit.is_digit(radix))
        })
    };
    let decimal = text.starts_with(|first: char| first.is_ascii_digit()) && digits_of("", 10);
    decimal || digits_of("0b", 2) || digits_of("0o", 8) || digits_of("0x", 16)
}

/// Digits with a point, an exponent, or both.
fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let is_digits = |text: &str| text.chars().all(|digit| digit == '_' || digit.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let has_digit = mantissa.contains(|digit: char| digit.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|exponent| {
        let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !digits.is_empty() && is_digits(digits)
    });
    has_digit
        && !mantissa.starts_with('_')
        && is_digits(whole)
        && is_digits(fraction)
        && exponent_fits
}

/// Base 60, such as `12:30:45`.
fn is_sexagesimal(text: &str) -> bool {
    let mut parts = text.split(':');
    let first = parts.next().is_some_and(is_integer);
    let mut rest = parts.peekable();
    first && rest.peek().is_some() && rest.all(is_float)
}

/// A date, with or without a time.
fn is_timestamp(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let is_digits = |text: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_digit())
    };
    let (Some(year), Some(month), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let end = rest.find(|char: char| !char.is_ascii_digit()).unwrap_or(rest.len());
    let (day, time) = rest.split_at(end);
    is_digits(year, 4..=4)
        && is_digits(month, 1..=2)
        && is_digits(day, 1..=2)
        && time.chars().all(|char| char.is_ascii_digit() || "TtZz:.+- ".contains(char))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Texts, and what LXD 5.0.2 printed for them.
    const SCALARS: &[(&str, &str)] = &[
        ("", "\"\""),
        ("a b", "a b"),
        ("10.77.0.1:8443", "10.77.0.1:8443"),
        ("192.168.100.14/24", "192.168.100.14/24"),
        ("5.0.2", "5.0.2"),
        ("http://x:1", "http://x:1"),
        (
            "216091c71425625cea40bd870960c5f8644821bef4c89b190f70c821e277b368",
            "216091c71425625cea40bd870960c5f8644821bef4c89b190f70c821e277b368",
        ),
        ("2", "\"2\""),
        ("0755", "\"0755\""),
        ("1_000", "\"1_000\""),
        ("0x1f", "\"0x1f\""),
        ("0b11", "\"0b11\""),
        ("0o17", "\"0o17\""),
        ("+1", "\"+1\""),
        ("1.5", "\"1.5\""),
        (".5", "\".5\""),
        ("-.5", "\"-.5\""),
        ("1e3", "\"1e3\""),
        (".inf", "\".inf\""),
        (".nan", "\".nan\""),
        ("NaN", "NaN"),
        ("~", "\"~\""),
        ("null", "\"null\""),
        ("NULL", "\"NULL\""),
        ("yes", "\"yes\""),
        ("Off", "\"Off\""),
        ("True", "\"True\""),
        ("y", "\"y\""),
        ("N", "\"N\""),
        ("12:30:45", "\"12:30:45\""),
        ("1:2", "\"1:2\""),
        ("2026-11-22", "\"2026-11-22\""),
        ("2026-11-22T10:00:00Z", "\"2026-11-22T10:00:00Z\""),
        ("2026/11/22 19:01 UTC", "2026/11/22 19:01 UTC"),
        ("a: b", "'a: b'"),
        ("a:", "'a:'"),
        (":a", ":a"),
        ("it's", "it's"),
        ("'x'", "'''x'''"),
        ("\"q\"", "'\"q\"'"),
        ("#x", "'#x'"),
        ("a #b", "'a #b'"),
        (" lead", "' lead'"),
        ("trailing ", "'trailing '"),
        ("@x", "'@x'"),
        ("*", "'*'"),
        ("-", "'-'"),
        ("-a", "-a"),
        ("- a", "'- a'"),
        ("?a", "?a"),
        ("? a", "'? a'"),
        ("---", "'---'"),
        (",a", "',a'"),
        ("a,b", "a,b"),
        ("{a}", "'{a}'"),
        ("a\\b", "a\\b"),
        ("tab\there", "\"tab\\there\""),
        ("\u{1}", "\"\\x01\""),
        ("\u{7f}", "\"\\x7F\""),
        ("é: b", "'é: b'"),
        ("<é & \"q\">", "<é & \"q\">"),
    ];

    #[test]
    fn texts_are_quoted_as_lxd_does() {
        for (text, expected) in SCALARS {
            assert_eq!(to_string(&json!({ "k": text })), format!("k: {expected}\n"));
        }
    }

    #[test]
    fn texts_that_lxd_leaves_open_to_doubt_are_quoted_too() {
        assert_eq!(to_string(&json!(["=", "<<"])), "- \"=\"\n- \"<<\"\n");
    }

    #[test]
    fn texts_of_several_lines_are_blocks() {
        for (text, expected) in [
            ("a\nb", "k: |-\n  a\n  b\n"),
            ("a\n", "k: |\n  a\n"),
            ("a\nb\n\n", "k: |+\n  a\n  b\n\n"),
            ("a\n\n  b", "k: |-\n  a\n\n    b\n"),
            ("  a\nb", "k: |2-\n    a\n  b\n"),
            ("\na", "k: \"\\na\"\n"),
        ] {
            assert_eq!(to_string(&json!({ "k": text })), expected);
        }
        assert_eq!(to_string(&json!([{ "k": ["a\nb"] }])), "- k:\n  - |-\n    a\n    b\n");
    }

    #[test]
    fn collections_are_laid_out_as_lxd_does() {
        let value =
            json!([{ "roles": ["a", "b"], "x": {}, "y": [], "z": { "k": [[1, 2], null] } }]);
        let expected = "- roles:\n  - a\n  - b\n  x: {}\n  \"y\": []\n  z:\n    k:\n    - - 1\n      - 2\n    - null\n";
        assert_eq!(to_string(&value), expected);
        assert_eq!(to_string(&json!([])), "[]\n");
        assert_eq!(to_string(&json!({ "used_by": null })), "used_by: []\n");
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(
            map in proptest::collection::btree_map("(?s).{0,8}", "(?s).{0,12}", 0..4),
            lines in proptest::collection::vec("[ab:#\\- \n]{0,8}", 0..4),
        ) {
            let value = json!({ "map": map, "lines": lines });
            prop_assert_eq!(serde_yaml::from_str::<serde_json::Value>(&to_string(&value)).unwrap(), value);
        }
    }
}
