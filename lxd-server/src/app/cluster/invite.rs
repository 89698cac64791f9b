//! Join tokens: making, showing, revoking them, and letting their bearers in.

use super::edit::check_failure_domain;
use super::{accept, groups, upgrade};
use crate::app::{self, network, storage};
use crate::clock;
use crate::context::Context;
use crate::db::Tx;
use crate::db::tables::tokens::{FAILURE_DOMAIN, Join, Token};
use crate::db::tables::{config, members, tokens};
use crate::error::{Error, Result};
use crate::failpoint::reached;
use crate::identity::Identity;
use futures::FutureExt;
use jiff::Timestamp;
use serde_json::Map;
use shared_api::cluster::{JoinToken, JoinTokenMetadata, MembersPost};
use shared_api::expiry::Expiry;
use shared_api::name::MemberName;
use shared_api::operations::Operation;
use shared_api::paths;
use std::collections::BTreeMap;
use std::time::Duration;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// How long a token is good for unless `cluster.join_token_expiry` says otherwise.
const EXPIRY_DEFAULT: &str = "3H";
/// What LXD says of every token that lets nobody in; more is told to whoever has the right secret.
const UNKNOWN: &str = "No matching cluster join operation found";

/// What a joiner shows to be let in.
pub enum Credential {
    /// A join token.
    Token(JoinToken),
    /// The trust password, which the caller has verified.
    Password,
}

/// Makes a token for a name, in place of any earlier one; it is good for one member.
pub async fn invite(ctx: &Context, request: &MembersPost) -> Result<Operation> {
    super::require_clustered(ctx)?;
    let name: MemberName = request.server_name.parse().map_err(Error::invalid)?;
    let config = gifts(request)?;
    if !config.is_empty() || !request.groups.is_empty() {
        upgrade::require_done(&ctx.db)?;
    }
    let (id, secret, now) = (Uuid::new_v4(), app::tokens::secret(), clock::now());
    let write = ctx.db.write(|tx| {
        let (name, secret, config) = (name.as_str(), &secret, &config);
        async move {
            storage::check_member_config(&mut *tx, &request.member_config).await?;
            network::check_member_config(&mut *tx, &request.member_config).await?;
            let mut config = config.clone();
            config.extend(
                groups::ids(&mut *tx, &request.groups).await?.into_iter().map(tokens::of_group),
            );
            let members = members::list(&mut *tx).await?;
            if members.iter().any(|member| member.name == name) {
                let taken = format!("The cluster already has a member with name: {name}");
                return Err(Error::invalid(taken));
            }
            let online = members
                .iter()
                .filter(|member| member.online && member.state == members::State::Member);
            let addresses = online.map(|member| member.address.clone()).collect();
            let expires_at = expiry(&mut *tx, request, now).await?;
            let token = Token {
                id,
                name: name.to_owned(),
                secret: secret.clone(),
                addresses,
                created_at: now,
                expires_at,
                config,
            };
            if let Some(former) = tokens::by_name(&mut *tx, name).await? {
                revoke(&mut *tx, former.id).await?;
            }
            tokens::insert(tx, &token).await?;
            Ok(token)
        }
        .boxed()
    });
    let mut token = write.await?;
    if token.secret.is_empty() {
        // Made when the request came before: what is secret of it is in its row alone.
        let stored = ctx.db.read(|tx| tokens::by_name(tx, &token.name).boxed()).await?;
        let stored = stored.filter(|stored| stored.id == token.id);
        token = stored.ok_or_else(|| {
            Error::not_found("The token of this request was used, revoked or replaced")
        })?;
    }
    let operation = operation(ctx, token);
    app::tokens::tell(ctx, &operation);
    Ok(operation)
}

async fn expiry(tx: &mut Tx<'_>, request: &MembersPost, now: Timestamp) -> Result<Timestamp> {
    if let Some(seconds) = request.expires_in {
        return now.checked_add(Duration::from_secs(seconds.into())).map_err(Error::invalid);
    }
    let expiry = config::get(tx, "cluster.join_token_expiry").await?;
    let expiry: Expiry =
        expiry.as_deref().unwrap_or(EXPIRY_DEFAULT).parse().map_err(Error::invalid)?;
    Ok(expiry.after(now))
}

/// What a token gives its bearer, as it is stored.
fn gifts(request: &MembersPost) -> Result<BTreeMap<String, String>> {
    let mut config = BTreeMap::new();
    if !request.failure_domain.is_empty() {
        check_failure_domain(&request.failure_domain)?;
        config.insert(FAILURE_DOMAIN.to_owned(), request.failure_domain.clone());
    }
    for given in &request.member_config {
        let entity = &given.entity;
        if !matches!(entity.as_str(), "storage-pool" | "network") {
            return Err(Error::invalid(format_args!(
                "Invalid entity {entity:?} of a member's key"
            )));
        }
        config.insert(given.path(), given.value.clone());
    }
    Ok(config)
}

