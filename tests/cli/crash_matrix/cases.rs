//! Which steps die at which points: all, or a sample that a seed draws.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::time::Instant;

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;

use super::desk::Step;

const POINTS: [&str; 5] = [
    "before-intent",
    "after-intent",
    "accepted",
    "answered",
    "recorded",
];

/// How much of a matrix is taken.
#[derive(Debug, Clone, Copy)]
pub enum Taken {
    /// As many cases, drawn by the seed.
    Some(usize),
    /// Every write at every point, and so many cases of reads.
    Writes(usize),
    /// Every step at every point.
    All,
}

/// What is taken by default, in CI, and by hand.
pub fn taken(few: Taken, ci: Taken) -> Taken {
    match std::env::var("OPSH_CRASH_MATRIX").as_deref() {
        Ok("all") => Taken::All,
        Ok("ci") => ci,
        Ok(other) if !other.is_empty() => panic!("OPSH_CRASH_MATRIX is {other}, not ci or all"),
        _ => few,
    }
}

fn seed() -> u64 {
    std::env::var("OPSH_CRASH_SEED").map_or(0, |seed| seed.parse().unwrap())
}

/// A step that the process dies at, and where.
pub type Case = (Step, &'static str);

/// The cases that are taken of a matrix.
pub fn cases(steps: &[Step], taken: Taken) -> Vec<Case> {
    let mut random = ChaCha8Rng::seed_from_u64(seed());
    let mut of = |wanted: &dyn Fn(&Step) -> bool, most: usize| -> Vec<Case> {
        let steps = steps.iter().filter(|step| wanted(step));
        let mut all: Vec<Case> = steps
            .flat_map(|step| POINTS.map(|point| (step.clone(), point)))
            .collect();
        all.shuffle(&mut random);
        all.truncate(most);
        all
    };
    let writes = |step: &Step| step.writes;
    let reads = |step: &Step| !step.writes;
    match taken {
        Taken::Some(most) => of(&writes, most),
        Taken::Writes(reading) => [of(&reads, reading), of(&writes, usize::MAX)].concat(),
        Taken::All => [of(&reads, usize::MAX), of(&writes, usize::MAX)].concat(),
    }
}

/// What a panic says.
fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.unwrap_or_else(|| format!("{:?}", panic.downcast_ref::<&str>()))
}

/// Does `work` for each case, on as many threads as the machine has, and panics with
/// what was wrong.
pub fn each(name: &str, cases: Vec<Case>, work: impl Fn(&Step, &str) -> Vec<String> + Sync) {
    let begun = Instant::now();
    let count = cases.len();
    let waiting = Mutex::new(cases);
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(2, usize::from);
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let case = waiting.lock().unwrap().pop();
                    let Some((step, point)) = case else {
                        return;
                    };
                    // One case that panics says so like any other, and keeps none of the rest.
                    let found = catch_unwind(AssertUnwindSafe(|| work(&step, point)))
                        .unwrap_or_else(|panic| vec![said(&*panic)]);
                    for what in found {
                        let Step {
                            number, operation, ..
                        } = &step;
                        let line = format!("{operation} (step {number}) {point}: {what}");
                        wrong.lock().unwrap().push(line);
                    }
                }
            });
        }
    });
    println!("{name}: {count} cases in {:?}", begun.elapsed());
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{name}, seed {}, of {count} cases:\n{}",
        seed(),
        wrong.join("\n")
    );
}
