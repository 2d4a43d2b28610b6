#![allow(clippy::unwrap_used)]

use jiff::SignedDuration;
use serde_json::json;

use crate::api::{ApiError, ApiRequest};
use crate::furnish::{AL2023_X86_64, Options};
use crate::services::{cloudwatch, ec2, elbv2, sns};
use crate::state::State;

fn call(cloud: &mut State, action: &str, params: &[(&str, &str)]) -> Result<String, ApiError> {
    let response = super::handle(cloud, &ApiRequest::query("autoscaling", action, params))?;
    Ok(String::from_utf8(response.body().to_vec()).unwrap())
}

fn cloud() -> State {
    let mut cloud = State::furnished(&Options::default());
    let params = [
        ("LaunchTemplateName", "web"),
        ("LaunchTemplateData.ImageId", AL2023_X86_64),
        ("LaunchTemplateData.InstanceType", "t3.nano"),
    ];
    let request = ApiRequest::query("ec2", "CreateLaunchTemplate", &params);
    ec2::handle(&mut cloud, &request).unwrap();
    cloud
}

const GROUP: (&str, &str) = ("AutoScalingGroupName", "web");

fn create(cloud: &mut State, more: &[(&str, &str)]) {
    let mut params = vec![
        GROUP,
        ("LaunchTemplate.LaunchTemplateName", "web"),
        ("LaunchTemplate.Version", "$Latest"),
        ("MinSize", "1"),
        ("MaxSize", "4"),
        ("AvailabilityZones.member.1", "us-east-1a"),
        ("AvailabilityZones.member.2", "us-east-1b"),
        ("Tags.member.1.Key", "Name"),
        ("Tags.member.1.Value", "web"),
        ("Tags.member.1.PropagateAtLaunch", "true"),
    ];
    params.extend(more);
    call(cloud, "CreateAutoScalingGroup", &params).unwrap();
}

fn wait(cloud: &mut State, seconds: i64) {
    cloud.advance(cloud.now + SignedDuration::from_secs(seconds));
}

/// The instances in service, in the order of their ids.
fn serving(cloud: &State) -> Vec<String> {
    cloud.autoscaling.groups["web"]
        .members
        .values()
        .filter(|member| member.serves())
        .map(|member| member.id.clone())
        .collect()
}

fn desired(cloud: &State) -> u32 {
    cloud.autoscaling.groups["web"].limits.desired
}

#[test]
fn a_group_launches_what_is_desired_over_its_zones_with_its_tags() {
    let mut cloud = cloud();
    create(&mut cloud, &[("DesiredCapacity", "2")]);
    wait(&mut cloud, 120);
    let ids = serving(&cloud);
    assert_eq!(ids.len(), 2);
    let facts: Vec<ec2::Facts> = ids
        .iter()
        .map(|id| ec2::facts(&cloud, id).unwrap())
        .collect();
    assert_ne!(facts[0].zone, facts[1].zone);
    assert_eq!(facts[0].tags["Name"], "web");
    assert_eq!(facts[0].tags["aws:autoscaling:groupName"], "web");
    let shown = call(&mut cloud, "DescribeScalingActivities", &[GROUP]).unwrap();
    assert_eq!(
        shown.matches("<StatusCode>Successful</StatusCode>").count(),
        2
    );
    assert!(shown.contains(
        "a user request created an AutoScalingGroup changing the desired capacity from 0 to 2."
    ));
}

#[test]
fn who_is_terminated_behind_its_back_is_replaced() {
    let mut cloud = cloud();
    create(&mut cloud, &[]);
    wait(&mut cloud, 120);
    let before = serving(&cloud);
    ec2::terminate(&mut cloud, &before).unwrap();
    wait(&mut cloud, 300);
    let after = serving(&cloud);
    assert_eq!(after.len(), 1);
    assert_ne!(after, before);
    let shown = call(&mut cloud, "DescribeScalingActivities", &[GROUP]).unwrap();
    assert!(shown.contains(
        "in response to an EC2 health check indicating it has been terminated or stopped"
    ));
}

#[test]
fn capacity_keeps_to_its_bounds_and_shrinks_again() {
    let mut cloud = cloud();
    create(&mut cloud, &[]);
    let refusal = call(
        &mut cloud,
        "SetDesiredCapacity",
        &[GROUP, ("DesiredCapacity", "5")],
    );
    assert_eq!(
        refusal.unwrap_err().to_string(),
        "ValidationError: New SetDesiredCapacity value 5 is above max value 4 for the AutoScalingGroup."
    );
    call(
        &mut cloud,
        "SetDesiredCapacity",
        &[GROUP, ("DesiredCapacity", "3")],
    )
    .unwrap();
    wait(&mut cloud, 120);
    assert_eq!(serving(&cloud).len(), 3);
    let strategy = "AvailabilityZoneDistribution.CapacityDistributionStrategy";
    let mut update = |more| call(&mut cloud, "UpdateAutoScalingGroup", &[GROUP, more]);
    update(("MaxSize", "2")).unwrap();
    // What Terraform says with every update.
    update((strategy, "balanced-best-effort")).unwrap();
    assert_eq!(
        update((strategy, "balanced-only")).unwrap_err().to_string(),
        "NotModelled: not modelled by the embedded cloud: capacity distribution strategy 'balanced-only'"
    );
    wait(&mut cloud, 300);
    assert_eq!((desired(&cloud), serving(&cloud).len()), (2, 2));
}

