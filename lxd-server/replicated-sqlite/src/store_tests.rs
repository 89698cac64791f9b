//! openraft's own suite for the log and the state machine, and what only the inside can show.

use crate::codec::{Record, decode, encode};
use crate::log::LogStore;
use crate::machine::StateMachine;
use crate::network::wire::{Hello, Request, Response};
use crate::store::Store;
use crate::types::{Command, Entry, LogId, Term, Types};
use openraft::EntryPayload;
use openraft::storage::RaftStateMachine;
use openraft::testing::log::{StoreBuilder, Suite};
use proptest::prelude::*;
use std::sync::Arc;

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
    let (log, earlier) = LogStore::open(dir.path(), Arc::default()).await.unwrap();
    let store = Store::open(dir.path(), earlier.generation).await.unwrap();
    let machine = StateMachine::new(store, log.clone(), Arc::default());
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

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_kind_of_entry_stops_the_replica() {
    let dir = tempfile::tempdir().unwrap();
    let (_, mut machine) = open(&dir).await;
    let unknown = entry(Command::Unknown { kind: 200, body: Vec::new() });
    let entries = futures::stream::iter([Ok((unknown, None))]);
    let error = machine.apply(entries).await.unwrap_err().to_string();
    assert!(error.contains("kind 200"), "{error}");
    assert_eq!(machine.applied_state().await.unwrap().0, None);
}

proptest! {
    #[test]
    fn nothing_that_comes_by_wire_or_disk_panics(bytes: Vec<u8>) {
        let _ = decode::<Record>(&bytes).and_then(Record::entry);
        let _ = decode::<Hello>(&bytes);
        let _ = decode::<(u64, Request)>(&bytes);
        let _ = decode::<(u64, Response)>(&bytes);
    }

    #[test]
    fn changes_survive_their_encoding(base: u64, schema: u64, changeset: Vec<u8>) {
        let entry = entry(Command::Change { base, schema, changeset });
        let bytes = encode(&Record::of(&entry).unwrap()).unwrap();
        prop_assert_eq!(decode::<Record>(&bytes).unwrap().entry().unwrap(), entry);
    }
}
