//! `host::burn`: a set amount of processor time.

use std::time::Duration;

use opsh_operation::{Effect, Fault, FaultKind, Map, Shape, Value};

use super::declare::{entry, optional, required};
use super::{Context, Entry, Handler, answer, given};

/// The longest that one call burns, in seconds.
const MOST: f64 = 3600.0;

/// The table.
pub static ENTRIES: &[Entry] = &[entry! {
    "host" "burn" "host:Burn" Effect::Read, Handler::Native(burn),
    ("seconds") [
        required("seconds", Shape::Float, "Seconds of one processor, up to 3600."),
    ] -> Shape::Struct(&opsh_operation::Structure {
        name: "host::burn",
        fields: &[
            optional("burnt", Shape::Float, "The processor seconds."),
            optional("seconds", Shape::Float, "How long it took: longer than that where others compute, too."),
        ],
    }),
    "Uses a set amount of processor time of the machine that the playbook runs on; on a host of the embedded cloud it takes its share of that host's processors.",
    r#"let done = host::burn(0.01);
assert(done.burnt == 0.01);
assert(done.seconds >= 0.0);"#,
}];

fn burn(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let seconds = given::float(input, "seconds").unwrap_or_default();
    if !(0.0..=MOST).contains(&seconds) {
        return Err(Fault::new(
            FaultKind::Invalid,
            format!("'seconds' must be from 0 to {MOST}, not {seconds}"),
        ));
    }
    let begun = context.world.now();
    let wanted = Duration::from_secs_f64(seconds);
    context.world.burn(wanted, context.cancel)?;
    Ok(Value::Map(Map::from([
        ("burnt".to_owned(), Value::Float(seconds)),
        (
            "seconds".to_owned(),
            answer::seconds(begun, context.world.now()),
        ),
    ])))
}
