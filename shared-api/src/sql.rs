//! SQL of operators: `/internal/sql`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Statements to run, separated by semicolons.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Query {
    /// `local` or `global`.
    pub database: String,
    pub query: String,
}

/// What the statements of a [`Query`] came to, in order.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    #[serde(rename = "Results")]
    pub results: Vec<Outcome>,
}

/// What one statement came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    #[serde(rename = "type")]
    pub kind: Kind,
    /// `null` if the statement returns no rows by nature.
    pub columns: Option<Vec<String>>,
    /// Numbers, strings and `null`; a BLOB is a string.
    pub rows: Option<Vec<Vec<Value>>>,
    /// Rows inserted, updated or deleted.
    pub rows_affected: u64,
}

/// Whether a statement returns rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Select,
    Exec,
}

/// A database as SQL text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dump {
    pub text: String,
}