/// The tokens that are still good, each as LXD shows it: as a running operation.
pub async fn token_operations(ctx: &Context) -> Result<Vec<Operation>> {
    let now = clock::now();
    let tokens = ctx.db.read(|tx| tokens::list(tx).boxed()).await?;
    let good = tokens.into_iter().filter(|token| token.expires_at > now);
    Ok(good.map(|token| operation(ctx, token)).collect())
}

/// Revokes a token; tells whether it was there.
pub async fn revoke(tx: &mut Tx<'_>, id: Uuid) -> Result<bool> {
    // Whoever was let in with it, and is no member yet, is let out again.
    let joins = tokens::joins(&mut *tx).await?;
    for join in joins.iter().filter(|join| join.token == Some(id)) {
        accept::undo(&mut *tx, join).await?;
    }
    tokens::delete(tx, id).await
}

/// Lets a certificate in to join, and to do nothing else, for [`crate::limits::JOIN_TIMEOUT`].
///
/// # Errors
/// Forbidden: the token is none of ours (any more). A secret that never was one is counted against the caller's
/// address. Busy: that was so a moment ago.
pub async fn admit(
    ctx: &Context,
    fingerprint: &str,
    certificate: &str,
    credential: &Credential,
    who: &Identity,
) -> Result<()> {
    super::require_clustered(ctx)?;
    upgrade::require_done(&ctx.db)?;
    let source = who.address().map(|address| address.ip());
    if matches!(credential, Credential::Token(_)) {
        ctx.trust.admit(source)?;
    }
    let now = clock::now();
    let expires_at = accept::expiry(now)?;
    let write = ctx.db.write(|tx| {
        async move {
            let token = match credential {
                Credential::Password => None,
                Credential::Token(shown) => Some(verify(&mut *tx, shown, fingerprint, now).await?),
            };
            let join = Join {
                fingerprint: fingerprint.to_owned(),
                certificate: certificate.to_owned(),
                name: token.as_ref().map(|token| token.name.clone()).unwrap_or_default(),
                token: token.map(|token| token.id),
                node: None,
                expires_at,
            };
            tokens::admit(tx, &join).await
        }
        .boxed()
    });
    let admitted = write.await;
    if let Credential::Token(shown) = credential {
        let refusal = admitted.as_ref().err();
        tell_shown(ctx, &shown.server_name, refusal, who);
        match refusal {
            None => ctx.trust.right(source),
            // Of no token, used or not. Who has the secret of one guesses nothing.
            Some(refusal) if refusal.message == UNKNOWN => ctx.trust.wrong(source, "join token"),
            Some(_) => {}
        }
    }
    admitted?;
    reached("member: let in");
    Ok(())
}

/// The token as stored, if what was shown is it and nobody else is joining with it.
async fn verify(tx: &mut Tx<'_>, shown: &JoinToken, bearer: &str, now: Timestamp) -> Result<Token> {
    let stored = tokens::by_name(&mut *tx, &shown.server_name).await?;
    let same = |stored: &Token| bool::from(stored.secret.as_bytes().ct_eq(shown.secret.as_bytes()));
    let Some(stored) = stored.filter(same) else {
        let used = tokens::bearer(tx, &shown.secret).await?;
        return Err(Error::forbidden(used.map_or_else(
            || UNKNOWN.to_owned(),
            |by| {
                let tokens::Bearer { name, address, used_at } = by;
                format!("{UNKNOWN}: the token was used by {name} at {address} on {used_at:.0}")
            },
        )));
    };
    if stored.expires_at <= now {
        return Err(Error::forbidden("Token has expired"));
    }
    let joins = tokens::joins(tx).await?;
    let other = joins.iter().any(|join| {
        join.token == Some(stored.id) && join.fingerprint != bearer && join.expires_at > now
    });
    if other {
        let text = format!("{UNKNOWN}: another server is joining with this token");
        return Err(Error::forbidden(text));
    }
    Ok(stored)
}

/// Tells that somebody came with a token, and what became of it.
fn tell_shown(ctx: &Context, name: &str, refusal: Option<&Error>, who: &Identity) {
    let action = if refusal.is_some() { "cluster-token-refused" } else { "cluster-token-used" };
    let text = refusal.map(|error| error.message.as_str());
    let address = who.requestor().address;
    match text {
        Some(text) => tracing::warn!(name, address, "A join token was refused: {text}"),
        None => tracing::info!(name, address, "A server comes with a join token"),
    }
    let context = text.map(|text| Map::from_iter([("reason".to_owned(), text.into())]));
    ctx.events.lifecycle(action, paths::cluster_member(name), who, context);
}

fn operation(ctx: &Context, token: Token) -> Operation {
    let shown = JoinTokenMetadata {
        addresses: token.addresses,
        expires_at: token.expires_at,
        fingerprint: app::tokens::fingerprint(ctx),
        secret: token.secret,
        server_name: token.name,
    };
    Operation {
        resources: Some(BTreeMap::from([("cluster".to_owned(), None)])),
        ..app::tokens::operation(ctx, token.id, token.created_at, &shown)
    }
}
