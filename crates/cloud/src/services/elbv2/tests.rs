#![allow(clippy::unwrap_used)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::SignedDuration;

use crate::api::{ApiError, ApiRequest};
use crate::course::Course;
use crate::furnish::{AL2023_X86_64, CALLER_ADDRESS, Options};
use crate::hosts::Unreachable;
use crate::services::ec2;
use crate::state::State;

mod targets;
mod visits;

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
        let course = super::visit(&mut self.cloud, &request, CALLER_ADDRESS).unwrap();
        match course? {
            Course::Answer(answer) => Ok(answer),
            Course::Ask(asked) => panic!("a tenant is to be asked: {asked:?}"),
        }
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
