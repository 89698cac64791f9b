//! Texts for users name nothing of the machinery: no word of the consensus, of the database's inside, of Go.

use crate::files::File;

/// In lower case; only whole words count.
const WORDS: &[&str] = &[
    "raft",
    "openraft",
    "eof",
    "linearizable",
    "learner",
    "learners",
    "changeset",
    "quorum",
    "voter",
    "voters",
    "follower",
    "closure",
    "transcript",
    "sqlx",
    "reqwest",
    "hyper",
    "rustls",
    "tokio",
];

/// Where texts for users are made; `main.rs` and the like only pass them on.
const PLACES: &[&str] = &[
    "lxc-cli/src/",
    "lxd-server/src/",
    "lxd-server/replicated-sqlite/src/error.rs",
    "lxd-server/replicated-sqlite/src/writer.rs",
    "lxd-server/replicated-sqlite/src/batch.rs",
    "lxd-server/replicated-sqlite/src/members.rs",
    "shared-api/src/",
];

/// What monitoring reads measures the machinery, and has a format of its own. What is said of malformed JSON
/// is LXD's word for word ("EOF"), for the clients that exist.
const EXCUSED: &[&str] = &[
    "lxd-server/src/openmetrics.rs",
    "lxd-server/src/app/metrics.rs",
    "lxd-server/src/api/syntax.rs",
];

/// Words of the machinery in string literals, but for those of the log and of SQL.
pub(crate) fn jargon(files: &[File]) -> Vec<String> {
    let mut complaints = Vec::new();
    let shown = |file: &&File| {
        let path = file.path.as_str();
        PLACES.iter().any(|place| path.starts_with(place)) && !EXCUSED.contains(&path)
    };
    for file in files.iter().filter(|file| file.is_rust() && !file.is_test()).filter(shown) {
        for (number, line) in file.product().filter(|(_, line)| !line.contains("tracing::")) {
            for word in literals(line).iter().flat_map(|text| words(text)) {
                complaints.push(format!("{}:{number}: \"{word}\" in a text", file.path));
            }
        }
    }
    complaints
}

/// What stands between double quotes on a line that has prose in it.
fn literals(line: &str) -> Vec<&str> {
    let texts = line.split('"').skip(1).step_by(2);
    // A single word is a name: of a file, a key, a field.
    texts.filter(|text| text.contains(' ')).collect()
}

fn words(text: &str) -> Vec<String> {
    // Files may be named: `raft.db` is one word.
    let words = text.split(|char: char| !char.is_alphanumeric() && !matches!(char, '_' | '.'));
    let words = words.map(|word| word.trim_matches('.').to_lowercase());
    words.filter(|word| WORDS.contains(&word.as_str())).collect()
}

#[test]
fn jargon_is_found() {
    use crate::check;
    let path = "lxd-server/src/app/x.rs";
    check(jargon, path, "Error::internal(\"the Raft log\")", 1);
    check(jargon, path, "Error::internal(\"unexpected EOF\")", 1);
    check(jargon, path, "tracing::info!(\"the Raft log\")", 0);
    check(jargon, path, "// \"the Raft log\"", 0);
    check(jargon, path, "Error::internal(\"raft.db is damaged\")", 0);
    check(jargon, "tests/src/x.rs", "bail!(\"the Raft log\")", 0);
    check(jargon, "lxd-server/replicated-sqlite/src/error.rs", "#[error(\"no quorum now\")]", 1);
}
