//! openraft's own suite for the log and the state machine, and what only the inside can show.

use crate::codec::{Record, decode, encode};
use crate::log::LogStore;
use crate::machine::StateMachine;
use crate::store::Store;
use crate::types::{Command, Entry, LogId, Term, Types};
use openraft::EntryPayload;
use openraft::testing::log::{StoreBuilder, Suite};

struct Builder;

impl StoreBuilder<Types, LogStore, StateMachine, tempfile::TempDir> for Builder {
    async fn build(
        &self,
    ) -> Result<(tempfile::TempDir, LogStore, StateMachine), openraft::StorageError<Types>> {
        let dir = tempfile::tempdir().unwrap();
        let (log, machine) = open(&dir).await;
        Ok((dir, log, machine))
    }
}

async fn open(dir: &tempfile::TempDir) -> (LogStore, StateMachine) {
    let (log, earlier) = LogStore::open(&dir.path().join("raft.db")).await.unwrap();
    let store = Store::open(dir.path(), earlier.generation).await.unwrap();
    let machine = StateMachine::new(store, log.clone(), earlier.generation);
    (log, machine)
}

#[tokio::test(flavor = "multi_thread")]
async fn openrafts_suite_passes() {
    Suite::test_all(Builder).await.unwrap();
}

fn entry(command: Command) -> Entry {
    Entry { log_id: LogId::new(Term::new(3), 7), payload: EntryPayload::Normal(command) }
}

#[test]
fn entries_survive_their_encoding_even_of_a_later_kind() {
    for command in [
        Command::Change { base: 6, schema: 99, changeset: vec![1, 2, 3] },
        Command::Ddl { from: 0, to: 1, sql: "CREATE TABLE t".to_owned() },
        Command::Check { base: 6, hashes: Vec::new() },
        Command::Unknown { kind: 200, body: vec![9; 9] },
    ] {
        let entry = entry(command);
        let bytes = encode(&Record::of(&entry).unwrap()).unwrap();
        assert_eq!(decode::<Record>(&bytes).unwrap().entry().unwrap(), entry);
    }
}

#[test]
fn other_versions_are_refused() {
    let mut bytes = encode(&5u64).unwrap();
    bytes[0] += 1;
    assert!(decode::<u64>(&bytes).unwrap_err().to_string().contains("version"));
    assert!(decode::<u64>(&[]).is_err());
}
