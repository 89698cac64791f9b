//! SQLite as sqlx knows databases: rows, arguments, types. sqlx's own driver has a thread for each connection,
//! and two switches between threads for each statement; here statements run where they are asked for.

use crate::connection::Connection;
use crate::formalities::{Prepared, Transactions};
use crate::types::Value;
use sqlx::database::Database;
use sqlx::encode::{Encode, IsNull};
use sqlx::error::{BoxDynError, DatabaseError, ErrorKind};
use sqlx::{Arguments, Column, ColumnIndex, Decode, IntoArguments, Row, Type, TypeInfo};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// The database, for sqlx.
#[derive(Debug)]
pub struct Sqlite;

impl Database for Sqlite {
    type Connection = Connection;
    type TransactionManager = Transactions;
    type Row = SqliteRow;
    type QueryResult = SqliteQueryResult;
    type Column = SqliteColumn;
    type TypeInfo = SqliteType;
    type Value = Value;
    type ValueRef<'r> = SqliteValue<'r>;
    type Arguments = SqliteArguments;
    type ArgumentBuffer = Vec<Value>;
    type Statement = Prepared;

    const NAME: &'static str = "SQLite";
    const URL_SCHEMES: &'static [&'static str] = &[];
}

/// What a value is: SQLite's five storage classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqliteType {
    /// No value.
    Null,
    /// 64 bits, signed.
    Integer,
    /// 64 bits.
    Real,
    /// UTF-8.
    Text,
    /// Bytes.
    Blob,
}

impl fmt::Display for SqliteType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl TypeInfo for SqliteType {
    fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    fn name(&self) -> &str {
        match self {
            Self::Null => "NULL",
            Self::Integer => "INTEGER",
            Self::Real => "REAL",
            Self::Text => "TEXT",
            Self::Blob => "BLOB",
        }
    }
}

impl Value {
    fn kind(&self) -> SqliteType {
        match self {
            Self::Null => SqliteType::Null,
            Self::Integer(_) => SqliteType::Integer,
            Self::Real(_) => SqliteType::Real,
            Self::Text(_) => SqliteType::Text,
            Self::Blob(_) => SqliteType::Blob,
        }
    }
}

impl sqlx::Value for Value {
    type Database = Sqlite;

    fn as_ref(&self) -> SqliteValue<'_> {
        SqliteValue(self)
    }

    fn type_info(&self) -> Cow<'_, SqliteType> {
        Cow::Owned(self.kind())
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }
}

/// A value of a row.
#[derive(Clone, Copy, Debug)]
pub struct SqliteValue<'r>(&'r Value);

impl<'r> sqlx::ValueRef<'r> for SqliteValue<'r> {
    type Database = Sqlite;

    fn to_owned(&self) -> Value {
        self.0.clone()
    }

    fn type_info(&self) -> Cow<'_, SqliteType> {
        Cow::Owned(self.0.kind())
    }

    fn is_null(&self) -> bool {
        matches!(self.0, Value::Null)
    }
}

/// A column of a row.
#[derive(Clone, Debug)]
pub struct SqliteColumn {
    ordinal: usize,
    name: String,
}

impl Column for SqliteColumn {
    type Database = Sqlite;

    fn ordinal(&self) -> usize {
        self.ordinal
    }

    fn name(&self) -> &str {
        &self.name
    }

    /// Not known before there is a value.
    fn type_info(&self) -> &SqliteType {
        &SqliteType::Null
    }
}

/// The columns of a statement.
pub(crate) fn columns(names: &[&str]) -> Arc<[SqliteColumn]> {
    let column = |(ordinal, name): (usize, &&str)| SqliteColumn { ordinal, name: (*name).into() };
    names.iter().enumerate().map(column).collect()
}

/// A row.
#[derive(Debug)]
pub struct SqliteRow {
    pub(crate) columns: Arc<[SqliteColumn]>,
    pub(crate) values: Vec<Value>,
}

impl Row for SqliteRow {
    type Database = Sqlite;

    fn columns(&self) -> &[SqliteColumn] {
        &self.columns
    }

    fn try_get_raw<I: ColumnIndex<Self>>(&self, index: I) -> sqlx::Result<SqliteValue<'_>> {
        Ok(SqliteValue(&self.values[index.index(self)?]))
    }
}

impl ColumnIndex<SqliteRow> for usize {
    fn index(&self, row: &SqliteRow) -> sqlx::Result<usize> {
        let (index, len) = (*self, row.values.len());
        if index < len {
            Ok(index)
        } else {
            Err(sqlx::Error::ColumnIndexOutOfBounds { index, len })
        }
    }
}

impl ColumnIndex<SqliteRow> for &'_ str {
    fn index(&self, row: &SqliteRow) -> sqlx::Result<usize> {
        let found = row.columns.iter().position(|column| column.name == *self);
        found.ok_or_else(|| sqlx::Error::ColumnNotFound((*self).to_owned()))
    }
}

/// How a statement ended.
#[derive(Clone, Copy, Debug, Default)]
pub struct SqliteQueryResult {
    pub(crate) changes: u64,
}

impl SqliteQueryResult {
    /// Rows inserted, updated or deleted by the last statement that could.
    #[must_use]
    pub fn rows_affected(&self) -> u64 {
        self.changes
    }
}

impl Extend<Self> for SqliteQueryResult {
    fn extend<T: IntoIterator<Item = Self>>(&mut self, results: T) {
        self.changes += results.into_iter().map(|result| result.changes).sum::<u64>();
    }
}

/// What is bound to a statement.
#[derive(Clone, Debug, Default)]
pub struct SqliteArguments(pub(crate) Vec<Value>);

impl Arguments for SqliteArguments {
    type Database = Sqlite;

