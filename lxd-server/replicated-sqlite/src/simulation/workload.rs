//! What clients do: short transactions that collide, at all members, some of them repeated elsewhere.

use crate::simulation::history::{Effect, Kind, Outcome, Seen};
use crate::{Db, Error, Tx};
use futures::FutureExt;
use rand::Rng;
use rand::rngs::StdRng;
use sqlx::Row;
use std::collections::BTreeMap;

/// The application's schema, step by step. The first is there from the beginning.
pub(super) const STEPS: [&str; 5] = [
    "CREATE TABLE registers (key INTEGER PRIMARY KEY, version INTEGER NOT NULL, value INTEGER NOT NULL) STRICT;
     CREATE TABLE effects (key INTEGER NOT NULL, version INTEGER NOT NULL, operation INTEGER NOT NULL,
         value INTEGER, PRIMARY KEY (key, version)) STRICT, WITHOUT ROWID;
     CREATE INDEX effects_operation ON effects (operation);
     CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
     INSERT INTO names VALUES (1, 'left'), (2, 'right');",
    "ALTER TABLE registers ADD COLUMN note TEXT NOT NULL DEFAULT '';",
    "CREATE TABLE audit (id INTEGER PRIMARY KEY, operation INTEGER NOT NULL) STRICT;
     CREATE TRIGGER audited AFTER INSERT ON effects BEGIN
         INSERT INTO audit (operation) VALUES (new.operation);
     END;",
    "CREATE INDEX registers_value ON registers (value);",
    "UPDATE registers SET note = 'v' || version;",
];

/// What a closure may end in.
enum Stop {
    Db(Error),
    /// It refuses what it saw.
    Saw(Vec<Seen>),
    OnPurpose,
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Db(error)
    }
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

/// Something to ask for.
pub(super) fn draw(rng: &mut StdRng, keys: u8, versions: &BTreeMap<u8, i64>) -> Kind {
    let mut key = || rng.random_range(0..keys);
    let (key, other) = (key(), key());
    let value = rng.random_range(0..1000);
    match rng.random_range(0..100) {
        0..20 => Kind::Put { key, value },
        20..45 => Kind::Add { key, by: value % 10 + 1 },
        45..60 => {
            let known = versions.get(&key).copied().unwrap_or(0);
            Kind::PutIf { key, version: known + [0, 0, 0, 1, -1][rng.random_range(0..5)], value }
        }
        60..66 => Kind::Delete { key },
        66..74 if key != other => Kind::Move { from: key, to: other },
        66..76 => Kind::Fail { key },
        76..78 => Kind::Swap,
        78..92 => Kind::Get { key },
        _ => Kind::All,
    }
}

/// Does it, on whatever member this is; says what became of it. `keyed`: it may be repeated under its number.
pub(super) async fn run(db: &Db, number: u64, kind: &Kind, keys: u8, keyed: bool) -> Outcome {
    let result = match kind {
        Kind::Get { key } => db.read(|tx| look(tx, vec![*key]).boxed()).await.map(Outcome::Saw),
        Kind::All => db.read(|tx| look(tx, (0..keys).collect()).boxed()).await.map(Outcome::Saw),
        _ => db.write(|tx| write(tx, number, kind, keyed).boxed()).await.map(Outcome::Wrote),
    };
    match result {
        Ok(outcome) => outcome,
        Err(Stop::Saw(saw)) => Outcome::Saw(saw),
        Err(Stop::OnPurpose) => Outcome::Failed,
        Err(Stop::Db(error)) => match error {
            Error::Unavailable { may_take_effect: true, .. } => Outcome::Unknown,
            // It happened, but which of its runs' results is true was lost with the connection.
            Error::Contended | Error::Io(_) => Outcome::Unknown,
            _ => Outcome::Failed,
        },
    }
}

/// Everything that was done, as a member has it.
pub(super) async fn effects(tx: &mut Tx<'_>) -> Result<Vec<Effect>, Error> {
    let rows = sqlx::query("SELECT operation, key, version, value FROM effects");
    let rows = rows.fetch_all(&mut *tx).await?;
    Ok(rows
        .iter()
        .map(|row| Effect { operation: row.get::<i64, _>(0).unsigned_abs(), seen: seen(row, 1) })
        .collect())
}

