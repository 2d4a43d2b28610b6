//! What visitors get through a balancer, and what is logged of it.

use bytes::Bytes;

use super::{Scene, text};
use crate::api::ApiRequest;
use crate::hosts::Unreachable;
use crate::services::{ec2, s3};

#[test]
fn a_balancer_answers_by_itself_once_it_is_active_and_its_groups_let_visitors_in() {
    let mut scene = Scene::new();
    let balancer = scene.balancer();
    let action = [
        ("DefaultActions.member.1.Type", "fixed-response"),
        (
            "DefaultActions.member.1.FixedResponseConfig.StatusCode",
            "418",
        ),
    ];
    assert_eq!(
        scene
            .listen(
                &balancer,
                &[
                    action[0],
                    (
                        "DefaultActions.member.1.FixedResponseConfig.StatusCode",
                        "302"
                    )
                ]
            )
            .unwrap_err()
            .code,
        "ValidationError"
    );
    scene.listen(&balancer, &action).unwrap();
    scene.open_to_all();
    assert_eq!(
        scene.visit("/").unwrap_err(),
        Unreachable::Silent,
        "provisioning"
    );
    scene.wait(120);
    assert_eq!(scene.visit("/").unwrap().status(), 418);

    let closed = scene.cloud.elbv2.balancers.values_mut().next().unwrap();
    closed.groups.clear();
    assert_eq!(scene.visit("/").unwrap_err(), Unreachable::Silent);
}

#[test]
fn redirects_keep_what_they_do_not_name() {
    let mut scene = Scene::new();
    let balancer = scene.balancer();
    let config = "DefaultActions.member.1.RedirectConfig";
    let (status, host) = (format!("{config}.StatusCode"), format!("{config}.Host"));
    scene
        .listen(
            &balancer,
            &[
                ("DefaultActions.member.1.Type", "redirect"),
                (&status, "HTTP_301"),
                (&host, "example.com"),
            ],
        )
        .unwrap();
    scene.open_to_all();
    scene.wait(120);
    let response = scene.visit("/a/b?c=d").unwrap();
    assert_eq!(response.status(), 301);
    assert_eq!(
        response.headers()["location"],
        "http://example.com:80/a/b?c=d"
    );
}

#[test]
fn visitors_reach_a_healthy_web_server_through_the_balancer_only() {
    let mut scene = Scene::new();
    let (balancer, group) = (scene.balancer(), scene.group());
    let id = scene.web_server();
    let default = ec2::default_group(&scene.cloud, &scene.vpc).unwrap();
    scene.wait(300);
    let register = [
        ("TargetGroupArn", group.as_str()),
        ("Targets.member.1.Id", id.as_str()),
    ];
    scene.call("RegisterTargets", &register).unwrap();
    let forward = [
        ("DefaultActions.member.1.Type", "forward"),
        ("DefaultActions.member.1.TargetGroupArn", group.as_str()),
    ];
    scene.listen(&balancer, &forward).unwrap();
    scene.wait(30);
    assert_eq!(
        text(&scene.health(&group), "State"),
        "healthy",
        "{}",
        scene.health(&group)
    );

    // The balancer gets a group of its own that is open; the instance stays closed but to it.
    let params = [
        ("GroupName", "balancer"),
        ("GroupDescription", "d"),
        ("VpcId", &scene.vpc.clone()),
    ];
    let made = ec2::handle(
        &mut scene.cloud,
        &ApiRequest::query("ec2", "CreateSecurityGroup", &params),
    )
    .unwrap();
    let open = text(std::str::from_utf8(made.body()).unwrap(), "groupId");
    let params = [
        ("GroupId", open.as_str()),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "80"),
        ("IpPermissions.1.ToPort", "80"),
        ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
    ];
    let request = ApiRequest::query("ec2", "AuthorizeSecurityGroupIngress", &params);
    ec2::handle(&mut scene.cloud, &request).unwrap();
    let groups = [
        ("LoadBalancerArn", balancer.as_str()),
        ("SecurityGroups.member.1", open.as_str()),
        ("SecurityGroups.member.2", default.as_str()),
    ];
    scene.call("SetSecurityGroups", &groups).unwrap();
    let response = scene.visit("/").unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.body()[..]),
        (200, &b"hello\n"[..])
    );

    let request = ApiRequest::query("ec2", "DeleteSecurityGroup", &[("GroupId", open.as_str())]);
    let refusal = ec2::handle(&mut scene.cloud, &request).unwrap_err();
    assert_eq!(refusal.code, "DependencyViolation", "the balancer is in it");
    scene
        .call("DeleteLoadBalancer", &[("LoadBalancerArn", &balancer)])
        .unwrap();
    ec2::handle(&mut scene.cloud, &request).unwrap();
}

