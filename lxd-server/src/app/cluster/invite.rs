//! Join tokens: making, showing, revoking them, and letting their bearers in.

use super::accept;
use crate::clock;
use crate::context::Context;
use crate::db::Tx;
use crate::db::tables::tokens::{Join, Token};
use crate::db::tables::{config, members, tokens};
use crate::error::{Error, Result};
use crate::failpoint::reached;
use futures::FutureExt;
use jiff::Timestamp;
use shared_api::cluster::{JoinToken, JoinTokenMetadata, MembersPost};
use shared_api::expiry::Expiry;
use shared_api::name::MemberName;
use shared_api::operations::{Class, Operation, StatusCode};
use std::collections::BTreeMap;
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// How long a token is good for unless `cluster.join_token_expiry` says otherwise.
const EXPIRY_DEFAULT: &str = "3H";

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
    let (id, secret, now) = (Uuid::new_v4(), secret(), clock::now());
    let write = ctx.db.write(|tx| {
        let (name, secret) = (name.as_str(), &secret);
        async move {
            let members = members::list(&mut *tx).await?;
            if members.iter().any(|member| member.name == name) {
                let taken = format!("The cluster already has a member with name: {name}");
                return Err(Error::invalid(taken));
            }
            let online = members
                .iter()
                .filter(|member| member.online && member.state == members::State::Member);
            let addresses = online.map(|member| member.address.clone()).collect();
            let expiry = config::get(&mut *tx, "cluster.join_token_expiry").await?;
            let expiry: Expiry =
                expiry.as_deref().unwrap_or(EXPIRY_DEFAULT).parse().map_err(Error::invalid)?;
            let token = Token {
                id,
                name: name.to_owned(),
                secret: secret.clone(),
                addresses,
                created_at: now,
                expires_at: expiry.after(now),
            };
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
    tell(ctx, &operation);
    Ok(operation)
}

/// The tokens that are still good, each as LXD shows it: as a running operation.
pub async fn token_operations(ctx: &Context) -> Result<Vec<Operation>> {
    let now = clock::now();
    let tokens = ctx.db.read(|tx| tokens::list(tx).boxed()).await?;
    let good = tokens.into_iter().filter(|token| token.expires_at > now);
    Ok(good.map(|token| operation(ctx, token)).collect())
}

/// Revokes the token whose operation this is; `None` if there is no such token.
pub async fn cancel(ctx: &Context, id: Uuid) -> Result<Option<Operation>> {
    let Some(mut operation) = token_operations(ctx).await?.into_iter().find(|one| one.id == id)
    else {
        return Ok(None);
    };
    let end = ctx.db.end(Ok(()), |tx| {
        async move {
            // Whoever was let in with it, and is no member yet, is let out again.
            let joins = tokens::joins(&mut *tx).await?;
            for join in joins.iter().filter(|join| join.token == Some(id)) {
                accept::undo(&mut *tx, join).await?;
            }
            if tokens::delete(tx, id).await? {
                return Ok(());
            }
            Err(Error::not_found("Operation not found"))
        }
        .boxed()
    });
    end.await?;
    operation.status_code = StatusCode::Cancelled;
    operation.status = StatusCode::Cancelled.text().to_owned();
    tell(ctx, &operation);
    Ok(Some(operation))
}

/// Lets a certificate in to join, and to do nothing else, for [`limits::JOIN_TIMEOUT`].
pub async fn admit(
    ctx: &Context,
    fingerprint: &str,
    certificate: &str,
    credential: &Credential,
) -> Result<()> {
    super::require_clustered(ctx)?;
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
    write.await?;
    reached("member: let in");
    Ok(())
}

/// The token as stored, if what was shown is it and nobody else is joining with it.
async fn verify(tx: &mut Tx<'_>, shown: &JoinToken, bearer: &str, now: Timestamp) -> Result<Token> {
    let unknown = || Error::forbidden("No matching cluster join operation found");
    let stored = tokens::by_name(&mut *tx, &shown.server_name).await?.ok_or_else(unknown)?;
    if !bool::from(stored.secret.as_bytes().ct_eq(shown.secret.as_bytes())) {
        return Err(unknown());
    }
    if stored.expires_at <= now {
        return Err(Error::forbidden("Token has expired"));
    }
    let joins = tokens::joins(tx).await?;
    let other = joins.iter().any(|join| {
        join.token == Some(stored.id) && join.fingerprint != bearer && join.expires_at > now
    });
    if other { Err(unknown()) } else { Ok(stored) }
}

fn operation(ctx: &Context, token: Token) -> Operation {
    let fingerprint = ctx.tls.public().fingerprint.parse().expect("it is a SHA-256 in hex");
    let metadata = JoinTokenMetadata {
        addresses: token.addresses,
        expires_at: token.expires_at,
        fingerprint,
        secret: token.secret,
        server_name: token.name,
    };
    let metadata = match serde_json::to_value(metadata) {
        Ok(serde_json::Value::Object(fields)) => Some(fields),
        _ => None,
    };
    Operation {
        id: token.id,
        class: Class::Token,
        description: "Executing operation".to_owned(),
        created_at: token.created_at,
        updated_at: token.created_at,
        status: StatusCode::Running.text().to_owned(),
        status_code: StatusCode::Running,
        resources: Some(BTreeMap::from([("cluster".to_owned(), None)])),
        metadata,
        may_cancel: true,
        err: String::new(),
        location: ctx.events.location(),
    }
}

/// Tells of a token without what is secret of it: not only administrators listen.
fn tell(ctx: &Context, operation: &Operation) {
    ctx.events.operation(&Operation { metadata: None, ..operation.clone() }, None);
}

/// 64 hex digits.
fn secret() -> String {
    let bytes: [u8; 32] = rand::random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
