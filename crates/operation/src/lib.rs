//! What an operation is: declarations, shapes, values, faults and validation.
//!
//! This crate knows no AWS, no Rhai, no world. It is the vocabulary that the
//! gate, the generated bindings, the modules and every surface share:
//!
//! - [`value`]: the values that pass the gate, in both directions;
//! - [`shape`]: what a value must look like, as static tables;
//! - [`declaration`]: one [`Operation`]: name, parameters, result, effect, example;
//! - [`duration`]: durations as people write them;
//! - [`validate`]: all faults of an input at once, with suggestions;
//! - [`select`]: the little paths (`result.instances[].instance_id`) with which
//!   declarations point into inputs and results;
//! - [`fault`]: the error a playbook can switch on;
//! - [`suggest`]: "did you mean …?".

pub mod declaration;
pub mod duration;
pub mod fault;
pub mod select;
pub mod shape;
pub mod suggest;
pub mod validate;
pub mod value;

pub use declaration::{
    Before, Effect, Find, Found, Inverse, InverseCall, Look, Makes, Operation, Proof, Raises,
    Removes, Settle, Tagged, Write,
};
pub use fault::{Fault, FaultKind};
pub use shape::{Field, Shape, Structure};
pub use validate::{Problem, Report};
pub use value::{Map, Secret, Value};
