//! `http::load`: many requests to one URL, and how they fared.
//!
//! Open loop (`rate`): requests begin on a schedule, whoever is still waiting. Latency counts
//! from when a request was to begin, so a server that stalls is not excused for those that
//! could not be sent meanwhile (no coordinated omission). Closed loop (`clients`): each
//! client waits for its answer and `think`s before it asks again. The clients come one after
//! another (`ramp`): all at the same moment they would stay in step, and a server would be
//! idle while all of them think.
//!
//! Live the clients are threads with connections of their own; on the embedded cloud they
//! are branches of its clock, one after another, the same every time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use opsh_operation::shape::{Shape, Structure};
use opsh_operation::{Effect, Fault, FaultKind, Inverse, Map, Operation, Settle, Value};

use super::measure::Measured;
use super::with_site;
use crate::gate::branch::{self, Threads};
use crate::modules::declare::{int, optional, plain_write, required};
use crate::modules::{Context, given};
use crate::world::Kind;
use crate::world::http::Request;

const THINK: Duration = Duration::from_secs(1);
const TIMEOUT: Duration = Duration::from_secs(30);
/// A body beyond this counts as a failure.
const LIMIT: u64 = 16 * 1024 * 1024;
/// How often progress is told live: in lines, …
const PROGRESS: Duration = Duration::from_secs(5);
/// … or to somebody who watches a bar.
const WATCHED: Duration = Duration::from_millis(500);
/// What progress is told of.
const LABEL: &str = "load";
/// Requests under way at the same time, in an open loop that does not say.
const CONNECTIONS: u64 = 64;
/// A client needs little: no script runs on it.
const STACK: usize = 512 * 1024;

static INPUT: Structure = Structure {
    name: "http::load",
    fields: &[
        required("url", Shape::Text, "The whole URL, http or https."),
        required("duration", Shape::Duration, "For how long requests begin."),
        optional(
            "rate",
            Shape::Float,
            "Open loop: so many requests a second.",
        ),
        optional("clients", int(1, 1024), "Closed loop: so many clients."),
        optional(
            "think",
            Shape::Duration,
            "How long a client of the closed loop waits after an answer; 1 s by default.",
        ),
        optional(
            "ramp",
            Shape::Duration,
            "Over how long the clients of the closed loop begin, one after another; as long as they think by default.",
        ),
        optional(
            "connections",
            int(1, 1024),
            "How many requests of the open loop are under way at most; 64 by default. What waits for a free one counts as latency.",
        ),
        optional("method", Shape::Text, "GET by default."),
        optional("headers", Shape::MapOf(&Shape::Text), "Headers by name."),
        optional(
            "body",
            Shape::Body,
            "Text, bytes, or #{ file: \"path\" } to send.",
        ),
        optional(
            "timeout",
            Shape::Duration,
            "For each request; 30 s by default.",
        ),
        optional(
            "progress",
            Shape::Duration,
            "How often progress is told; by default every 5 s, twice a second at a terminal, never on the embedded cloud; 0 for never.",
        ),
    ],
};

static LATENCY: Structure = Structure {
    name: "http::latency",
    fields: &[
        optional("min", Shape::Float, "The shortest, in seconds."),
        optional("mean", Shape::Float, "The mean."),
        optional("p50", Shape::Float, "Half of the answers came within this."),
        optional("p90", Shape::Float, "Nine of ten."),
        optional("p99", Shape::Float, "Ninety-nine of a hundred."),
        optional("max", Shape::Float, "The longest."),
    ],
};

static BUCKET: Structure = Structure {
    name: "http::bucket",
    fields: &[
        optional(
            "up_to",
            Shape::Float,
            "In seconds; what took longer than the bucket before.",
        ),
        optional("answers", Shape::INT64, "How many."),
    ],
};

