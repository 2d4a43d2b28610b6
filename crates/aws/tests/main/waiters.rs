//! Waiting, on a clock that only waiting moves.

use std::time::Duration;

use opsh_aws::Controls;
use opsh_operation::{FaultKind, Value};

use crate::support::Service;

fn state(name: &str) -> String {
    format!(
        "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId>\
         <instanceState><name>{name}</name></instanceState>\
         <stateReason><code>c</code><message>Server.InternalError</message></stateReason>\
         </item></instancesSet></item></reservationSet></DescribeInstancesResponse>"
    )
}

const MISSING: &str = "<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code><Message>no i-1</Message></Error></Errors></Response>";

fn ids() -> [(&'static str, Value); 1] {
    [("instance_ids", vec!["i-1"].into())]
}

#[tokio::test]
async fn it_waits_from_not_found_to_running() {
    let service = Service::new(&[
        (400, MISSING),
        (200, &state("pending")),
        (200, &state("running")),
    ]);
    let result = service
        .call("ec2::wait_until_instance_running", &ids())
        .await
        .unwrap();
    assert!(result.get("reservations").is_some());
    assert_eq!(service.asked().len(), 3);
    assert_eq!(service.elapsed(), Duration::from_millis(2500));
}

#[tokio::test]
async fn the_end_of_patience_says_the_last_state_and_why() {
    let service = Service::new(&[(200, &state("pending"))]);
    let controls = Controls {
        timeout: Some(Duration::from_secs(90)),
        ..Controls::default()
    };
    let fault = service
        .call_with("ec2::wait_until_instance_running", &ids(), controls)
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Timeout);
    assert_eq!(
        fault.message,
        "waited 1m 30s until the instance is running; the last state is pending: Server.InternalError"
    );
    assert_eq!(fault.details.get("state"), Some(&"pending".into()));
    assert_eq!(service.elapsed(), Duration::from_secs(90));
}

#[tokio::test]
async fn what_cannot_be_any_more_ends_at_once() {
    let service = Service::new(&[(200, &state("shutting-down"))]);
    let fault = service
        .call("ec2::wait_until_instance_running", &ids())
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Failed);
    assert_eq!(
        fault.message,
        "waited until the instance is running, which cannot be any more; the last state is shutting-down: Server.InternalError"
    );
    assert_eq!(service.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn what_is_gone_is_gone() {
    let service = Service::new(&[(400, MISSING)]);
    let result = service
        .call("ec2::wait_until_instance_terminated", &ids())
        .await;
    assert_eq!(result, Ok(Value::Null));
}

#[tokio::test]
async fn other_failures_end_the_wait() {
    let denied = "<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>";
    let service = Service::new(&[(403, denied)]);
    let fault = service
        .call("ec2::wait_until_instance_running", &ids())
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Denied);
}

#[tokio::test]
async fn waiting_for_nothing_is_refused() {
    let service = Service::new(&[(200, &state("running"))]);
    let nothing = [("instance_ids", Value::List(Vec::new()))];
    let fault = service
        .call("ec2::wait_until_instance_running", &nothing)
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Invalid);
    assert!(service.asked().is_empty());
}

#[tokio::test]
async fn a_group_is_in_service_with_its_minimum() {
    let group = |instances: &str| {
        format!(
            "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult><AutoScalingGroups><member>\
             <AutoScalingGroupName>web</AutoScalingGroupName><MinSize>1</MinSize><MaxSize>1</MaxSize>\
             <DesiredCapacity>1</DesiredCapacity><DefaultCooldown>1</DefaultCooldown><HealthCheckType>EC2</HealthCheckType>\
             <CreatedTime>2026-01-31T12:00:00Z</CreatedTime><Instances>{instances}</Instances></member></AutoScalingGroups>\
             </DescribeAutoScalingGroupsResult></DescribeAutoScalingGroupsResponse>"
        )
    };
    let serving =
        "<member><InstanceId>i-1</InstanceId><LifecycleState>InService</LifecycleState></member>";
    let service = Service::new(&[(200, &group("")), (200, &group(serving))]);
    service
        .call(
            "autoscaling::wait_until_group_in_service",
            &[("auto_scaling_group_names", vec!["web"].into())],
        )
        .await
        .unwrap();
    assert_eq!(service.elapsed(), Duration::from_secs(1));
}
