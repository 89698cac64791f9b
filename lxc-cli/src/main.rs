//! The client `lxc`: reads arguments and environment, runs, exits.

use std::process::ExitCode;

use lxc_cli::Environment;

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn main() -> ExitCode {
    let path = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(Into::into);
    let text = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let environment = Environment {
        lxd_dir: path("LXD_DIR"),
        lxd_socket: path("LXD_SOCKET"),
        lxd_conf: path("LXD_CONF"),
        lxd_global_conf: path("LXD_GLOBAL_CONF"),
        home: path("HOME"),
        user: text("USER"),
        editor: text("VISUAL").or_else(|| text("EDITOR")),
    };
    lxc_cli::run(std::env::args_os(), environment)
}
