//! The envelope around every answer.

use serde::{Deserialize, Serialize};

use crate::operations::{Operation, StatusCode};

/// An answer of the API. The HTTP status is not part of it: a created object is 201 on the wire and
/// 200 in `status_code`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response<T> {
    #[serde(rename = "type")]
    pub kind: Kind,
    pub status: String,
    pub status_code: u16,
    /// URL of the operation, or empty.
    pub operation: String,
    pub error_code: u16,
    pub error: String,
    pub metadata: T,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Sync,
    Async,
    Error,
}

/// Metadata of an answer that has nothing to tell: `{}`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Empty {}

/// What the daemon refused: the HTTP status and the text for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    pub code: u16,
    pub message: String,
}

impl<T> Response<T> {
    /// An answer that is complete: HTTP 200.
    pub fn sync(metadata: T) -> Self {
        let code = StatusCode::Success;
        Self {
            kind: Kind::Sync,
            status: code.text().to_owned(),
            status_code: code.into(),
            operation: String::new(),
            error_code: 0,
            error: String::new(),
            metadata,
        }
    }
}

impl Response<Empty> {
    /// A complete answer without data: HTTP 200.
    pub fn empty() -> Self {
        Self::sync(Empty {})
    }
}

impl Response<()> {
    /// The answer to a request that made an object: HTTP 201.
    pub fn created() -> Self {
        Self::sync(())
    }

    /// A refusal: `code` is the HTTP status.
    pub fn error(code: u16, message: impl Into<String>) -> Self {
        Self {
            kind: Kind::Error,
            status: String::new(),
            status_code: 0,
            operation: String::new(),
            error_code: code,
            error: message.into(),
            metadata: (),
        }
    }
}

impl Response<Operation> {
    /// The answer to a request that goes on in the background: HTTP 202. `url` is also the
    /// Location header's value.
    pub fn accepted(url: impl Into<String>, operation: Operation) -> Self {
        let code = StatusCode::OperationCreated;
        Self {
            kind: Kind::Async,
            status: code.text().to_owned(),
            status_code: code.into(),
            operation: url.into(),
            error_code: 0,
            error: String::new(),
            metadata: operation,
        }
    }
}

impl<T> Response<Option<T>> {
    /// The metadata of a success; the failure of an error. Clients read `Option<T>` since the
    /// metadata of an error is `null`.
    pub fn into_result(self) -> Result<Option<T>, Failure> {
        match self.kind {
            Kind::Error => Err(Failure { code: self.error_code, message: self.error }),
            Kind::Sync | Kind::Async => Ok(self.metadata),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_are_in_the_order_of_lxd() {
        let json = |response: &dyn erased::Json| response.json();
        let rest = r#""operation":"","error_code":0,"error":"","metadata""#;
        for (response, expected) in [
            (&Response::sync(["/1.0"]) as &dyn erased::Json, format!("{rest}:[\"/1.0\"]}}")),
            (&Response::empty(), format!("{rest}:{{}}}}")),
            (&Response::created(), format!("{rest}:null}}")),
        ] {
            let head = r#"{"type":"sync","status":"Success","status_code":200,"#;
            assert_eq!(json(response), format!("{head}{expected}"));
        }
        assert_eq!(
            json(&Response::error(404, "Storage pool not found")),
            r#"{"type":"error","status":"","status_code":0,"operation":"","error_code":404,"error":"Storage pool not found","metadata":null}"#
        );
    }

    #[test]
    fn clients_read_metadata_or_the_failure() {
        let read = |json: String| serde_json::from_str::<Response<Option<Vec<String>>>>(&json);
        let urls = serde_json::to_string(&Response::sync(["/1.0"])).unwrap();
        assert_eq!(read(urls).unwrap().into_result(), Ok(Some(vec!["/1.0".to_owned()])));
        let error = serde_json::to_string(&Response::error(403, "not authorized")).unwrap();
        let failure = Failure { code: 403, message: "not authorized".to_owned() };
        assert_eq!(read(error).unwrap().into_result(), Err(failure));
    }

    mod erased {
        pub(super) trait Json {
            fn json(&self) -> String;
        }

        impl<T: serde::Serialize> Json for T {
            fn json(&self) -> String {
                serde_json::to_string(self).unwrap()
            }
        }
    }
}
