//! `logs`: what the access logs of a balancer say.
//!
//! Its action is what it does at AWS, so that whoever may not read objects cannot do it this
//! way. The reading is done by the crate `opsh-accesslog`, which knows no playbook; here are its
//! declaration, and where the bytes come from: files, or objects of S3 as a stream.

mod alb;
mod objects;
mod report;

use opsh_operation::{Effect, Shape, Structure};

use super::declare::{entry, int, optional, required};
use super::{Entry, Handler};

static OBJECT: Structure = Structure {
    name: "object",
    fields: &[
        required("bucket", Shape::Text, "The name of its bucket."),
        required("key", Shape::Text, "Its key."),
    ],
};

/// A count in a result.
macro_rules! count {
    ($name:literal, $doc:literal) => {
        required($name, int(0, i64::MAX), $doc)
    };
}

macro_rules! figures {
    ($name:literal [$($before:expr),* $(,)?] [$($after:expr),* $(,)?]) => {
        Structure {
            name: $name,
            fields: &[
                $($before,)*
                count!("requests", "How many requests."),
                count!("received", "Bytes of requests."),
                count!("sent", "Bytes of answers."),
                count!("errors_4xx", "Answers of 400 to 499."),
                count!("errors_5xx", "Answers of 500 to 599."),
                $($after,)*
            ],
        }
    };
}

static FIGURES: Structure = figures!("figures" [] []);

static MINUTE: Structure =
    figures!("minute" [required("minute", Shape::Time, "When it begins.")] []);

static PEAK: Structure = Structure {
    name: "peak",
    fields: &[
        required("minute", Shape::Time, "When the minute begins."),
        count!("requests", "The requests in it."),
    ],
};

const SAMPLES: Shape = Shape::List(&Shape::Text);

static CLIENT: Structure = figures!("client" [
    required("address", Shape::Text, "The client's address."),
] [
    required("peak", Shape::Struct(&PEAK), "The client's busiest minute."),
    required("samples", SAMPLES, "Lines of the log, if the client asks often."),
]);

static SUSPECT: Structure = Structure {
    name: "suspect",
    fields: &[
        required("address", Shape::Text, "The client's address."),
        count!("missing", "Requests of paths that are not there."),
        count!(
            "missing_paths",
            "Different paths among them: exact up to 64, beyond that some five percent off."
        ),
        count!("probes", "Requests of probe paths."),
        count!(
            "answered",
            "Those of them that were answered with 2xx: something is open."
        ),
        required(
            "first",
            Shape::Time,
            "When the first of these requests was answered.",
        ),
        required("last", Shape::Time, "When the last one was."),
        required("paths", SAMPLES, "Some of the paths."),
        required("samples", SAMPLES, "Some lines of the log."),
    ],
};

static TARGET: Structure = Structure {
    name: "target",
    fields: &[
        required(
            "address",
            Shape::Text,
            "Address and port; \"-\" stands for the balancer itself.",
        ),
        count!("requests", "How many requests."),
        count!("errors_4xx", "Answers of 400 to 499."),
        count!("errors_5xx", "Answers of 500 to 599."),
        count!(
            "unanswered",
            "Those of the 5xx that the balancer gave because the target did not answer well."
        ),
        count!("slowest", "The slowest answer in milliseconds."),
        required("samples", SAMPLES, "Some lines of 5xx."),
    ],
};

static LATENCY: Structure = Structure {
    name: "latency",
    fields: &[
        count!("requests", "Requests that were answered."),
        count!("p50", "Milliseconds that half of them took at most."),
        count!("p95", "Milliseconds that 95 of 100 took at most."),
        count!("p99", "Milliseconds that 99 of 100 took at most."),
        count!("longest", "Milliseconds that the slowest took."),
    ],
};

static MALFORMED: Structure = Structure {
    name: "malformed",
    fields: &[
        required("log", Shape::Text, "The log."),
        count!("line", "The number of the line, from 1."),
        required("reason", Shape::Text, "What is wrong with it."),
        required("text", Shape::Text, "How it begins."),
    ],
};

static DAMAGED: Structure = Structure {
    name: "damaged",
    fields: &[
        required("log", Shape::Text, "The log."),
        required(
            "reason",
            Shape::Text,
            "How it is damaged; what comes before that is counted.",
        ),
    ],
};

