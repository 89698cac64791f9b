//! Sizes in LXD's grammar: an integer and a unit, `10GiB`, `1kB`, `5 bytes`, `512`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A number of bytes, at most 2⁶³ − 1.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "String", into = "String")]
pub struct Size(u64);

/// Why a text is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("Invalid value: {0}")]
    Value(String),
    #[error("Invalid integer: {0}")]
    Integer(String),
    #[error("Overflow multiplying {number} with {factor}")]
    Overflow { number: u64, factor: u64 },
}

/// Largest first, so that the first that divides a size is the one to print it with.
const UNITS: [(&str, u64); 15] = [
    ("EiB", 1 << 60),
    ("EB", 10_u64.pow(18)),
    ("PiB", 1 << 50),
    ("PB", 10_u64.pow(15)),
    ("TiB", 1 << 40),
    ("TB", 10_u64.pow(12)),
    ("GiB", 1 << 30),
    ("GB", 10_u64.pow(9)),
    ("MiB", 1 << 20),
    ("MB", 10_u64.pow(6)),
    ("KiB", 1 << 10),
    ("kB", 10_u64.pow(3)),
    (" bytes", 1),
    ("B", 1),
    ("", 1),
];

impl Size {
    pub const MAX: Self = Self(i64::MAX as u64);

    /// `None` above [`Size::MAX`].
    pub fn from_bytes(bytes: u64) -> Option<Self> {
        (bytes <= Self::MAX.0).then_some(Self(bytes))
    }

    pub fn bytes(self) -> u64 {
        self.0
    }

    /// For people: two decimals of the largest binary unit that it reaches, `10.00GiB`.
    pub fn human(self) -> String {
        let unit = UNITS.iter().filter(|(name, _)| name.ends_with("iB"));
        let Some((name, factor)) = unit.clone().find(|(_, factor)| self.0 >= *factor) else {
            return format!("{}B", self.0);
        };
        let hundredths = (u128::from(self.0) * 100 + u128::from(*factor) / 2) / u128::from(*factor);
        format!("{}.{:02}{name}", hundredths / 100, hundredths % 100)
    }
}

impl FromStr for Size {
    type Err = Error;

    /// The empty text is 0, as in LXD.
    fn from_str(text: &str) -> Result<Self, Error> {
        if text.is_empty() {
            return Ok(Self(0));
        }
        let digits_end = text.find(|char: char| !char.is_ascii_digit()).unwrap_or(text.len());
        let (digits, suffix) = text.split_at(digits_end);
        let unit = UNITS.iter().find(|(name, _)| *name == suffix);
        let Some((_, factor)) = unit.filter(|_| !digits.is_empty()) else {
            return Err(Error::Value(text.to_owned()));
        };
        let number = digits.parse::<u64>().ok().filter(|number| *number <= Self::MAX.0);
        let number = number.ok_or_else(|| Error::Integer(digits.to_owned()))?;
        let bytes = number.checked_mul(*factor).and_then(Self::from_bytes);
        bytes.ok_or(Error::Overflow { number, factor: *factor })
    }
}

impl TryFrom<String> for Size {
    type Error = Error;

    fn try_from(text: String) -> Result<Self, Error> {
        text.parse()
    }
}

impl From<Size> for String {
    fn from(size: Size) -> Self {
        size.to_string()
    }
}

/// Exact: the largest unit that divides it.
impl fmt::Display for Size {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let unit = UNITS.iter().find(|(_, factor)| self.0 != 0 && self.0.is_multiple_of(*factor));
        match unit {
            Some((name, factor)) if *factor > 1 => write!(formatter, "{}{name}", self.0 / factor),
            _ => write!(formatter, "{}B", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("", 0),
            ("0", 0),
            ("10", 10),
            ("10B", 10),
            ("10 bytes", 10),
            ("1kB", 1000),
            ("1KiB", 1024),
            ("01GiB", 1 << 30),
            ("1PB", 1_000_000_000_000_000),
            ("7EiB", 7 << 60),
            ("9223372036854775807", (1 << 63) - 1),
        ] {
            assert_eq!(text.parse::<Size>().map(Size::bytes), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size() {
        for text in [
            "10b", "10 B", "10bytes", "1KB", "1K", "1kib", "1.5GiB", "-1", "+1", " 1GiB", "1GiB ",
            "1 GiB", "GiB", "1Gi", "1ZB", "1  bytes", "50%", "B",
        ] {
            assert_eq!(text.parse::<Size>(), Err(Error::Value(text.to_owned())));
        }
        for (text, message) in [
            ("9223372036854775808", "Invalid integer: 9223372036854775808"),
            ("8EiB", "Overflow multiplying 8 with 1152921504606846976"),
            ("16EiB", "Overflow multiplying 16 with 1152921504606846976"),
        ] {
            assert_eq!(text.parse::<Size>().unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn for_people() {
        for (bytes, text) in [
            (0, "0B"),
            (1023, "1023B"),
            (1024, "1.00KiB"),
            (10 << 30, "10.00GiB"),
            (3 << 29, "1.50GiB"),
            ((1 << 63) - 1, "8.00EiB"),
        ] {
            assert_eq!(Size(bytes).human(), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(bytes in 0..=Size::MAX.0, shift in 0..60_u32) {
            for size in [Size(bytes), Size(bytes >> shift), Size(bytes >> shift << shift)] {
                prop_assert_eq!(size.to_string().parse(), Ok(size));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = text.parse::<Size>();
        }
    }
}
