//! The SDK's own clients on the embedded cloud.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::ByteStream;
use base64::Engine as _;
use jiff::Timestamp;
use opsh_cloud::faults::{Fault, Rule, When};
use opsh_cloud::furnish::Options;
use opsh_operation::FaultKind;
use serde_json::json;

use super::{Fixtures, Local};
use crate::world::http::Request;
use crate::world::{Cancel, Scope, World as _};

mod functions;

fn never() -> bool {
    false
}

fn cancel() -> Cancel {
    Cancel::new(None)
}

fn local() -> Local {
    Local::furnished(&Options::default(), Fixtures::default()).unwrap()
}

fn s3(local: &Local) -> Client {
    Client::new(&local.aws(&Scope::default(), &cancel()).unwrap())
}

fn run<F: Future>(local: &Local, future: F) -> F::Output {
    local.cloud().clock().block_on(future, &never).unwrap()
}

fn get(url: &str) -> Request {
    Request {
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        timeout: Duration::from_secs(10),
        redirects: 5,
        limit: 1 << 20,
        download_to: None,
    }
}

fn status(local: &Local, url: &str) -> u16 {
    local.http().send(&get(url), &cancel()).unwrap().status
}

fn elapsed(local: &Local) -> i64 {
    local
        .now()
        .duration_since(Options::default().start)
        .as_millis()
        .try_into()
        .unwrap()
}

async fn with_object(client: &Client) {
    client.create_bucket().bucket("site").send().await.unwrap();
    client
        .put_object()
        .bucket("site")
        .key("a b.txt")
        .content_type("text/plain")
        .metadata("Colour", "blue")
        .body(ByteStream::from_static(b"hello world"))
        .send()
        .await
        .unwrap();
}

#[test]
fn an_object_comes_back_as_it_was_stored() {
    let local = local();
    let client = s3(&local);
    run(&local, async {
        with_object(&client).await;
        let object = client
            .get_object()
            .bucket("site")
            .key("a b.txt")
            .send()
            .await
            .unwrap();
        assert_eq!(object.content_type(), Some("text/plain"));
        assert_eq!(object.content_length(), Some(11));
        assert_eq!(object.metadata().unwrap()["colour"], "blue");
        assert_eq!(object.e_tag(), Some("\"5eb63bbbe01eeed093cb22bb8f5acdc3\""));
        let body = object.body.collect().await.unwrap().into_bytes();
        assert_eq!(&body[..], b"hello world");
        let part = client
            .get_object()
            .bucket("site")
            .key("a b.txt")
            .range("bytes=6-");
        let part = part.send().await.unwrap().body.collect().await.unwrap();
        assert_eq!(&part.into_bytes()[..], b"world");
        let listed = client
            .list_objects_v2()
            .bucket("site")
            .send()
            .await
            .unwrap();
        assert_eq!(listed.contents()[0].key(), Some("a b.txt"));
        let missing = client.head_object().bucket("site").key("none").send().await;
        assert!(missing.unwrap_err().into_service_error().is_not_found());
        let full = client
            .delete_bucket()
            .bucket("site")
            .send()
            .await
            .unwrap_err();
        assert_eq!(
            full.into_service_error().meta().code(),
            Some("BucketNotEmpty")
        );
        let taken = client
            .create_bucket()
            .bucket("taken")
            .send()
            .await
            .unwrap_err();
        assert!(taken.into_service_error().is_bucket_already_exists());
    });
    assert_eq!(
        elapsed(&local),
        8 * 100,
        "each call takes a tenth of a second"
    );
}

