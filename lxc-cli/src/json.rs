//! JSON as LXD prints it.

use serde::Serialize;

/// One line, with the characters escaped that are special in HTML.
pub(crate) fn line<T: Serialize>(value: &T) -> anyhow::Result<String> {
    let json = serde_json::to_string(value)?;
    let mut line = String::with_capacity(json.len() + 1);
    for char in json.chars() {
        match char {
            '&' | '<' | '>' | '\u{2028}' | '\u{2029}' => {
                line.push_str(&format!("\\u{:04x}", u32::from(char)));
            }
            char => line.push(char),
        }
    }
    line.push('\n');
    Ok(line)
}

/// Breaks JSON into lines indented by tabs; keys stay in their order, and empty collections on
/// their line.
pub(crate) fn indent(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_text, mut is_escaped) = (0, false, false);
    let mut chars = json.trim().chars().filter(|char| !char.is_ascii_control()).peekable();
    while let Some(char) = chars.next() {
        if in_text {
            out.push(char);
            in_text = is_escaped || char != '"';
            is_escaped = char == '\\' && !is_escaped;
            continue;
        }
        match char {
            ' ' => {}
            '{' | '[' => {
                out.push(char);
                while chars.next_if_eq(&' ').is_some() {}
                if let Some(close) = chars.next_if(|next| "}]".contains(*next)) {
                    out.push(close);
                } else {
                    depth += 1;
                    break_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth -= 1;
                break_line(&mut out, depth);
                out.push(char);
            }
            ',' => {
                out.push(char);
                break_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            char => {
                in_text = char == '"';
                out.push(char);
            }
        }
    }
    out
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n('\t', depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_escape_what_is_special_in_html() {
        assert_eq!(line(&"<é & \"q\">").unwrap(), "\"\\u003cé \\u0026 \\\"q\\\"\\u003e\"\n");
    }

    #[test]
    fn json_is_indented() {
        for (json, expected) in [
            ("[]", "[]"),
            ("{ }\n", "{}"),
            ("1", "1"),
            (r#"{"b":1,"a":[{},"x"]}"#, "{\n\t\"b\": 1,\n\t\"a\": [\n\t\t{},\n\t\t\"x\"\n\t]\n}"),
            (r#""a\\\"{b,c:[""#, r#""a\\\"{b,c:[""#),
            ("{\n  \"a\" : null\n}", "{\n\t\"a\": null\n}"),
        ] {
            assert_eq!(indent(json), expected, "{json}");
        }
    }
}
