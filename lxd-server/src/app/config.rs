//! The server's configuration: what is the cluster's goes to its database in one write, what is
//! this host's to its own; the addresses of the API are bound before anything is stored.
//!
//! A kill in between leaves the addresses as stored, and either all or none of the cluster's keys.

mod addresses;

pub use addresses::{cluster_address, listen, listen_for_cluster, restore};

use crate::app::cluster;
use crate::app::trust;
use crate::context::Context;
use crate::db::tables::{config, members};
use crate::error::{Error, Result};
use crate::identity::Identity;
use futures::FutureExt;
use serde_json::Value;
use shared_api::config::server::{CLUSTER_ADDRESS, Scope, TRUST_PASSWORD, checked, scope};
use shared_api::config::{Map, Values};

/// What a request does with the keys that it does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Others {
    /// They are unset (PUT).
    Unset,
    /// They stay (PATCH).
    Keep,
}

/// All keys that are set, as clients see them. Needs no quorum.
pub async fn current(ctx: &Context) -> Result<Values> {
    let mut keys = ctx.db.read_local(|tx| config::all(tx).boxed()).await?;
    keys.extend(ctx.local.config().await?);
    let shown = |(key, value): (String, String)| match key.as_str() {
        TRUST_PASSWORD => (key, Value::Bool(true)),
        _ => (key, Value::String(value)),
    };
    Ok(keys.into_iter().map(shown).collect())
}

/// Sets the keys of a request, all or none. `unchanged` refuses if they are not what the client has
/// seen.
///
/// # Errors
/// A key or value that cannot be; an address that cannot be bound: then nothing has changed.
pub async fn update(
    ctx: &Context,
    unchanged: impl Fn(&Values) -> Result<()>,
    values: &Values,
    others: Others,
    who: &Identity,
) -> Result<()> {
    if let Some(ended) = ctx.db.ended() {
        return ended;
    }
    // Founding and joining bind addresses too.
    let _alone = ctx.joining.lock().await;
    unchanged(&current(ctx).await?)?;
    let mut wanted = Wanted::parse(values)?;
    if others == Others::Unset || !wanted.local.is_empty() {
        require_first(ctx).await?;
    }
    let before = ctx.local.config().await?;
    let mut local = if others == Others::Keep { before.clone() } else { Map::new() };
    local.extend(wanted.local);
    local.retain(|_, value| !value.is_empty());
    if cluster::is_clustered(ctx) && local.get(CLUSTER_ADDRESS) != before.get(CLUSTER_ADDRESS) {
        let text = "Changing cluster.https_address is currently not supported";
        return Err(Error::internal(text));
    }
    if let Some(password) = &wanted.password {
        if let Some(stored) = password_to_store(ctx, password).await? {
            wanted.global.insert(TRUST_PASSWORD.to_owned(), stored);
        } else {
            wanted.keeps_password = true;
        }
    }
    addresses::apply(ctx, &before, &local).await?;
    let only_local = others == Others::Keep && wanted.global.is_empty();
    let stored = match only_local {
        true => Ok(()),
        false => store(ctx, &wanted.global, others, wanted.keeps_password).await,
    };
    if let Err(error) = stored {
        addresses::restore(ctx, &before).await;
        return Err(error);
    }
    ctx.events.lifecycle("config-updated", shared_api::paths::API, who, None);
    Ok(())
}

/// Refuses a repeat of a request that another member took first: its own keys were meant.
async fn require_first(ctx: &Context) -> Result<()> {
    let Some(first) = ctx.db.begun_at().filter(|first| *first != ctx.node.id()) else {
        return Ok(());
    };
    let member = ctx.db.read_local(|tx| members::get(tx, first).boxed()).await?;
    let name = member.map(|member| member.name).unwrap_or_default();
    Err(Error::unavailable(format_args!(
        "This request changes the configuration of the member that took it first: repeat it at {name:?}"
    )))
}

