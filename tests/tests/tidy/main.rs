//! The house rules of ARCHITECTURE.md and CONTRIBUTING.md, checked on the text of the repository.
//! Each rule is a function from files to complaints, tried on made-up violations beside it.

mod files;
mod imports;
mod jargon;
mod layers;
mod layout;
mod leftovers;
mod sizes;

use files::File;

/// A rule: complaints about the files, each naming place and reason.
type Rule = fn(&[File]) -> Vec<String>;

#[test]
fn the_repository_is_tidy() {
    let files = files::all();
    assert!(files.iter().any(|file| file.path == "lxd-server/src/main.rs"), "sources are found");
    let rules: [Rule; 12] = [
        jargon::jargon,
        layers::areas,
        layers::crates,
        layers::calls,
        layout::top_level,
        layout::dependencies,
        layout::generated,
        leftovers::words,
        leftovers::sleeps,
        sizes::files,
        sizes::functions,
        sizes::headers,
    ];
    let complaints: Vec<_> = rules.iter().flat_map(|rule| rule(&files)).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

/// Runs a rule on one made-up file and compares how many complaints it has.
#[cfg(test)]
fn check(rule: Rule, path: &str, text: &str, complaints: usize) {
    let found = rule(&[File { path: path.to_owned(), text: text.to_owned() }]);
    assert_eq!(found.len(), complaints, "{path}: {text}: {found:?}");
}
