//! Base64, read as Go's `base64.StdEncoding` reads it for LXD.

use base64::engine::general_purpose::STANDARD;
use base64::{DecodeError, Engine};

/// What is not base64; the offset is counted without line breaks.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("illegal base64 data at input byte {offset}")]
pub struct Illegal {
    pub offset: usize,
}

/// The bytes of a text that may be broken into lines, as pylxd sends certificates.
///
/// # Errors
/// [`Illegal`] names the first byte that does not fit, or the begin of what is left of four.
pub fn decode(text: &str) -> Result<Vec<u8>, Illegal> {
    let text: String = text.split(['\r', '\n']).collect();
    STANDARD.decode(&text).map_err(|error| Illegal {
        offset: match error {
            DecodeError::InvalidByte(offset, _) | DecodeError::InvalidLastSymbol(offset, _) => {
                offset
            }
            DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => {
                text.len() - text.len() % 4
            }
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_breaks_are_nothing() {
        assert_eq!(decode("aGVs\r\nbG8=\n").unwrap(), b"hello");
        assert_eq!(decode("aGVs\nbG8").unwrap_err(), Illegal { offset: 4 });
        assert_eq!(decode("aG Vs").unwrap_err().to_string(), "illegal base64 data at input byte 2");
    }
}