async fn write(tx: &mut Tx<'_>, number: u64, kind: &Kind, keyed: bool) -> Result<Vec<Seen>, Stop> {
    let number = number.cast_signed();
    if keyed {
        // A repeat at another member finds what the first has done. (Whoever does not repeat does not look: then
        // nothing but the database keeps it from happening twice.)
        let before = "SELECT key, version, value FROM effects WHERE operation = ? ORDER BY key";
        let before = sqlx::query(before).bind(number).fetch_all(&mut *tx).await?;
        if !before.is_empty() {
            return Ok(before.iter().map(|row| seen(row, 0)).collect());
        }
    }
    match *kind {
        Kind::Put { key, value } => Ok(vec![set(tx, number, key, Some(value)).await?]),
        Kind::Add { key, by } => {
            let now = one(tx, key).await?;
            Ok(vec![set(tx, number, key, Some(now.value.unwrap_or(0) + by)).await?])
        }
        Kind::PutIf { key, version, value } => {
            let now = one(tx, key).await?;
            if now.version != version {
                return Err(Stop::Saw(vec![now]));
            }
            Ok(vec![set(tx, number, key, Some(value)).await?])
        }
        Kind::Delete { key } => Ok(vec![set(tx, number, key, None).await?]),
        Kind::Move { from, to } => {
            let now = one(tx, from).await?;
            let (gone, come) =
                (set(tx, number, from, None).await?, set(tx, number, to, now.value).await?);
            Ok(vec![gone, come])
        }
        Kind::Fail { key } => {
            set(tx, number, key, Some(-1)).await?;
            Err(Stop::OnPurpose)
        }
        Kind::Swap => {
            set(tx, number, 0, Some(-2)).await?;
            for (id, name) in [(1, "aside"), (2, "left"), (1, "right")] {
                let rename = sqlx::query("UPDATE names SET name = ? WHERE id = ?").bind(name);
                rename.bind(id).execute(&mut *tx).await?;
            }
            Ok(Vec::new())
        }
        Kind::Get { .. } | Kind::All => Ok(Vec::new()),
    }
}

/// Gives a key its next version.
async fn set(tx: &mut Tx<'_>, number: i64, key: u8, value: Option<i64>) -> Result<Seen, Stop> {
    let version = one(tx, key).await?.version + 1;
    if let Some(value) = value {
        let write = "INSERT INTO registers (key, version, value) VALUES (?, ?, ?)
                     ON CONFLICT (key) DO UPDATE SET version = excluded.version, value = excluded.value";
        sqlx::query(write).bind(i64::from(key)).bind(version).bind(value).execute(&mut *tx).await?;
    } else {
        sqlx::query("DELETE FROM registers WHERE key = ?")
            .bind(i64::from(key))
            .execute(&mut *tx)
            .await?;
    }
    let note =
        sqlx::query("INSERT INTO effects (key, version, operation, value) VALUES (?, ?, ?, ?)");
    note.bind(i64::from(key)).bind(version).bind(number).bind(value).execute(&mut *tx).await?;
    Ok(Seen { key, version, value })
}

async fn one(tx: &mut Tx<'_>, key: u8) -> Result<Seen, Stop> {
    let row = sqlx::query(
        "SELECT (SELECT coalesce(max(version), 0) FROM effects WHERE key = ?1),
                (SELECT value FROM registers WHERE key = ?1)",
    );
    let row = row.bind(i64::from(key)).fetch_one(&mut *tx).await?;
    Ok(Seen { key, version: row.get(0), value: row.get(1) })
}

async fn look(tx: &mut Tx<'_>, keys: Vec<u8>) -> Result<Vec<Seen>, Stop> {
    let mut all = Vec::with_capacity(keys.len());
    for key in keys {
        all.push(one(tx, key).await?);
    }
    Ok(all)
}

/// A row's key, version and value, from this column on.
fn seen(row: &crate::driver::SqliteRow, first: usize) -> Seen {
    Seen {
        key: u8::try_from(row.get::<i64, _>(first)).expect("keys are small"),
        version: row.get(first + 1),
        value: row.get(first + 2),
    }
}
