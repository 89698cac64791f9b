//! The completion in a real bash.

use std::path::Path;
use std::process::Command;

use clap_complete::Shell;

/// What bash offers after this line, which ends where the cursor is.
#[expect(clippy::disallowed_methods, reason = "the shell is what is tested")]
fn offered(script: &Path, line: &str) -> Vec<String> {
    let program = r#"
        compopt() { :; } # Only works where readline called.
        source "$1" || exit 1
        COMP_LINE=$2 COMP_POINT=${#2}
        read -ra COMP_WORDS <<< "$2"
        [[ $2 == *' ' ]] && COMP_WORDS+=('')
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        previous=${COMP_WORDS[COMP_CWORD - 1]}
        function=$(complete -p lxc | sed 's/.*-F \([^ ]*\).*/\1/')
        "$function" lxc "${COMP_WORDS[COMP_CWORD]}" "$previous"
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let output = Command::new("bash")
        .args(["--norc", "--noprofile", "-c", program, "bash"])
        .arg(script)
        .arg(line)
        .output()
        .expect("bash starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", text(output.stderr));
    text(output.stdout).lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn bash_offers_commands_flags_and_formats() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = lxc_cli::command();
    let script =
        clap_complete::generate_to(Shell::Bash, &mut command, "lxc", folder.path()).unwrap();
    for (line, expected) in [
        ("lxc cl", &["cluster"][..]),
        ("lxc cluster li", &["list", "list-tokens"]),
        ("lxc cluster list --for", &["--force-local", "--format"]),
        ("lxc cluster list -f ", &["csv", "json", "table", "yaml", "compact"]),
        ("lxc cluster list --format ya", &["yaml"]),
        ("lxc storage create --t", &["--target"]),
        ("lxc profile s", &["set", "show"]),
        ("lxc cluster list --project ", &[]),
        ("lxc cluster nope", &[]),
    ] {
        let mut offered = offered(&script, line);
        offered.sort();
        let mut expected: Vec<_> = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(offered, expected, "{line}");
    }
}
