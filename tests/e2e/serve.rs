//! `opsh local serve` to the tools that people have: the AWS CLI, boto3, curl.

use serde_json::{Value, json};

use crate::support::component::{demand, program};
use crate::support::opsh::User;
use crate::support::python;
use crate::support::served::{Served, aws_cli, script};

/// What the AWS CLI must be told first, to be tested at all.
fn cli() -> Option<Served> {
    demand(aws_cli()).map(|_| Served::start(&[]))
}

#[test]
fn the_cli_launches_waits_visits_and_terminates() {
    let Some(served) = cli() else {
        return;
    };
    if demand(program("curl")).is_none() {
        return;
    }
    let image = served.said(&[
        "ssm",
        "get-parameter",
        "--name=/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
        "--query=Parameter.Value",
        "--output=text",
    ]);
    served.said(&[
        "ec2",
        "authorize-security-group-ingress",
        "--group-name=default",
        "--protocol=tcp",
        "--port=80",
        "--cidr=0.0.0.0/0",
    ]);
    let data = "#!/bin/bash\ndnf install -y nginx\necho served > /usr/share/nginx/html/index.html\n\
                systemctl enable --now nginx\n";
    std::fs::write(served.user.home().join("data.sh"), data).unwrap();
    let id = served.said(&[
        "ec2",
        "run-instances",
        &format!("--image-id={image}"),
        "--instance-type=t3.micro",
        "--user-data=file://data.sh",
        "--query=Instances[0].InstanceId",
        "--output=text",
    ]);
    let begun = std::time::Instant::now();
    served.said(&["ec2", "wait", "instance-running", "--instance-ids", &id]);
    assert!(begun.elapsed().as_secs() >= 2, "it took real time");
    let address = served.said(&[
        "ec2",
        "describe-instances",
        &format!("--instance-ids={id}"),
        "--query=Reservations[].Instances[].PublicIpAddress",
        "--output=text",
    ]);
    let host = format!("Host: {address}");
    let page = (0..120).find_map(|_| {
        let page = served.curl(&["-H", &host, &format!("{}/", served.url())]);
        if page == "served\n" {
            return Some(page);
        }
        std::thread::sleep(std::time::Duration::from_secs(1));
        None
    });
    assert!(page.is_some(), "user-data ran and its web server answers");
    let url = format!("http://{address}/");
    assert_eq!(served.curl(&["--proxy", served.url(), &url]), "served\n");
    let named = format!("http://{address}.localhost:{}/", served.port());
    let here = format!("{address}.localhost:{0}:127.0.0.1", served.port());
    assert_eq!(served.curl(&["--resolve", &here, &named]), "served\n");
    let state = served.said(&[
        "ec2",
        "terminate-instances",
        &format!("--instance-ids={id}"),
        "--query=TerminatingInstances[].CurrentState.Name",
        "--output=text",
    ]);
    assert_eq!(state, "shutting-down");
    served.said(&["ec2", "wait", "instance-terminated", "--instance-ids", &id]);
    let refusal = served.refused(&[
        "ec2",
        "describe-instances",
        "--instance-ids=i-00000000000000000",
    ]);
    assert_eq!(
        refusal,
        "An error occurred (InvalidInstanceID.NotFound) when calling the DescribeInstances \
         operation: The instance ID 'i-00000000000000000' does not exist"
    );
}

