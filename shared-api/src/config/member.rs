//! The keys of cluster members.

use super::check::any;
use super::keys::{Key, Problem, optional, unsupported, validate as walk};
use super::{Invalid, Map};

const KEYS: &[Key] = &[unsupported("scheduler.instance"), optional("user.*", any)];

/// Checks the configuration of a member.
pub fn validate(config: &Map) -> Result<(), Invalid> {
    walk(&[KEYS], config).map_err(|problem| match problem {
        Problem::Unknown(key) => {
            Invalid::new(format_args!("Invalid cluster configuration key \"{key}\""))
        }
        Problem::Bad(key, reason) => Invalid::new(format_args!(
            "Invalid cluster configuration key \"{key}\" value: {reason}"
        )),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_keep_what_they_like_and_nothing_else() {
        let check = |key: &str, value: &str| {
            let config = Map::from([(key.to_owned(), value.to_owned())]);
            validate(&config).map_err(|error| error.to_string())
        };
        assert_eq!(check("user.rack", "7"), Ok(()));
        assert_eq!(check("scheduler.instance", ""), Ok(()));
        for (key, text) in [
            ("bogus", "Invalid cluster configuration key \"bogus\""),
            (
                "scheduler.instance",
                "Invalid cluster configuration key \"scheduler.instance\" value: Not supported by this server",
            ),
        ] {
            assert_eq!(check(key, "all"), Err(text.to_owned()));
        }
    }
}
