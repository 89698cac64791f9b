//! `null` for a value that has a default, as Go reads it.

use serde::{Deserialize, Deserializer};

/// Reads `null` as the type's default: for `#[serde(deserialize_with)]`.
pub(crate) fn as_default<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
