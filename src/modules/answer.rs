//! What results are made of.

use jiff::Timestamp;
use opsh_operation::Value;

/// Bytes as a playbook likes them: text if they are UTF-8.
pub(crate) fn text_or_bytes(bytes: Vec<u8>) -> Value {
    match String::from_utf8(bytes) {
        Ok(text) => Value::Text(text),
        Err(error) => Value::Bytes(error.into_bytes()),
    }
}

/// Seconds between two times, to the millisecond.
pub(crate) fn seconds(from: Timestamp, to: Timestamp) -> Value {
    Value::Float((to.duration_since(from).as_secs_f64() * 1000.0).round() / 1000.0)
}
