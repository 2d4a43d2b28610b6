//! `opsh completions`: what a shell needs to complete opsh's commands and options.

use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::say;

/// Print completions for a shell.
///
/// bash: `opsh completions bash > ~/.local/share/bash-completion/completions/opsh`;
/// zsh: `opsh completions zsh > "${fpath[1]}/_opsh"`;
/// fish: `opsh completions fish > ~/.config/fish/completions/opsh.fish`.
#[derive(Args)]
pub struct Arguments {
    /// The shell
    shell: Shell,
}

/// Prints them.
#[must_use]
pub fn main(arguments: &Arguments) -> ExitCode {
    let mut text = Vec::new();
    let mut command = super::Arguments::command();
    clap_complete::generate(arguments.shell, &mut command, "opsh", &mut text);
    say::raw(&text, &[]);
    ExitCode::SUCCESS
}
