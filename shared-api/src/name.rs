//! Checked names of things.
//! Each type's only constructors check; the messages are LXD's where it refuses the same name.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why a text is no name of the wanted kind: the text for the user.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(String);

macro_rules! name {
    ($(#[$attribute:meta])* $name:ident, $check:ident) => {
        $(#[$attribute])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                $check(&text).map(|()| Self(text))
            }
        }

        impl FromStr for $name {
            type Err = Invalid;

            fn from_str(text: &str) -> Result<Self, Invalid> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.pad(&self.0)
            }
        }
    };
}

name! {
    /// Name of a cluster member: 1 to 63 of `A-Z a-z 0-9 . _ -`, a letter or digit first, and not
    /// `none`, which stands for a server that is in no cluster.
    MemberName, check_member
}

name! {
    /// Name of a storage pool; also a directory's name.
    PoolName, check_pool
}

name! {
    /// Name of a network, which is its interface's: 2 to 15 of `A-Z a-z 0-9 . _ -`.
    NetworkName, check_network
}

name! {
    /// Name of a profile.
    ProfileName, check_profile
}

name! {
    /// Name of a project.
    ProjectName, check_project
}

name! {
    /// Name of a cluster group. Clients list groups with commas.
    GroupName, check_group
}

const MEMBER_CHARS_MAX: usize = 63;
const NETWORK_CHARS_MIN: usize = 2;
const NETWORK_CHARS_MAX: usize = 15;
/// What a file name may have.
const FILE_BYTES_MAX: usize = 255;

fn check_member(name: &str) -> Result<(), Invalid> {
    check_present(name)?;
    if name.contains('/') {
        return refuse("Member names may not contain slashes");
    }
    if name.len() > MEMBER_CHARS_MAX {
        return refuse("Member name is too long (maximum 63 characters)");
    }
    let starts_well = name.starts_with(|first: char| first.is_ascii_alphanumeric());
    if !starts_well || !name.chars().all(is_host_char) || name == "none" {
        return refuse(format!("Invalid member name \"{}\"", name.escape_debug()));
    }
    Ok(())
}

fn check_pool(name: &str) -> Result<(), Invalid> {
    check_present(name)?;
    if name.contains('/') {
        return refuse("Storage pool names may not contain slashes");
    }
    check_file("storage pool", name)
}

fn check_network(name: &str) -> Result<(), Invalid> {
    check_present(name)?;
    let chars = name.chars().count();
    if chars < NETWORK_CHARS_MIN {
        return refuse("Network interface is too short (minimum 2 characters)");
    }
    if chars > NETWORK_CHARS_MAX {
        return refuse("Network interface is too long (maximum 15 characters)");
    }
    if !name.chars().all(is_host_char) || name == ".." {
        return refuse("Network interface contains invalid characters");
    }
    Ok(())
}

fn check_profile(name: &str) -> Result<(), Invalid> {
    check_present(name)?;
    if name.contains('/') {
        return refuse("Profile names may not contain slashes");
    }
    check_file("profile", name)
}

fn check_project(name: &str) -> Result<(), Invalid> {
    check_label("project", name)
}

fn check_group(name: &str) -> Result<(), Invalid> {
    check_label("cluster group", name)?;
    if name.contains(',') {
        return refuse("Cluster group names may not contain commas");
    }
    Ok(())
}

fn check_label(kind: &str, name: &str) -> Result<(), Invalid> {
    check_present(name)?;
    for (chars, what) in
        [("/", "slashes"), (" ", "spaces"), ("_", "underscores"), ("'\"", "quotes")]
    {
        if name.contains(|found| chars.contains(found)) {
            let (first, rest) = kind.split_at(1);
            let kind = format!("{}{rest}", first.to_uppercase());
            return refuse(format!("{kind} names may not contain {what}"));
        }
    }
    if name == "*" {
        return refuse(format!("Reserved {kind} name"));
    }
    check_file(kind, name)
}

fn check_present(name: &str) -> Result<(), Invalid> {
    if name.is_empty() {
        return refuse("No name provided");
    }
    Ok(())
}