#[test]
fn visits_are_logged_to_the_bucket_if_its_policy_lets_them() {
    let mut scene = Scene::new();
    let balancer = scene.balancer();
    let action = [
        ("DefaultActions.member.1.Type", "fixed-response"),
        (
            "DefaultActions.member.1.FixedResponseConfig.StatusCode",
            "200",
        ),
    ];
    scene.listen(&balancer, &action).unwrap();
    scene.open_to_all();
    scene.wait(120);
    let s3 = |scene: &mut Scene, method: &str, url: &str, body: &str| {
        let http = http::Request::builder()
            .method(method)
            .uri(format!("https://s3.us-east-1.amazonaws.com{url}"))
            .body(Bytes::from(body.to_owned()))
            .unwrap();
        let mut request = ApiRequest::query("s3", &s3::action(&http), &[]);
        request.protocol = crate::api::Protocol::Rest;
        if let Some((_, query)) = url.split_once('?') {
            for pair in query.split('&') {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                request.params.insert(name.to_owned(), value.to_owned());
            }
        }
        request.http = http;
        let response = s3::handle(&mut scene.cloud, &request).unwrap();
        response.body().clone()
    };
    s3(&mut scene, "PUT", "/opsh-logs", "");
    let enable = [
        ("LoadBalancerArn", balancer.as_str()),
        ("Attributes.member.1.Key", "access_logs.s3.enabled"),
        ("Attributes.member.1.Value", "true"),
        ("Attributes.member.2.Key", "access_logs.s3.bucket"),
        ("Attributes.member.2.Value", "opsh-logs"),
        ("Attributes.member.3.Key", "access_logs.s3.prefix"),
        ("Attributes.member.3.Value", "web"),
    ];
    let refusal = scene
        .call("ModifyLoadBalancerAttributes", &enable)
        .unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "InvalidConfigurationRequest: Access Denied for bucket: opsh-logs. Please check S3bucket permission"
    );
    let policy = serde_json::json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::opsh-logs/web/AWSLogs/123456789012/*",
        }],
    });
    s3(&mut scene, "PUT", "/opsh-logs?policy", &policy.to_string());
    scene.call("ModifyLoadBalancerAttributes", &enable).unwrap();
    scene.visit("/a?b").unwrap();
    scene.visit("/c").unwrap();
    scene.wait(300);
    let listed = s3(&mut scene, "GET", "/opsh-logs?list-type=2", "");
    let listed = String::from_utf8(listed.to_vec()).unwrap();
    let key = listed
        .split("<Key>")
        .filter_map(|part| part.split("</Key>").next())
        .find(|key| {
            key.starts_with("web/AWSLogs/123456789012/elasticloadbalancing/us-east-1/2026/01/01/")
        })
        .unwrap();
    let packed = s3(&mut scene, "GET", &format!("/opsh-logs/{key}"), "");
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::GzDecoder::new(&packed[..]), &mut text)
        .unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2);
    assert!(
        lines[0].starts_with("http 2026-01-01T00:02:00.002000Z app/web/"),
        "{}",
        lines[0]
    );
    assert!(
        lines[0].contains(" - -1 -1 -1 200 - 0 0 \"GET http://"),
        "{}",
        lines[0]
    );
    assert!(lines[0].contains(":80/a?b HTTP/1.1\" "), "{}", lines[0]);
    // What reads logs reads these: all fields of today, none more.
    for text in lines {
        let fields = opsh_accesslog::line::fields(text.as_bytes()).unwrap();
        assert_eq!(fields.len(), opsh_accesslog::line::FIELDS.len(), "{text}");
        let line = opsh_accesslog::line::Line::parse(text.as_bytes()).unwrap();
        assert_eq!((line.status, line.target), (200, b"-".as_slice()));
        assert_eq!(line.method, b"GET");
        assert!(matches!(line.path, b"/a?b" | b"/c"));
    }
}
