//! `service`: the declarations; the script engine does it, see `script::service`. All of
//! them are called by their own names, too: `every("60s", …)`.

use opsh_operation::{Effect, Field, Shape, Structure};

use super::declare::{entry, int, optional, required};
use super::{Entry, Handler};
use crate::service::alarms::subscribing;

/// The module whose functions are called without its name, too.
pub const MODULE: &str = "service";

/// How examples call an operation: those of this module without its name.
#[cfg(test)]
#[must_use]
pub fn called(operation: &opsh_operation::Operation) -> String {
    if operation.module == MODULE {
        operation.name.to_owned()
    } else {
        operation.full_name()
    }
}

const TIMEOUT: Field = optional(
    "timeout",
    Shape::Duration,
    "How long the function may take. Default: 10m.",
);
const EXCLUSIVE: Field = optional(
    "exclusive",
    Shape::Text,
    "Of all events with this name, one is handled at a time.",
);

/// The options of `every`.
pub static EVERY: Structure = Structure {
    name: "options of every",
    fields: &[
        optional("name", Shape::Text, "What it is called in logs."),
        optional(
            "at_once",
            Shape::Bool,
            "Whether the first turn does not wait for the period to pass. Default: false.",
        ),
        TIMEOUT,
        EXCLUSIVE,
    ],
};

/// The options of `on_alarm`.
pub static ON_ALARM: Structure = Structure {
    name: "options of on_alarm",
    fields: &[
        optional(
            "url",
            Shape::Text,
            "Where SNS reaches the service; it is subscribed.",
        ),
        optional(
            "path",
            Shape::Text,
            "The path of the route. Default: that of url, or /alarms.",
        ),
        optional(
            "sha1",
            Shape::Bool,
            "Whether signatures of version 1 are accepted. Default: false.",
        ),
        TIMEOUT,
        EXCLUSIVE,
    ],
};

/// The options of `run_forever`.
pub static RUN_FOREVER: Structure = Structure {
    name: "options of run_forever",
    fields: &[
        optional(
            "grace",
            Shape::Duration,
            "How long events that are being handled hold it up when it is to stop. Default: 30s.",
        ),
        optional(
            "keep",
            int(0, i64::MAX),
            "How many recorded events the ledger keeps. Default: 1000.",
        ),
        optional(
            "keep_bytes",
            int(0, i64::MAX),
            "How many bytes of them at most. Default: 64 MiB.",
        ),
    ],
};

/// What the function `name` takes by name.
#[must_use]
pub fn fields(name: &str) -> &'static [Field] {
    let mut all = ENTRIES.iter().map(|entry| entry.operation);
    all.find(|operation| operation.name == name)
        .map_or(&[], |operation| operation.input.fields)
}

