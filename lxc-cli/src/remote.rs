//! Arguments of the form `remote:name`.

use anyhow::bail;

/// A thing at a remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) remote: String,
    /// Empty when only the remote is named.
    pub(crate) name: String,
}

impl Resource {
    /// Everything before the first colon is the remote; `default_remote` if there is nothing.
    pub(crate) fn parse(text: &str, default_remote: &str) -> Self {
        let (remote, name) = text.split_once(':').unwrap_or((default_remote, text));
        let remote = if remote.is_empty() { default_remote } else { remote };
        Self { remote: remote.to_owned(), name: name.to_owned() }
    }

    /// Refuses an argument that names an instance.
    pub(crate) fn check_server(&self) -> anyhow::Result<()> {
        if !self.name.is_empty() {
            bail!("Instance not found");
        }
        Ok(())
    }

    /// The name, or LXD's complaint that it is missing.
    pub(crate) fn name_of(&self, kind: &str) -> anyhow::Result<&str> {
        if self.name.is_empty() {
            bail!("Missing {kind} name");
        }
        Ok(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remotes_and_names() {
        for (text, remote, name) in [
            ("n1", "local", "n1"),
            ("local:n1", "local", "n1"),
            ("nope:n1", "nope", "n1"),
            ("local:", "local", ""),
            (":n1", "local", "n1"),
            ("a:b:c", "a", "b:c"),
            ("", "local", ""),
        ] {
            let expected = Resource { remote: remote.to_owned(), name: name.to_owned() };
            assert_eq!(Resource::parse(text, "local"), expected, "{text}");
        }
    }
}
