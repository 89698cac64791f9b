//! The engine: tables of keys as data, and one walk over a configuration.

use super::Map;

/// Whether a value will do; if not, why, in LXD's words.
pub(super) type Check = fn(&str) -> Result<(), String>;

/// A key of a table. A `*` in its name stands for any text that is not empty.
pub(super) struct Key {
    name: &'static str,
    rule: Rule,
}

enum Rule {
    /// May be missing or empty, which is the same.
    Optional(Check),
    /// Checked even if it is missing, as an empty value.
    Required(Check),
    /// A key of LXD that would do nothing here.
    Unsupported,
}

pub(super) const fn optional(name: &'static str, check: Check) -> Key {
    Key { name, rule: Rule::Optional(check) }
}

pub(super) const fn required(name: &'static str, check: Check) -> Key {
    Key { name, rule: Rule::Required(check) }
}

pub(super) const fn unsupported(name: &'static str) -> Key {
    Key { name, rule: Rule::Unsupported }
}

/// What is wrong with a configuration; each kind of object has its own words around it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Problem<'a> {
    Unknown(&'a str),
    Bad(&'a str, String),
}

/// Finds the first key, in the order of their names, that is unknown or has a wrong value.
pub(super) fn validate<'a>(tables: &[&'static [Key]], config: &'a Map) -> Result<(), Problem<'a>> {
    let keys = || tables.iter().copied().flatten();
    for (name, value) in config {
        let Some(key) = keys().find(|key| key.matches(name)) else {
            return Err(Problem::Unknown(name));
        };
        key.check(value).map_err(|reason| Problem::Bad(name, reason))?;
    }
    for key in keys() {
        if let Rule::Required(check) = key.rule
            && !config.contains_key(key.name)
        {
            check("").map_err(|reason| Problem::Bad(key.name, reason))?;
        }
    }
    Ok(())
}

impl Key {
    fn matches(&self, name: &str) -> bool {
        let Some((start, end)) = self.name.split_once('*') else { return self.name == name };
        name.len() > start.len() + end.len() && name.starts_with(start) && name.ends_with(end)
    }

    fn check(&self, value: &str) -> Result<(), String> {
        if value.contains('\0') {
            return Err("NUL is not allowed".to_owned());
        }
        match self.rule {
            Rule::Required(check) => check(value),
            _ if value.is_empty() => Ok(()),
            Rule::Optional(check) => check(value),
            Rule::Unsupported => Err("Not supported by this server".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[Key] = &[
        optional("plain", |value| if value == "good" { Ok(()) } else { Err("why".to_owned()) }),
        required("must", |value| if value.is_empty() { Err("no".to_owned()) } else { Ok(()) }),
        unsupported("later"),
    ];
    const MORE: &[Key] = &[optional("user.*", |_| Ok(())), optional("a.*.z", |_| Ok(()))];

    #[test]
    fn the_first_problem_is_found() {
        let bad = |key, reason: &str| Err(Problem::Bad(key, reason.to_owned()));
        type Case<'a> = (&'a [(&'a str, &'a str)], Result<(), Problem<'a>>);
        let cases: [Case; 12] = [
            (&[("must", "x")], Ok(())),
            (&[("must", "x"), ("plain", "good"), ("user.a.b", ""), ("a.b.c.z", "1")], Ok(())),
            (&[("must", "x"), ("plain", ""), ("later", "")], Ok(())),
            (&[], bad("must", "no")),
            (&[("must", "")], bad("must", "no")),
            (&[("must", "x"), ("plain", "bad")], bad("plain", "why")),
            (&[("must", "x"), ("later", "1")], bad("later", "Not supported by this server")),
            (&[("must", "x\0")], bad("must", "NUL is not allowed")),
            (&[("bogus", ""), ("must", "")], Err(Problem::Unknown("bogus"))),
            (&[("must", "x"), ("user.", "1")], Err(Problem::Unknown("user."))),
            (&[("must", "x"), ("user", "1")], Err(Problem::Unknown("user"))),
            (&[("a..z", "x"), ("must", "x")], Err(Problem::Unknown("a..z"))),
        ];
        for (pairs, expected) in cases {
            let config = pairs.iter().map(|(key, value)| ((*key).into(), (*value).into()));
            assert_eq!(validate(&[TABLE, MORE], &config.collect()), expected, "{pairs:?}");
        }
    }
}
