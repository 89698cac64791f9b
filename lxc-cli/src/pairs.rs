//! Configuration on the command line: `key=value`, or a key and a value.

use std::io::{self, Read};

use anyhow::Context as _;
use shared_api::config::Map;

use crate::error::Usage;

/// Reads the arguments of a `create` command; `complaint` is what goes before a wrong one.
pub(crate) fn parse(
    arguments: &[String],
    complaint: impl Fn(&str) -> String,
) -> anyhow::Result<Map> {
    let pair = |argument: &String| match argument.split_once('=') {
        Some((key, value)) => Ok((key.to_owned(), value.to_owned())),
        None => Err(Usage::new(complaint(argument)).into()),
    };
    arguments.iter().map(pair).collect()
}

/// Reads the arguments of a `set` command: pairs, or one key and its value. The value `-` is read
/// from stdin.
pub(crate) fn parse_set(arguments: &[String]) -> anyhow::Result<Map> {
    let mut map = match arguments {
        [key, value] if !key.contains('=') && !value.contains('=') || is_lone_key(key, value) => {
            Map::from([(key.clone(), value.clone())])
        }
        pairs => parse(pairs, |pair| format!("Invalid key=value configuration: {pair}"))?,
    };
    for value in map.values_mut().filter(|value| *value == "-") {
        value.clear();
        io::stdin().read_to_string(value).context("Can't read from stdin")?;
        value.truncate(value.trim_end_matches('\n').len());
    }
    Ok(map)
}

/// Whether a key stands before a value that has a `=` of its own.
fn is_lone_key(key: &str, value: &str) -> bool {
    key.contains('.') && !key.contains('=') && value.contains('=')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[&str], expected: Result<&[(&str, &str)], &str>) {
        let arguments: Vec<String> = arguments.iter().map(|text| (*text).to_owned()).collect();
        let expected = expected.map(|pairs| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        });
        let parsed = parse_set(&arguments).map_err(|error| error.to_string());
        assert_eq!(parsed, expected.map_err(str::to_owned), "{arguments:?}");
    }

    #[test]
    fn pairs_and_single_keys() {
        check(&["a=1"], Ok(&[("a", "1")]));
        check(&["a=1", "b=2=3", "c="], Ok(&[("a", "1"), ("b", "2=3"), ("c", "")]));
        check(&["a", "1"], Ok(&[("a", "1")]));
        check(&["core.trust_password", "a=b"], Ok(&[("core.trust_password", "a=b")]));
        check(&["a"], Err("Invalid key=value configuration: a"));
        check(&["a", "b=c"], Err("Invalid key=value configuration: a"));
        check(&["a", "b", "c"], Err("Invalid key=value configuration: a"));
    }
}