static REMEMBERED: Structure = Structure {
    name: "remembered",
    fields: &[
        count!(
            "known",
            "How many are remembered; a table keeps those with most requests."
        ),
        count!(
            "forgotten",
            "How often one with few requests was forgotten; 0 if all figures are exact."
        ),
        count!("requests", "The requests of those."),
        count!(
            "missed",
            "By how many requests any figure can be short at most."
        ),
    ],
};

static KNOWN: Structure = Structure {
    name: "known",
    fields: &[
        required("clients", Shape::Struct(&REMEMBERED), "Of all clients."),
        required("suspects", Shape::Struct(&REMEMBERED), "Of all suspects."),
        required("targets", Shape::Struct(&REMEMBERED), "Of all targets."),
    ],
};

static RESULT: Structure = Structure {
    name: "access log",
    fields: &[
        count!("logs", "How many logs were read."),
        count!("lines", "Lines that are not empty."),
        count!(
            "malformed",
            "Those of them that are no lines of an access log."
        ),
        required(
            "malformed_lines",
            Shape::List(&Shape::Struct(&MALFORMED)),
            "The first of these.",
        ),
        required(
            "damaged",
            Shape::List(&Shape::Struct(&DAMAGED)),
            "Logs that are damaged or cut off.",
        ),
        optional("first", Shape::Time, "When the first request was answered."),
        optional("last", Shape::Time, "When the last one was."),
        required("total", Shape::Struct(&FIGURES), "All requests."),
        required(
            "minutes",
            Shape::List(&Shape::Struct(&MINUTE)),
            "By minute in the order of time, for two days at most.",
        ),
        required(
            "latency",
            Shape::Struct(&LATENCY),
            "How long requests took.",
        ),
        required(
            "clients",
            Shape::List(&Shape::Struct(&CLIENT)),
            "Those with most requests in a minute, most first.",
        ),
        required(
            "suspects",
            Shape::List(&Shape::Struct(&SUSPECT)),
            "Those with most missing paths and probes, most first.",
        ),
        required(
            "targets",
            Shape::List(&Shape::Struct(&TARGET)),
            "Those with most 5xx, most first.",
        ),
        required("probes", Shape::MapOf(&Shape::INT64), "Requests by probe."),
        required(
            "classifications",
            Shape::MapOf(&Shape::INT64),
            "Requests that do not obey RFC 7230, as the balancer classifies them.",
        ),
        required(
            "known",
            Shape::Struct(&KNOWN),
            "How complete the figures of clients, suspects and targets are.",
        ),
    ],
};

/// The table.
pub static ENTRIES: &[Entry] = &[entry! {
    "logs" "analyse_alb" "s3:GetObject" Effect::Read, Handler::Native(alb::analyse),
    () [
        optional("files", Shape::List(&Shape::Path), "Local logs, compressed or not."),
        optional("objects", Shape::List(&Shape::Struct(&OBJECT)), "Logs in S3; they are read as a stream."),
        optional("probes", Shape::List(&Shape::Text), "Texts that a path or query contains only if somebody tries doors, e.g. \"/.env\"; case and percent-encoding do not matter."),
        optional("missing_statuses", Shape::List(&int(400, 599)), "Statuses that say that a path is not there. Default: 404."),
        optional("requests_per_minute", int(1, i64::MAX), "Lines are kept of clients who reach a quarter of this in a minute. Default: 300."),
        optional("top", int(1, 1000), "How many clients, suspects and targets are listed. Default: 10."),
    ] -> Shape::Struct(&RESULT),
    "Reads access logs of Application Load Balancers, in constant memory, and tells who asks how much, who tries doors, and who fails.",
    r#"let line = `http 2026-07-02T22:23:00.186641Z app/shop/50dc6c495c0c9188 192.0.2.9:2817 10.0.0.1:80 0.000 0.001 0.000 404 404 34 366 "GET http://shop.example:80/.env HTTP/1.1" "curl/8.5.0" - - arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/shop/73e2d6bc24d8a067 "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0 2026-07-02T22:22:48.364000Z "forward" "-" "-" "10.0.0.1:80" "404" "-" "-" TID_1234abcd5678ef90 "-" "-" "-" 203.0.113.7`;
file::write("access.log", line + "\n");
let found = logs::analyse_alb(#{ files: ["access.log"], probes: ["/.env"] });
assert_eq(found.suspects[0].address, "192.0.2.9");
assert_eq(found.suspects[0].paths, ["/.env"]);"#,
}];
