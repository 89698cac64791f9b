//! JSON as Go writes it: `<`, `>` and `&` escaped, no spaces, one newline at the end.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::Formatter;

/// The value's JSON on one line, newline included.
pub(crate) fn line(value: &impl Serialize) -> Vec<u8> {
    let mut line = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut line, Go);
    value.serialize(&mut serializer).expect("wire types have string keys and no fallible parts");
    line.push(b'\n');
    line
}

struct Go;

impl Formatter for Go {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, special) = rest.split_at(at);
            let character = special.chars().next().expect("find gave its place");
            write!(writer, "{plain}\\u{:04x}", u32::from(character))?;
            rest = &special[character.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn strings_are_escaped_as_in_go() {
        for (value, expected) in [
            ("a<b>&c", "\"a\\u003cb\\u003e\\u0026c\"\n"),
            ("\u{2028}x", "\"\\u2028x\"\n"),
            ("tab\tquote\"é", "\"tab\\tquote\\\"é\"\n"),
        ] {
            assert_eq!(String::from_utf8(line(&value)).unwrap(), expected);
        }
    }

    #[test]
    fn maps_are_sorted() {
        let map = BTreeMap::from([("b", serde_json::json!({"z": 1, "y": []})), ("a", 1.into())]);
        assert_eq!(line(&map), b"{\"a\":1,\"b\":{\"y\":[],\"z\":1}}\n");
    }
}