#[test]
fn an_object_becomes_public_the_way_it_does_on_aws() {
    let local = local();
    let client = s3(&local);
    let url = "https://site.s3.us-east-1.amazonaws.com/a%20b.txt";
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::site/*",
    }]})
    .to_string();
    run(&local, with_object(&client));
    assert_eq!(status(&local, url), 403);
    let put = || {
        client
            .put_bucket_policy()
            .bucket("site")
            .policy(&policy)
            .send()
    };
    let refused = run(&local, put()).unwrap_err().into_service_error();
    assert_eq!(refused.meta().code(), Some("AccessDenied"));
    assert!(
        refused
            .meta()
            .message()
            .unwrap()
            .contains("BlockPublicPolicy")
    );
    run(
        &local,
        client.delete_public_access_block().bucket("site").send(),
    )
    .unwrap();
    run(&local, put()).unwrap();
    let page = local.http().send(&get(url), &cancel()).unwrap();
    assert_eq!(
        (page.status, page.body.as_slice()),
        (200, &b"hello world"[..])
    );
    assert!(
        page.headers
            .contains(&("content-type".to_owned(), "text/plain".to_owned()))
    );
    assert_eq!(status(&local, "http://s3.amazonaws.com/site/none"), 403);
}

#[test]
fn a_presigned_url_opens_its_object_until_it_expires() {
    let local = local();
    let client = s3(&local);
    let url = run(&local, async {
        with_object(&client).await;
        client
            .get_object()
            .bucket("site")
            .key("a b.txt")
            .presigned(
                PresigningConfig::builder()
                    .start_time(local.now().into())
                    .expires_in(Duration::from_mins(5))
                    .build()
                    .unwrap(),
            )
            .await
            .unwrap()
            .uri()
            .to_owned()
    });
    assert_eq!(status(&local, &url), 200);
    assert_eq!(status(&local, &url.replace("a%20b.txt", "other")), 403);
    local.sleep(Duration::from_mins(5), &cancel()).unwrap();
    let late = local.http().send(&get(&url), &cancel()).unwrap();
    assert_eq!(late.status, 403);
    assert!(
        String::from_utf8(late.body)
            .unwrap()
            .contains("Request has expired")
    );
}

fn fail(local: &Local, nth: &[u32], fault: Fault) {
    local.cloud().inject(Rule {
        action: "s3:ListBuckets".to_owned(),
        when: When::Nth(nth.iter().copied().collect()),
        fault,
    });
}

#[test]
fn a_throttled_call_is_tried_again_in_virtual_time() {
    let begun = std::time::Instant::now();
    let local = local();
    fail(&local, &[1, 2], Fault::Throttle);
    run(&local, s3(&local).list_buckets().send()).unwrap();
    // Three calls of 100 ms, waits of 1 s and 2 s without jitter.
    assert_eq!(elapsed(&local), 3 * 100 + 1000 + 2000);
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[test]
fn resets_and_failures_are_tried_again_and_delays_take_their_time() {
    for (fault, millis) in [
        (Fault::Reset, 2 * 100 + 1000),
        (Fault::Server(503), 2 * 100 + 1000),
        (Fault::Delay(Duration::from_mins(1)), 100 + 60_000),
    ] {
        let local = local();
        fail(&local, &[1], fault.clone());
        run(&local, s3(&local).list_buckets().send()).unwrap();
        assert_eq!(elapsed(&local), millis, "{fault:?}");
    }
    let local = local();
    fail(&local, &[1, 2, 3], Fault::Throttle);
    let error = run(&local, s3(&local).list_buckets().send()).unwrap_err();
    assert_eq!(error.into_service_error().meta().code(), Some("SlowDown"));
}

#[test]
fn what_is_not_modelled_is_refused_at_once() {
    let local = local();
    let client = s3(&local);
    let error = run(&local, async {
        client.create_bucket().bucket("site").send().await.unwrap();
        client
            .put_object()
            .bucket("site")
            .key("k")
            .acl(aws_sdk_s3::types::ObjectCannedAcl::PublicRead)
            .send()
            .await
            .unwrap_err()
            .into_service_error()
    });
    assert_eq!(error.meta().code(), Some(opsh_cloud::api::NOT_MODELLED));
    assert_eq!(
        error.meta().message(),
        Some("not modelled by the embedded cloud: s3:PutObject header 'x-amz-acl'")
    );
}

#[test]
fn a_dry_run_asks_nobody_outside_but_fixtures_answer() {
    let mut fixtures = Fixtures::default();
    fixtures.insert(
        "http://example.com/p.txt",
        "p.txt".as_ref(),
        b"file".to_vec(),
    );
    let local = Local::furnished(&Options::default(), fixtures).unwrap();
    let page = local
        .http()
        .send(&get("http://example.com/p.txt#top"), &cancel())
        .unwrap();
    assert_eq!((page.status, page.body.as_slice()), (200, &b"file"[..]));
    let fault = local
        .http()
        .send(&get("http://example.com/"), &cancel())
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Unreachable);
    assert_eq!(
        fault.message,
        "http://example.com/: a dry run asks nobody outside"
    );
    let address = local
        .http()
        .send(&get("http://checkip.amazonaws.com/"), &cancel())
        .unwrap();
    assert_eq!(address.body, b"198.51.100.7\n");
}

#[test]
fn a_cloud_that_persists_is_there_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("local");
    let open = || Local::persistent(&path, &Options::default(), None);
    let at = {
        let local = open().unwrap();
        run(&local, with_object(&s3(&local)));
        let Err(busy) = open() else {
            panic!("the folder is in use");
        };
        assert!(busy.message.contains("in use by another opsh command"));
        local.sleep(Duration::from_hours(1), &cancel()).unwrap();
        local.now()
    };
    {
        let copy = Local::copy_of(&path, &Options::default(), Fixtures::default()).unwrap();
        run(
            &copy,
            s3(&copy)
                .delete_object()
                .bucket("site")
                .key("a b.txt")
                .send(),
        )
        .unwrap();
    }
    let local = open().unwrap();
    assert_eq!(local.now(), at);
    let object = run(&local, async {
        let object = s3(&local).get_object().bucket("site").key("a b.txt").send();
        object.await.unwrap().body.collect().await.unwrap()
    });
    assert_eq!(&object.into_bytes()[..], b"hello world");
}

#[test]
fn the_same_seed_gives_the_same_everything() {
    let story = |seed: u64| {
        let options = Options {
            seed,
            ..Options::default()
        };
        let local = Local::furnished(&options, Fixtures::default()).unwrap();
        let client = s3(&local);
        run(&local, async {
            with_object(&client).await;
            let upload = client.create_multipart_upload().bucket("site").key("m");
            upload.send().await.unwrap();
        });
        let mut bytes = [0; 8];
        local.random(&mut bytes);
        let state = local
            .cloud()
            .look(|state| serde_json::to_string(state).unwrap());
        (state, bytes)
    };
    assert_eq!(story(7), story(7));
    assert_ne!(story(7), story(8));
}

#[test]
fn sleeping_takes_virtual_time_only() {
    let local = local();
    let start: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    assert_eq!(local.now(), start);
    local.sleep(Duration::from_hours(24), &cancel()).unwrap();
    assert_eq!(local.now().to_string(), "2026-01-02T00:00:00Z");
}

/// Launches a web server and returns its public address when it is running.
async fn launch(
    client: &aws_sdk_ec2::Client,
    local: &Local,
    public_key: &str,
    user_data: &str,
) -> String {
    use aws_sdk_ec2::types::{InstanceStateName, InstanceType, IpPermission, IpRange};
    let material = aws_sdk_ec2::primitives::Blob::new(public_key.as_bytes());
    let import = client.import_key_pair().key_name("k");
    import.public_key_material(material).send().await.unwrap();
    let group = client
        .create_security_group()
        .group_name("web")
        .description("web");
    let group = group.send().await.unwrap().group_id.unwrap();
    for port in [22, 80] {
        let permission = IpPermission::builder()
            .ip_protocol("tcp")
            .from_port(port)
            .to_port(port)
            .ip_ranges(IpRange::builder().cidr_ip("0.0.0.0/0").build())
            .build();
        let open = client.authorize_security_group_ingress().group_id(&group);
        open.ip_permissions(permission).send().await.unwrap();
    }
    let made = client
        .run_instances()
        .image_id(opsh_cloud::furnish::AL2023_X86_64)
        .instance_type(InstanceType::T3Nano)
        .key_name("k")
        .security_group_ids(group)
        .user_data(base64::engine::general_purpose::STANDARD.encode(user_data))
        .client_token("once")
        .min_count(1)
        .max_count(1)
        .send()
        .await
        .unwrap();
    let id = made.instances()[0].instance_id().unwrap().to_owned();
    loop {
        let described = client
            .describe_instances()
            .instance_ids(&id)
            .send()
            .await
            .unwrap();
        let instance = &described.reservations()[0].instances()[0];
        if instance.state().unwrap().name() == Some(&InstanceStateName::Running) {
            return instance.public_ip_address().unwrap().to_owned();
        }
        local.cloud().clock().timer(Duration::from_secs(5)).await;
    }
}

fn key_file(folder: &std::path::Path) -> (std::path::PathBuf, String) {
    let seed = ssh_key::private::Ed25519Keypair::from_seed(&[7; 32]);
    let key = ssh_key::PrivateKey::from(seed);
    let path = folder.join("key");
    std::fs::write(
        &path,
        key.to_openssh(ssh_key::LineEnding::LF).unwrap().as_str(),
    )
    .unwrap();
    (path, key.public_key().to_openssh().unwrap())
}

fn target(
    address: &str,
    key: &std::path::Path,
    host_key: crate::world::ssh::HostKey,
) -> crate::world::ssh::Target {
    crate::world::ssh::Target {
        host: address.to_owned(),
        port: None,
        user: Some("ec2-user".to_owned()),
        key_file: Some(key.to_owned()),
        passphrase: None,
        host_key,
        connect_timeout: Duration::from_secs(10),
    }
}

fn connect(
    local: &Local,
    target: &crate::world::ssh::Target,
) -> Result<Box<dyn crate::world::ssh::Session>, opsh_operation::Fault> {
    loop {
        match local.ssh().connect(target, &cancel()) {
            Err(fault) if fault.retryable => {
                local.sleep(Duration::from_secs(5), &cancel()).unwrap();
            }
            other => return other,
        }
    }
}

#[test]
fn an_instance_lets_its_owner_in() {
    use crate::world::ssh::HostKey;
    let folder = tempfile::tempdir().unwrap();
    let (key, public) = key_file(folder.path());
    let local = local();
    let client = aws_sdk_ec2::Client::new(&local.aws(&Scope::default(), &cancel()).unwrap());
    let address = run(&local, launch(&client, &local, &public, "#!/bin/sh\n"));
    let fault = connect(&local, &target(&address, &key, HostKey::Known))
        .err()
        .unwrap();
    assert_eq!(fault.kind, FaultKind::HostKey);
    let mut session = connect(&local, &target(&address, &key, HostKey::AcceptNew)).unwrap();
    let command = crate::world::ssh::Command {
        line: "whoami; echo $HOME".to_owned(),
        stdin: Vec::new(),
        timeout: Duration::from_mins(1),
        limit: 1 << 20,
    };
    local.sleep(Duration::from_mins(3), &cancel()).unwrap();
    let output = session.run(&command, &cancel()).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "ec2-user\n/home/ec2-user\n"
    );
    let pinned = HostKey::Pinned(vec![session.host_key()]);
    assert!(connect(&local, &target(&address, &key, pinned)).is_ok());
    let wrong = HostKey::Pinned(vec!["SHA256:wrong".to_owned()]);
    let fault = connect(&local, &target(&address, &key, wrong))
        .err()
        .unwrap();
    assert_eq!(fault.code.as_deref(), Some("ChangedHostKey"));
    let refused = local
        .http()
        .send(&get(&format!("http://{address}/")), &cancel());
    assert_eq!(refused.unwrap_err().kind, FaultKind::Unreachable);
    let closed = local
        .http()
        .send(&get(&format!("http://{address}:8080/")), &cancel());
    assert_eq!(closed.unwrap_err().kind, FaultKind::Timeout);
}

#[test]
fn a_stranger_is_not_let_in() {
    use crate::world::ssh::HostKey;
    let folder = tempfile::tempdir().unwrap();
    let (key, _) = key_file(folder.path());
    let local = local();
    let client = aws_sdk_ec2::Client::new(&local.aws(&Scope::default(), &cancel()).unwrap());
    let other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIS6AMGlK3pGHWYA6RpcEvxuIL3fDWGpWjZpcS+qYA1f";
    let address = run(&local, launch(&client, &local, other, "#!/bin/sh\n"));
    let fault = connect(&local, &target(&address, &key, HostKey::AcceptNew))
        .err()
        .unwrap();
    assert_eq!(fault.code.as_deref(), Some("AuthenticationFailed"));
    assert!(
        fault.message.contains("Permission denied (publickey"),
        "{}",
        fault.message
    );
}

#[test]
fn a_page_is_served_once_user_data_has_run() {
    let local = local();
    let client = aws_sdk_ec2::Client::new(&local.aws(&Scope::default(), &cancel()).unwrap());
    let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIS6AMGlK3pGHWYA6RpcEvxuIL3fDWGpWjZpcS+qYA1f";
    let script = "#!/bin/bash\ndnf install -y httpd\nsystemctl enable --now httpd\n\
                  echo hello > /var/www/html/index.html\n";
    let url = format!(
        "http://{}/",
        run(&local, launch(&client, &local, key, script))
    );
    let page = loop {
        match local.http().send(&get(&url), &cancel()) {
            Ok(page) if page.status == 200 => break page,
            Ok(_) => local.sleep(Duration::from_secs(5), &cancel()).unwrap(),
            Err(fault) => {
                assert!(matches!(
                    fault.kind,
                    FaultKind::Unreachable | FaultKind::Timeout
                ));
                local.sleep(Duration::from_secs(5), &cancel()).unwrap();
            }
        }
        assert!(elapsed(&local) < 600_000, "no page after ten minutes");
    };
    assert_eq!(page.body, b"hello\n");
}
