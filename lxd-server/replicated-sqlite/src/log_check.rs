//! Reads a log from end to end when it is opened: whether all of it is there and as it was written.

use crate::codec::{Ballot, Position, Record, unseal};
use crate::connection::{Connection, aside};
use crate::error::{Error, io, is_trouble};
use crate::log_file::{ENTRY, Meta};
use crate::mark::Mark;
use crate::repair::Seal;
use crate::types::{Entry, Value};
use std::collections::VecDeque;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Entries that are kept in memory: what members that lag a little will ask for.
const TAIL: usize = 256;

/// What a log holds.
pub(crate) struct Contents {
    pub(crate) vote: Option<Ballot>,
    pub(crate) purged: Option<Position>,
    /// The last entry, purged or not.
    pub(crate) last: Option<Position>,
    pub(crate) generation: u64,
    pub(crate) boot: u64,
    /// What the file of the state database was after its last checkpoint.
    pub(crate) seal: Option<Seal>,
    /// Bytes of all entries.
    pub(crate) bytes: u64,
    /// The last entries and their sizes, the newest last.
    pub(crate) tail: VecDeque<(usize, Entry)>,
}

impl Contents {
    pub(crate) fn mark(&self) -> Mark {
        Mark { vote: self.vote, last: self.last, boot: self.boot, committed: 0 }
    }
}

/// Reads the log.
///
/// # Errors
/// `Lost` if anything in it is not as it was written; another if the disk does not let it be read.
pub(crate) async fn read(connection: &mut Connection) -> Result<Contents, Error> {
    contents(connection).await.map_err(lost)
}

/// Looks at what SQLite would take for a file that must not be written.
pub(crate) fn header(path: &Path) -> Result<(), Error> {
    let mut header = [0; 20];
    let read = File::open(path)?.read_exact(&mut header);
    let versions = [header[18], header[19]];
    if read.is_err() || versions.iter().any(|version| !(1..=2).contains(version)) {
        return Err(Error::Lost("the log is damaged (its header)".to_owned()));
    }
    Ok(())
}

/// What an error means that came up while a log was being opened.
pub(crate) fn lost(error: sqlx::Error) -> Error {
    if is_trouble(&error) {
        return Error::Io(io(error));
    }
    Error::Lost(format!("the log is damaged ({error})"))
}

async fn contents(connection: &mut Connection) -> sqlx::Result<Contents> {
    let verdict = connection.check().await?;
    if verdict != "ok" {
        return Err(damaged(&verdict));
    }
    let purged = meta(connection, Meta::Purged).await?;
    let mut contents = Contents {
        vote: meta(connection, Meta::Vote).await?,
        purged,
        last: purged,
        generation: meta(connection, Meta::Generation).await?.unwrap_or(0),
        boot: meta(connection, Meta::Boot).await?.unwrap_or(0),
        seal: meta::<Option<Seal>>(connection, Meta::Seal).await?.flatten(),
        bytes: 0,
        tail: VecDeque::new(),
    };
    let mut all = Ok(());
    aside(|| {
        connection.each("SELECT idx, body FROM log ORDER BY idx", |row| {
            if all.is_ok() {
                all = match row.as_slice() {
                    [Value::Integer(index), Value::Blob(body)] => {
                        contents.add(index.unsigned_abs(), body)
                    }
                    _ => Err(damaged("an entry is not one")),
                };
            }
        })
    })?;
    all.map(|()| contents)
}

impl Contents {
    fn add(&mut self, index: u64, body: &[u8]) -> sqlx::Result<()> {
        let record: Record = unseal(ENTRY, body).map_err(unreadable)?;
        let next = self.last.map_or(0, |last| last.index + 1);
        let term = self.last.map_or(0, |last| last.term);
        if index != next || record.at.index != next || record.at.term < term {
            return Err(damaged(&format!("entry {next} is missing")));
        }
        self.last = Some(record.at);
        self.bytes += body.len() as u64;
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back((body.len(), record.entry().map_err(unreadable)?));
        Ok(())
    }
}

async fn meta<T: serde::de::DeserializeOwned>(
    connection: &mut Connection,
    key: Meta,
) -> sqlx::Result<Option<T>> {
    let query = sqlx::query_scalar("SELECT value FROM meta WHERE key = ?").bind(key.key());
    let value: Option<Vec<u8>> = query.fetch_optional(connection).await?;
    value.map(|value| unseal(key.key(), &value).map_err(unreadable)).transpose()
}

fn unreadable(error: std::io::Error) -> sqlx::Error {
    sqlx::Error::Decode(Box::new(error))
}

fn damaged(why: &str) -> sqlx::Error {
    sqlx::Error::Protocol(why.to_owned())
}
