//! How long something is good for, as in `cluster.join_token_expiry`.

use std::str::FromStr;

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// A span of time such as `3H` or `1d 12H`: minutes `M`, hours `H`, days `d`, weeks `w`, months `m`
/// and years `y`, each at most once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expiry([i64; 6]);

/// A text that is no span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("Invalid expiry expression")]
pub struct Invalid;

const UNITS: [char; 6] = ['y', 'm', 'w', 'd', 'H', 'M'];

impl Expiry {
    /// The instant this long after `start` by the calendar; the end of time if there is none.
    pub fn after(&self, start: Timestamp) -> Timestamp {
        let [years, months, weeks, days, hours, minutes] = self.0;
        let span = Span::new()
            .try_years(years)
            .and_then(|span| span.try_months(months))
            .and_then(|span| span.try_weeks(weeks))
            .and_then(|span| span.try_days(days))
            .and_then(|span| span.try_hours(hours))
            .and_then(|span| span.try_minutes(minutes));
        let end = span.and_then(|span| start.to_zoned(TimeZone::UTC).checked_add(span));
        end.map_or(Timestamp::MAX, |end| end.timestamp())
    }
}

impl FromStr for Expiry {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut counts = [None; UNITS.len()];
        for part in text.split_ascii_whitespace() {
            let unit = part.chars().next_back().ok_or(Invalid)?;
            let number = part.strip_suffix(unit).ok_or(Invalid)?;
            let place = UNITS.iter().position(|known| *known == unit).ok_or(Invalid)?;
            if !number.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(Invalid);
            }
            let count: i64 = number.parse().map_err(|_| Invalid)?;
            if counts[place].replace(count).is_some() {
                return Err(Invalid);
            }
        }
        if counts.iter().all(Option::is_none) {
            return Err(Invalid);
        }
        Ok(Self(counts.map(Option::unwrap_or_default)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_added_by_the_calendar() {
        let start: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        for (text, end) in [
            ("3H", "2026-01-31T15:00:00Z"),
            ("3H 5M", "2026-01-31T15:05:00Z"),
            (" 1d", "2026-02-01T12:00:00Z"),
            ("2w", "2026-02-14T12:00:00Z"),
            ("1m", "2026-02-28T12:00:00Z"),
            ("1y 1m", "2027-02-28T12:00:00Z"),
            ("0H", "2026-01-31T12:00:00Z"),
            ("9000000000000000000y", "9999-12-30T22:00:00.999999999Z"),
        ] {
            let expiry: Expiry = text.parse().unwrap();
            assert_eq!(expiry.after(start), end.parse().unwrap(), "{text}");
        }
    }

    #[test]
    fn what_lxd_refuses_is_refused() {
        for text in ["", "0", "5X", "3h", "3H5M", "-1H", "1.5H", "1H 1H", "H", "never", "é"] {
            assert_eq!(text.parse::<Expiry>(), Err(Invalid), "{text}");
        }
    }
}
