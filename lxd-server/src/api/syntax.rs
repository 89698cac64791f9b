//! Go's words for what is wrong with a JSON text: the API's texts for malformed bodies.
//! Only asked after serde has refused the text, so it need not be fast.

/// What Go's decoder says of a malformed text; nothing if the text is well-formed.
pub(crate) fn complaint(text: &[u8]) -> Option<String> {
    let mut scanner = Scanner { text, at: 0 };
    if scanner.peek_token().is_none() {
        return Some("EOF".to_owned());
    }
    let scan = scanner.value(0).and_then(|()| match scanner.peek_token() {
        Some(byte) => Err(invalid(byte, "after top-level value")),
        None => Ok(()),
    });
    scan.err()
}

/// Deeper than serde_json follows.
const DEPTH_MAX: usize = 128;

struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

type Scan<T = ()> = Result<T, String>;

impl Scanner<'_> {
    fn value(&mut self, depth: usize) -> Scan {
        if depth > DEPTH_MAX {
            return Err("exceeded max depth".to_owned());
        }
        match self.token()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string(),
            b't' => self.literal("true"),
            b'f' => self.literal("false"),
            b'n' => self.literal("null"),
            b'-' => match self.next()? {
                first @ b'0'..=b'9' => self.number(first),
                other => Err(invalid(other, "in numeric literal")),
            },
            first @ b'0'..=b'9' => self.number(first),
            other => Err(invalid(other, "looking for beginning of value")),
        }
    }

    fn object(&mut self, depth: usize) -> Scan {
        if self.peek_token() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            match self.token()? {
                b'"' => self.string()?,
                other => return Err(invalid(other, "looking for beginning of object key string")),
            }
            match self.token()? {
                b':' => self.value(depth + 1)?,
                other => return Err(invalid(other, "after object key")),
            }
            match self.token()? {
                b',' => {}
                b'}' => return Ok(()),
                other => return Err(invalid(other, "after object key:value pair")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Scan {
        if self.peek_token() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value(depth + 1)?;
            match self.token()? {
                b',' => {}
                b']' => return Ok(()),
                other => return Err(invalid(other, "after array element")),
            }
        }
    }

    fn string(&mut self) -> Scan {
        loop {
            match self.next()? {
                b'"' => return Ok(()),
                b'\\' => self.escape()?,
                control @ ..0x20 => return Err(invalid(control, "in string literal")),
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Scan {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => (0..4).try_for_each(|_| match self.next()? {
                digit if digit.is_ascii_hexdigit() => Ok(()),
                other => Err(invalid(other, "in \\u hexadecimal character escape")),
            }),
            other => Err(invalid(other, "in string escape code")),
        }
    }

    fn literal(&mut self, word: &str) -> Scan {
        word.bytes().skip(1).try_for_each(|expected| match self.next()? {
            byte if byte == expected => Ok(()),
            other => {
                let place = format!("in literal {word} (expecting '{}')", char::from(expected));
                Err(invalid(other, &place))
            }
        })
    }

    fn number(&mut self, first: u8) -> Scan {
        if first != b'0' {
            self.digits();
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digit("after decimal point in numeric literal")?;
            self.digits();
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digit("in exponent of numeric literal")?;
            self.digits();
        }
        Ok(())
    }

    fn digit(&mut self, place: &str) -> Scan {
        match self.next()? {
            byte if byte.is_ascii_digit() => Ok(()),
            other => Err(invalid(other, place)),
        }
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Scan<u8> {
        let byte = self.peek().ok_or_else(|| "unexpected EOF".to_owned())?;
        self.at += 1;
        Ok(byte)
    }

    /// The next byte that is not white space, left where it is.
    fn peek_token(&mut self) -> Option<u8> {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
        self.peek()
    }

    fn token(&mut self) -> Scan<u8> {
        self.peek_token();
        self.next()
    }
}

fn invalid(byte: u8, place: &str) -> String {
    let shown = match byte {
        b'\'' => r"\'".to_owned(),
        b'"' => "\"".to_owned(),
        control @ (..0x20 | 0x7f..0xa0) => match control {
            b'\n' => r"\n".to_owned(),
            b'\r' => r"\r".to_owned(),
            b'\t' => r"\t".to_owned(),
            _ => format!("\\x{control:02x}"),
        },
        _ => char::from(byte).to_string(),
    };
    format!("invalid character '{shown}' {place}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_those_of_lxd() {
        for (text, expected) in [
            ("", "EOF"),
            (" ", "EOF"),
            ("{", "unexpected EOF"),
            ("nul", "unexpected EOF"),
            ("{\"a", "unexpected EOF"),
            ("-", "unexpected EOF"),
            ("{bad", "invalid character 'b' looking for beginning of object key string"),
            ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
            ("{\"a\":1 2}", "invalid character '2' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("[1,]", "invalid character ']' looking for beginning of value"),
            ("\"\\x\"", "invalid character 'x' in string escape code"),
            ("\"\n\"", "invalid character '\\n' in string literal"),
            ("tru3", "invalid character '3' in literal true (expecting 'e')"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("01", "invalid character '1' after top-level value"),
            ("1.x", "invalid character 'x' after decimal point in numeric literal"),
            ("{} {}", "invalid character '{' after top-level value"),
        ] {
            assert_eq!(complaint(text.as_bytes()).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(complaint("[".repeat(100_000).as_bytes()).unwrap(), "exceeded max depth");
        assert_eq!(complaint(br#" {"a":[1.5e-3,true,null,"\u00e9"],"b":{}} "#), None);
    }
}