#[test]
fn the_cli_keeps_objects_small_and_large() {
    let Some(served) = cli() else {
        return;
    };
    if demand(program("curl")).is_none() {
        return;
    }
    let home = served.user.home();
    // Beyond 8 MB the CLI uploads in parts; the last is not whole.
    let large: Vec<u8> = (0..20_000_003_u32)
        .map(|index| (index.wrapping_mul(2_654_435_761) >> 24).to_le_bytes()[0])
        .collect();
    std::fs::write(home.join("large"), &large).unwrap();
    std::fs::write(home.join("small.txt"), "a small one\n").unwrap();
    served.said(&["s3", "mb", "s3://my-files"]);
    served.said(&["s3", "cp", "small.txt", "s3://my-files/a b+ü/small.txt"]);
    served.said(&["s3", "cp", "--quiet", "large", "s3://my-files/large"]);
    let listed = served.said(&["s3", "ls", "--recursive", "s3://my-files"]);
    assert!(
        listed.contains("a b+ü/small.txt") && listed.contains("20000003 large"),
        "{listed}"
    );
    served.said(&["s3", "cp", "--quiet", "s3://my-files/large", "again"]);
    assert!(std::fs::read(home.join("again")).unwrap() == large);

    let old = served.said(&["s3", "presign", "s3://my-files/a b+ü/small.txt"]);
    assert!(old.contains("AWSAccessKeyId="), "of Version 2: {old}");
    assert_eq!(served.curl(&[&old]), "a small one\n");
    let forged = old.replace("small.txt", "large");
    assert!(served.curl(&[&forged]).contains("SignatureDoesNotMatch"));
    served.said(&["configure", "set", "default.s3.signature_version", "s3v4"]);
    let new = served.said(&["s3", "presign", "s3://my-files/large"]);
    assert!(new.contains("X-Amz-Credential="), "of Version 4: {new}");
    let part = served.curl(&[
        "-r",
        "0-3",
        "-o",
        "/dev/stdout",
        "-w",
        " %{http_code}",
        "-D",
        "heads",
        &new,
    ]);
    assert!(part.ends_with(" 206"), "{part:?}");
    let heads = std::fs::read_to_string(home.join("heads")).unwrap();
    assert!(
        heads.contains("content-range: bytes 0-3/20000003"),
        "{heads}"
    );

    let url = format!("{}/my-files/large", served.url());
    assert!(
        served.curl(&[&url]).contains("<Code>AccessDenied</Code>"),
        "it is private"
    );
    let head = served.said(&["s3api", "head-object", "--bucket=my-files", "--key=large"]);
    let head: Value = serde_json::from_str(&head).unwrap();
    assert_eq!(head["ContentLength"], 20_000_003);
    let pages = served.said(&[
        "s3api",
        "list-objects-v2",
        "--bucket=my-files",
        "--page-size=1",
        "--query=Contents[].Size",
        "--output=text",
    ]);
    assert_eq!(
        pages.split_whitespace().collect::<Vec<_>>(),
        ["12", "20000003"]
    );
    let refusal = served.refused(&["s3", "rb", "s3://my-files"]);
    assert!(refusal.contains("(BucketNotEmpty)"), "{refusal}");
    served.said(&["s3", "rm", "s3://my-files/large"]);
    served.said(&["s3", "rb", "--force", "s3://my-files"]);
    let refusal = served.refused(&["s3", "ls", "s3://my-files"]);
    assert!(refusal.contains("(NoSuchBucket)"), "{refusal}");
}