static OUTPUT: Structure = Structure {
    name: "http::load",
    fields: &[
        optional("requests", Shape::INT64, "How many requests ended."),
        optional(
            "answers",
            Shape::INT64,
            "How many were answered with a status below 400.",
        ),
        optional("failed", Shape::INT64, "How many were not."),
        optional(
            "error_rate",
            Shape::Float,
            "The share of those that were not, from 0 to 1.",
        ),
        optional(
            "errors",
            Shape::MapOf(&Shape::INT64),
            "How many failed, by kind: `timeout`, `unreachable`, `HTTP 503`.",
        ),
        optional("seconds", Shape::Float, "How long all of it took."),
        optional("rate", Shape::Float, "Answers a second."),
        optional(
            "latency",
            Shape::Struct(&LATENCY),
            "Of the answers, in seconds.",
        ),
        optional(
            "histogram",
            Shape::List(&Shape::Struct(&BUCKET)),
            "How the answers' latencies are spread, from the shortest to the longest, in steps of 1, 2 and 5.",
        ),
    ],
};

/// Loads a URL.
pub static LOAD: Operation = Operation {
    module: "http",
    name: "load",
    action: "http:Load",
    summary: "Sends many requests to a URL, at a rate or from clients that wait, and measures answers, failures and latencies.",
    input: &INPUT,
    positional: &[],
    output: Shape::Struct(&OUTPUT),
    effect: Effect::Write(plain_write(
        Inverse::Impossible("what requests changed on their server is not known"),
        Settle::Repeat,
    )),
    raises: &[],
    example: with_site!(
        r#"let open = http::load(#{ url: "http://" + address + "/", rate: 5, duration: "10s" });
assert(open.requests == 50);
assert(open.errors.len() == 0);
let closed = http::load(#{ url: "http://" + address + "/", clients: 2, think: "1s", duration: "10s" });
assert(closed.answers >= 18 && closed.answers <= 20);
assert(closed.latency.p99 < 0.1);
"#
    ),
};

/// When requests begin.
enum Pace {
    /// Every so often, each on one of so many connections.
    Open {
        interval: Duration,
        connections: u64,
    },
    /// So many clients, each this long after its last answer; the first request of each
    /// this long after the one of the client before.
    Closed {
        clients: u64,
        think: Duration,
        apart: Duration,
    },
}

/// A load test while it runs.
struct Test<'a> {
    context: &'a Context<'a>,
    request: Request,
    begun: Timestamp,
    length: Duration,
    next: AtomicU64,
    measured: Mutex<(Measured, Duration)>,
    progress: Option<Duration>,
}

/// Does it.
pub fn load(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let pace = pace(input)?;
    let length = given::duration(input, "duration").unwrap_or_default();
    let usual = (context.world.kind() == Kind::Live).then(|| {
        if context.terminal.interactive() {
            WATCHED
        } else {
            PROGRESS
        }
    });
    let progress = given::duration(input, "progress").or(usual);
    let failed = |why: String| Fault::new(FaultKind::Failed, format!("http::load: {why}"));
    let test = Test {
        context,
        request: request(context, input)?,
        begun: context.world.now(),
        length,
        next: AtomicU64::new(0),
        measured: Mutex::new((Measured::new().map_err(failed)?, Duration::ZERO)),
        progress: progress.filter(|progress| !progress.is_zero()),
    };
    let count = match pace {
        Pace::Open { connections, .. } => connections,
        Pace::Closed { clients, .. } => clients,
    };
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    let clients: Vec<(u32, u32)> = (0..count).map(|client| (client, client)).collect();
    let threads = Threads {
        most: clients.len(),
        stack_size: STACK,
    };
    let fork = branch::coming_step().0;
    let ended = branch::each(
        context.world,
        &fork,
        clients,
        threads,
        |client| match pace {
            Pace::Open { interval, .. } => test.follow_schedule(interval),
            Pace::Closed { think, apart, .. } => {
                test.wait(apart.saturating_mul(client))?;
                test.ask_again_and_again(think)
            }
        },
    )
    .map_err(|error| failed(format!("there are no threads for {count} clients: {error}")))?;
    for result in ended.into_iter().flatten() {
        result?;
    }
    context.cancel.check()?;
    let passed = test.passed();
    if test.progress.is_some() {
        let words = test.lock().0.words(passed);
        context.terminal.progress(LABEL, 100, &words);
    }
    let measured = test.lock();
    Ok(measured.0.result(passed).into())
}

