//! Playbooks as services on machines.
//!
//! - [`bundle`]: what a machine needs to run one: the program, the playbook, its imports;
//! - [`hosted`]: on a simulated host the playbook runs in this process.

pub mod bundle;
pub mod hosted;
