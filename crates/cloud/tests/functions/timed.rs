//! Functions that the clock sets off, and what is tried again.

use std::sync::Arc;
use std::time::Duration;

use opsh_cloud::Cloud;
use opsh_cloud::furnish::Options;
use serde_json::json;

use crate::triggered::notify;
use crate::world::{Code, World, echo, fail, invoke, keep, never, relay, slow, start};

#[test]
fn schedules_fire_while_a_sleeper_sleeps() {
    let world = World::with(&[("echo", echo), ("slow", slow)]);
    let _root = world.enter();
    world.every("tick", "rate(1 minute)", "echo");
    world.every("tock", "cron(2/2 * * * ? *)", "slow");
    world.sleep(4 * 60);
    let expected = [
        (3, "echo"),
        (63, "echo"),
        (120, "slow"),
        (123, "echo"),
        (183, "echo"),
    ];
    let expected: Vec<(i64, String)> = expected
        .into_iter()
        .map(|(at, name)| (at, name.to_owned()))
        .chain([(240, "slow".to_owned()), (243, "echo".to_owned())])
        .collect();
    assert_eq!(world.begun(), expected);
    assert!(
        world
            .log("echo")
            .contains(&r#"got {"from":"tick"}"#.to_owned())
    );
    // 40 seconds from minute 2 have passed for the one, and none yet for the other.
    let reports = |name| {
        let log = world.log(name);
        log.iter().filter(|line| line.starts_with("REPORT")).count()
    };
    assert_eq!((reports("slow"), reports("echo")), (1, 5));
}

#[test]
fn the_same_order_every_time() {
    let once = || {
        let world = World::with(&[("keep", keep), ("echo", echo), ("relay", relay)]);
        let root = world.enter();
        world.s3("PUT", "/kept", "");
        for (name, function) in [("a", "keep"), ("b", "relay"), ("c", "echo")] {
            world.every(name, "rate(1 minute)", function);
        }
        for _ in 0..5 {
            world.sleep(47);
            world.invoke("relay", &json!({}));
        }
        drop(root);
        world.cloud.rest(&never);
        let state = world
            .cloud
            .look(|state| serde_json::to_string(state).unwrap());
        (world.begun(), state)
    };
    let first = once();
    for _ in 0..5 {
        let (begun, state) = once();
        assert_eq!(begun, first.0);
        assert!(state == first.1, "another state in the end");
    }
}

#[test]
fn a_year_can_be_interrupted() {
    let world = World::with(&[("echo", echo)]);
    let _root = world.enter();
    world.every("tick", "rate(1 minute)", "echo");
    let begun = Arc::clone(&world.begun);
    let stop = move || begun.lock().unwrap().len() > 20;
    let year = Duration::from_hours(365 * 24);
    world.cloud.clock().sleep(year, &stop).unwrap_err();
    assert!(world.begun().len() < 100_000);
}

#[test]
fn a_left_event_is_tried_three_times() {
    let world = World::with(&[("fail", fail)]);
    let _root = world.enter();
    let left = invoke(
        &world.cloud,
        "fail",
        &json!({}),
        &[("x-amz-invocation-type", "Event")],
    );
    assert_eq!(left.status(), 202);
    world.sleep(3600);
    let at: Vec<i64> = world.begun().into_iter().map(|(at, _)| at).collect();
    assert_eq!(at, [3, 63, 183]);
}

#[test]
fn the_end_of_a_command_waits_for_what_is_under_way() {
    let world = World::with(&[("keep", keep), ("echo", echo)]);
    world.s3("PUT", "/kept", "");
    world.admit("echo", "s3");
    assert_eq!(notify(&world, "kept", "echo", "copy/").status(), 200);
    {
        let _root = world.enter();
        world.every("tick", "rate(1 minute)", "echo");
        invoke(
            &world.cloud,
            "keep",
            &json!({}),
            &[("x-amz-invocation-type", "Event")],
        );
    }
    world.cloud.rest(&never);
    let begun = world.begun();
    assert!(
        begun.contains(&(33, "echo".to_owned())),
        "the object set it off: {begun:?}"
    );
    assert!(
        world
            .log("keep")
            .iter()
            .any(|line| line.starts_with("REPORT"))
    );
    assert_eq!(
        world.cloud.clock().now().as_second() - start().as_second(),
        33
    );
}

#[test]
fn schedules_and_events_go_on_with_the_next_command() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::default();
    let code: &[(&'static str, Code)] = &[("echo", echo)];
    {
        let first = World::with(code);
        let saved = first.cloud.look(Clone::clone);
        let cloud = Cloud::open(folder.path(), &options).unwrap();
        cloud.change(|state| *state = saved).unwrap();
        let world = World::on(cloud, code);
        world.every("tick", "rate(5 minutes)", "echo");
        assert_eq!(
            world
                .cloud
                .status()
                .counts
                .iter()
                .filter(|count| count.0 == "scheduler")
                .count(),
            1
        );
    }
    let world = World::on(Cloud::open(folder.path(), &options).unwrap(), code);
    world.sleep(11 * 60);
    assert_eq!(world.begun().len(), 3);
}
