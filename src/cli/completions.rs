//! `opsh completions`: what a shell needs to complete opsh's commands and options.

use std::io::Write as _;
use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

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
    // Whoever reads may go away before the end.
    let _ = std::io::stdout().write_all(&text);
    ExitCode::SUCCESS
}
