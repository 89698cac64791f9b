//! SQLite's C interfaces that sqlx does not offer: sessions, the authorizer, the commit hook.
//! The only `unsafe` here. Every function borrows the connection, so that nobody else is inside it.
#![allow(unsafe_code)]

use crate::connection::{Connection, aside};
use libsqlite3_sys::*;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::{io, ptr};

/// Bytes of a changeset that takes a while to apply.
const LARGE: usize = 64 << 10;

/// Records what its connection changes in `main`.
///
/// Must be finished: dropped without, it would record (and hold memory) until the connection closes.
#[must_use]
pub(crate) struct Capture(*mut sqlite3_session);

// SAFETY: a session has no thread affinity; it is only touched while its connection is borrowed.
unsafe impl Send for Capture {}

/// Starts recording every table that has a primary key.
pub(crate) fn capture(connection: &mut Connection) -> io::Result<Capture> {
    let mut session = ptr::null_mut();
    // SAFETY: the connection is open and borrowed; `session` is only used when creation succeeded.
    unsafe {
        check(sqlite3session_create(raw(connection), c"main".as_ptr(), &mut session))?;
        if let Err(error) = check(sqlite3session_attach(session, ptr::null())) {
            sqlite3session_delete(session);
            return Err(error);
        }
    }
    Ok(Capture(session))
}

impl Capture {
    /// Ends the recording: the changeset, empty if nothing changed.
    pub(crate) fn finish(self, _connection: &mut Connection) -> io::Result<Vec<u8>> {
        let (mut size, mut data) = (0, ptr::null_mut());
        // SAFETY: the session is live until the delete below, and its connection is borrowed; SQLite
        // allocates `data`, which is copied before it is freed.
        unsafe {
            let result = check(sqlite3session_changeset(self.0, &mut size, &mut data));
            let changes = match usize::try_from(size) {
                Ok(size) if !data.is_null() => {
                    std::slice::from_raw_parts(data.cast::<u8>(), size).to_vec()
                }
                _ => Vec::new(),
            };
            sqlite3_free(data);
            sqlite3session_delete(self.0);
            result.map(|()| changes)
        }
    }
}

/// Why a changeset could not be applied.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The rows it meets are not those it was made of, or it breaks a constraint.
    Conflict,
    /// The disk, memory: says nothing about the data.
    Storage(io::Error),
}

/// Applies a changeset inside the caller's transaction. Any conflict fails it: a replica never guesses.
pub(crate) fn apply(connection: &mut Connection, changeset: &[u8]) -> Result<(), Failure> {
    if changeset.is_empty() {
        return Ok(());
    }
    let size = c_int::try_from(changeset.len())
        .map_err(|error| Failure::Storage(crate::error::io(error)))?;
    // SAFETY: the buffer outlives the call, has `size` bytes and is only read, although the C signature does
    // not say so; the callback touches nothing.
    let mut apply = || unsafe {
        sqlite3changeset_apply(
            raw(connection),
            size,
            changeset.as_ptr().cast_mut().cast(),
            None,
            Some(abort),
            ptr::null_mut(),
        )
    };
    let code = if changeset.len() > LARGE { aside(apply) } else { apply() };
    match code & 0xff {
        SQLITE_OK => Ok(()),
        SQLITE_ABORT | SQLITE_CONSTRAINT => Err(Failure::Conflict),
        _ => {
            Err(Failure::Storage(check(code).err().unwrap_or_else(|| io::Error::other("session"))))
        }
    }
}

/// Switches triggers off: a changeset already holds what they did where it was computed.
pub(crate) fn disable_triggers(connection: &mut Connection) -> io::Result<()> {
    // SAFETY: this option takes an int and an int pointer, which may be null.
    check(unsafe {
        sqlite3_db_config(
            raw(connection),
            SQLITE_DBCONFIG_ENABLE_TRIGGER,
            0 as c_int,
            ptr::null_mut::<c_int>(),
        )
    })
}

/// Makes every commit on this connection a rollback: what it works out is only ever looked at.
pub(crate) fn forbid_commit(connection: &mut Connection) {
    // SAFETY: the callback is a plain function and takes no state.
    unsafe { sqlite3_commit_hook(raw(connection), Some(refuse), ptr::null_mut()) };
}

/// What statements may do on a connection, by whose turn it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Turn {
    /// The writer's own statements: anything.
    Writer = 0,
    /// A closure's: SELECT, INSERT, UPDATE, DELETE on the application's tables, deterministic functions.
    Closure = 1,
    /// A schema step's: the same, and tables, indexes, triggers and views are made and altered.
    Schema = 2,
}

/// The switch between turns. Statements are checked when they are prepared.
#[derive(Clone, Debug)]
pub(crate) struct Guard(Arc<AtomicU8>);

impl Guard {
    pub(crate) fn set(&self, turn: Turn) {
        self.0.store(turn as u8, Ordering::SeqCst);
    }
}

/// Puts an authorizer on the connection. It is the writer's turn.
pub(crate) fn guard(connection: &mut Connection) -> io::Result<Guard> {
    let turn = Arc::new(AtomicU8::new(Turn::Writer as u8));
    let state = Arc::into_raw(turn.clone()).cast_mut().cast::<c_void>();
    // SAFETY: the connection keeps `state`, one count of the Arc, and gives it to `release` when it
    // closes (or when this call fails), so the authorizer never outlives what it points at.
    unsafe {
        check(sqlite3_set_clientdata(raw(connection), c"turn".as_ptr(), state, Some(release)))?;
        check(sqlite3_set_authorizer(raw(connection), Some(authorize), state))?;
    }
    Ok(Guard(turn))
}

