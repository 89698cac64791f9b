//! Tokens as operations: each is shown as one that runs until it is used or revoked.

use crate::context::Context;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use shared_api::fingerprint::Fingerprint;
use shared_api::operations::{Class, Operation, StatusCode};
use uuid::Uuid;

/// 64 hex digits.
pub fn secret() -> String {
    let bytes: [u8; 32] = rand::random();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What tokens say of the certificate that the server, or its cluster, shows.
pub fn fingerprint(ctx: &Context) -> Fingerprint {
    ctx.tls.public().fingerprint.parse().expect("it is a SHA-256 in hex")
}

/// The operation of a token that is good; `shown` is its metadata.
pub fn operation(
    ctx: &Context,
    id: Uuid,
    created_at: Timestamp,
    shown: &impl Serialize,
) -> Operation {
    let metadata = match serde_json::to_value(shown) {
        Ok(Value::Object(fields)) => Some(fields),
        _ => None,
    };
    Operation {
        id,
        class: Class::Token,
        description: "Executing operation".to_owned(),
        created_at,
        updated_at: created_at,
        status: StatusCode::Running.text().to_owned(),
        status_code: StatusCode::Running,
        resources: None,
        metadata,
        may_cancel: true,
        err: String::new(),
        location: ctx.events.location(),
    }
}

/// Tells of a token without what is secret of it: not only administrators listen.
pub fn tell(ctx: &Context, operation: &Operation) {
    ctx.events.operation(&Operation { metadata: None, ..operation.clone() }, None);
}

/// Tells how a token came to its end.
pub fn tell_end(ctx: &Context, operation: Operation, end: StatusCode) {
    let ended = Operation { status: end.text().to_owned(), status_code: end, ..operation };
    tell(ctx, &ended);
}