#[test]
#[allow(clippy::too_many_lines)] // one session with many services, told in order
fn the_cli_meets_every_other_service_and_the_outbox_shows_the_messages() {
    let Some(served) = cli() else {
        return;
    };
    let topic = "arn:aws:sns:us-east-1:123456789012:alerts";
    served.said(&["sns", "create-topic", "--name=alerts"]);
    for (protocol, endpoint) in [("sms", "+15550100200"), ("email", "ops@example.com")] {
        served.said(&[
            "sns",
            "subscribe",
            "--topic-arn",
            topic,
            "--protocol",
            protocol,
            "--notification-endpoint",
            endpoint,
        ]);
    }
    served.said(&[
        "cloudwatch",
        "put-metric-alarm",
        "--alarm-name=load",
        "--namespace=app",
        "--metric-name=load",
        "--statistic=Average",
        "--period=60",
        "--evaluation-periods=1",
        "--threshold=1",
        "--comparison-operator=GreaterThanThreshold",
        "--alarm-actions",
        topic,
    ]);
    served.said(&[
        "cloudwatch",
        "put-metric-data",
        "--namespace=app",
        "--metric-name=load",
        "--value=3",
    ]);
    served.said(&[
        "cloudwatch",
        "set-alarm-state",
        "--alarm-name=load",
        "--state-value=ALARM",
        "--state-reason=a test",
    ]);
    served.said(&[
        "sns",
        "publish",
        "--topic-arn",
        topic,
        "--message=two\nlines",
        "--subject=hey",
    ]);
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
    served.said(&[
        "iam",
        "create-role",
        "--role-name=web",
        "--assume-role-policy-document",
        trust,
    ]);
    for (arguments, answer) in [
        (
            ["sts", "get-caller-identity", "--query=Account"],
            "\"123456789012\"",
        ),
        (
            ["iam", "list-roles", "--query=Roles[].RoleName | [0]"],
            "\"web\"",
        ),
        (
            ["elbv2", "describe-load-balancers", "--query=LoadBalancers"],
            "[]",
        ),
        (
            [
                "autoscaling",
                "describe-auto-scaling-groups",
                "--query=AutoScalingGroups",
            ],
            "[]",
        ),
        (
            [
                "cloudwatch",
                "list-metrics",
                "--query=Metrics[].MetricName | [0]",
            ],
            "\"load\"",
        ),
    ] {
        assert_eq!(served.said(&arguments), answer, "{arguments:?}");
    }
    let pages = served.said(&[
        "ssm",
        "get-parameters-by-path",
        "--path=/aws/service",
        "--recursive",
        "--page-size=1",
        "--query=Parameters[].Name | length(@)",
    ]);
    // The CLI applies the query to each page where it prints text, to all of them in JSON.
    assert_eq!(pages, "3");
    for (arguments, code) in [
        (
            [
                "sns",
                "get-topic-attributes",
                "--topic-arn=arn:aws:sns:us-east-1:123456789012:none",
            ],
            "NotFound",
        ),
        (["iam", "get-role", "--role-name=none"], "NoSuchEntity"),
        (
            ["ssm", "get-parameter", "--name=/none"],
            "ParameterNotFound",
        ),
        (
            ["elbv2", "describe-load-balancers", "--names=none"],
            "LoadBalancerNotFound",
        ),
        (
            [
                "autoscaling",
                "disable-metrics-collection",
                "--auto-scaling-group-name=none",
            ],
            "NotModelled",
        ),
        (
            ["cloudwatch", "delete-alarms", "--alarm-names=none"],
            "ResourceNotFound",
        ),
        (
            ["ec2", "describe-vpcs", "--region=eu-west-1"],
            "NotModelled",
        ),
    ] {
        let refusal = served.refused(&arguments);
        assert!(
            refusal.contains(&format!("An error occurred ({code})")),
            "{arguments:?}: {refusal}"
        );
    }
    let outbox = served
        .user
        .opsh(["local", "outbox", "--topic=alerts", "--output=json"])
        .done();
    let shown: Vec<Value> = outbox
        .events()
        .into_iter()
        .map(|one| json!([one["protocol"], one["to"], one["subject"]]))
        .collect();
    assert_eq!(
        shown,
        [
            json!([
                "email",
                "ops@example.com",
                "AWS Notification - Subscription Confirmation"
            ]),
            json!([
                "sms",
                "+15550100200",
                "ALARM: \"load\" in US East (N. Virginia)"
            ]),
            json!(["sms", "+15550100200", "hey"]),
        ]
    );
    let table = served.user.opsh(["local", "outbox"]).done().out;
    assert!(table.contains("two lines"), "{table}");
}

#[test]
fn the_cli_sends_through_a_topic_and_receives_from_its_queue() {
    // The CLI's version 1 knows a name of its own for SQS, whatever the environment says.
    fn at<'a>(url: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
        [&["--endpoint-url", url, "sqs"], arguments].concat()
    }
    let Some(served) = cli() else {
        return;
    };
    let endpoint = served.url();
    let attributes = "--attributes=VisibilityTimeout=1";
    let url = served.said(&at(
        endpoint,
        &[
            "create-queue",
            "--queue-name=work",
            attributes,
            "--query=QueueUrl",
            "--output=text",
        ],
    ));
    let arn = "arn:aws:sqs:us-east-1:123456789012:work";
    let topic = "arn:aws:sns:us-east-1:123456789012:alerts";
    served.said(&["sns", "create-topic", "--name=alerts"]);
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage", "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }]});
    let policy = json!({"Policy": policy.to_string()}).to_string();
    served.said(&at(
        endpoint,
        &[
            "set-queue-attributes",
            "--queue-url",
            &url,
            "--attributes",
            &policy,
        ],
    ));
    served.said(&[
        "sns",
        "subscribe",
        "--protocol=sqs",
        "--topic-arn",
        topic,
        "--notification-endpoint",
        arn,
        "--attributes=RawMessageDelivery=true",
    ]);
    served.said(&[
        "sns",
        "publish",
        "--topic-arn",
        topic,
        "--message=disk full",
    ]);
    let receive = |wait: &str| {
        served.said(&at(
            endpoint,
            &[
                "receive-message",
                "--queue-url",
                &url,
                wait,
                "--query=Messages[].[Body,ReceiptHandle][]",
            ],
        ))
    };
    let first: Value = serde_json::from_str(&receive("--wait-time-seconds=0")).unwrap();
    assert_eq!(first[0], "disk full");
    // It is hidden for a second, which one who waits in real time sees pass.
    let again: Value = serde_json::from_str(&receive("--wait-time-seconds=20")).unwrap();
    assert_eq!(again[0], "disk full");
    let receipt = again[1].as_str().unwrap();
    served.said(&at(
        endpoint,
        &[
            "delete-message",
            "--queue-url",
            &url,
            "--receipt-handle",
            receipt,
        ],
    ));
    assert_eq!(receive("--wait-time-seconds=2"), "null");
    let refusal = served.refused(&at(endpoint, &["get-queue-url", "--queue-name=none"]));
    assert!(
        refusal.contains("(AWS.SimpleQueueService.NonExistentQueue)"),
        "{refusal}"
    );
    let refusal = served.refused(&at(endpoint, &["create-queue", "--queue-name=work.fifo"]));
    assert!(
        refusal.contains("not modelled by the embedded cloud: FIFO queues"),
        "{refusal}"
    );
}

