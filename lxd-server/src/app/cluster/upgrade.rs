//! Steps of the schema that a newer version brings to a database that is there: each member says that it
//! knows them, and once all do, the leader takes them. Steps only add, so older members go on meanwhile.

use crate::db::tables::members;
use crate::db::{Database, SCHEMA, SCHEMA_VERSION};
use crate::error::{Error, Result};
use futures::FutureExt;

/// Goes one step ahead, if the database lacks what this version knows.
pub async fn advance(db: &Database) -> Result<()> {
    let (replica, own) = (db.replica(), db.replica().status());
    if is_done(db) {
        return Ok(());
    }
    let known = db.read_local(|tx| members::schemas(tx).boxed()).await?;
    if known.get(&own.node).is_some_and(|version| *version < SCHEMA_VERSION) {
        db.write(|tx| members::set_schema(tx, own.node, SCHEMA_VERSION).boxed()).await?;
    }
    if own.leads() {
        let known = db.read(|tx| members::schemas(tx).boxed()).await?;
        if known.values().all(|version| *version >= SCHEMA_VERSION) {
            tracing::info!(version = SCHEMA_VERSION, "Taking the database's next steps");
            replica.migrate(SCHEMA).await?;
        }
    }
    Ok(())
}

/// Refuses what needs the newest schema while the members are being upgraded.
///
/// # Errors
/// Unavailable.
pub fn require_done(db: &Database) -> Result<()> {
    let why = "Not available until all members run the same version";
    if is_done(db) { Ok(()) } else { Err(Error::unavailable(why)) }
}

fn is_done(db: &Database) -> bool {
    u64::from(db.replica().status().schema) >= SCHEMA_VERSION
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::tables::members::Joiner;
    use crate::db::testing;
    use crate::error::Kind;

    const NEW: &str = "SELECT * FROM requests";

    #[tokio::test(flavor = "multi_thread")]
    async fn a_database_of_the_first_version_gets_the_steps_since() {
        let db = testing::of_steps(&SCHEMA[..1]).await;
        assert_eq!(require_done(&db).unwrap_err().kind, Kind::Unavailable);
        advance(&db).await.unwrap();
        require_done(&db).unwrap();
        db.execute(NEW).await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn steps_wait_for_the_members_that_do_not_know_them() {
        let db = testing::of_steps(&SCHEMA[..1]).await;
        let (name, address) = ("node2".to_owned(), "10.0.0.2:8443".to_owned());
        let joiner = Joiner { name, address, architecture: 2 };
        let id = db.write(|tx| members::accept(tx, &joiner).boxed()).await.unwrap();
        db.write(|tx| members::set_schema(tx, id, 1).boxed()).await.unwrap();
        advance(&db).await.unwrap();
        advance(&db).await.unwrap();
        assert!(db.execute(NEW).await.is_err());

        db.write(|tx| members::set_schema(tx, id, SCHEMA_VERSION).boxed()).await.unwrap();
        advance(&db).await.unwrap();
        db.execute(NEW).await.unwrap();
    }
}
