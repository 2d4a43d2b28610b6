//! `host`: figures of the machine that opsh runs on. In the embedded cloud and in a dry
//! run it is a furnished machine, the same everywhere.

use opsh_operation::{Effect, Field, Shape, Structure};

use super::declare::{entry, int, optional, required};
use super::{Entry, Handler};

mod ask;

/// A size, a count of bytes or of packets.
const BYTES: Shape = int(0, i64::MAX);

/// For how long is measured.
const OVER: Field = optional(
    "over",
    Shape::Duration,
    "For how long is measured, at least and by default 200 ms, e.g. \"1s\"; it is waited for.",
);

static ABOUT: Structure = Structure {
    name: "host",
    fields: &[
        required("name", Shape::Text, "Its own name."),
        required("os", Shape::Text, "The operating system."),
        required("os_version", Shape::Text, "Its version."),
        required("kernel", Shape::Text, "The kernel's release."),
        required("architecture", Shape::Text, "E.g. x86_64."),
        required("cores", BYTES, "How many processors programs can use."),
    ],
};

static CPU: Structure = Structure {
    name: "cpu",
    fields: &[
        required(
            "percent",
            Shape::Float,
            "How busy all processors together were, from 0 to 100.",
        ),
        required(
            "each",
            Shape::List(&Shape::Float),
            "How busy each of them was.",
        ),
        required("cores", BYTES, "How many there are."),
    ],
};

static MEMORY: Structure = Structure {
    name: "memory",
    fields: &[
        required("total", BYTES, "All memory, in bytes."),
        required("available", BYTES, "What programs can still have."),
        required("used", BYTES, "The rest."),
        required("percent", Shape::Float, "How much of it is used."),
        required("swap_total", BYTES, "The swap space, in bytes."),
        required("swap_used", BYTES, "How much of that is used."),
    ],
};

static DISK: Structure = Structure {
    name: "disk",
    fields: &[
        required("mount", Shape::Text, "Where it is mounted."),
        required("device", Shape::Text, "Its device."),
        required("file_system", Shape::Text, "E.g. xfs."),
        required("total", BYTES, "Its size in bytes."),
        required("available", BYTES, "What is left for ordinary users."),
        required("used", BYTES, "The rest."),
        required("percent", Shape::Float, "How much of it is used."),
        required(
            "read",
            BYTES,
            "Bytes read from the device since the machine was started.",
        ),
        required(
            "written",
            BYTES,
            "Bytes written to the device since the machine was started.",
        ),
    ],
};

static NETWORK: Structure = Structure {
    name: "network",
    fields: &[
        required("name", Shape::Text, "The interface, e.g. ens5."),
        required("addresses", Shape::List(&Shape::Text), "Its addresses."),
        required(
            "received",
            BYTES,
            "Bytes that came in since the machine was started.",
        ),
        required("sent", BYTES, "Bytes that went out since then."),
        required("received_packets", BYTES, "Packets that came in."),
        required("sent_packets", BYTES, "Packets that went out."),
        required("errors", BYTES, "Packets that were lost to errors."),
    ],
};

static RATES: Structure = Structure {
    name: "rates",
    fields: &[
        required("seconds", Shape::Float, "For how long was measured."),
        required("disk_read", Shape::Float, "Bytes a second from the disks."),
        required("disk_written", Shape::Float, "Bytes a second to the disks."),
        required(
            "received",
            Shape::Float,
            "Bytes a second from the network, the machine's talk with itself left out.",
        ),
        required("sent", Shape::Float, "Bytes a second to the network."),
    ],
};

static LOAD: Structure = Structure {
    name: "load",
    fields: &[
        required("one", Shape::Float, "Average over a minute."),
        required("five", Shape::Float, "Over five minutes."),
        required("fifteen", Shape::Float, "Over fifteen minutes."),
    ],
};

