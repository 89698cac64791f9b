//! Why a server did not answer a request, in words for users.

use crate::error::{Error, Kind};
use std::error::Error as StdError;
use std::io::{self, ErrorKind};

/// Why there was no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Silence {
    /// The time is over.
    #[error("it does not answer in time")]
    Late,
    /// Nobody listens at that address.
    #[error("nothing listens there")]
    Refused,
    /// It was there, and is no more.
    #[error("the connection was lost")]
    Lost,
    /// The network knows no way to that address.
    #[error("there is no way to it")]
    Away,
    /// No address is known for its name.
    #[error("its name is not known")]
    Nameless,
    /// It is not the server that was meant.
    #[error("it shows another certificate than expected")]
    Stranger,
    /// What it says is not this API.
    #[error("its answer is malformed")]
    Malformed,
}

impl Silence {
    /// What kept a request from its answer.
    pub(super) fn of(error: &reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Late;
        }
        let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(error) = cause {
            if let Some(error) = error.downcast_ref::<io::Error>() {
                return Self::of_io(error);
            }
            cause = error.source();
        }
        if error.is_decode() { Self::Malformed } else { Self::Lost }
    }

    fn of_io(error: &io::Error) -> Self {
        if let Some(inner) = error.get_ref() {
            if let Some(rustls::Error::InvalidCertificate(_)) = inner.downcast_ref() {
                return Self::Stranger;
            }
            // The client wraps what TLS has wrapped.
            if let Some(inner) = inner.downcast_ref() {
                return Self::of_io(inner);
            }
        }
        match error.kind() {
            // The standard library's words, and all that it tells of such a failure.
            _ if error.to_string().starts_with("failed to lookup address") => Self::Nameless,
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::TimedOut => Self::Late,
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Self::Away,
            _ => Self::Lost,
        }
    }

    /// As what the user is told.
    pub fn at(self, address: &str) -> Error {
        let text = format!("The server at {address} cannot be reached: {self}");
        Error::new(Kind::Unreachable, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_apart() {
        let stranger = rustls::CertificateError::ApplicationVerificationFailure;
        let stranger = io::Error::other(rustls::Error::from(stranger));
        for (error, expected) in [
            (ErrorKind::ConnectionRefused.into(), Silence::Refused),
            (ErrorKind::ConnectionReset.into(), Silence::Lost),
            (ErrorKind::UnexpectedEof.into(), Silence::Lost),
            (ErrorKind::HostUnreachable.into(), Silence::Away),
            (ErrorKind::TimedOut.into(), Silence::Late),
            (stranger, Silence::Stranger),
        ] {
            assert_eq!(Silence::of_io(&error), expected, "{error}");
        }
        let error = Silence::Refused.at("10.0.0.2:8443");
        let text = "The server at 10.0.0.2:8443 cannot be reached: nothing listens there";
        assert_eq!((error.kind, error.message.as_str()), (Kind::Unreachable, text));
    }

    #[tokio::test]
    async fn the_cause_is_found_below_what_the_client_makes_of_it() {
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        // No name has such a part: nobody has to be asked.
        let error = client.get(format!("http://{}", "x".repeat(64))).send().await.unwrap_err();
        assert_eq!(Silence::of(&error), Silence::Nameless);
        // Nobody listens on a port that was given back.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = client.get(format!("http://{address}")).send().await.unwrap_err();
        assert_eq!(Silence::of(&error), Silence::Refused);
    }
}
