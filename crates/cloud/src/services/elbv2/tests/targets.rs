//! Which targets are healthy, and when.

use super::super::health::Health;
use super::{Scene, text};
use crate::services::ec2;

#[test]
fn a_target_without_web_server_is_never_healthy() {
    let mut scene = Scene::new();
    let (balancer, group) = (scene.balancer(), scene.group());
    let id = scene.instance();
    let register = [
        ("TargetGroupArn", group.as_str()),
        ("Targets.member.1.Id", id.as_str()),
    ];
    let pending = scene.call("RegisterTargets", &register).unwrap_err();
    assert_eq!(pending.code, "InvalidTarget");
    scene.wait(120);
    scene.call("RegisterTargets", &register).unwrap();
    assert!(
        scene
            .health(&group)
            .contains("<Reason>Target.NotInUse</Reason>")
    );

    let forward = [
        ("DefaultActions.member.1.Type", "forward"),
        ("DefaultActions.member.1.TargetGroupArn", group.as_str()),
    ];
    scene.listen(&balancer, &forward).unwrap();
    scene.open_to_all();
    assert_eq!(text(&scene.health(&group), "State"), "initial");
    scene.wait(60);
    let health = scene.health(&group);
    assert_eq!(text(&health, "State"), "unhealthy");
    assert_eq!(text(&health, "Reason"), "Target.FailedHealthChecks");
    assert_eq!(
        scene.visit("/").unwrap().status(),
        502,
        "who is unhealthy is tried all the same"
    );

    scene.call("DeregisterTargets", &register).unwrap();
    assert_eq!(text(&scene.health(&group), "State"), "draining");
    assert_eq!(scene.visit("/").unwrap().status(), 503);
    scene.wait(300);
    assert!(!scene.health(&group).contains("<Id>"));
}

#[test]
fn a_terminated_target_is_forgotten() {
    let mut scene = Scene::new();
    let group = scene.group();
    let id = scene.instance();
    scene.wait(120);
    let register = [
        ("TargetGroupArn", group.as_str()),
        ("Targets.member.1.Id", id.as_str()),
    ];
    scene.call("RegisterTargets", &register).unwrap();
    ec2::terminate(&mut scene.cloud, &[id]).unwrap();
    scene.wait(300);
    assert!(!scene.health(&group).contains("<Id>"));
}

#[test]
fn one_good_answer_makes_a_new_target_healthy_and_some_bad_ones_unhealthy() {
    let mut health = Health::default();
    let bad = || Err(("Target.Timeout".to_owned(), "Request timed out".to_owned()));
    let mut after = |outcome| {
        health.note(outcome, 3, 2);
        health.healthy
    };
    assert_eq!(after(Ok(())), Some(true));
    assert_eq!(after(bad()), Some(true));
    assert_eq!(after(Ok(())), Some(true));
    assert_eq!(after(bad()), Some(true), "not in a row");
    assert_eq!(after(bad()), Some(false));
    assert_eq!(after(Ok(())), Some(false));
    assert_eq!(after(Ok(())), Some(false));
    assert_eq!(after(Ok(())), Some(true));
}
