//! The one place that reads the clock.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The year that it is in UTC.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub(crate) fn year() -> i32 {
    Timestamp::now().to_zoned(TimeZone::UTC).year().into()
}
