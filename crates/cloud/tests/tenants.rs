//! Tenants: programs of others that answer HTTP inside the cloud.
#![allow(clippy::unwrap_used)]

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use opsh_cloud::furnish::{AL2023_X86_64, CALLER_ADDRESS, Options};
use opsh_cloud::services::sns::publish::Outcome;
use opsh_cloud::tenants::{Address, Call, Place, Taken, Tenant};
use opsh_cloud::{Cloud, Unreachable, Visitor};

fn never() -> bool {
    false
}

/// Answers with what it was asked, after some time.
#[derive(Default)]
struct Echo {
    takes: Duration,
    heard: Mutex<Vec<String>>,
}

impl Echo {
    fn slow(seconds: u64) -> Arc<Self> {
        Arc::new(Self {
            takes: Duration::from_secs(seconds),
            heard: Mutex::default(),
        })
    }

    fn heard(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}

impl Tenant for Echo {
    fn answer(&self, call: &Call) -> http::Response<Bytes> {
        let request = &call.request;
        let line = format!(
            "{} {} from {}",
            request.method(),
            request.uri(),
            call.client
        );
        self.heard.lock().unwrap().push(line.clone());
        call.cloud.clock().sleep(self.takes, &never).unwrap();
        http::Response::new(Bytes::from(line))
    }
}

/// Answers with a header that it was sent.
struct Header(&'static str);

impl Tenant for Header {
    fn answer(&self, call: &Call) -> http::Response<Bytes> {
        let value = call.request.headers().get(self.0);
        let value = value.map_or("none", |value| value.to_str().unwrap());
        http::Response::new(Bytes::from(value.to_owned()))
    }
}

fn visit(cloud: &Cloud, url: &str) -> Result<(u16, String), Unreachable> {
    visit_within(cloud, url, 60)
}

fn visit_within(cloud: &Cloud, url: &str, seconds: u64) -> Result<(u16, String), Unreachable> {
    let request = http::Request::get(url).body(Bytes::new()).unwrap();
    let visitor = Visitor {
        place: &Place::Caller,
        patience: Duration::from_secs(seconds),
        stop: &never,
    };
    let response = cloud.visit_as(&visitor, request)?;
    let body = String::from_utf8_lossy(response.body()).into_owned();
    Ok((response.status().as_u16(), body))
}

fn form(cloud: &Cloud, service: &str, form: &str) -> String {
    let request = http::Request::post(format!("https://{service}.us-east-1.amazonaws.com/"))
        .header(
            "authorization",
            format!(
                "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/{service}/aws4_request, \
                 SignedHeaders=host, Signature=0"
            ),
        )
        .body(Bytes::from(form.to_owned()))
        .unwrap();
    let response = cloud.clock().block_on(cloud.aws(request), &never).unwrap();
    let response = response.unwrap();
    let body = String::from_utf8_lossy(response.body()).into_owned();
    assert_eq!(response.status(), 200, "{form}: {body}");
    body
}

fn sleep(cloud: &Cloud, seconds: u64) {
    let clock = cloud.clock();
    clock.sleep(Duration::from_secs(seconds), &never).unwrap();
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let (_, rest) = text.split_once(from).unwrap();
    rest.split_once(to).unwrap().0
}

#[test]
fn the_caller_reaches_a_tenant_of_its_own_machine_while_it_is_lodged() {
    let cloud = Cloud::furnished(&Options::default());
    let here = Address::of_caller(Ipv4Addr::LOCALHOST, 8080);
    let lodging = cloud.lodge(&here, Echo::slow(3)).unwrap();
    let main = cloud.clock().enter(&[]);
    let taken = cloud.lodge(&here, Echo::slow(0)).unwrap_err();
    assert_eq!(taken, Taken::Port(8080));
    let before = cloud.clock().now();
    let answer = visit(&cloud, "http://localhost:8080/a?b=1").unwrap();
    let line = "GET http://localhost:8080/a?b=1 from 127.0.0.1";
    assert_eq!(answer, (200, line.to_owned()));
    assert_eq!(cloud.clock().now().duration_since(before).as_secs(), 3);
    // Who does not wait so long goes without; the answer comes to nobody.
    let late = visit_within(&cloud, "http://127.0.0.1:8080/", 1).unwrap_err();
    assert_eq!(late, Unreachable::TimedOut("127.0.0.1".to_owned()));
    assert_eq!(cloud.clock().now().duration_since(before).as_secs(), 4);
    drop(lodging);
    drop(main);
    let gone = visit(&cloud, "http://localhost:8080/").unwrap_err();
    assert_eq!(gone, Unreachable::NoSuchHost("localhost".to_owned()));
}

#[test]
fn sns_delivers_to_a_tenant_and_tries_again_while_it_is_away() {
    let cloud = Cloud::furnished(&Options::default());
    let echo = Echo::slow(2);
    let here = Address::of_caller(Ipv4Addr::UNSPECIFIED, 8080);
    let lodging = cloud.lodge(&here, Arc::clone(&echo) as _).unwrap();
    let main = cloud.clock().enter(&[]);
    form(
        &cloud,
        "sns",
        "Action=CreateTopic&Version=2010-03-31&Name=t",
    );
    let endpoint = format!("http://{CALLER_ADDRESS}:8080/alarms");
    let subscribe = format!(
        "Action=Subscribe&Version=2010-03-31&TopicArn=arn:aws:sns:us-east-1:123456789012:t\
         &Protocol=http&Endpoint={endpoint}"
    );
    form(&cloud, "sns", &subscribe);
    let outcome = || cloud.look(|state| state.sns.outbox[0].outcome.clone());
    sleep(&cloud, 1);
    assert_eq!(outcome(), Outcome::UnderWay);
    sleep(&cloud, 2);
    assert_eq!(outcome(), Outcome::Answered(200));
    let line = format!("POST {endpoint} from 192.0.2.53");
    assert_eq!(echo.heard(), std::slice::from_ref(&line));
    drop(lodging);
    form(&cloud, "sns", &subscribe);
    sleep(&cloud, 5);
    let _lodging = cloud.lodge(&here, Arc::clone(&echo) as _).unwrap();
    sleep(&cloud, 60);
    assert_eq!(
        echo.heard(),
        [line],
        "the second message comes with its next try"
    );
    drop(main);
}

#[test]
fn a_host_passes_requests_on_to_its_program() {
    let cloud = Cloud::furnished(&Options::default());
    let (id, address) = proxy(&cloud);
    let url = format!("http://{address}:30000/ping");
    let session = cloud.session(&address, 22, "ec2-user").unwrap();
    let sh = |line: &str| {
        let output = session.run(line, b"").unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let (status, page) = visit(&cloud, &url).unwrap();
    assert_eq!(status, 502, "nobody is behind the proxy: {page}");
    let there = Address::of_host(&id, "worker", Ipv4Addr::LOCALHOST, 8080);
    let lodging = cloud.lodge(&there, Echo::slow(3)).unwrap();
    let line = "GET /ping from 127.0.0.1";
    assert_eq!(visit(&cloud, &url).unwrap(), (200, line.to_owned()));
    let straight = visit(&cloud, &format!("http://{address}:8080/"));
    assert_eq!(straight.unwrap_err(), Unreachable::Refused(address.clone()));
    let before = cloud.clock().now();
    let asked = "n=1; curl -s localhost:30000/ping >> said; curl -s 127.0.0.1:8080/x >> said; \
                 echo $n >> said; cat said";
    assert_eq!(sh(asked), format!("{line}GET /x from 127.0.0.11\n"));
    assert_eq!(cloud.clock().now().duration_since(before).as_secs(), 6);
    let log = sh("sudo cut -d '\"' -f 2,3 /var/log/nginx/access.log");
    let statuses: Vec<_> = log.lines().map(|line| &line[..25]).collect();
    assert_eq!(statuses.len(), 3, "{log}");
    assert!(statuses[0].contains("502"), "{log}");
    drop(lodging);
    let header = cloud.lodge(&there, Arc::new(Header("x-forwarded-for")));
    let _header = header.unwrap();
    let (_, seen) = visit(&cloud, &url).unwrap();
    assert_eq!(seen, CALLER_ADDRESS);
    form(
        &cloud,
        "ec2",
        &format!("Action=StopInstances&Version=2016-11-15&InstanceId.1={id}"),
    );
    sleep(&cloud, 60);
    let dark = cloud.lodge(
        &Address {
            port: 8081,
            ..there
        },
        Echo::slow(0),
    );
    assert_eq!(dark.unwrap_err(), Taken::Gone(id));
}

/// A machine whose nginx passes requests at port 30000 on to port 8080: its id and address.
fn proxy(cloud: &Cloud) -> (String, String) {
    let groups = form(
        cloud,
        "ec2",
        "Action=DescribeSecurityGroups&Version=2016-11-15",
    );
    let group = between(&groups, "<groupId>", "</groupId>");
    for port in [8080, 30000] {
        form(
            cloud,
            "ec2",
            &format!(
                "Action=AuthorizeSecurityGroupIngress&Version=2016-11-15&GroupId={group}\
                 &IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort={port}\
                 &IpPermissions.1.ToPort={port}&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0"
            ),
        );
    }
    form(
        cloud,
        "ec2",
        &format!(
            "Action=AuthorizeSecurityGroupIngress&Version=2016-11-15&GroupId={group}\
             &IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=22\
             &IpPermissions.1.ToPort=22&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0"
        ),
    );
    let script = "#!/bin/bash\n\
        dnf install -y nginx\n\
        cat > /etc/nginx/conf.d/worker.conf <<'END'\n\
        server {\n\
            listen 30000;\n\
            location / {\n\
                proxy_pass http://127.0.0.1:8080;\n\
                proxy_http_version 1.1;\n\
                proxy_read_timeout 30s;\n\
                proxy_set_header Host $host;\n\
                proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n\
            }\n\
        }\n\
        END\n\
        systemctl enable --now nginx\n";
    let data = STANDARD.encode(script).replace('+', "%2B");
    let made = form(
        cloud,
        "ec2",
        &format!(
            "Action=RunInstances&Version=2016-11-15&ImageId={AL2023_X86_64}&MinCount=1&MaxCount=1\
             &InstanceType=t3.nano&UserData={data}"
        ),
    );
    let id = between(&made, "<instanceId>", "</instanceId>").to_owned();
    sleep(cloud, 300);
    let shown = form(cloud, "ec2", "Action=DescribeInstances&Version=2016-11-15");
    let address = between(&shown, "<ipAddress>", "</ipAddress>").to_owned();
    (id, address)
}
