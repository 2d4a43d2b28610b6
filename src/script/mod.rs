//! The Rhai side: engine and limits, parameters, imports, errors with excerpts.

pub mod alarm;
pub mod bind;
pub mod builtin;
pub mod check;
pub mod difference;
pub mod discord;
pub mod engine;
pub mod error;
pub mod imports;
pub mod limits;
pub mod parallel;
pub mod param;
pub mod parsed;
pub mod reach;
pub mod reached;
pub mod resolver;
pub mod run;
pub mod serve;
pub mod service;
pub mod source;
pub mod values;
