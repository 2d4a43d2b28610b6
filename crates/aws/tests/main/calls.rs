//! What operations send, and what they make of the answers.

use opsh_aws::Controls;
use opsh_operation::{FaultKind, Secret, Value};

use crate::support::{Service, call, object};

const TWO_PAGES: [(u16, &str); 2] = [
    (
        200,
        "<DescribeInstancesResponse><reservationSet><item><reservationId>r-1</reservationId>\
         <instancesSet><item><instanceId>i-1</instanceId><launchTime>2026-01-31T12:00:00.000Z</launchTime>\
         <instanceState><code>16</code><name>running</name></instanceState>\
         <tagSet><item><key>Name</key><value>web</value></item></tagSet></item></instancesSet></item>\
         </reservationSet><nextToken>more</nextToken></DescribeInstancesResponse>",
    ),
    (
        200,
        "<DescribeInstancesResponse><reservationSet><item><reservationId>r-2</reservationId></item>\
         </reservationSet></DescribeInstancesResponse>",
    ),
];

#[tokio::test]
async fn listings_page_and_maps_stand_for_filters_and_tags() {
    let service = Service::new(&TWO_PAGES);
    let filters = object(&[
        ("tag:env", "prod".into()),
        ("vpc-id", vec!["a", "b"].into()),
    ]);
    let result = service
        .call("ec2::describe_instances", &[("filters", filters)])
        .await
        .unwrap();
    assert_eq!(
        result.to_json().to_string(),
        r#"{"reservations":[{"instances":[{"instance_id":"i-1","launch_time":"2026-01-31T12:00:00Z","state":{"code":16,"name":"running"},"tags":{"Name":"web"}}],"reservation_id":"r-1"},{"reservation_id":"r-2"}]}"#
    );
    let asked = service.asked();
    assert_eq!(asked.len(), 2);
    assert_eq!(
        asked[0].text(),
        "Action=DescribeInstances&Version=2016-11-15&Filter.1.Name=tag:env&Filter.1.Value.1=prod\
         &Filter.2.Name=vpc-id&Filter.2.Value.1=a&Filter.2.Value.2=b"
    );
    assert!(asked[1].text().contains("&NextToken=more"));
}

#[tokio::test]
async fn the_limit_saves_the_later_pages() {
    let service = Service::new(&TWO_PAGES);
    let controls = Controls {
        limit: Some(1),
        ..Controls::default()
    };
    let result = service
        .call_with("ec2::describe_instances", &[], controls)
        .await
        .unwrap();
    assert_eq!(
        result.get("reservations").unwrap().as_list().unwrap().len(),
        1
    );
    assert_eq!(service.asked().len(), 1);
}

#[tokio::test]
async fn tags_go_to_every_resource_that_is_made() {
    let service = Service::new(&[(
        200,
        "<RunInstancesResponse><instancesSet><item><instanceId>i-1</instanceId></item></instancesSet></RunInstancesResponse>",
    )]);
    let result = service
        .call(
            "ec2::run_instances",
            &[
                ("image_id", "ami-1".into()),
                ("instance_type", "t3.nano".into()),
                ("min_count", Value::Int(1)),
                ("max_count", Value::Int(1)),
                ("client_token", "token".into()),
                ("tags", object(&[("Name", "web".into())])),
                (
                    "metadata_options",
                    object(&[("http_tokens", "required".into())]),
                ),
            ],
        )
        .await
        .unwrap();
    assert_eq!(
        result.to_json().to_string(),
        r#"{"instances":[{"instance_id":"i-1"}]}"#
    );
    let sent = service.asked()[0].text();
    for part in [
        "ImageId=ami-1",
        "ClientToken=token",
        "MetadataOptions.HttpTokens=required",
        "TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=web",
        "TagSpecification.2.ResourceType=volume&TagSpecification.2.Tag.1.Key=Name",
    ] {
        assert!(sent.contains(part), "{part} in {sent}");
    }
}

