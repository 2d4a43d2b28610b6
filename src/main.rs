//! The `opsh` program: parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    opsh::cli::main()
}
