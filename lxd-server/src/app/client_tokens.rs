//! Tokens by which clients add their own certificates: making, showing, redeeming them.

use crate::app::cluster::{self, upgrade};
use crate::app::environment::environment;
use crate::app::{project, tokens};
use crate::clock;
use crate::context::Context;
use crate::db::Tx;
use crate::db::tables::certificates::{self, Certificate};
use crate::db::tables::client_tokens::{self, Token};
use crate::db::tables::{config, members};
use crate::error::{Error, Result};
use crate::identity::Identity;
use futures::FutureExt;
use jiff::Timestamp;
use shared_api::certificates::{AddToken, AddTokenMetadata, CertificatesPost};
use shared_api::expiry::Expiry;
use shared_api::operations::{Operation, StatusCode};
use subtle::ConstantTimeEq;
use uuid::Uuid;

/// How long a token is good for; for ever if it is not set.
const EXPIRY: &str = "core.remote_token_expiry";

/// Makes a token for one client, with the name, the restriction and the projects of the request.
pub async fn make(ctx: &Context, request: &CertificatesPost) -> Result<Operation> {
    upgrade::require_done(&ctx.db)?;
    if request.kind != "client" {
        return Err(Error::invalid("Tokens can only be issued for client certificates"));
    }
    let addresses = addresses(ctx).await?;
    let (id, secret, now) = (Uuid::new_v4(), tokens::secret(), clock::now());
    let write = ctx.db.write(|tx| {
        let (addresses, secret) = (&addresses, &secret);
        async move {
            let expiry = config::get(&mut *tx, EXPIRY).await?.filter(|text| !text.is_empty());
            let expiry: Option<Expiry> =
                expiry.map(|text| text.parse()).transpose().map_err(Error::invalid)?;
            let token = Token {
                id,
                name: request.name.clone(),
                secret: secret.clone(),
                addresses: addresses.clone(),
                restricted: request.restricted,
                projects: request.projects.clone(),
                created_at: now,
                expires_at: expiry.map(|expiry| expiry.after(now)),
            };
            client_tokens::insert(tx, &token).await?;
            Ok(token)
        }
        .boxed()
    });
    let mut token = write.await?;
    if token.secret.is_empty() {
        // Made when the request came before: what is secret of it is in its row alone.
        let stored = ctx.db.read(|tx| client_tokens::list(tx).boxed()).await?;
        let stored = stored.into_iter().find(|stored| stored.id == token.id);
        token = stored.ok_or_else(|| {
            Error::not_found("The token of this request was used, revoked or has expired")
        })?;
    }
    let operation = operation(ctx, token);
    tokens::tell(ctx, &operation);
    Ok(operation)
}

/// The tokens that are still good, each as LXD shows it: as a running operation.
pub async fn operations(ctx: &Context) -> Result<Vec<Operation>> {
    if upgrade::require_done(&ctx.db).is_err() {
        return Ok(Vec::new());
    }
    let now = clock::now();
    let tokens = ctx.db.read(|tx| client_tokens::list(tx).boxed()).await?;
    let good = tokens.into_iter().filter(|token| !is_expired(token, now));
    Ok(good.map(|token| operation(ctx, token)).collect())
}

/// Trusts the certificate of a token's bearer, which uses the token up. `new` gets from the token what that gives.
///
/// # Errors
/// Forbidden: the token is none of ours (any more); counted against the caller's address. Busy: that was wrong a
/// moment ago. Invalid: the certificate is trusted already, and the token stays.
pub async fn redeem(
    ctx: &Context,
    shown: &AddToken,
    new: &Certificate,
    who: &Identity,
) -> Result<()> {
    upgrade::require_done(&ctx.db)?;
    let source = who.address().map(|address| address.ip());
    ctx.trust.admit(source)?;
    let (row, now) = (crate::db::new_id(), clock::now());
    let write = ctx.db.write(|tx| {
        async move {
            let token = find(&mut *tx, shown, now).await?;
            let Token { id, name, restricted, projects, .. } = token;
            let new = Certificate { name, restricted, projects, ..new.clone() };
            certificates::insert(&mut *tx, row, &new).await?;
            client_tokens::delete(tx, id).await?;
            Ok(id)
        }
        .boxed()
    });
    match write.await {
        Ok(id) => {
            ctx.trust.right(source);
            let used = Operation { may_cancel: false, ..tokens::operation(ctx, id, now, &()) };
            tokens::tell_end(ctx, used, StatusCode::Success);
            Ok(())
        }
        Err(error) => {
            if error.kind == crate::error::Kind::Forbidden {
                ctx.trust.wrong(source, "client token");
            }
            Err(error)
        }
    }
}

/// The token as stored, if what was shown is it.
async fn find(tx: &mut Tx<'_>, shown: &AddToken, now: Timestamp) -> Result<Token> {
    let all = client_tokens::list(tx).await?;
    let is_shown = |token: &Token| {
        token.name == shown.client_name
            && bool::from(token.secret.as_bytes().ct_eq(shown.secret.as_bytes()))
    };
    let unknown = || Error::forbidden("No matching certificate add operation found");
    let token = all.into_iter().find(is_shown).ok_or_else(unknown)?;
    if is_expired(&token, now) {
        return Err(Error::forbidden("Token has expired"));
    }
    Ok(token)
}

fn is_expired(token: &Token, now: Timestamp) -> bool {
    token.expires_at.is_some_and(|date| date <= now)
}

/// Where clients find this server, or the members of its cluster.
async fn addresses(ctx: &Context) -> Result<Vec<String>> {
    let addresses: Vec<String> = if cluster::is_clustered(ctx) {
        let members = ctx.db.read(|tx| members::list(tx).boxed()).await?;
        let online = members
            .iter()
            .filter(|member| member.online && member.state != members::State::Joining);
        online.map(|member| member.address.clone()).collect()
    } else {
        environment(ctx, project::DEFAULT).await?.addresses
    };
    if addresses.is_empty() {
        return Err(Error::invalid("Can't issue token when server isn't listening on network"));
    }
    Ok(addresses)
}

fn operation(ctx: &Context, token: Token) -> Operation {
    let request = CertificatesPost {
        name: token.name,
        kind: "client".to_owned(),
        restricted: token.restricted,
        projects: token.projects,
        token: true,
        ..CertificatesPost::default()
    };
    let shown = AddTokenMetadata {
        addresses: token.addresses,
        expires_at: token.expires_at,
        fingerprint: tokens::fingerprint(ctx),
        request,
        secret: token.secret,
    };
    tokens::operation(ctx, token.id, token.created_at, &shown)
}