#[tokio::test]
async fn a_groups_plain_tags_reach_what_it_launches() {
    let service = Service::new(&[(200, "<CreateAutoScalingGroupResponse/>")]);
    service
        .call(
            "autoscaling::create_auto_scaling_group",
            &[
                ("auto_scaling_group_name", "web".into()),
                ("min_size", Value::Int(1)),
                ("max_size", Value::Int(1)),
                ("tags", object(&[("Name", "web".into())])),
            ],
        )
        .await
        .unwrap();
    let sent = service.asked()[0].text();
    assert!(
        sent.contains("Tags.member.1.PropagateAtLaunch=true"),
        "{sent}"
    );
}

#[tokio::test]
async fn refusals_are_faults_to_switch_on() {
    let service = Service::new(&[(
        400,
        "<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code>\
         <Message>The instance ID 'i-1' does not exist</Message></Error></Errors>\
         <RequestID>req-7</RequestID></Response>",
    )]);
    let ids: Value = vec!["i-1"].into();
    let fault = service
        .call("ec2::terminate_instances", &[("instance_ids", ids)])
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert_eq!(fault.code.as_deref(), Some("InvalidInstanceID.NotFound"));
    assert_eq!(
        fault.message,
        "The instance ID 'i-1' does not exist (InvalidInstanceID.NotFound)"
    );
    assert_eq!(fault.request_id.as_deref(), Some("req-1"));
    assert!(!fault.retryable);
}

#[tokio::test]
async fn missing_credentials_name_the_next_step() {
    let service = Service::new(&[(200, "")]);
    let fault = call(
        service.anonymous(),
        "sts::get_caller_identity",
        &[],
        Controls::default(),
    )
    .await
    .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Credentials);
    assert_eq!(fault.message, "no AWS credentials were found");
    assert_eq!(
        fault.hint.as_deref(),
        Some("run `aws configure`, set AWS_PROFILE, or use --local or --dry-run")
    );
    assert!(service.asked().is_empty());
}

#[tokio::test]
async fn an_endpoint_that_refuses_is_unreachable() {
    let service = Service::new(&[(0, "tcp connect error: Connection refused")]);
    let fault = service
        .call("sts::get_caller_identity", &[])
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert_eq!(
        fault.message,
        "the service cannot be reached: tcp connect error: Connection refused"
    );
    assert!(fault.retryable);
}

#[tokio::test]
async fn only_secure_parameters_are_secret() {
    let answer = |kind: &str| {
        format!(
            r#"{{"Parameter":{{"Name":"/a","Type":"{kind}","Value":"v","LastModifiedDate":1.8e9}}}}"#
        )
    };
    let mut values = Vec::new();
    for kind in ["String", "SecureString"] {
        let service = Service::new(&[(200, &answer(kind))]);
        let result = service
            .call("ssm::get_parameter", &[("name", "/a".into())])
            .await
            .unwrap();
        values.push(
            result
                .get("parameter")
                .unwrap()
                .get("value")
                .unwrap()
                .clone(),
        );
    }
    assert_eq!(values, ["v".into(), Value::Secret(Secret::new("v"))]);
}

#[tokio::test]
async fn an_answer_that_is_none_says_so() {
    let service = Service::new(&[(200, "<html>hello</html>")]);
    let fault = service
        .call("ssm::get_parameter", &[("name", "/a".into())])
        .await;
    let fault = fault.unwrap_err();
    assert_eq!(fault.kind, FaultKind::Failed);
    assert!(
        fault
            .message
            .starts_with("the answer (HTTP 200) cannot be understood: "),
        "{}",
        fault.message
    );
}

#[tokio::test]
async fn a_call_ends_at_its_timeout() {
    let service = Service::new(&[(200, "<DescribeRegionsResponse/>")]);
    let controls = Controls {
        timeout: Some(std::time::Duration::from_secs(90)),
        ..Controls::default()
    };
    // The clock of these tests never waits, so the limit is reached unless the answer is there first.
    let result = service
        .call_with("ec2::describe_regions", &[], controls)
        .await;
    match result {
        Ok(result) => assert_eq!(result.to_json().to_string(), "{}"),
        Err(fault) => assert_eq!(fault.message, "no answer within 1m 30s"),
    }
}
