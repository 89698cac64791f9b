//! The text files of the repository, without build output and version control.

use std::{fs, path::Path};

use tests::flavour::workspace;

#[derive(Debug)]
pub(crate) struct File {
    /// From the root, with slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl File {
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Tests, examples and the package of tests; product code otherwise.
    pub(crate) fn is_test(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| matches!(part, "tests" | "tests.rs" | "examples" | "benches"))
    }

    /// Lines of product code with their numbers: up to the test module, without comments.
    pub(crate) fn product(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
        let code = lines.map(|line| line.split("//").next().unwrap_or_default());
        code.enumerate().map(|(index, line)| (index + 1, line))
    }
}

/// Every text file that is checked in, or would be.
pub(crate) fn all() -> Vec<File> {
    let mut files = Vec::new();
    walk(workspace(), "", &mut files);
    files
}

fn walk(folder: &Path, prefix: &str, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).expect("folders can be read") {
        let entry = entry.expect("entries can be read");
        let name = entry.file_name().into_string().expect("names are UTF-8");
        let path = format!("{prefix}{name}");
        if matches!(path.as_str(), ".git" | "target") {
            continue;
        }
        if entry.file_type().expect("types can be read").is_dir() {
            walk(&entry.path(), &format!("{path}/"), files);
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            files.push(File { path, text });
        }
    }
}
