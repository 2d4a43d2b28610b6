//! Lines on the standard streams, where no [`Console`](super::console::Console) is needed.
//!
//! Whoever reads may go away before the end (`opsh ls | head`): that is no error of ours,
//! and nothing to be said, so what cannot be written is dropped.

use std::fmt::Display;
use std::io::Write as _;

/// A line of results.
pub fn out(text: impl Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// A line of everything else.
pub fn err(text: impl Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Bytes as a program wrote them, on standard output and standard error.
pub fn raw(out: &[u8], err: &[u8]) {
    let (mut stdout, mut stderr) = (std::io::stdout(), std::io::stderr());
    let _ = stdout.write_all(out).and_then(|()| stdout.flush());
    let _ = stderr.write_all(err);
}
