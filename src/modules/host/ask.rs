//! The machine's answers as values.

use std::cmp::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use opsh_operation::{Fault, FaultKind, Map, Value};

use crate::modules::{Context, given};
use crate::world::host::{Disk, Network, Process};

/// For how long is measured unless the playbook says otherwise: less says nothing.
const OVER: Duration = Duration::from_millis(200);
/// How many processes are listed unless the playbook says otherwise.
const PROCESSES: i64 = 10;

pub(super) fn about(context: &Context<'_>, _: &Map) -> Result<Value, Fault> {
    let about = context.world.host().about();
    Ok(map([
        ("name", about.name.into()),
        ("os", about.os.into()),
        ("os_version", about.os_version.into()),
        ("kernel", about.kernel.into()),
        ("architecture", about.architecture.into()),
        ("cores", whole(about.cores as u64)),
    ]))
}

pub(super) fn cpu(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let cpu = context.world.host().cpu(over(input), context.cancel)?;
    Ok(map([
        ("percent", tenths(cpu.percent)),
        ("cores", whole(cpu.each.len() as u64)),
        (
            "each",
            Value::List(cpu.each.into_iter().map(tenths).collect()),
        ),
    ]))
}

pub(super) fn memory(context: &Context<'_>, _: &Map) -> Result<Value, Fault> {
    let memory = context.world.host().memory()?;
    let used = memory.total.saturating_sub(memory.available);
    Ok(map([
        ("total", whole(memory.total)),
        ("available", whole(memory.available)),
        ("used", whole(used)),
        ("percent", share(used, memory.total)),
        ("swap_total", whole(memory.swap_total)),
        ("swap_used", whole(memory.swap_used)),
    ]))
}

pub(super) fn disks(context: &Context<'_>, _: &Map) -> Result<Value, Fault> {
    let disks = context.world.host().disks()?;
    Ok(Value::List(disks.into_iter().map(disk).collect()))
}

fn disk(disk: Disk) -> Value {
    let used = disk.total.saturating_sub(disk.available);
    map([
        ("mount", disk.mount.into()),
        ("device", disk.device.into()),
        ("file_system", disk.file_system.into()),
        ("total", whole(disk.total)),
        ("available", whole(disk.available)),
        ("used", whole(used)),
        ("percent", share(used, disk.total)),
        ("read", whole(disk.read)),
        ("written", whole(disk.written)),
    ])
}

pub(super) fn networks(context: &Context<'_>, _: &Map) -> Result<Value, Fault> {
    let networks = context.world.host().networks()?;
    Ok(Value::List(networks.into_iter().map(network).collect()))
}

fn network(network: Network) -> Value {
    map([
        ("name", network.name.into()),
        ("addresses", network.addresses.into()),
        ("received", whole(network.received)),
        ("sent", whole(network.sent)),
        ("received_packets", whole(network.received_packets)),
        ("sent_packets", whole(network.sent_packets)),
        ("errors", whole(network.errors)),
    ])
}

pub(super) fn rates(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let before = counters(context)?;
    let begun = context.world.now();
    context.world.sleep(over(input), context.cancel)?;
    let after = counters(context)?;
    let seconds = seconds_since(context.world.now(), begun);
    // A counter that was begun anew has counted nothing.
    let rate = |index: usize| {
        let bytes = after[index].saturating_sub(before[index]);
        tenths(float(bytes) / seconds.max(0.001))
    };
    Ok(map([
        ("seconds", seconds.into()),
        ("disk_read", rate(0)),
        ("disk_written", rate(1)),
        ("received", rate(2)),
        ("sent", rate(3)),
    ]))
}

