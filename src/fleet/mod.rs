//! Playbooks as services on machines.
//!
//! - [`bundle`]: what a machine needs to run one: the program, the playbook, its imports;
//! - [`hosted`]: on a simulated host the playbook runs in this process;
//! - [`records`]: the ledgers of these;
//! - [`unpacked`]: a simulated machine's files in a folder of this one.

pub mod bundle;
pub mod hosted;
pub mod records;
pub mod unpacked;
