//! Networks: what the cluster wants, written in the database, and this host's part in it.
//!
//! The database comes first. What a kill or a failure leaves is a network that is pending or
//! errored; creating it again goes on from there, deleting it removes what there is.

mod create;
mod delete;
mod join;
mod realise;
mod update;
mod view;

pub use create::{check, create, define};
pub use delete::{delete, remove};
pub use join::{
    add_member, bring_back, check_member_config, discard, member_config, obstacles, parts_of,
    prepare_join,
};
pub use realise::{follow, realise, realise_all};
pub use update::{rename, update};
pub use view::{get, list, names};

use crate::app::object::Rules;
use crate::db::tables::objects::NETWORKS;
use crate::error::Kind;
use shared_api::config::network;

static RULES: Rules = Rules {
    tables: &NETWORKS,
    is_member_specific: network::is_member_key,
    check: |name, kind, config| {
        network::validate(name, kind, config).map_err(|error| error.to_string())
    },
    noun: "network",
    short: "Network",
    kind: "type",
    missing: "Failed loading network: Network not found",
    exists: (Kind::Invalid, "The network already exists"),
    defined: "The network is already defined on member",
    not_member_specific: Kind::Invalid,
};
