//! Cases of playbooks, for `opsh test`: each is a dry run on an embedded cloud of its own.
//!
//! From a file to a verdict:
//!
//! - [`find`]: the files that declare cases below a path;
//! - [`suite`]: such a file; `declared`: what it declares; [`header`], `rows`: a table of
//!   cases in the header of a playbook;
//! - [`declaration`]: what one `test(…)` takes; [`options`]: what it says;
//! - `account`: the cloud that a case begins with, made once for all that begin alike;
//! - `folder`: the working directory that it begins in;
//! - `stage`: a gate around a cloud; `terminal`: what is said there;
//! - `attempt`: one run of the playbook, gone on with after each crash;
//! - [`outcome`]: what came of it; `left`: what is there after it;
//! - [`trial`]: a whole case, with all that is wrong with it;
//! - [`coverage`]: which lines of playbooks were reached.
//!
//! Nothing here compares with snapshots or prints: that is `cli`'s.

mod account;
mod attempt;
pub mod coverage;
pub mod declaration;
mod declared;
pub mod find;
mod folder;
pub mod header;
mod left;
pub mod options;
pub mod outcome;
mod rows;
mod stage;
pub mod suite;
mod terminal;
pub mod trial;

pub use coverage::{Coverage, Covered};
pub use outcome::Outcome;
pub use suite::{Case, Suite};
pub use trial::{Problem, Trials, Tried};