/// The table.
pub static ENTRIES: &[Entry] = &[
    entry! {
        "service" "serve" "service:Serve" Effect::Pure, Handler::SCRIPT,
        () [
            required("port", int(0, 65535), "The port; 0 for a free one."),
            required("routes", Shape::MapOf(&Shape::Any), "By method and path (\"GET /users/{id}\"): a function of the request, a text that is the answer, #{ folder: \"public\" } or #{ upload: \"incoming\" }."),
            optional("bind", Shape::Text, "The address to listen on. Default: \"127.0.0.1\", this machine only."),
            optional("max_body", Shape::INT64, "The largest body, in bytes. Default: 1 MiB; of uploads 1 GiB, by their own max_body."),
            optional("timeout", Shape::Duration, "How long a handler may take. Default: 30s."),
            optional("read_timeout", Shape::Duration, "How long a body may take to come. Default: 30s."),
            optional("head_timeout", Shape::Duration, "How long the head of a request may take to come. Default: 10s."),
            optional("idle_timeout", Shape::Duration, "How long a connection may say nothing. Default: 60s."),
            optional("workers", int(1, 256), "How many requests are handled at once. Default: 8."),
            optional("queue", int(0, 100_000), "How many requests wait for that; more are answered 503. Default: 64."),
            optional("connections", int(1, 100_000), "How many connections there are at once. Default: 1024."),
            optional("access_log", Shape::Bool, "Whether each request is logged. Default: true."),
        ] -> Shape::Nothing,
        "Registers an HTTP server: each request is an event, handled by the function of its route.",
        r#"serve(#{ port: 8080, routes: #{
    "GET /ping": |request| "OK",
    "POST /sum": |request| #{ json: #{ sum: request.json.a + request.json.b } },
} });
every("1s", || {
    if http::get("http://127.0.0.1:8080/ping").body != "OK" { throw "it does not live"; }
});
if run_forever().failed != 0 { throw "wrong"; }"#,
    },
    entry! {
        "service" "every" "service:Every" Effect::Pure, Handler::SCRIPT,
        ("period", "function", "options") [
            required("period", Shape::Duration, "How often, e.g. \"60s\"; at least 10ms."),
            required("function", Shape::Function, "A function without parameters; it gets copies of what it captures."),
            optional("options", Shape::Struct(&EVERY), "Its name, the first turn, how long it may take."),
        ] -> Shape::Nothing,
        "Registers a timer; turns that pass while the function is still at the last one are skipped.",
        r#"every("60s", || state::set("turns", state::get("turns", 0) + 1));
run_forever();
if state::get("turns") != 1 { throw "wrong"; }"#,
    },
    entry! {
        "service" "on_alarm" "service:OnAlarm" Effect::Pure, Handler::Script { brings: &subscribing::CODE },
        ("topic", "function", "options") [
            required("topic", Shape::Text, "The ARN of the topic that the alarms speak to."),
            required("function", Shape::Function, "A function of the alarm, a map: name, state, previous, reason, time, metric, dimensions, threshold, raw and more."),
            optional("options", Shape::Struct(&ON_ALARM), "Where the alarms come in, and how long the function may take."),
        ] -> Shape::Nothing,
        "Registers alarms of CloudWatch that SNS brings: the servers take in what is signed, and nothing else.",
        r#"let topic = sns::create_topic(#{ name: "alarms", attributes: #{ SignatureVersion: "2" } }).topic_arn;
cloudwatch::put_metric_alarm(#{
    alarm_name: "cpu-high", namespace: "AWS/EC2", metric_name: "CPUUtilization", statistic: "Average",
    period: 60, evaluation_periods: 1, threshold: 70.0, comparison_operator: "GreaterThanThreshold",
    alarm_actions: [topic],
});
serve(#{ port: 8080, routes: #{ "GET /ping": |request| "OK" } });
on_alarm(topic, |alarm| state::set(alarm.name, alarm.state), #{ url: "http://127.0.0.1:8080/alarms" });
every("1m", || cloudwatch::set_alarm_state(#{ alarm_name: "cpu-high", state_value: "ALARM", state_reason: "Hot." }));
every("2m", || ());
run_forever();
if state::get("cpu-high") != "ALARM" { throw "no alarm came"; }"#,
    },
    entry! {
        "service" "run_forever" "service:RunForever" Effect::Pure, Handler::SCRIPT,
        ("options") [
            optional("options", Shape::Struct(&RUN_FOREVER), "How it stops, and what it keeps."),
        ] -> Shape::MapOf(&Shape::Any),
        "Lets events come to all that was registered, until a signal or the end of --for or --events; then says how many there were.",
        r#"every("1m", || print("tick"));
    if run_forever().events != 1 { throw "wrong"; }"#,
    },
    entry! {
        "service" "exclusively" "service:Exclusively" Effect::Pure, Handler::SCRIPT,
        ("name", "function") [
            required("name", Shape::Text, "What must not happen twice at once."),
            required("function", Shape::Function, "A function without parameters."),
        ] -> Shape::Any,
        "Calls a function while nothing else of this name is done in the service; waits until then.",
        r#"if exclusively("scaling", || 42) != 42 { throw "wrong"; }"#,
    },
];
