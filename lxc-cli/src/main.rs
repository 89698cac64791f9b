//! The client `lxc`: reads arguments and environment, runs, exits.

use std::process::ExitCode;

use lxc_cli::Environment;

#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
fn main() -> ExitCode {
    let environment = Environment {
        lxd_dir: std::env::var_os("LXD_DIR").map(Into::into),
        lxd_socket: std::env::var_os("LXD_SOCKET").map(Into::into),
    };
    lxc_cli::run(std::env::args_os(), environment)
}
