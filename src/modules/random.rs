//! `random`: the world's randomness, recorded, so that a resumed run sees the same.

use opsh_operation::{Effect, Fault, FaultKind, Map, Secret, Shape, Value};

use super::declare::{entry, int, optional, required};
use super::{Context, Entry, Handler, given};
use crate::world::World;

/// The table.
pub static ENTRIES: &[Entry] = &[
    entry! {
        "random" "hex" "random:Hex" Effect::Read, Handler::Native(hex),
        ("bytes") [optional("bytes", int(1, 1024), "How many bytes; two digits each. Default: 8.")] -> Shape::Text,
        "Random bytes in hexadecimal.",
        r#"if random::hex(4).len() != 8 { throw "wrong"; }"#,
    },
    entry! {
        "random" "int" "random:Int" Effect::Read, Handler::Native(whole),
        ("min", "max") [
            required("min", Shape::INT64, "The smallest."),
            required("max", Shape::INT64, "The largest."),
        ] -> Shape::INT64,
        "A random whole number in a closed range, each equally likely.",
        r#"let die = random::int(1, 6);
    if die < 1 || die > 6 { throw die; }"#,
    },
    entry! {
        "random" "choice" "random:Choice" Effect::Read, Handler::Native(choice),
        ("list") [required("list", Shape::List(&Shape::Any), "At least one item.")] -> Shape::Any,
        "A random item of a list.",
        r#"if !(random::choice(["a", "b"]) in ["a", "b"]) { throw "wrong"; }"#,
    },
    entry! {
        "random" "password" "random:Password" Effect::Read, Handler::Native(password),
        ("length") [
            optional("length", int(8, 1024), "How many characters. Default: 24."),
            optional("symbols", Shape::Bool, "Whether there are symbols in it. Default: yes."),
        ] -> Shape::Text,
        "A random password as a secret, with lower and upper case, digits and symbols.",
        r#"let password = random::password(32);
    if `${password}` != "[secret]" { throw "shown"; }"#,
    },
    entry! {
        "random" "uuid" "random:Uuid" Effect::Read, Handler::Native(uuid),
        () [] -> Shape::Text,
        "A random UUID (version 4, RFC 9562).",
        r#"if random::uuid().len() != 36 { throw "wrong"; }"#,
    },
];

const LOWER: &[u8] = b"abcdefghijkmnopqrstuvwxyz";
const UPPER: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ";
const DIGITS: &[u8] = b"23456789";
/// None that a shell, a URL or a connection string needs quoted.
const SYMBOLS: &[u8] = b"-_.~+=,";

fn hex(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let count = usize::try_from(given::int(input, "bytes", 8)).unwrap_or(8);
    let mut bytes = vec![0; count];
    context.world.random(&mut bytes);
    Ok(::hex::encode(bytes).into())
}

fn whole(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let (min, max) = (given::int(input, "min", 0), given::int(input, "max", 0));
    if min > max {
        return Err(Fault::new(
            FaultKind::Invalid,
            format!("there is no whole number from {min} to {max}; the smaller one comes first"),
        ));
    }
    let span = max.abs_diff(min);
    let offset = match span.checked_add(1) {
        Some(count) => below(context.world, count),
        None => word(context.world),
    };
    Ok(min.wrapping_add_unsigned(offset).into())
}

fn choice(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let items = given::list(input, "list");
    if items.is_empty() {
        return Err(Fault::new(
            FaultKind::Invalid,
            "there is nothing to choose from: the list is empty",
        ));
    }
    Ok(items[index(context.world, items.len())].clone())
}

fn password(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let length = usize::try_from(given::int(input, "length", 24)).unwrap_or(24);
    let mut kinds = vec![LOWER, UPPER, DIGITS];
    if given::flag(input, "symbols", true) {
        kinds.push(SYMBOLS);
    }
    let all = kinds.concat();
    loop {
        let bytes: Vec<u8> = (0..length)
            .map(|_| all[index(context.world, all.len())])
            .collect();
        let complete = kinds
            .iter()
            .all(|kind| bytes.iter().any(|byte| kind.contains(byte)));
        if complete {
            let text: String = bytes.into_iter().map(char::from).collect();
            return Ok(Secret::new(text).into());
        }
        context.cancel.check()?;
    }
}

fn uuid(context: &Context<'_>, _: &Map) -> Result<Value, Fault> {
    let mut bytes = [0; 16];
    context.world.random(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = ::hex::encode(bytes);
    Ok(format!(
        "{}-{}-{}-{}-{}",
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..]
    )
    .into())
}

fn word(world: &dyn World) -> u64 {
    let mut bytes = [0; 8];
    world.random(&mut bytes);
    u64::from_le_bytes(bytes)
}

/// A number below `count`, without the bias of a plain remainder.
fn below(world: &dyn World, count: u64) -> u64 {
    let fair = u64::MAX - u64::MAX % count;
    loop {
        let drawn = word(world);
        if drawn < fair {
            return drawn % count;
        }
    }
}

fn index(world: &dyn World, count: usize) -> usize {
    usize::try_from(below(world, count as u64)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;
    use crate::modules::testing::Bench;

    #[test]
    fn numbers_stay_in_their_range_and_reach_all_of_it() {
        let bench = Bench::new(ENTRIES);
        let int =
            |min: i64, max: i64| bench.call("int", [("min", min.into()), ("max", max.into())]);
        let rolled: BTreeSet<i64> = (0..200)
            .map(|_| int(-2, 3).unwrap().as_int().unwrap())
            .collect();
        assert_eq!(rolled, (-2..=3).collect());
        assert_eq!(int(7, 7), Ok(7.into()));
        int(i64::MIN, i64::MAX).unwrap();
        assert_eq!(
            int(2, 1).unwrap_err().message,
            "there is no whole number from 2 to 1; the smaller one comes first"
        );
    }

    #[test]
    fn passwords_are_secret_and_complete() {
        let bench = Bench::new(ENTRIES);
        for _ in 0..50 {
            let Value::Secret(password) = bench.call("password", [("length", 8.into())]).unwrap()
            else {
                panic!("not a secret");
            };
            let bytes = password.reveal().as_bytes();
            assert_eq!(bytes.len(), 8);
            for kind in [LOWER, UPPER, DIGITS, SYMBOLS] {
                assert!(bytes.iter().any(|byte| kind.contains(byte)));
            }
        }
        let plain = bench.call("password", [("symbols", false.into())]).unwrap();
        assert!(
            plain
                .as_text()
                .unwrap()
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric())
        );
    }

    #[test]
    fn identifiers_and_choices() {
        let bench = Bench::new(ENTRIES);
        let uuid = bench.call("uuid", []).unwrap();
        let uuid = uuid.as_text().unwrap();
        assert_eq!(uuid.len(), 36);
        assert_eq!(&uuid[14..15], "4");
        assert!("89ab".contains(&uuid[19..20]));
        assert_eq!(bench.call("hex", []).unwrap().as_text().unwrap().len(), 16);
        let one = bench.call("choice", [("list", vec!["a"].into())]);
        assert_eq!(one, Ok("a".into()));
        let none = bench.call("choice", [("list", Value::List(vec![]))]);
        assert_eq!(
            none.unwrap_err().message,
            "there is nothing to choose from: the list is empty"
        );
    }
}