/// A request's keys, checked and by where they are kept. An empty value unsets its key.
#[derive(Debug, Default)]
struct Wanted {
    global: Map,
    local: Map,
    /// A new trust password, in the clear.
    password: Option<String>,
    /// Whether the trust password stays as it is.
    keeps_password: bool,
}

impl Wanted {
    fn parse(values: &Values) -> Result<Self> {
        let mut wanted = Self::default();
        for (key, value) in values {
            let text = match value {
                Value::String(text) => text,
                Value::Null => "",
                Value::Bool(true) if key == TRUST_PASSWORD => {
                    wanted.keeps_password = true;
                    continue;
                }
                other => {
                    let kind = go_type(other);
                    let text = format!("cannot set '{key}': invalid type {kind}");
                    return Err(Error::invalid(text));
                }
            };
            let stored = checked(key, text).map_err(Error::invalid)?;
            if key == TRUST_PASSWORD && !stored.is_empty() {
                wanted.password = Some(stored);
                continue;
            }
            match scope(key) {
                Some(Scope::Local) => wanted.local.insert(key.clone(), stored),
                _ => wanted.global.insert(key.clone(), stored),
            };
        }
        Ok(wanted)
    }
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Bool(_) => "bool",
        Value::Number(_) => "float64",
        Value::Array(_) => "slice",
        _ => "map",
    }
}

/// Whether a password is the trust password; asked by those who may change it anyway.
pub async fn is_trust_password(ctx: &Context, password: &str) -> Result<bool> {
    let stored = ctx.db.read(|tx| config::get(tx, TRUST_PASSWORD).boxed()).await?;
    match stored {
        Some(hash) => ctx.trust.verify(&hash, password, None).await,
        None => Ok(false),
    }
}

/// The hash of a new password; nothing when it is the one there is.
async fn password_to_store(ctx: &Context, password: &str) -> Result<Option<String>> {
    if is_trust_password(ctx, password).await? {
        return Ok(None);
    }
    trust::hash(password).await.map(Some)
}

async fn store(ctx: &Context, wanted: &Map, others: Others, keeps_password: bool) -> Result<()> {
    let write = ctx.db.end(Ok(()), |tx| {
        async move {
            let now = config::all(&mut *tx).await?;
            let mut changes = wanted.clone();
            for key in now.keys().filter(|_| others == Others::Unset) {
                if !(keeps_password && key == TRUST_PASSWORD) {
                    changes.entry(key.clone()).or_default();
                }
            }
            changes.retain(|key, value| now.get(key).map_or("", String::as_str) != value);
            config::set(tx, &changes).await
        }
        .boxed()
    });
    write.await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_apart_by_type_and_scope() {
        let parse = |text: &str| Wanted::parse(&serde_json::from_str(text).unwrap());
        for (text, expected) in [
            (
                r#"{"images.auto_update_interval":6}"#,
                "cannot set 'images.auto_update_interval': invalid type float64",
            ),
            (r#"{"user.x":{}}"#, "cannot set 'user.x': invalid type map"),
            (r#"{"user.x":[1]}"#, "cannot set 'user.x': invalid type slice"),
            (r#"{"user.x":true}"#, "cannot set 'user.x': invalid type bool"),
            (
                r#"{"core.trust_password":false}"#,
                "cannot set 'core.trust_password': invalid type bool",
            ),
            (r#"{"core.bogus":"1"}"#, "cannot set 'core.bogus' to '1': unknown key"),
        ] {
            assert_eq!(parse(text).unwrap_err().message, expected);
        }
        let text = r#"{"core.https_address":"[::]","user.x":"y","user.z":null,
            "core.trust_password":"sekret","images.auto_update_interval":"15"}"#;
        let wanted = parse(text).unwrap();
        assert_eq!(wanted.local.keys().collect::<Vec<_>>(), ["core.https_address"]);
        let global = [("images.auto_update_interval", "15"), ("user.x", "y"), ("user.z", "")];
        let global = global.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(wanted.global, Map::from(global));
        assert_eq!(wanted.password.as_deref(), Some("sekret"));
        assert!(parse(r#"{"core.trust_password":true}"#).unwrap().keeps_password);
    }
}