/// The names of the columns that each statement of `sql` returns. Ends before the first that is wrong.
pub(crate) fn columns(connection: &mut Connection, sql: &str) -> io::Result<Vec<Vec<String>>> {
    let text = std::ffi::CString::new(sql).map_err(crate::error::io)?;
    let mut rest = text.as_ptr();
    let mut all = Vec::new();
    loop {
        let mut statement = ptr::null_mut();
        // SAFETY: `rest` points into `text`, which is terminated; SQLite moves it to the next statement.
        let code =
            unsafe { sqlite3_prepare_v2(raw(connection), rest, -1, &mut statement, &mut rest) };
        if code != SQLITE_OK {
            return Ok(all);
        }
        if statement.is_null() {
            // Space or a comment; it ends where nothing is left.
            // SAFETY: `rest` points into `text`.
            if unsafe { *rest } == 0 {
                return Ok(all);
            }
            continue;
        }
        // SAFETY: the statement is live until it is finalized; names are copied before.
        unsafe {
            let count = sqlite3_column_count(statement);
            let name = |column| {
                let name = self::text(sqlite3_column_name(statement, column));
                String::from_utf8_lossy(name).into_owned()
            };
            all.push((0..count).map(name).collect());
            sqlite3_finalize(statement);
        }
    }
}

fn raw(connection: &mut Connection) -> *mut sqlite3 {
    // SAFETY: the connection is borrowed for as long as the handle is used; nobody here closes it.
    unsafe { connection.inner().handle() }
}

unsafe extern "C" fn abort(_: *mut c_void, _kind: c_int, _: *mut sqlite3_changeset_iter) -> c_int {
    SQLITE_CHANGESET_ABORT
}

unsafe extern "C" fn refuse(_: *mut c_void) -> c_int {
    1
}

unsafe extern "C" fn release(state: *mut c_void) {
    // SAFETY: `state` is the count that `guard` gave away, and comes back once.
    drop(unsafe { Arc::from_raw(state.cast::<AtomicU8>()) });
}

unsafe extern "C" fn authorize(
    state: *mut c_void,
    action: c_int,
    first: *const c_char,
    second: *const c_char,
    database: *const c_char,
    _by: *const c_char,
) -> c_int {
    // SAFETY: `state` is the AtomicU8 that the connection owns; see `guard`.
    let turn = unsafe { &*state.cast::<AtomicU8>() }.load(Ordering::SeqCst);
    if turn == Turn::Writer as u8 {
        return SQLITE_OK;
    }
    // SAFETY: SQLite passes null or a terminated string that lives for this call.
    let (first, second, database) = unsafe { (text(first), text(second), text(database)) };
    let schema = turn == Turn::Schema as u8;
    if allowed(action, first, second, database, schema) { SQLITE_OK } else { SQLITE_DENY }
}

/// The names of SQLite's functions whose result depends on more than their arguments and the data.
const UNSTEADY: [&str; 16] = [
    "random",
    "randomblob",
    "changes",
    "total_changes",
    "last_insert_rowid",
    "date",
    "time",
    "datetime",
    "julianday",
    "unixepoch",
    "strftime",
    "timediff",
    "current_date",
    "current_time",
    "current_timestamp",
    "load_extension",
];

fn allowed(action: c_int, first: &[u8], second: &[u8], database: &[u8], schema: bool) -> bool {
    let main = database == b"main" || database.is_empty();
    // ALTER TABLE rewrites these, the temporary one, too.
    let catalogue = schema && first.starts_with(b"sqlite_");
    match action {
        SQLITE_SELECT | SQLITE_RECURSIVE => true,
        // Asked by a session itself when it first meets a table, in the middle of a closure's statement.
        SQLITE_PRAGMA if first == b"table_xinfo" => true,
        // Asked by ALTER TABLE of itself: does the new column suit the rows that are there?
        SQLITE_PRAGMA => schema && first == b"quick_check",
        SQLITE_FUNCTION => {
            !UNSTEADY.iter().any(|name| second.eq_ignore_ascii_case(name.as_bytes()))
        }
        // Ours begin with an underscore and differ between members, or are written by the writer alone.
        SQLITE_READ => main && !first.starts_with(b"_") || catalogue,
        SQLITE_INSERT | SQLITE_UPDATE | SQLITE_DELETE => {
            main && !first.starts_with(b"_") && !first.starts_with(b"sqlite_") || catalogue
        }
        SQLITE_CREATE_TABLE | SQLITE_CREATE_INDEX | SQLITE_CREATE_TRIGGER | SQLITE_CREATE_VIEW => {
            schema && main && !first.starts_with(b"_")
        }
        // For ALTER TABLE the first argument is the database.
        SQLITE_ALTER_TABLE => schema && first == b"main" && !second.starts_with(b"_"),
        SQLITE_REINDEX | SQLITE_DROP_INDEX | SQLITE_DROP_TRIGGER | SQLITE_DROP_VIEW => {
            schema && main
        }
        _ => false,
    }
}

/// # Safety
/// `pointer` is null or a terminated string that outlives the result.
unsafe fn text<'a>(pointer: *const c_char) -> &'a [u8] {
    if pointer.is_null() {
        return b"";
    }
    // SAFETY: by this function's contract.
    unsafe { CStr::from_ptr(pointer) }.to_bytes()
}

fn check(code: c_int) -> io::Result<()> {
    if code == SQLITE_OK {
        return Ok(());
    }
    // SAFETY: returns a static, terminated string for every code.
    let text = unsafe { CStr::from_ptr(sqlite3_errstr(code)) };
    Err(io::Error::other(format!("SQLite: {} ({code})", text.to_string_lossy())))
}