static UPTIME: Structure = Structure {
    name: "uptime",
    fields: &[
        required("booted", Shape::Time, "When the machine was started."),
        required("seconds", BYTES, "For how many seconds it has been up."),
        required(
            "text",
            Shape::Text,
            "The same for people, e.g. \"12 days, 3:25\".",
        ),
    ],
};

static PROCESS: Structure = Structure {
    name: "process",
    fields: &[
        required("pid", BYTES, "Its number."),
        required(
            "name",
            Shape::Text,
            "The name of its program; arguments are not told, for they may hold secrets.",
        ),
        required("cpu", Shape::Float, "Per cent of one processor."),
        required("memory", BYTES, "Resident memory in bytes."),
        required("started", Shape::Time, "Since when it has run."),
    ],
};

/// The table.
pub static ENTRIES: &[Entry] = &[
    entry! {
        "host" "about" "host:About" Effect::Read, Handler::Native(ask::about),
        () [] -> Shape::Struct(&ABOUT),
        "Which machine opsh runs on: name, system, kernel, architecture.",
        r#"let host = host::about();
    if host.cores < 1 { throw host; }"#,
    },
    entry! {
        "host" "cpu" "host:Cpu" Effect::Read, Handler::Native(ask::cpu),
        () [OVER] -> Shape::Struct(&CPU),
        "How busy the processors are.",
        r#"let cpu = host::cpu(#{ over: "1s" });
    if cpu.percent > 100.0 || cpu.each.len() != cpu.cores { throw cpu; }"#,
    },
    entry! {
        "host" "memory" "host:Memory" Effect::Read, Handler::Native(ask::memory),
        () [] -> Shape::Struct(&MEMORY),
        "The memory, and how much of it is used.",
        r#"let memory = host::memory();
    if memory.used + memory.available != memory.total { throw memory; }"#,
    },
    entry! {
        "host" "disks" "host:Disks" Effect::Read, Handler::Native(ask::disks),
        () [] -> Shape::List(&Shape::Struct(&DISK)),
        "The mounted file systems: sizes, and what was read and written.",
        r#"for disk in host::disks() {
    if disk.percent > 90.0 { log::warn(`${disk.mount} is nearly full`); }
}"#,
    },
    entry! {
        "host" "networks" "host:Networks" Effect::Read, Handler::Native(ask::networks),
        () [] -> Shape::List(&Shape::Struct(&NETWORK)),
        "The network interfaces: addresses, and what came in and went out.",
        r#"let addresses = host::networks().map(|network| network.addresses);
    if addresses.len() == 0 { throw "no network"; }"#,
    },
    entry! {
        "host" "rates" "host:Rates" Effect::Read, Handler::Native(ask::rates),
        () [OVER] -> Shape::Struct(&RATES),
        "What disks and network carry at present, in bytes a second.",
        r#"let rates = host::rates(#{ over: "2s" });
    if rates.seconds < 2.0 || rates.sent < 0.0 { throw rates; }"#,
    },
    entry! {
        "host" "load" "host:Load" Effect::Read, Handler::Native(ask::load),
        () [] -> Shape::Struct(&LOAD),
        "How many processes want to run, on average.",
        r#"if host::load().fifteen < 0.0 { throw "impossible"; }"#,
    },
    entry! {
        "host" "uptime" "host:Uptime" Effect::Read, Handler::Native(ask::uptime),
        () [] -> Shape::Struct(&UPTIME),
        "Since when the machine has been up.",
        r#"if host::uptime().booted >= time::now() { throw "not yet"; }"#,
    },
    entry! {
        "host" "processes" "host:Processes" Effect::Read, Handler::Native(ask::processes),
        () [
            optional("by", Shape::Enum(&["cpu", "memory", "pid"]), "What they are sorted by, the most first; \"cpu\" by default."),
            optional("limit", int(1, 100_000), "At most so many; 10 by default."),
            OVER,
        ] -> Shape::List(&Shape::Struct(&PROCESS)),
        "The processes that need most.",
        r#"let busiest = host::processes(#{ by: "memory", limit: 3 });
    if busiest.len() != 3 { throw busiest; }"#,
    },
];
