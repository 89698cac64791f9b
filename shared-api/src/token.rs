//! Tokens: one JSON object in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::encoding::{self, Illegal};

/// Why a text is no token.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Base64(#[from] Illegal),
    #[error("{0}")]
    Json(#[from] serde_json::Error),
}

pub fn encode<T: Serialize>(token: &T) -> String {
    STANDARD.encode(serde_json::to_vec(token).expect("a token is plain data"))
}

/// Reads a token, without regard to white space around it.
pub fn decode<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let json = encoding::decode(text.trim())?;
    Ok(serde_json::from_slice(&json)?)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use crate::cluster::JoinToken;

    #[test]
    fn keys_are_in_the_order_of_lxd() {
        let json = r#"{"server_name":"n2","fingerprint":"216091c71425625cea40bd870960c5f8644821bef4c89b190f70c821e277b368","addresses":["10.77.0.1:8443"],"secret":"520191a5319097bd519ec41bcec1547fac4519dd66409dceb6d877aaff5a75d0","expires_at":"2026-11-22T19:01:25.066600836Z"}"#;
        let token: JoinToken = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&token).unwrap(), json);
    }

    #[test]
    fn what_is_no_token_is_named() {
        for (text, expected) in [
            ("!", "illegal base64 data at input byte 0"),
            ("e30", "illegal base64 data at input byte 0"),
            ("bogus", "illegal base64 data at input byte 4"),
            ("e30=", "missing field `server_name` at line 1 column 2"),
            ("", "EOF while parsing a value at line 1 column 0"),
        ] {
            assert_eq!(JoinToken::decode(text).unwrap_err().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn the_secret_is_not_printed() {
        let token = JoinToken {
            server_name: "n2".to_owned(),
            fingerprint: "216091c71425625cea40bd870960c5f8644821bef4c89b190f70c821e277b368"
                .parse()
                .unwrap(),
            addresses: vec![],
            secret: "sekret".to_owned(),
            expires_at: Timestamp::UNIX_EPOCH,
        };
        assert!(!format!("{token:?}").contains("sekret"));
    }

    proptest! {
        #[test]
        fn decode_reads_what_encode_wrote(
            server_name in ".*",
            fingerprint in "[0-9a-f]{64}",
            addresses in proptest::collection::vec(".*", 0..4),
            secret in "[0-9a-f]{64}",
            seconds in 0..4_000_000_000_i64,
            nanoseconds in 0..1_000_000_000_i32,
        ) {
            let token = JoinToken {
                server_name,
                fingerprint: fingerprint.parse().unwrap(),
                addresses,
                secret,
                expires_at: Timestamp::new(seconds, nanoseconds).unwrap(),
            };
            prop_assert_eq!(JoinToken::decode(&token.encode()).unwrap(), token);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = JoinToken::decode(&text);
        }
    }
}
