//! What joining members and the cluster tell each other about objects.

use super::Rules;
use crate::db::Tx;
use crate::db::tables::objects::State;
use crate::error::{Error, Result};
use shared_api::cluster::MemberConfigKey;
use shared_api::config::Map;
use std::collections::{BTreeMap, BTreeSet};

/// What is said of a pool or network that a joiner cannot have, or could not make.
pub fn not_here(error: Error) -> Error {
    let action = "Failed to initialize member: Failed to initialize storage pools and networks";
    error.prefix(action)
}

impl Rules {
    /// Writes down a joiner's parts. What it does not know of yet, it makes once it is a member.
    pub async fn add_member(
        &self,
        tx: &mut Tx<'_>,
        node: u64,
        own: &BTreeMap<String, Map>,
    ) -> Result<()> {
        for object in self.tables.list(tx).await? {
            if let Some(config) = own.get(&object.name) {
                self.tables.set_part(tx, object.id, node, State::Created).await?;
                self.tables.set_config(tx, object.id, node, config).await?;
            } else if object.state != State::Pending {
                self.tables.set_part(tx, object.id, node, State::Pending).await?;
            }
        }
        Ok(())
    }

    /// The keys that a joiner has to choose for itself: those that members have set for themselves.
    pub async fn member_config(&self, tx: &mut Tx<'_>) -> Result<Vec<MemberConfigKey>> {
        let mut keys = Vec::new();
        for object in self.tables.list(tx).await? {
            if object.state == State::Pending {
                continue;
            }
            let chosen = object.parts.iter().flat_map(|part| part.config.keys());
            let chosen: BTreeSet<&String> =
                chosen.filter(|key| !key.starts_with("volatile.")).collect();
            keys.extend(chosen.into_iter().map(|key| MemberConfigKey {
                entity: self.entity(),
                name: object.name.clone(),
                key: key.clone(),
                value: String::new(),
                description: format!("\"{key}\" property for {} \"{}\"", self.noun, object.name),
            }));
        }
        Ok(keys)
    }

    /// Refuses member-specific keys of objects that are not there, and keys that are none.
    pub async fn check_member_config(
        &self,
        tx: &mut Tx<'_>,
        keys: &[MemberConfigKey],
    ) -> Result<()> {
        if keys.iter().all(|key| key.entity != self.entity()) {
            return Ok(());
        }
        let objects = self.tables.list(tx).await?;
        for key in keys.iter().filter(|key| key.entity == self.entity()) {
            let object = objects.iter().find(|object| object.name == key.name);
            let object = object.ok_or_else(|| Error::not_found(self.missing))?;
            let mut config = object.config.clone();
            config.extend(self.own_keys(&key.name, keys)?);
            (self.check)(&object.name, &object.kind, &config).map_err(Error::invalid)?;
        }
        Ok(())
    }

    /// What is wrong with what a joiner chose for objects of which the cluster has only these `names`.
    pub fn of_nothing(&self, names: &[&str], keys: &[MemberConfigKey]) -> BTreeSet<String> {
        let keys = keys.iter().filter(|key| key.entity == self.entity() && !key.value.is_empty());
        let unknown = keys.filter(|key| !names.contains(&key.name.as_str()));
        let text = |key: &MemberConfigKey| {
            format!("The cluster has no {} \"{}\", which member_config names", self.noun, key.name)
        };
        unknown.map(text).collect()
    }

    /// What a joiner chose for an object of that name.
    pub fn own_keys(&self, name: &str, keys: &[MemberConfigKey]) -> Result<Map> {
        let mut own = Map::new();
        for key in keys.iter().filter(|key| key.entity == self.entity() && key.name == name) {
            if !(self.is_member_specific)(&key.key) {
                return Err(Error::invalid(format_args!(
                    "Config key \"{}\" may not be used as member-specific key",
                    key.key
                )));
            }
            if !key.value.is_empty() {
                own.insert(key.key.clone(), key.value.clone());
            }
        }
        Ok(own)
    }

    /// What `member_config` calls this kind of object.
    fn entity(&self) -> String {
        self.noun.replace(' ', "-")
    }
}