#[test]
fn a_group_with_instances_is_only_deleted_by_force() {
    let mut cloud = cloud();
    create(&mut cloud, &[]);
    wait(&mut cloud, 120);
    let ids = serving(&cloud);
    let refusal = call(&mut cloud, "DeleteAutoScalingGroup", &[GROUP]).unwrap_err();
    assert_eq!(refusal.code, "ResourceInUse");
    call(
        &mut cloud,
        "DeleteAutoScalingGroup",
        &[GROUP, ("ForceDelete", "true")],
    )
    .unwrap();
    let shown = call(&mut cloud, "DescribeAutoScalingGroups", &[]).unwrap();
    assert!(shown.contains("<Status>Delete in progress</Status>"));
    wait(&mut cloud, 300);
    assert!(cloud.autoscaling.groups.is_empty());
    let stage = ec2::facts(&cloud, &ids[0]).map(|facts| facts.stage);
    assert!(matches!(stage, None | Some(ec2::Stage::Terminated)));
}

#[test]
fn topics_hear_of_launches_and_terminations() {
    let mut cloud = cloud();
    let topic = "arn:aws:sns:us-east-1:123456789012:scaling";
    let query = |action, params: &[(&str, &str)]| ApiRequest::query("sns", action, params);
    sns::handle(&mut cloud, &query("CreateTopic", &[("Name", "scaling")])).unwrap();
    let subscribe = [
        ("TopicArn", topic),
        ("Protocol", "sms"),
        ("Endpoint", "+15550100200"),
    ];
    sns::handle(&mut cloud, &query("Subscribe", &subscribe)).unwrap();
    create(&mut cloud, &[]);
    let params = [
        GROUP,
        ("TopicARN", topic),
        (
            "NotificationTypes.member.1",
            "autoscaling:EC2_INSTANCE_LAUNCH",
        ),
        (
            "NotificationTypes.member.2",
            "autoscaling:EC2_INSTANCE_TERMINATE",
        ),
    ];
    call(&mut cloud, "PutNotificationConfiguration", &params).unwrap();
    wait(&mut cloud, 120);
    let id = serving(&cloud).remove(0);
    let params = [
        ("InstanceId", id.as_str()),
        ("ShouldDecrementDesiredCapacity", "false"),
    ];
    call(&mut cloud, "TerminateInstanceInAutoScalingGroup", &params).unwrap();
    wait(&mut cloud, 300);
    let events: Vec<String> = cloud
        .sns
        .outbox
        .iter()
        .map(|delivery| {
            let body: serde_json::Value = serde_json::from_str(&delivery.body).unwrap();
            body["Event"].as_str().unwrap().to_owned()
        })
        .collect();
    let count = |event: &str| events.iter().filter(|have| *have == event).count();
    assert_eq!(events[0], "autoscaling:TEST_NOTIFICATION");
    assert_eq!(
        count("autoscaling:EC2_INSTANCE_LAUNCH"),
        2,
        "the first and its replacement"
    );
    assert_eq!(count("autoscaling:EC2_INSTANCE_TERMINATE"), 1);
}

#[test]
fn a_launch_that_fails_is_told_and_tried_again() {
    let mut cloud = cloud();
    create(&mut cloud, &[]);
    let params = [("LaunchTemplateName", "web")];
    let request = ApiRequest::query("ec2", "DeleteLaunchTemplate", &params);
    ec2::handle(&mut cloud, &request).unwrap();
    wait(&mut cloud, 150);
    let failed = cloud
        .autoscaling
        .activities
        .iter()
        .filter(|activity| activity.status == super::activity::Status::Failed)
        .count();
    assert_eq!(
        failed, 3,
        "at 2, 62 and 122 seconds: {:?}",
        cloud.autoscaling.activities
    );
}

