//! What the generated code stands on, written once for all operations.
//!
//! - [`encode`]: the SDK's types as values;
//! - [`decode`]: values as the SDK's types;
//! - [`attempts`]: what became of each attempt of a write;
//! - [`session`]: clients, timeouts, the deadline of a whole call;
//! - [`pages`]: listings that page by themselves;
//! - [`bodies`]: bodies sent and received, also from and to files;
//! - [`faults`]: the SDK's errors as faults;
//! - [`whole`]: answers that say what of a call has failed.

pub mod attempts;
pub mod bodies;
pub mod decode;
pub mod encode;
pub mod faults;
pub mod pages;
pub mod session;
pub mod whole;

pub use bodies::{request_body, with_body};
pub use decode::{
    Decode, fields, filters, incomplete, items, pairs, single, specify_tags, take, unknown_member,
    word,
};
pub use encode::{Encode, hide, hide_when, only, put, tag_map, text};
pub use faults::fault;
pub use pages::{Pages, goes_on};
pub use session::{Patience, Session, open, s3_client, s3_endpoint};
pub use whole::whole;

use futures_util::future::BoxFuture;
use opsh_operation::{Fault, Value};

/// A call under way.
pub type Reply = BoxFuture<'static, Result<Value, Fault>>;

/// One [`opsh_operation::Field`] of a generated table.
macro_rules! f {
    ($name:literal, $shape:expr, $required:literal, $sensitive:literal, $doc:literal) => {
        Field {
            name: $name,
            shape: $shape,
            required: $required,
            sensitive: $sensitive,
            doc: $doc,
        }
    };
}
pub(crate) use f;
