//! Why a call gave no result, and which of that a playbook cannot catch.

use opsh_operation::{Fault, FaultKind, Report};

/// Why a call gave no result.
#[derive(Debug)]
pub enum Failure {
    /// Its parameters are wrong; nothing was sent.
    Invalid(Report),
    /// It failed or was refused.
    Fault(Box<Fault>),
}

impl Failure {
    /// The failure as a fault, where nobody can be shown the place of each problem.
    #[must_use]
    pub fn into_fault(self) -> Fault {
        match self {
            Self::Fault(fault) => *fault,
            Self::Invalid(report) => {
                let problems: Vec<&str> = report
                    .errors
                    .iter()
                    .map(|problem| problem.message.as_str())
                    .collect();
                Fault::new(FaultKind::Invalid, problems.join("; "))
            }
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(Box::new(fault))
    }
}

/// The name of the mark of a fault that a playbook cannot catch.
pub const FATAL: &str = "fatal";

/// Marks a fault that ends the run, whatever the playbook would do about it.
pub(super) fn fatal(mut fault: Fault, why: &str) -> Fault {
    fault.details.insert(FATAL.to_owned(), why.into());
    fault
}

/// Whether a fault ends the run, whatever the playbook would do about it.
#[must_use]
pub fn is_fatal(fault: &Fault) -> bool {
    fault.details.contains_key(FATAL)
}