/// What could not be a file's name, or could not be shown on one line, is no name.
fn check_file(kind: &str, name: &str) -> Result<(), Invalid> {
    let special = name == "." || name == "..";
    if special || name.len() > FILE_BYTES_MAX || name.contains(char::is_control) {
        return refuse(format!("Invalid {kind} name \"{}\"", name.escape_debug()));
    }
    Ok(())
}

fn is_host_char(char: char) -> bool {
    char.is_ascii_alphanumeric() || "._-".contains(char)
}

fn refuse(message: impl Into<String>) -> Result<(), Invalid> {
    Err(Invalid(message.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<N: FromStr<Err = Invalid> + AsRef<str>>(good: &[&str], bad: &[(&str, &str)]) {
        for name in good {
            assert_eq!(name.parse::<N>().ok().as_ref().map(AsRef::as_ref), Some(*name));
        }
        for (name, message) in bad {
            assert_eq!(name.parse::<N>().err(), Some(Invalid((*message).to_owned())), "{name:?}");
        }
    }

    #[test]
    fn members() {
        let long = "n".repeat(64);
        check::<MemberName>(
            &["n1", "N-1.example_2", "1", &long[1..]],
            &[
                ("", "No name provided"),
                ("a/b", "Member names may not contain slashes"),
                (&long, "Member name is too long (maximum 63 characters)"),
                ("-a", "Invalid member name \"-a\""),
                (".", "Invalid member name \".\""),
                ("a b", "Invalid member name \"a b\""),
                ("a\nb", "Invalid member name \"a\\nb\""),
                ("é", "Invalid member name \"é\""),
                ("none", "Invalid member name \"none\""),
            ],
        );
    }

    #[test]
    fn pools() {
        let long = "p".repeat(256);
        check::<PoolName>(
            &["default", "a b", "é", &long[1..]],
            &[
                ("", "No name provided"),
                ("a/b", "Storage pool names may not contain slashes"),
                ("..", "Invalid storage pool name \"..\""),
                ("a\0", "Invalid storage pool name \"a\\0\""),
                (&long, &format!("Invalid storage pool name \"{long}\"")),
            ],
        );
    }

    #[test]
    fn networks() {
        check::<NetworkName>(
            &["lxdbr0", "-a", "a_b", "a.b", "0123456789abcde"],
            &[
                ("", "No name provided"),
                ("a", "Network interface is too short (minimum 2 characters)"),
                ("0123456789abcdef", "Network interface is too long (maximum 15 characters)"),
                ("a/b", "Network interface contains invalid characters"),
                ("a:b", "Network interface contains invalid characters"),
                ("éé", "Network interface contains invalid characters"),
                ("..", "Network interface contains invalid characters"),
            ],
        );
    }

    #[test]
    fn profiles() {
        check::<ProfileName>(
            &["default", "a b", "*", "?a"],
            &[
                ("", "No name provided"),
                ("a/b", "Profile names may not contain slashes"),
                (".", "Invalid profile name \".\""),
                ("a\nb", "Invalid profile name \"a\\nb\""),
            ],
        );
    }

    #[test]
    fn projects() {
        check::<ProjectName>(
            &["default", "-a", "a:b"],
            &[
                ("", "No name provided"),
                ("a/b", "Project names may not contain slashes"),
                ("a b", "Project names may not contain spaces"),
                ("a_b", "Project names may not contain underscores"),
                ("a'b", "Project names may not contain quotes"),
                ("*", "Reserved project name"),
                ("..", "Invalid project name \"..\""),
            ],
        );
    }

    #[test]
    fn groups() {
        check::<GroupName>(
            &["default", "-a", "a:b", "é"],
            &[
                ("", "No name provided"),
                ("a/b", "Cluster group names may not contain slashes"),
                ("a b", "Cluster group names may not contain spaces"),
                ("a_b", "Cluster group names may not contain underscores"),
                ("a\"b", "Cluster group names may not contain quotes"),
                ("a,b", "Cluster group names may not contain commas"),
                ("*", "Reserved cluster group name"),
                (".", "Invalid cluster group name \".\""),
                ("a\nb", "Invalid cluster group name \"a\\nb\""),
            ],
        );
    }

    #[test]
    fn json_is_checked_too() {
        assert_eq!(serde_json::from_str::<MemberName>("\"n1\"").unwrap().as_str(), "n1");
        assert!(serde_json::from_str::<MemberName>("\"a/b\"").is_err());
    }
}
