//! The only place that reads the wall clock.

use jiff::Timestamp;

/// The time of day, for what people see and for expiry dates; never for ordering or liveness.
#[allow(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
