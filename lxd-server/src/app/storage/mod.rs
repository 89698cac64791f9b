//! Storage pools: what the cluster wants, written in the database, and this host's part in it.
//!
//! The database comes first. What a kill or a failure leaves is a pool that is pending or errored;
//! creating it again goes on from there, deleting it removes what there is.

mod create;
mod delete;
mod join;
mod realise;
mod update;
mod view;

pub use create::{check, create, define};
pub use delete::{delete, remove};
pub use join::{
    add_member, check_member_config, discard, member_config, obstacles, parts_of, prepare_join,
};
pub use realise::{follow, realise, realise_all, stop_all};
pub use update::update;
pub use view::{get, list, names};

use crate::app::object::Rules;
use crate::db::tables::objects::POOLS;
use crate::error::Kind;
use shared_api::config::pool;

static RULES: Rules = Rules {
    tables: &POOLS,
    is_member_specific: pool::is_member_key,
    check: |_, driver, config| pool::validate(driver, config).map_err(|error| error.to_string()),
    noun: "storage pool",
    short: "Pool",
    kind: "driver",
    missing: "Storage pool not found",
    exists: (Kind::Conflict, "The storage pool already exists: The record already exists"),
    defined: "The storage pool already defined on member",
    not_member_specific: Kind::Internal,
};
