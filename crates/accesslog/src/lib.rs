//! Access logs of Application Load Balancers, read in constant memory.
//!
//! A log is bytes to the end: no line becomes a `String`, nothing is kept that grows with
//! the number of lines, and whoever asks more often than the rest is found among a million
//! others ([`bounded`]).
//!
//! - [`inflate`]: gzip of any number of members, or plain text, in blocks of whole lines;
//! - [`line`]: the fields of one line;
//! - [`analysis`]: what is counted, and how two counts become one;
//! - [`report`]: what that comes to;
//! - [`run`]: several logs on several threads, with the same result every time.

pub mod analysis;
pub mod bounded;
mod clients;
mod distinct;
pub mod inflate;
mod key;
mod latency;
pub mod line;
pub mod report;
pub mod rules;
pub mod run;
mod suspects;
mod targets;
mod text;
pub mod traffic;

pub use report::Report;
pub use rules::Rules;
pub use run::{Failure, Source, analyse};
