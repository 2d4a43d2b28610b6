//! The cloud from outside: requests as they come over the wire, on disk, in trouble.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use bytes::Bytes;
use opsh_cloud::faults::{Fault, Reset, Rule, When};
use opsh_cloud::furnish::Options;
use opsh_cloud::{Cloud, StoreError, Unreachable};

fn signed(service: &str, method: &str, url: &str, body: &str) -> http::Request<Bytes> {
    http::Request::builder()
        .method(method)
        .uri(url)
        .header(
            "authorization",
            format!(
                "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/{service}/aws4_request, \
                 SignedHeaders=host, Signature=0"
            ),
        )
        .body(Bytes::from(body.to_owned()))
        .unwrap()
}

fn ask(cloud: &Cloud, request: http::Request<Bytes>) -> Result<(u16, String), Reset> {
    let response = cloud
        .clock()
        .block_on(cloud.aws(request), &|| false)
        .unwrap()?;
    let body = String::from_utf8_lossy(response.body()).into_owned();
    Ok((response.status().as_u16(), body))
}

fn s3(cloud: &Cloud, method: &str, path: &str, body: &str) -> (u16, String) {
    let url = format!("https://s3.us-east-1.amazonaws.com{path}");
    ask(cloud, signed("s3", method, &url, body)).unwrap()
}

fn identity() -> http::Request<Bytes> {
    let body = "Action=GetCallerIdentity&Version=2011-06-15";
    signed("sts", "POST", "https://sts.amazonaws.com/", body)
}

#[test]
fn answers_and_refusals_have_the_form_of_their_protocol() {
    let cloud = Cloud::furnished(&Options::default());
    let (status, body) = ask(&cloud, identity()).unwrap();
    assert_eq!(status, 200);
    assert!(
        body.contains("<Arn>arn:aws:iam::123456789012:user/opsh</Arn>"),
        "{body}"
    );
    let (status, body) = s3(&cloud, "GET", "/nobody/key", "");
    assert_eq!(status, 404);
    assert!(body.contains("<Error><Code>NoSuchBucket</Code>"), "{body}");
    let form = "Action=NoSuchThing&Version=2016-11-15";
    let (status, body) = ask(&cloud, signed("ec2", "POST", "https://ec2/", form)).unwrap();
    assert_eq!(status, 400);
    assert!(
        body.starts_with("<Response><Errors><Error><Code>NotModelled</Code>"),
        "{body}"
    );
    let (_, body) = ask(&cloud, signed("ssm", "POST", "https://ssm/", "{}")).unwrap();
    assert!(body.starts_with("{\"__type\":\"NotModelled\""), "{body}");
}

#[test]
fn another_region_is_refused() {
    let cloud = Cloud::furnished(&Options {
        region: "eu-west-1".to_owned(),
        ..Options::default()
    });
    let (status, body) = s3(&cloud, "PUT", "/bucket", "");
    assert_eq!(status, 400);
    assert!(
        body.contains("the region 'us-east-1' (this cloud has 'eu-west-1' only)"),
        "{body}"
    );
}

#[test]
fn a_write_is_on_disk_before_it_is_answered() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::default();
    let cloud = Cloud::open(folder.path(), &options).unwrap();
    assert_eq!(s3(&cloud, "PUT", "/bucket", "").0, 200);
    assert_eq!(s3(&cloud, "PUT", "/bucket/key", "content").0, 200);
    // As after kill -9: nothing is told to save, the lock is not given back.
    let copy = Cloud::copy_of(folder.path(), &options).unwrap();
    assert_eq!(
        s3(&copy, "GET", "/bucket/key", ""),
        (200, "content".to_owned())
    );
    assert_eq!(s3(&copy, "DELETE", "/bucket/key", "").0, 204);
    assert_eq!(s3(&cloud, "GET", "/bucket/key", "").0, 200);
    assert!(matches!(
        Cloud::open(folder.path(), &options),
        Err(StoreError::Busy(_))
    ));
    assert_eq!(s3(&cloud, "DELETE", "/bucket/key", "").0, 204);
    let bodies = std::fs::read_dir(folder.path().join("objects"))
        .unwrap()
        .count();
    assert_eq!(bodies, 0, "bodies that no object names are removed");
}

#[test]
fn a_state_that_cannot_be_read_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options::default();
    std::fs::write(folder.path().join("state.json"), "{\"format\":99}").unwrap();
    let error = Cloud::open(folder.path(), &options).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("it has format 99, and this opsh knows format 1")
    );
    assert_eq!(error.hint(), "start afresh with: opsh local reset");
    std::fs::remove_file(folder.path().join("state.json")).unwrap();
    Cloud::open(folder.path(), &options)
        .unwrap()
        .save()
        .unwrap();
    let elsewhere = Options {
        region: "eu-west-1".to_owned(),
        ..options
    };
    let error = Cloud::open(folder.path(), &elsewhere).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("is in us-east-1, not in eu-west-1"),
        "{error}"
    );
}

