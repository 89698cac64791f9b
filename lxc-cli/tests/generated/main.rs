//! The man pages and completions that are checked in are those of the commands.
//! `UPDATE=1` writes them anew.

mod bash;
mod render;

#[test]
fn man_pages_and_completions_are_current() {
    render::check(lxc_cli::command(), "lxc");
}
