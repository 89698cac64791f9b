//! The man pages and completions that are checked in are those of the commands.
//! `UPDATE=1` writes them anew.

#[path = "../../lxc-cli/tests/generated/render.rs"]
mod render;

#[test]
fn man_pages_and_completions_are_current() {
    render::check(lxd_server::args::command(), "lxd");
}
