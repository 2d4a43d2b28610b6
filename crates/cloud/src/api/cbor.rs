//! CBOR (RFC 8949) as `rpc-v2-cbor` uses it, to and from JSON values.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::{Map, Number, Value, json};

/// The key of the object that stands for a time until it is encoded.
const TIME: &str = "$time";
/// The key of the object that stands for a blob until it is encoded.
const BLOB: &str = "$blob";
/// How deep a body may nest.
const DEPTH: u32 = 64;

/// A time in an answer: tagged epoch seconds in CBOR, a number in JSON.
#[must_use]
#[allow(clippy::cast_precision_loss)] // milliseconds of this era are exact in a double
pub fn time(at: Timestamp) -> Value {
    json!({TIME: at.as_millisecond() as f64 / 1000.0})
}

/// A blob in an answer: a byte string in CBOR, base64 in JSON.
#[must_use]
pub fn blob(bytes: &[u8]) -> Value {
    json!({BLOB: STANDARD.encode(bytes)})
}

/// The value as JSON has it: times as numbers, blobs as base64.
#[must_use]
pub fn plain(value: &Value) -> Value {
    match value {
        Value::Object(members) => match sole(members) {
            Some((TIME | BLOB, inner)) => inner.clone(),
            _ => Value::Object(
                members
                    .iter()
                    .map(|(name, member)| (name.clone(), plain(member)))
                    .collect(),
            ),
        },
        Value::Array(items) => items.iter().map(plain).collect(),
        other => other.clone(),
    }
}

fn sole(members: &Map<String, Value>) -> Option<(&str, &Value)> {
    let mut all = members.iter();
    let (name, value) = all.next()?;
    all.next().is_none().then_some((name.as_str(), value))
}

/// Encodes a value.
#[must_use]
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(0xf6),
        Value::Bool(false) => out.push(0xf4),
        Value::Bool(true) => out.push(0xf5),
        Value::Number(number) => match (number.as_u64(), number.as_i64()) {
            (Some(positive), _) => head(0, positive, out),
            (None, Some(negative)) => head(1, negative.unsigned_abs() - 1, out),
            (None, None) => double(number.as_f64().unwrap_or_default(), out),
        },
        Value::String(text) => {
            head(3, text.len() as u64, out);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Array(items) => {
            head(4, items.len() as u64, out);
            for item in items {
                write(item, out);
            }
        }
        Value::Object(members) => match sole(members) {
            Some((TIME, seconds)) => {
                head(6, 1, out);
                double(seconds.as_f64().unwrap_or_default(), out);
            }
            Some((BLOB, Value::String(text))) => {
                let bytes = STANDARD.decode(text).unwrap_or_default();
                head(2, bytes.len() as u64, out);
                out.extend_from_slice(&bytes);
            }
            _ => {
                head(5, members.len() as u64, out);
                for (name, member) in members {
                    head(3, name.len() as u64, out);
                    out.extend_from_slice(name.as_bytes());
                    write(member, out);
                }
            }
        },
    }
}

fn double(number: f64, out: &mut Vec<u8>) {
    out.push(0xfb);
    out.extend_from_slice(&number.to_be_bytes());
}

#[allow(clippy::cast_possible_truncation)] // each arm's range fits
fn head(major: u8, argument: u64, out: &mut Vec<u8>) {
    let major = major << 5;
    match argument {
        0..=23 => out.push(major | argument as u8),
        24..=0xff => out.extend_from_slice(&[major | 0x18, argument as u8]),
        0x100..=0xffff => {
            out.push(major | 0x19);
            out.extend_from_slice(&(argument as u16).to_be_bytes());
        }
        0x1_0000..=0xffff_ffff => {
            out.push(major | 0x1a);
            out.extend_from_slice(&(argument as u32).to_be_bytes());
        }
        _ => {
            out.push(major | 0x1b);
            out.extend_from_slice(&argument.to_be_bytes());
        }
    }
}

/// Why bytes are not a body.
#[derive(Debug, thiserror::Error)]
#[error("the body is not CBOR: {0}")]
pub struct Malformed(&'static str);

/// Decodes one value: times become epoch seconds, blobs base64, numbers that
/// JSON has not (`NaN`) strings.
///
/// # Errors
/// What is not one well-formed value.
pub fn decode(bytes: &[u8]) -> Result<Value, Malformed> {
    let mut reader = Reader { rest: bytes };
    let value = reader.value(0)?;
    if reader.rest.is_empty() {
        Ok(value)
    } else {
        Err(Malformed("something follows the value"))
    }
}

struct Reader<'b> {
    rest: &'b [u8],
}

