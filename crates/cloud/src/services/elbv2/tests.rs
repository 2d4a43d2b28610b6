#![allow(clippy::unwrap_used)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::SignedDuration;

use super::health::Health;
use crate::api::{ApiError, ApiRequest};
use crate::furnish::{AL2023_X86_64, CALLER_ADDRESS, Options};
use crate::hosts::Unreachable;
use crate::services::{ec2, s3};
use crate::state::State;

/// A cloud with a default network: its id and a subnet in each of two zones.
struct Scene {
    cloud: State,
    vpc: String,
    subnets: [String; 2],
}

impl Scene {
    fn new() -> Self {
        let cloud = State::furnished(&Options::default());
        let [a, b] =
            ["us-east-1a", "us-east-1b"].map(|zone| ec2::default_subnet(&cloud, zone).unwrap());
        Self {
            cloud,
            vpc: a.vpc.clone(),
            subnets: [a.subnet, b.subnet],
        }
    }

    fn call(&mut self, action: &str, params: &[(&str, &str)]) -> Result<String, ApiError> {
        let request = ApiRequest::query("elbv2", action, params);
        let response = super::handle(&mut self.cloud, &request)?;
        Ok(String::from_utf8(response.body().to_vec()).unwrap())
    }

    fn wait(&mut self, seconds: i64) {
        let later = self.cloud.now + SignedDuration::from_secs(seconds);
        self.cloud.advance(later);
    }

    fn balancer(&mut self) -> String {
        let [a, b] = self.subnets.clone();
        let params = [
            ("Name", "web"),
            ("Subnets.member.1", a.as_str()),
            ("Subnets.member.2", b.as_str()),
        ];
        text(
            &self.call("CreateLoadBalancer", &params).unwrap(),
            "LoadBalancerArn",
        )
    }

    fn group(&mut self) -> String {
        let vpc = self.vpc.clone();
        let params = [
            ("Name", "web"),
            ("Protocol", "HTTP"),
            ("Port", "80"),
            ("VpcId", vpc.as_str()),
            ("HealthCheckIntervalSeconds", "10"),
        ];
        text(
            &self.call("CreateTargetGroup", &params).unwrap(),
            "TargetGroupArn",
        )
    }

    fn listen(&mut self, balancer: &str, action: &[(&str, &str)]) -> Result<String, ApiError> {
        let mut params = vec![
            ("LoadBalancerArn", balancer),
            ("Protocol", "HTTP"),
            ("Port", "80"),
        ];
        params.extend(action);
        let answer = self.call("CreateListener", &params)?;
        Ok(text(&answer, "ListenerArn"))
    }

    fn open_to_all(&mut self) {
        let group = ec2::default_group(&self.cloud, &self.vpc).unwrap();
        let params = [
            ("GroupId", group.as_str()),
            ("IpPermissions.1.IpProtocol", "tcp"),
            ("IpPermissions.1.FromPort", "80"),
            ("IpPermissions.1.ToPort", "80"),
            ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
        ];
        let request = ApiRequest::query("ec2", "AuthorizeSecurityGroupIngress", &params);
        ec2::handle(&mut self.cloud, &request).unwrap();
    }

    fn instance(&mut self) -> String {
        let data = ec2::LaunchData {
            image: Some(AL2023_X86_64.to_owned()),
            instance_type: Some("t3.nano".to_owned()),
            subnet: Some(self.subnets[0].clone()),
            ..ec2::LaunchData::default()
        };
        self.launch(data)
    }

    fn web_server(&mut self) -> String {
        let script = "#!/bin/bash\ndnf install -y httpd\necho hello > /var/www/html/index.html\nsystemctl enable --now httpd\n";
        let data = ec2::LaunchData {
            image: Some(AL2023_X86_64.to_owned()),
            instance_type: Some("t3.nano".to_owned()),
            subnet: Some(self.subnets[1].clone()),
            user_data: Some(STANDARD.encode(script)),
            ..ec2::LaunchData::default()
        };
        self.launch(data)
    }

