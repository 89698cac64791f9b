//! A SQLite database that a group of members shares: Raft orders what transactions changed.
//!
//! Every member holds the whole database. The application runs ordinary sqlx code in closures, on any member:
//!
//! ```no_run
//! # use futures::FutureExt;
//! # use replicated_sqlite::{Db, Error};
//! # async fn example(db: Db, name: String) -> Result<(), Error> {
//! db.write(|tx| async {
//!     sqlx::query("INSERT INTO people (name) VALUES (?)").bind(&name).execute(&mut *tx).await?;
//!     Ok::<_, Error>(())
//! }.boxed()).await?;
//! # Ok(())
//! # }
//! ```
//!
//! **A write** goes to its member's `writer`. On the leader that runs all waiting closures in one transaction
//! under SQLite's session extension, rolls it back, tries the changeset, and proposes it to Raft with the
//! data version it was made on; every member, the leader too, applies the same bytes (`machine`). On any
//! other member the writer runs the closures on the local replica, recording what each statement was and
//! what it returned (`tx`), and sends these transcripts to the leader in one request; the leader does the
//! same again (`batch`) and compares. What saw something else there runs again. Ids in replicated rows
//! (`_tx`) see to it that each happens exactly once.
//!
//! **A read** asks the leader for a read index (`read`), waits until its replica has that, and reads there.
//!
//! **On disk**: `raft.db` is the log (`log`, `log_file`), durable before it counts; `state-<n>.db` is the
//! replica (`store`, `progress`), changed in one transaction with Raft's position; `snapshot.db` is its last
//! copy (`snapshot`). The encodings of disk and wire are our own (`codec`).
//!
//! **Damage** is found when a member is opened. The log is read from end to end (`log_check`): entries and what
//! is beside them carry checksums, and `raft.mark` (`mark`) knows one that went back. A log that fails is
//! [`Error::Lost`], and the member with it. The file of a state database is believed if it is what the last
//! checkpoint made it, byte for byte (its -wal has SQLite's checksums); else it is made anew from snapshot and
//! log (`repair`). What a disk reads back wrong while a member runs is found by what does not fit and by comparing
//! all tables from time to time.
//!
//! **Between members** the application provides the streams ([`Network`], [`Db::serve`]); each member keeps
//! one to every other (`network`). `pulse` knows from them whether a majority answers, `failover` campaigns
//! as soon as the leader's is reset.
//!
//! openraft appears in no public name, and `unsafe` only in `session` (and for the simulation's `entropy`). A
//! member needs a tokio runtime, better one with several threads. `examples/counter.rs` is a whole group in one
//! process.
//!
//! `simulation` runs all of this, SQLite included, under faults that a seed draws: `SEEDS=1000 cargo test
//! --release -p replicated-sqlite --lib simulation -- --nocapture`.
#![warn(missing_docs)]

mod batch;
mod codec;
mod connection;
#[cfg(test)]
mod damage_tests;
mod db;
mod disk;
mod driver;
mod error;
mod failover;
mod figures;
mod formalities;
mod freshness;
mod identity;
mod job;
mod log;
mod log_check;
mod log_file;
mod machine;
mod mark;
mod member;
mod members;
mod network;
mod options;
mod outstanding;
mod pace;
mod progress;
mod pulse;
mod read;
mod readers;
mod repair;
mod retention;
mod schema;
mod session;
#[cfg(test)]
mod simulation;
mod snapshot;
mod sql;
mod standing;
mod status;
mod store;
#[cfg(test)]
mod store_tests;
mod tx;
mod types;
mod writer;

pub use connection::{Connection, OpenOptions};
pub use db::Db;
pub use disk::create;
pub use driver::{Sqlite, SqliteColumn, SqliteQueryResult, SqliteRow, SqliteType, SqliteValue};
pub use error::{Error, Why};
pub use figures::{Figures, Timer, Times};
pub use identity::Identity;
pub use network::Network;
pub use options::Options;
pub use sql::Table;
pub use sqlx;
pub use status::{PeerStatus, Status};
pub use tx::Tx;
pub use types::{NodeId, Value};