impl<'b> Reader<'b> {
    fn take(&mut self, count: u64) -> Result<&'b [u8], Malformed> {
        let count = usize::try_from(count).map_err(|_| Malformed("a length is too large"))?;
        let (taken, rest) = self
            .rest
            .split_at_checked(count)
            .ok_or(Malformed("it ends too early"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self, bytes: u64) -> Result<u64, Malformed> {
        Ok(self
            .take(bytes)?
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// The argument of a head; `None` for an indefinite length.
    fn argument(&mut self, info: u8) -> Result<Option<u64>, Malformed> {
        Ok(match info {
            0..=23 => Some(u64::from(info)),
            24 => Some(self.number(1)?),
            25 => Some(self.number(2)?),
            26 => Some(self.number(4)?),
            27 => Some(self.number(8)?),
            31 => None,
            _ => return Err(Malformed("a length is reserved")),
        })
    }

    fn at_break(&mut self) -> bool {
        let found = self.rest.first() == Some(&0xff);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    fn bytes(&mut self, major: u8, length: Option<u64>) -> Result<Vec<u8>, Malformed> {
        if let Some(length) = length {
            return Ok(self.take(length)?.to_vec());
        }
        let mut all = Vec::new();
        while !self.at_break() {
            let head = self.take(1)?[0];
            match self.argument(head & 31)? {
                Some(length) if head >> 5 == major => all.extend_from_slice(self.take(length)?),
                _ => return Err(Malformed("a chunk is of another type")),
            }
        }
        Ok(all)
    }

    fn text(&mut self, length: Option<u64>) -> Result<String, Malformed> {
        String::from_utf8(self.bytes(3, length)?).map_err(|_| Malformed("a text is not UTF-8"))
    }

    fn value(&mut self, depth: u32) -> Result<Value, Malformed> {
        if depth > DEPTH {
            return Err(Malformed("it nests too deeply"));
        }
        let head = self.take(1)?[0];
        let (major, info) = (head >> 5, head & 31);
        if major == 7 {
            return self.simple(info);
        }
        let argument = self.argument(info)?;
        Ok(match (major, argument) {
            (0, Some(number)) => json!(number),
            (1, Some(number)) => {
                json!(-1 - i64::try_from(number).map_err(|_| Malformed("a number is too small"))?)
            }
            (2, length) => Value::String(STANDARD.encode(self.bytes(2, length)?)),
            (3, length) => Value::String(self.text(length)?),
            (4, length) => {
                let mut items = Vec::new();
                while length.map_or_else(|| !self.at_break(), |all| (items.len() as u64) < all) {
                    items.push(self.value(depth + 1)?);
                }
                Value::Array(items)
            }
            (5, length) => {
                let mut members = Map::new();
                let mut read = 0;
                while length.map_or_else(|| !self.at_break(), |all| read < all) {
                    let Value::String(name) = self.value(depth + 1)? else {
                        return Err(Malformed("a member's name is not a text"));
                    };
                    members.insert(name, self.value(depth + 1)?);
                    read += 1;
                }
                Value::Object(members)
            }
            (6, Some(_)) => self.value(depth + 1)?,
            _ => return Err(Malformed("a length is missing")),
        })
    }

    #[allow(clippy::cast_possible_truncation)] // `number` read as many bytes as the type has
    fn simple(&mut self, info: u8) -> Result<Value, Malformed> {
        let float = match info {
            20 => return Ok(Value::Bool(false)),
            21 => return Ok(Value::Bool(true)),
            22 | 23 => return Ok(Value::Null),
            25 => half(self.number(2)? as u16),
            26 => f64::from(f32::from_bits(self.number(4)? as u32)),
            27 => f64::from_bits(self.number(8)?),
            _ => return Err(Malformed("a simple value is unknown")),
        };
        Ok(Number::from_f64(float).map_or_else(|| Value::String(float.to_string()), Value::Number))
    }
}

/// A half-precision number (RFC 8949, appendix D).
fn half(bits: u16) -> f64 {
    let exponent = i32::from(bits >> 10 & 0x1f);
    let mantissa = f64::from(bits & 0x3ff);
    let magnitude = match exponent {
        0 => mantissa * 2f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (mantissa + 1024.0) * 2f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 {
        magnitude
    } else {
        -magnitude
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::{blob, decode, encode, time};

    #[test]
    fn what_was_encoded_is_decoded() {
        let value = json!({
            "Name": "é", "Small": 5, "Big": 70_000, "Negative": -300, "Double": 1.5,
            "List": [true, false, null, []], "Map": {},
        });
        assert_eq!(decode(&encode(&value)).unwrap(), value);
    }

    #[test]
    fn times_and_blobs_have_their_own_types() {
        let at = "2026-01-01T00:00:00.500Z".parse().unwrap();
        let encoded = encode(&json!({"T": time(at), "B": blob(b"hi")}));
        assert_eq!(encoded[..4], [0xa2, 0x61, b'T', 0xc1]);
        assert_eq!(
            decode(&encoded).unwrap(),
            json!({"T": 1_767_225_600.5, "B": "aGk="})
        );
    }

    #[test]
    fn the_examples_of_the_rfc_are_decoded() {
        for (hex, value) in [
            ("f93c00", json!(1.0)),
            ("fa47c35000", json!(100_000.0)),
            ("9f018202039f0405ffff", json!([1, [2, 3], [4, 5]])),
            ("bf61610161629f0203ffff", json!({"a": 1, "b": [2, 3]})),
            ("7f657374726561646d696e67ff", json!("streaming")),
        ] {
            assert_eq!(decode(&hex::decode(hex).unwrap()).unwrap(), value, "{hex}");
        }
        for hex in ["82", "ff", "1c", "01 01", "a10102"] {
            let bytes = hex::decode(hex.replace(' ', "")).unwrap();
            assert!(decode(&bytes).is_err(), "{hex}");
        }
    }
}