fn fail(cloud: &Cloud, action: &str, when: When, fault: Fault) {
    cloud.inject(Rule {
        action: action.to_owned(),
        when,
        fault,
    });
}

#[test]
fn faults_strike_where_they_are_told_to() {
    let cloud = Cloud::furnished(&Options::default());
    let nth = |all: &[u32]| When::Nth(all.iter().copied().collect());
    fail(&cloud, "sts:*", nth(&[1]), Fault::Throttle);
    fail(&cloud, "sts:GetCallerIdentity", nth(&[2]), Fault::Reset);
    fail(&cloud, "s3:CreateBucket", nth(&[1]), Fault::Lost);
    fail(&cloud, "http:*", nth(&[1]), Fault::Server(502));
    let statuses: Vec<_> = (0..3)
        .map(|_| ask(&cloud, identity()).map(|answer| answer.0))
        .collect();
    assert_eq!(statuses, [Ok(400), Err(Reset), Ok(200)]);
    let create = signed("s3", "PUT", "https://s3.us-east-1.amazonaws.com/lost", "");
    assert_eq!(ask(&cloud, create), Err(Reset));
    assert_eq!(
        s3(&cloud, "HEAD", "/lost", "").0,
        200,
        "the work was done, the answer was lost"
    );
    let page = || {
        let request = http::Request::builder().uri("http://checkip.amazonaws.com/");
        cloud
            .visit(request.body(Bytes::new()).unwrap())
            .unwrap()
            .status()
            .as_u16()
    };
    assert_eq!((page(), page()), (502, 200));
}

#[test]
fn chances_follow_from_the_seed() {
    let run = |seed: u64| {
        let cloud = Cloud::furnished(&Options {
            seed,
            ..Options::default()
        });
        fail(&cloud, "sts:*", When::Percent(50), Fault::Throttle);
        (0..32)
            .map(|_| ask(&cloud, identity()).unwrap().0 == 200)
            .collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    assert!(run(1).contains(&true) && run(1).contains(&false));
}

#[test]
fn a_copy_goes_its_own_way() {
    let cloud = Cloud::furnished(&Options::default());
    cloud
        .clock()
        .sleep(Duration::from_mins(1), &|| false)
        .unwrap();
    let copy = cloud.copy();
    assert_eq!(copy.clock().now(), cloud.clock().now());
    copy.clock()
        .sleep(Duration::from_mins(1), &|| false)
        .unwrap();
    assert_eq!(s3(&copy, "PUT", "/bucket", "").0, 200);
    assert_eq!(s3(&cloud, "HEAD", "/bucket", "").0, 404);
    assert_ne!(copy.clock().now(), cloud.clock().now());
}

#[test]
fn who_is_not_there_does_not_answer() {
    let cloud = Cloud::furnished(&Options::default());
    let visit = |url: &str| {
        let request = http::Request::builder()
            .uri(url)
            .body(Bytes::new())
            .unwrap();
        cloud.visit(request).unwrap_err()
    };
    assert_eq!(
        visit("http://example.com/"),
        Unreachable::NoSuchHost("example.com".to_owned())
    );
    assert_eq!(
        visit("http://203.0.113.77/"),
        Unreachable::TimedOut("203.0.113.77".to_owned())
    );
    let door = cloud.ssh("203.0.113.77", 22);
    assert_eq!(
        door.unwrap_err(),
        Unreachable::TimedOut("203.0.113.77".to_owned())
    );
}

#[test]
fn what_nobody_has_set_on_a_bucket_is_said_as_s3_says_it() {
    let cloud = Cloud::furnished(&Options::default());
    assert_eq!(s3(&cloud, "PUT", "/unset-bucket", "").0, 200);
    for (query, status, part) in [
        ("acl", 200, "<Permission>FULL_CONTROL</Permission>"),
        ("cors", 404, "<Code>NoSuchCORSConfiguration</Code>"),
        (
            "lifecycle",
            404,
            "<Code>NoSuchLifecycleConfiguration</Code>",
        ),
        ("logging", 200, "<BucketLoggingStatus"),
        ("requestPayment", 200, "<Payer>BucketOwner</Payer>"),
        ("website", 404, "<Code>NoSuchWebsiteConfiguration</Code>"),
        ("analytics", 400, "<Code>NotModelled</Code>"),
    ] {
        let (got, body) = s3(&cloud, "GET", &format!("/unset-bucket?{query}"), "");
        assert_eq!(got, status, "{query}: {body}");
        assert!(body.contains(part), "{query}: {body}");
    }
    let (status, body) = s3(&cloud, "GET", "/nobody-has-it?cors", "");
    assert_eq!(status, 404);
    assert!(body.contains("<Code>NoSuchBucket</Code>"), "{body}");
}
