//! What a handler is told of its invocation: its second parameter.

use std::sync::Arc;

use jiff::Timestamp;
use opsh_operation::{Map, Value};

/// What stays the same from invocation to invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The function's name.
    pub name: String,
    /// Its version, usually `$LATEST`.
    pub version: String,
    /// Its memory in MiB.
    pub memory: i64,
    /// Where its log goes.
    pub log_group: String,
    /// The part of the log group that is this environment's.
    pub log_stream: String,
}

/// One invocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invocation {
    /// The function.
    pub facts: Arc<Facts>,
    /// Lambda's id of this invocation, the same when it is tried again.
    pub request_id: String,
    /// The function as it was invoked, with alias or version if there is one.
    pub function_arn: String,
    /// When Lambda ends it.
    pub deadline: Timestamp,
    /// The X-Ray trace that it belongs to.
    pub trace_id: Option<String>,
}

impl Invocation {
    /// As the handler gets it.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let facts = &self.facts;
        Value::Map(Map::from([
            ("request_id".to_owned(), self.request_id.as_str().into()),
            ("function_name".to_owned(), facts.name.as_str().into()),
            ("function_version".to_owned(), facts.version.as_str().into()),
            ("function_arn".to_owned(), self.function_arn.as_str().into()),
            ("memory".to_owned(), facts.memory.into()),
            ("deadline".to_owned(), self.deadline.into()),
            ("log_group".to_owned(), facts.log_group.as_str().into()),
            ("log_stream".to_owned(), facts.log_stream.as_str().into()),
            ("trace_id".to_owned(), self.trace_id.clone().into()),
        ]))
    }
}