#[test]
fn a_step_policy_follows_its_alarm() {
    let mut cloud = cloud();
    create(&mut cloud, &[]);
    wait(&mut cloud, 120);
    let params = [
        GROUP,
        ("PolicyName", "busy"),
        ("PolicyType", "StepScaling"),
        ("AdjustmentType", "ChangeInCapacity"),
        ("StepAdjustments.member.1.MetricIntervalLowerBound", "0"),
        ("StepAdjustments.member.1.MetricIntervalUpperBound", "20"),
        ("StepAdjustments.member.1.ScalingAdjustment", "1"),
        ("StepAdjustments.member.2.MetricIntervalLowerBound", "20"),
        ("StepAdjustments.member.2.ScalingAdjustment", "3"),
    ];
    let answer = call(&mut cloud, "PutScalingPolicy", &params).unwrap();
    let start = answer.find("<PolicyARN>").unwrap() + 11;
    let policy = &answer[start..answer.find("</PolicyARN>").unwrap()];
    let watch = |action: &str, body| ApiRequest::cbor("cloudwatch", action, body);
    let alarm = json!({
        "AlarmName": "busy", "Namespace": "App", "MetricName": "Load", "Statistic": "Average",
        "Period": 60, "EvaluationPeriods": 1, "Threshold": 50.0,
        "ComparisonOperator": "GreaterThanThreshold", "AlarmActions": [policy],
    });
    cloudwatch::handle(&mut cloud, &watch("PutMetricAlarm", alarm)).unwrap();
    for (load, expected) in [(60.0, 2), (65.0, 2), (90.0, 4)] {
        let data =
            json!({"Namespace": "App", "MetricData": [{"MetricName": "Load", "Value": load}]});
        cloudwatch::handle(&mut cloud, &watch("PutMetricData", data)).unwrap();
        wait(&mut cloud, 60);
        assert_eq!(desired(&cloud), expected, "at {load}");
    }
}

#[test]
fn target_tracking_brings_its_alarms_and_takes_them_along() {
    let mut cloud = cloud();
    create(&mut cloud, &[]);
    let configuration = "TargetTrackingConfiguration";
    let (kind, target) = (
        format!("{configuration}.PredefinedMetricSpecification.PredefinedMetricType"),
        format!("{configuration}.TargetValue"),
    );
    let params = [
        GROUP,
        ("PolicyName", "cpu"),
        ("PolicyType", "TargetTrackingScaling"),
        (kind.as_str(), "ASGAverageCPUUtilization"),
        (target.as_str(), "50"),
    ];
    call(&mut cloud, "PutScalingPolicy", &params).unwrap();
    assert_eq!(cloud.cloudwatch.alarms.len(), 2);
    call(&mut cloud, "PutScalingPolicy", &params).unwrap();
    assert_eq!(cloud.cloudwatch.alarms.len(), 2, "replaced, not added");
    call(&mut cloud, "DeletePolicy", &[GROUP, ("PolicyName", "cpu")]).unwrap();
    assert!(cloud.cloudwatch.alarms.is_empty());
}

#[test]
fn a_refresh_replaces_every_instance() {
    let mut cloud = cloud();
    create(&mut cloud, &[("DesiredCapacity", "2")]);
    wait(&mut cloud, 120);
    let before = serving(&cloud);
    call(&mut cloud, "StartInstanceRefresh", &[GROUP]).unwrap();
    let refusal = call(&mut cloud, "StartInstanceRefresh", &[GROUP]).unwrap_err();
    assert_eq!(refusal.code, "InstanceRefreshInProgress");
    wait(&mut cloud, 900);
    let shown = call(&mut cloud, "DescribeInstanceRefreshes", &[GROUP]).unwrap();
    assert!(shown.contains("<Status>Successful</Status>"), "{shown}");
    let after = serving(&cloud);
    assert_eq!(after.len(), 2);
    assert!(after.iter().all(|id| !before.contains(id)));
}

#[test]
fn instances_are_registered_with_target_groups_and_drain_when_they_go() {
    let mut cloud = cloud();
    let vpc = ec2::default_subnet(&cloud, "us-east-1a").unwrap().vpc;
    let params = [
        ("Name", "web"),
        ("Protocol", "HTTP"),
        ("Port", "80"),
        ("VpcId", vpc.as_str()),
    ];
    let request = ApiRequest::query("elbv2", "CreateTargetGroup", &params);
    elbv2::handle(&mut cloud, &request).unwrap();
    let arn = cloud.elbv2.groups.keys().next().unwrap().clone();
    create(&mut cloud, &[("TargetGroupARNs.member.1", &arn)]);
    wait(&mut cloud, 120);
    let registered: Vec<String> = cloud.elbv2.groups[&arn]
        .targets
        .iter()
        .map(|target| target.id.clone())
        .collect();
    assert_eq!(registered, serving(&cloud));
    call(
        &mut cloud,
        "DetachLoadBalancerTargetGroups",
        &[GROUP, ("TargetGroupARNs.member.1", &arn)],
    )
    .unwrap();
    assert!(cloud.elbv2.groups[&arn].targets.is_empty());
}

#[test]
fn a_quiet_month_is_cheap() {
    let mut cloud = cloud();
    create(&mut cloud, &[]);
    wait(&mut cloud, 30 * 86_400);
    assert_eq!(serving(&cloud).len(), 1);
}
