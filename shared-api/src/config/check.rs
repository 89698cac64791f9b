//! What single values must look like, and LXD's words for those that do not.

use super::server::truth;

/// Whether a switch is on; anything that is no switch counts as off.
pub fn is_true(value: &str) -> bool {
    truth(value) == Some(true)
}
