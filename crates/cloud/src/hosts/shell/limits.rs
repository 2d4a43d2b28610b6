//! What ends a runaway command, and how that is told.

use std::time::Duration;

use bashkit::{Error, ExecutionLimits, MemoryLimits, SessionLimits};

use super::Outcome;

/// Limits of one command line. Steps come first, so that the same command ends at the
/// same place every time; the real clock is only a backstop.
pub fn execution() -> ExecutionLimits {
    ExecutionLimits::new()
        .max_commands(100_000)
        .max_loop_iterations(20_000)
        .max_total_loop_iterations(50_000)
        .max_stdout_bytes(4 << 20)
        .max_stderr_bytes(4 << 20)
        .max_input_bytes(4 << 20)
        .max_aggregate_input_bytes(1 << 30)
        .max_live_intermediate_bytes(128 << 20)
        .timeout(Duration::from_mins(1))
}

/// A shell lives for one command line.
pub fn session() -> SessionLimits {
    SessionLimits::unlimited()
}

/// What the variables of a shell may take.
pub fn memory() -> MemoryLimits {
    MemoryLimits::default()
}

/// A command that was ended, as an exit status and a complaint.
pub fn explain(error: &Error, script: &str) -> Outcome {
    match error {
        Error::Parse { .. } => Outcome {
            exit_code: 2,
            stdout: Vec::new(),
            stderr: error
                .syntax_report("bash", script)
                .unwrap_or_else(|| format!("bash: {error}\n"))
                .into_bytes(),
        },
        Error::Cancelled => Outcome {
            exit_code: 124,
            ..Outcome::default()
        },
        Error::ResourceLimit(limit) => Outcome {
            exit_code: 137,
            stdout: Vec::new(),
            stderr: format!("opsh local: the command was ended: {limit}\n").into_bytes(),
        },
        other => Outcome {
            exit_code: 1,
            stdout: Vec::new(),
            stderr: format!("bash: {other}\n").into_bytes(),
        },
    }
}
