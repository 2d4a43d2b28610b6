//! A line's fields: separated by single spaces; those that can hold spaces are in double
//! quotes.

use memchr::{memchr, memchr2};

use super::Malformed;

/// The fields in their order, by the names that the documentation gives them.
pub const FIELDS: [&str; 34] = [
    "type",
    "time",
    "elb",
    "client:port",
    "target:port",
    "request_processing_time",
    "target_processing_time",
    "response_processing_time",
    "elb_status_code",
    "target_status_code",
    "received_bytes",
    "sent_bytes",
    "request",
    "user_agent",
    "ssl_cipher",
    "ssl_protocol",
    "target_group_arn",
    "trace_id",
    "domain_name",
    "chosen_cert_arn",
    "matched_rule_priority",
    "request_creation_time",
    "actions_executed",
    "redirect_url",
    "error_reason",
    "target:port_list",
    "target_status_code_list",
    "classification",
    "classification_reason",
    "conn_trace_id",
    "transformed_host",
    "transformed_uri",
    "request_transform_status",
    "ip_address",
];

/// All fields of a line in order, without their quotes.
///
/// # Errors
/// Quotes that are not closed.
pub fn fields(line: &[u8]) -> Result<Vec<&[u8]>, Malformed> {
    let mut fields = Fields::of(line);
    let mut all = Vec::with_capacity(FIELDS.len());
    while !fields.ended() {
        all.push(fields.next()?);
    }
    Ok(all)
}

/// Goes from field to field.
pub(super) struct Fields<'a> {
    /// What is left; `None` after the last field.
    pub(super) rest: Option<&'a [u8]>,
    /// How many there were so far.
    pub(super) count: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn of(line: &'a [u8]) -> Self {
        Self {
            rest: Some(line),
            count: 0,
        }
    }

    pub(super) fn ended(&self) -> bool {
        self.rest.is_none()
    }

    #[inline]
    pub(super) fn next(&mut self) -> Result<&'a [u8], Malformed> {
        let rest = self.rest.ok_or(Malformed::Short(self.count))?;
        let (field, after) = if rest.first() == Some(&b'"') {
            let end = closing(&rest[1..]).ok_or(Malformed::Quotes(self.count))?;
            (&rest[1..=end], &rest[end + 2..])
        } else {
            let end = memchr(b' ', rest).unwrap_or(rest.len());
            rest.split_at(end)
        };
        self.rest = match after.split_first() {
            None => None,
            Some((b' ', after)) => Some(after),
            Some(_) => return Err(Malformed::Quotes(self.count)),
        };
        self.count += 1;
        Ok(field)
    }
}

/// Where the quoted text ends that begins with `text`: at a quote that no backslash escapes.
#[inline]
fn closing(text: &[u8]) -> Option<usize> {
    // Most are `"-"`.
    if text.get(1) == Some(&b'"') && text[0] != b'\\' {
        return Some(1);
    }
    let mut from = 0;
    loop {
        let at = from + memchr2(b'"', b'\\', text.get(from..)?)?;
        if text[at] == b'"' {
            return Some(at);
        }
        from = at + 2;
    }
}