#[test]
fn boto3_waits_pages_and_speaks_every_protocol() {
    let Some(python) = demand(python::find()) else {
        return;
    };
    assert!(python.is_file());
    let served = Served::start(&[]);
    let output = script(&served, "tests/e2e/tools.py");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_cloud_that_is_served_is_named_to_who_wants_it_and_kept_when_it_ends() {
    let mut served = Served::start(&[]);
    std::fs::write(
        served.user.home().join("p.rhai"),
        r#"sns::create_topic(#{ name: "kept" });"#,
    )
    .unwrap();
    let refused = served.user.opsh(["run", "p.rhai", "--local"]);
    assert_eq!(refused.code, 2);
    let message = format!("is being served at {} by `opsh local serve`", served.url());
    assert!(refused.err.contains(&message), "{}", refused.err);
    let second = served.user.opsh(["local", "serve", "--port=0"]);
    assert!(second.err.contains("is served already"), "{}", second.err);

    let url = served.url().to_owned();
    served
        .user
        .opsh(["run", "p.rhai", "--local-at", &url])
        .done();
    assert_eq!(served.stop(), Some(0), "Ctrl-C ends it in good order");
    let gone = served.user.opsh(["run", "p.rhai", "--local-at", &url]);
    assert!(gone.err.contains("is not being served"), "{}", gone.err);
    let kept = r"sns::list_topics(#{}).topics.len()";
    std::fs::write(served.user.home().join("q.rhai"), kept).unwrap();
    let after = served.user.opsh(["run", "q.rhai", "--local"]).done();
    assert_eq!(after.out.trim(), "1");
}

#[test]
fn a_run_on_a_served_cloud_is_as_on_its_own_and_one_that_is_killed_holds_nobody_up() {
    let playbook = r#"
        let image = ssm::get_parameter(#{
            name: "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
        }).parameter.value;
        let ids = parallel::map(["a", "b", "c"], |name| {
            let id = ec2::run_instances(#{
                image_id: image, instance_type: "t3.micro", min_count: 1, max_count: 1, tags: #{ Name: name },
            }).instances[0].instance_id;
            ec2::wait_until_instance_running(#{ instance_ids: [id] }, #{ timeout: "5m" });
            id
        });
        sleep(3600);
        print(ids);
        print(time::now());
        print(random::uuid());
    "#;
    let alone = User::new();
    std::fs::write(alone.home().join("p.rhai"), playbook).unwrap();
    let expected = alone.opsh(["run", "p.rhai", "--local"]).done();

    let served = Served::start(&["--time=virtual"]);
    let home = served.user.home();
    std::fs::write(home.join("p.rhai"), playbook).unwrap();
    let shared = served
        .user
        .opsh(["run", "p.rhai", "--local-at", served.url()])
        .done();
    assert_eq!(shared.out, expected.out);

    // It waits in real time for an outside that never answers: killed in the middle of its wait.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let waits = format!(
        "sns::create_topic(#{{ name: `before` }}); http::get(`{url}`, #{{ timeout: `10m` }});"
    );
    std::fs::write(home.join("waits.rhai"), waits).unwrap();
    let mut run = std::process::Command::new(env!("CARGO_BIN_EXE_opsh"))
        .args(["run", "waits.rhai", "--local-at", served.url()])
        .current_dir(home)
        .env_clear()
        .env("HOME", home)
        .spawn()
        .unwrap();
    // Once it asks outside its topic is there.
    let _asked = silent.accept().unwrap();
    run.kill().unwrap();
    run.wait().unwrap();
    std::fs::write(
        home.join("after.rhai"),
        "sleep(60); sns::list_topics(#{}).topics.len()",
    )
    .unwrap();
    let after = served
        .user
        .opsh(["run", "after.rhai", "--local-at", served.url()])
        .done();
    assert_eq!(after.out.trim(), "1");
}