/// Bytes read, written, received and sent so far.
fn counters(context: &Context<'_>) -> Result<[u64; 4], Fault> {
    let host = context.world.host();
    let (disks, networks) = (host.disks()?, host.networks()?);
    let outside = || networks.iter().filter(|network| network.name != "lo");
    Ok([
        disks.iter().map(|disk| disk.read).sum(),
        disks.iter().map(|disk| disk.written).sum(),
        outside().map(|network| network.received).sum(),
        outside().map(|network| network.sent).sum(),
    ])
}

pub(super) fn load(context: &Context<'_>, _: &Map) -> Result<Value, Fault> {
    let load = context.world.host().load()?;
    Ok(map([
        ("one", load.one.into()),
        ("five", load.five.into()),
        ("fifteen", load.fifteen.into()),
    ]))
}

pub(super) fn uptime(context: &Context<'_>, _: &Map) -> Result<Value, Fault> {
    let booted = context.world.host().booted()?;
    let up = context.world.now().duration_since(booted).as_secs().max(0);
    Ok(map([
        ("booted", booted.into()),
        ("seconds", up.into()),
        ("text", spoken(up).into()),
    ]))
}

/// As `uptime` says it: `12 days, 3:25`.
fn spoken(seconds: i64) -> String {
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match days {
        0 => format!("{hours}:{minutes:02}"),
        1 => format!("1 day, {hours}:{minutes:02}"),
        days => format!("{days} days, {hours}:{minutes:02}"),
    }
}

pub(super) fn processes(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let mut processes = context
        .world
        .host()
        .processes(over(input), context.cancel)?;
    match given::text(input, "by") {
        "pid" => {}
        "memory" => processes.sort_by_key(|process| std::cmp::Reverse(process.memory)),
        "" | "cpu" => processes.sort_by(|left, right| {
            let order = right.cpu.partial_cmp(&left.cpu);
            order.unwrap_or(Ordering::Equal)
        }),
        other => {
            return Err(Fault::new(
                FaultKind::Invalid,
                format!("processes are sorted by \"cpu\", \"memory\" or \"pid\", not by {other:?}"),
            ));
        }
    }
    let limit = usize::try_from(given::int(input, "limit", PROCESSES)).unwrap_or(usize::MAX);
    processes.truncate(limit);
    Ok(Value::List(processes.into_iter().map(process).collect()))
}

fn process(process: Process) -> Value {
    map([
        ("pid", whole(u64::from(process.pid))),
        ("name", process.name.into()),
        ("cpu", tenths(process.cpu)),
        ("memory", whole(process.memory)),
        ("started", process.started.into()),
    ])
}

fn over(input: &Map) -> Duration {
    given::duration(input, "over").map_or(OVER, |over| over.max(OVER))
}

fn map<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let fields = fields.map(|(name, value)| (name.to_owned(), value));
    Value::Map(Map::from(fields))
}

fn whole(number: u64) -> Value {
    i64::try_from(number).unwrap_or(i64::MAX).into()
}

#[allow(clippy::cast_precision_loss)] // bytes of one machine
fn float(number: u64) -> f64 {
    number as f64
}

fn share(part: u64, of: u64) -> Value {
    if of == 0 {
        return 0.0.into();
    }
    tenths(100.0 * float(part) / float(of))
}

fn tenths(number: f64) -> Value {
    ((number * 10.0).round() / 10.0).into()
}

#[allow(clippy::cast_precision_loss)] // milliseconds of human times fit
fn seconds_since(now: Timestamp, begun: Timestamp) -> f64 {
    now.duration_since(begun).as_millis() as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptimes_are_spoken_as_uptime_does() {
        assert_eq!(spoken(59), "0:00");
        assert_eq!(spoken(3_600 + 5 * 60), "1:05");
        assert_eq!(spoken(86_400), "1 day, 0:00");
        assert_eq!(spoken(12 * 86_400 + 12_300), "12 days, 3:25");
    }

    #[test]
    fn shares_of_nothing_are_nothing() {
        assert_eq!(share(5, 0), 0.0.into());
        assert_eq!(share(1, 3), 33.3.into());
    }
}