fn pace(input: &Map) -> Result<Pace, Fault> {
    let invalid = |message: &str| Fault::new(FaultKind::Invalid, message.to_owned());
    match (given::float(input, "rate"), input.get("clients")) {
        (Some(rate), None) if rate > 0.0 && rate <= 1e6 => Ok(Pace::Open {
            interval: Duration::from_secs_f64(1.0 / rate),
            connections: given::count(input, "connections", CONNECTIONS),
        }),
        (Some(_), None) => Err(invalid(
            "'rate' must be more than 0 and at most 1000000 a second",
        )),
        (None, Some(_)) => {
            let clients = given::count(input, "clients", 1);
            let think = given::duration(input, "think").unwrap_or(THINK);
            let ramp = given::duration(input, "ramp").unwrap_or(think);
            Ok(Pace::Closed {
                clients,
                think,
                apart: ramp / u32::try_from(clients).unwrap_or(u32::MAX).max(1),
            })
        }
        _ => Err(invalid("give either 'rate' or 'clients'").hint(
            "rate: so many requests a second; clients: so many that each wait for their answers",
        )),
    }
}

fn request(context: &Context<'_>, input: &Map) -> Result<Request, Fault> {
    let headers = input.get("headers").and_then(Value::as_map);
    let headers = headers.into_iter().flatten().map(|(name, value)| {
        let value = value.as_text().unwrap_or_default();
        (name.clone(), value.to_owned())
    });
    let method = given::optional_text(input, "method").unwrap_or("GET");
    Ok(Request {
        method: method.to_ascii_uppercase(),
        url: given::text(input, "url").to_owned(),
        headers: headers.collect(),
        body: given::body(context.world.files(), input, "body")?.unwrap_or_default(),
        timeout: given::duration(input, "timeout").unwrap_or(TIMEOUT),
        redirects: 0,
        limit: LIMIT,
        download_to: None,
    })
}

impl Test<'_> {
    fn lock(&self) -> MutexGuard<'_, (Measured, Duration)> {
        self.measured.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long the test has run.
    fn passed(&self) -> Duration {
        let passed = self.context.world.now().duration_since(self.begun);
        passed.try_into().unwrap_or_default()
    }

    /// Takes the next request of the schedule again and again until it is over.
    fn follow_schedule(&self, interval: Duration) -> Result<(), Fault> {
        loop {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            let due = interval.mul_f64(f64::from(u32::try_from(number).unwrap_or(u32::MAX)));
            // Half an interval: so that the last one is not decided by rounding.
            if due + interval / 2 > self.length {
                return Ok(());
            }
            self.wait(due.saturating_sub(self.passed()))?;
            self.ask(due)?;
        }
    }

    /// Asks, waits for the answer, thinks, and asks again.
    fn ask_again_and_again(&self, think: Duration) -> Result<(), Fault> {
        loop {
            let begun = self.passed();
            if begun >= self.length {
                return Ok(());
            }
            self.ask(begun)?;
            self.wait(think.min(self.length.saturating_sub(self.passed())))?;
        }
    }

    fn wait(&self, pause: Duration) -> Result<(), Fault> {
        if pause.is_zero() {
            return Ok(());
        }
        self.context.world.sleep(pause, self.context.cancel)
    }

    /// Sends one request that was to begin at `due`.
    fn ask(&self, due: Duration) -> Result<(), Fault> {
        let context = self.context;
        let answer = context.world.http().send(&self.request, context.cancel);
        let passed = self.passed();
        let mut measured = self.lock();
        match answer {
            Ok(response) if response.status < 400 => {
                measured.0.answered(passed.saturating_sub(due));
            }
            Ok(response) => measured.0.failed(&format!("HTTP {}", response.status)),
            Err(fault) => {
                context.cancel.check()?;
                if fault.kind == FaultKind::Invalid {
                    return Err(fault);
                }
                measured.0.failed(fault.kind.word());
            }
        }
        if let Some(every) = self.progress
            && passed >= measured.1 + every
        {
            measured.1 = passed;
            let words = measured.0.words(passed);
            drop(measured);
            let percent = self.percent(passed);
            context.terminal.progress(LABEL, percent, &words);
        }
        Ok(())
    }

    /// How much of its time is over; all of it only at the end.
    fn percent(&self, passed: Duration) -> i64 {
        let share = passed.as_millis() * 100 / self.length.as_millis().max(1);
        i64::try_from(share.min(99)).unwrap_or(99)
    }
}
