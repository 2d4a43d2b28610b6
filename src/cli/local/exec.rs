//! `opsh local exec`: a command on a simulated machine.

use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use super::hand::{Hand, no_cloud};
use crate::cli::say;

/// Run a command as root on a simulated machine, as at its console
///
/// No key, network or security group is in between, so that a machine can be made to fail:
///
///   opsh local exec fullstack -- systemctl stop httpd
///
/// The exit code is the command's.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// The machine: an instance's id, address or Name, or an Auto Scaling group, of which
    /// the oldest running instance is taken
    instance: String,
    /// The command, for the machine's shell
    #[arg(required = true, trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Runs the command on a machine of the cloud in `folder`.
pub(super) fn exec(folder: &Path, arguments: &Arguments) -> Result<ExitCode, String> {
    let mut hand = Hand::on(folder)?.ok_or_else(no_cloud)?;
    let done = hand.execute(&arguments.instance, &arguments.command.join(" "))?;
    if done.others > 0 {
        say::err(format_args!(
            "on {}, one of {}",
            done.instance,
            done.others + 1
        ));
    }
    say::raw(&done.output.stdout, &done.output.stderr);
    Ok(ExitCode::from(
        u8::try_from(done.output.exit_code).unwrap_or(1),
    ))
}
