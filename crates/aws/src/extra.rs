//! Operations that the SDK has no single call for, written by hand.

mod empty;
pub(crate) mod object_url;
mod presign;
mod upload;

use opsh_operation::{Field, Shape};

use crate::Binding;

/// Every hand-written operation.
pub(crate) static BINDINGS: &[Binding] = &[
    empty::BINDING,
    presign::GET,
    presign::PUT,
    object_url::BINDING,
    upload::BINDING,
];

const fn required(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field {
        name,
        shape,
        required: true,
        sensitive: false,
        doc,
    }
}

const fn optional(name: &'static str, shape: Shape, doc: &'static str) -> Field {
    Field {
        name,
        shape,
        required: false,
        sensitive: false,
        doc,
    }
}

const BUCKET: Field = required("bucket", Shape::Text, "The name of the bucket.");
const KEY: Field = required("key", Shape::Text, "The key of the object.");