    fn reserve(&mut self, additional: usize, _size: usize) {
        self.0.reserve(additional);
    }

    fn add<'t, T>(&mut self, value: T) -> Result<(), BoxDynError>
    where
        T: Encode<'t, Sqlite> + Type<Sqlite>,
    {
        if value.encode(&mut self.0)?.is_null() {
            self.0.push(Value::Null);
        }
        Ok(())
    }

    fn len(&self) -> usize {
        self.0.len()
    }
}

impl IntoArguments<Sqlite> for SqliteArguments {
    fn into_arguments(self) -> Self {
        self
    }
}

impl<'q, T: Encode<'q, Sqlite> + Type<Sqlite> + 'q> Encode<'q, Sqlite> for Option<T> {
    fn encode_by_ref(&self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
        self.as_ref().map_or(Ok(IsNull::Yes), |value| value.encode_by_ref(buffer))
    }
}

/// Makes a Rust type one of SQLite's: how it is bound, and how it is read.
macro_rules! represent {
    ($kind:ident($stored:ty): $($type:ty, $bind:expr, $read:expr;)+) => {$(
        impl Type<Sqlite> for $type {
            fn type_info() -> SqliteType {
                SqliteType::$kind
            }
        }

        impl<'q> Encode<'q, Sqlite> for $type {
            fn encode_by_ref(&self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
                let bind: fn(&Self) -> _ = $bind;
                buffer.push(Value::$kind(bind(self).into()));
                Ok(IsNull::No)
            }
        }

        impl<'r> Decode<'r, Sqlite> for $type {
            fn decode(value: SqliteValue<'r>) -> Result<Self, BoxDynError> {
                let Value::$kind(value) = value.0 else { return Err(unexpected(value.0)) };
                let read: fn(&'r $stored) -> Result<Self, BoxDynError> = $read;
                read(value)
            }
        }
    )+};
}

represent! { Integer(i64):
    i64, |value| *value, |value| Ok(*value);
    i32, |value| *value, |value| Ok(Self::try_from(*value)?);
    u32, |value| *value, |value| Ok(Self::try_from(*value)?);
    bool, |value| *value, |value| Ok(*value != 0);
}
represent! { Real(f64): f64, |value| *value, |value| Ok(*value); }
represent! { Text(String): String, |value| value.clone(), |value| Ok(value.clone()); }
represent! { Blob(Vec<u8>): Vec<u8>, |value| value.clone(), |value| Ok(value.clone()); }

impl Type<Sqlite> for str {
    fn type_info() -> SqliteType {
        SqliteType::Text
    }
}

impl Encode<'_, Sqlite> for &'_ str {
    fn encode_by_ref(&self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
        buffer.push(Value::Text((*self).to_owned()));
        Ok(IsNull::No)
    }
}

impl<'r> Decode<'r, Sqlite> for &'r str {
    fn decode(value: SqliteValue<'r>) -> Result<Self, BoxDynError> {
        let Value::Text(text) = value.0 else { return Err(unexpected(value.0)) };
        Ok(text)
    }
}

impl Type<Sqlite> for [u8] {
    fn type_info() -> SqliteType {
        SqliteType::Blob
    }
}

impl Encode<'_, Sqlite> for &'_ [u8] {
    fn encode_by_ref(&self, buffer: &mut Vec<Value>) -> Result<IsNull, BoxDynError> {
        buffer.push(Value::Blob(self.to_vec()));
        Ok(IsNull::No)
    }
}

impl<'r> Decode<'r, Sqlite> for &'r [u8] {
    fn decode(value: SqliteValue<'r>) -> Result<Self, BoxDynError> {
        let Value::Blob(bytes) = value.0 else { return Err(unexpected(value.0)) };
        Ok(bytes)
    }
}

fn unexpected(value: &Value) -> BoxDynError {
    format!("{} was not expected", value.kind()).into()
}

/// What SQLite says of a statement that failed.
#[derive(Debug, thiserror::Error)]
#[error("(code: {code}) {message}")]
pub(crate) struct SqliteError {
    /// SQLite's extended result code.
    code: i32,
    message: String,
}

impl DatabaseError for SqliteError {
    fn message(&self) -> &str {
        &self.message
    }

    fn code(&self) -> Option<Cow<'_, str>> {
        Some(self.code.to_string().into())
    }

    fn as_error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn as_error_mut(&mut self) -> &mut (dyn std::error::Error + Send + Sync + 'static) {
        self
    }

    fn into_error(self: Box<Self>) -> Box<dyn std::error::Error + Send + Sync + 'static> {
        self
    }

    fn kind(&self) -> ErrorKind {
        match self.code {
            libsqlite3_sys::SQLITE_CONSTRAINT_UNIQUE
            | libsqlite3_sys::SQLITE_CONSTRAINT_PRIMARYKEY => ErrorKind::UniqueViolation,
            libsqlite3_sys::SQLITE_CONSTRAINT_FOREIGNKEY => ErrorKind::ForeignKeyViolation,
            libsqlite3_sys::SQLITE_CONSTRAINT_NOTNULL => ErrorKind::NotNullViolation,
            libsqlite3_sys::SQLITE_CONSTRAINT_CHECK => ErrorKind::CheckViolation,
            _ => ErrorKind::Other,
        }
    }
}

/// SQLite's errors, as sqlx has them.
pub(crate) fn error(error: rusqlite::Error) -> sqlx::Error {
    let (code, message) = match error {
        rusqlite::Error::SqliteFailure(error, message) => {
            (error.extended_code, message.unwrap_or_else(|| error.to_string()))
        }
        other => return sqlx::Error::Protocol(other.to_string()),
    };
    sqlx::Error::Database(Box::new(SqliteError { code, message }))
}
