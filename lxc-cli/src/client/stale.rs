//! Answers that are not the latest: reading commands take them when the cluster has nothing better, and say so.

use hyper::header::{AGE, HeaderMap, WARNING};

/// What a reading command asks by: any age will do, if the latest is not to be had (RFC 9111).
pub(super) const ANY_AGE: &str = "max-stale";

/// The line for an answer that is not the latest; nothing for all others.
pub(super) fn note(headers: &HeaderMap) -> Option<String> {
    let warning = headers.get(WARNING)?.to_str().ok()?.strip_prefix("110 ")?;
    let (_, reason) = warning.split_once('"')?;
    // Its first words are enough here: the whole is the error of commands that change something.
    let reason = reason.split([',', ':', '.', '"']).next().unwrap_or_default();
    let age = headers.get(AGE).and_then(|age| age.to_str().ok()).and_then(|age| age.parse().ok());
    Some(match age {
        Some(age) => format!("{reason}: this is what this member knew {} ago.", spoken(age)),
        None => {
            format!("{reason}: this is what this member knew when it last heard from the others.")
        }
    })
}

fn spoken(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_answers_are_told() {
        let warning = r#"110 lxd "The cluster has no majority, so: see \"lxc\".""#;
        for (age, expected) in [
            (Some("0"), "The cluster has no majority: this is what this member knew 0 s ago."),
            (Some("300"), "The cluster has no majority: this is what this member knew 5 min ago."),
            (Some("90000"), "The cluster has no majority: this is what this member knew 25 h ago."),
            (
                None,
                "The cluster has no majority: this is what this member knew when it last heard from the others.",
            ),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(WARNING, warning.parse().unwrap());
            age.map(|age| headers.insert(AGE, age.parse().unwrap()));
            assert_eq!(note(&headers).as_deref(), Some(expected));
        }
        assert_eq!(note(&HeaderMap::new()), None);
    }
}
