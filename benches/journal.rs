//! What a write's record costs: its intent and its outcome, each durable.
//!
//!     cargo bench --bench journal [-- FOLDER]
//!
//! The folder decides which disk is measured; the system's for temporary files if
//! none is named.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use opsh::ledger::{Call, Ledger, NewRun, Outcome, ResourceChange, RunId, StepEffect, StepIntent};
use opsh::world::Kind;
use opsh_operation::{Map, Value};

/// Writes that are measured, and those before them that are not.
const WRITES: usize = 500;
const WARM_UP: usize = 20;

fn main() {
    // Cargo passes flags of its own.
    let folder = std::env::args()
        .skip(1)
        .find(|word| !word.starts_with('-'))
        .map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = tempfile::tempdir_in(folder).expect("a folder for the ledger");
    let mut ledger = Ledger::open(&folder.path().join("ledger.db")).expect("a ledger");
    let started = jiff::Timestamp::UNIX_EPOCH;
    let run = ledger
        .begin_run(&NewRun {
            stack: "bench".into(),
            playbook: "bench.rhai".into(),
            params: Map::new(),
            world: Kind::Live,
            started,
            random: [0; 3],
            version: env!("CARGO_PKG_VERSION").into(),
            settings: None,
        })
        .expect("a run");
    let mut times: Vec<Duration> = (0..WARM_UP + WRITES)
        .map(|number| {
            let begin = Instant::now();
            write(&mut ledger, &run, number);
            begin.elapsed()
        })
        .skip(WARM_UP)
        .collect();
    times.sort();
    println!(
        "a write's record: median {:.2?}, 95 of 100 within {:.2?}, worst {:.2?}",
        times[WRITES / 2],
        times[WRITES * 95 / 100],
        times[WRITES - 1]
    );
}

/// The record of one launch, as the gate writes it.
fn write(ledger: &mut Ledger, run: &RunId, number: usize) {
    let id = format!("i-{number:017x}");
    let inverse = vec![Call {
        operation: "ec2::terminate_instances".into(),
        input: Map::from([("instance_ids".into(), vec![id.as_str()].into())]),
        controls: Map::new(),
    }];
    let at = jiff::Timestamp::UNIX_EPOCH;
    let step = ledger
        .intent(&StepIntent {
            run: run.clone(),
            path: number.to_string(),
            operation: "ec2::run_instances".into(),
            action: "ec2:RunInstances".into(),
            effect: StepEffect::Write,
            input: Map::from([
                ("image_id".into(), "ami-0a1b2c3d4e5f60001".into()),
                ("instance_type".into(), "t3.nano".into()),
                ("user_data".into(), "x".repeat(2000).into()),
            ]),
            controls: Map::new(),
            token: Some(format!("opsh-{number:032x}")),
            place: "bench.rhai:1:1".into(),
            started: at,
            undoes: None,
            former: None,
        })
        .expect("an intent");
    let made = Value::Map(Map::from([("instance_id".into(), id.as_str().into())]));
    let outcome = Outcome {
        result: Ok(Value::Map(Map::from([(
            "instances".into(),
            Value::List(vec![made]),
        )]))),
        inverse: inverse.clone(),
        ended: at,
    };
    let change = ResourceChange::Made {
        kind: "ec2:instance".into(),
        id,
        name: Some("web".into()),
        region: String::new(),
        inverse,
    };
    ledger
        .outcome(step, &outcome, &[change])
        .expect("an outcome");
}
