//! What a pool decides, without any cloud.

use super::user;

/// Runs `text` with a few machines to decide about; it throws what is wrong.
#[track_caller]
fn holds(text: &str) {
    let playbook = format!(
        r#"
import "pool" as pool;
let p = pool::new_pool(#{{ tag: "pool=web" }});
let now = time::parse("2026-11-21T12:00:00Z");
let of = |states| {{
    let list = [];
    for (state, index) in states {{
        list.push(#{{ id: `i-${{index}}`, name: "", state: state, base: index == 0, changed: () }});
    }}
    list
}};
let said = |decision| `${{decision.action}} ${{if decision.machine == () {{ "-" }} else {{ decision.machine.id }}}}: ${{decision.reason}}`;
{text}
"#
    );
    let ended = user(&playbook).opsh(["run", "p.rhai", "--dry-run"]);
    assert_eq!(ended.code, 0, "{}", ended.err);
}

#[test]
fn machines_are_started_and_stopped_in_order_and_within_bounds() {
    holds(
        r#"
for wanted in [
    [["running", "stopped", "stopped"], "up", "up i-1: 1 of at most 3 machines run"],
    [["running", "running", "stopped"], "up", "up i-2: 2 of at most 3 machines run"],
    [["running", "running", "running"], "up", "none -: 3 of at most 3 machines run already"],
    [["running", "stopping"], "up", "none -: no stopped machine is left"],
    [["running", "running", "running"], "down", "down i-1: 3 machines run, at least 1 must"],
    [["running", "stopped", "running"], "down", "down i-2: 2 machines run, at least 1 must"],
    [["running", "stopped", "stopped"], "down", "none -: 1 of at least 1 machines run"],
    [["running", "pending", "stopped"], "down", "none -: no machine but the base runs that could be stopped"],
    [["running", "stopped"], "", "none -: 1 machines run, as they should"],
    [[], "up", "none -: no machine has the tag pool=web"],
] {
    assert_eq(said.call(pool::decide(p, of.call(wanted[0]), wanted[1], now)), wanted[2]);
}
"#,
    );
}

#[test]
fn what_is_missing_is_started_whatever_was_wished_and_however_lately() {
    holds(
        r#"
let machines = of.call(["stopped", "stopped"]);
machines[1].changed = time::parse("2026-11-21T11:59:59Z");
for wish in ["up", "down", ""] {
    assert_eq(said.call(pool::decide(p, machines, wish, now)), "up i-0: 0 of at least 1 machines run");
}
assert_eq(said.call(pool::decide(p, of.call(["stopping"]), "up", now)),
    "none -: 0 of at least 1 machines run, but none is stopped that could be started");
"#,
    );
}

#[test]
fn after_a_change_nothing_is_changed_for_a_while() {
    holds(
        r#"
let machines = of.call(["running", "stopped", "running"]);
machines[0].changed = time::parse("2026-11-21T11:00:00Z");
machines[2].changed = time::parse("2026-11-21T11:58:30.5Z");
for wish in ["up", "down"] {
    assert_eq(said.call(pool::decide(p, machines, wish, now)), "none -: cooling down for another 31 s");
}
let later = time::add(now, 31);
assert_eq(pool::decide(p, machines, "up", later).machine.id, "i-1");
assert_eq(pool::decide(p, machines, "down", later).machine.id, "i-2");
"#,
    );
}

#[test]
fn loads_are_read_and_compared() {
    holds(
        r#"
assert_eq(pool::read_ticks("cpu  10 0 5 80 5 0 0 0 0 0\ncpu0 1 2 3 4\n"), #{ busy: 15.0, all: 100.0 });
assert_eq(pool::wish_of(70.0, 20.0, 70.0), "up");
assert_eq(pool::wish_of(69.9, 20.0, 70.0), "");
assert_eq(pool::wish_of(20.0, 20.0, 70.0), "");
assert_eq(pool::wish_of(19.9, 20.0, 70.0), "down");
assert_eq(pool::wish_of((), 20.0, 70.0), "");
try { pool::read_ticks("nothing"); throw "read"; } catch (problem) { assert_eq(problem.kind, "invalid"); }
"#,
    );
}