    fn launch(&mut self, data: ec2::LaunchData) -> String {
        let spec = ec2::LaunchSpec {
            data,
            min: 1,
            max: 1,
            ..ec2::LaunchSpec::default()
        };
        ec2::launch(&mut self.cloud, spec).unwrap().remove(0)
    }

    fn health(&mut self, group: &str) -> String {
        let params = [("TargetGroupArn", group)];
        self.call("DescribeTargetHealth", &params).unwrap()
    }

    fn visit(&mut self, path: &str) -> Result<http::Response<Bytes>, Unreachable> {
        let balancer = self.cloud.elbv2.balancers.values().next().unwrap();
        let request = http::Request::get(format!("http://{}{path}", balancer.dns_name))
            .body(Bytes::new())
            .unwrap();
        super::visit(&mut self.cloud, &request, CALLER_ADDRESS).unwrap()
    }
}

fn text(xml: &str, element: &str) -> String {
    let start = xml.find(&format!("<{element}>")).unwrap() + element.len() + 2;
    let end = xml[start..].find("</").unwrap();
    xml[start..start + end].to_owned()
}

#[test]
fn a_balancer_needs_two_zones_and_some_minutes() {
    let mut scene = Scene::new();
    let subnet = scene.subnets[0].clone();
    let refusal = scene
        .call(
            "CreateLoadBalancer",
            &[("Name", "web"), ("Subnets.member.1", &subnet)],
        )
        .unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "ValidationError: At least two subnets in two different Availability Zones must be specified"
    );
    let arn = scene.balancer();
    assert_eq!(scene.balancer(), arn, "made once");
    let state = |scene: &mut Scene| {
        let all = scene.call("DescribeLoadBalancers", &[("Names.member.1", "web")]);
        text(&all.unwrap(), "Code")
    };
    assert_eq!(state(&mut scene), "provisioning");
    scene.wait(120);
    assert_eq!(state(&mut scene), "active");
}

#[test]
fn what_is_in_use_stays() {
    let mut scene = Scene::new();
    let (balancer, group) = (scene.balancer(), scene.group());
    let forward = [
        ("DefaultActions.member.1.Type", "forward"),
        ("DefaultActions.member.1.TargetGroupArn", group.as_str()),
    ];
    let listener = scene.listen(&balancer, &forward).unwrap();
    assert_eq!(scene.listen(&balancer, &forward).unwrap(), listener);
    let other = [
        ("DefaultActions.member.1.Type", "fixed-response"),
        (
            "DefaultActions.member.1.FixedResponseConfig.StatusCode",
            "200",
        ),
    ];
    assert_eq!(
        scene.listen(&balancer, &other).unwrap_err().code,
        "DuplicateListener"
    );
    let delete = [("TargetGroupArn", group.as_str())];
    assert_eq!(
        scene
            .call("DeleteTargetGroup", &delete)
            .unwrap_err()
            .to_string(),
        format!(
            "ResourceInUse: Target group '{group}' is currently in use by a listener or a rule"
        )
    );
    scene
        .call("DeleteLoadBalancer", &[("LoadBalancerArn", &balancer)])
        .unwrap();
    scene.call("DeleteTargetGroup", &delete).unwrap();
    let gone = scene.call("DescribeLoadBalancers", &[("Names.member.1", "web")]);
    assert_eq!(gone.unwrap_err().code, "LoadBalancerNotFound");
}

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

#[test]
fn what_is_not_modelled_is_refused_by_name() {
    let mut scene = Scene::new();
    let balancer = scene.balancer();
    for (key, value) in [
        ("connection_logs.s3.enabled", "true"),
        ("load_balancing.cross_zone.enabled", "false"),
    ] {
        let params = [
            ("LoadBalancerArn", balancer.as_str()),
            ("Attributes.member.1.Key", key),
            ("Attributes.member.1.Value", value),
        ];
        let refusal = scene
            .call("ModifyLoadBalancerAttributes", &params)
            .unwrap_err();
        assert_eq!(
            refusal.to_string(),
            format!("NotModelled: not modelled by the embedded cloud: attribute {key}={value}")
        );
    }
    let refusal = scene.call("CreateRule", &[]).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "NotModelled: not modelled by the embedded cloud: elbv2:CreateRule"
    );
}
