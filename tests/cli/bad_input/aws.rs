//! AWS that cannot be asked, or refuses.

use std::collections::BTreeMap;

use super::super::user;
use super::refused;
use crate::support::closed::ClosedPort;
use crate::support::opsh::User;
use crate::support::site::{Page, Site};

const CALL: &str = "sts::get_caller_identity();\n";

/// Somebody with the playbook `text`, far from any instance's metadata.
fn somebody(text: &str) -> User {
    user(text).with("AWS_EC2_METADATA_DISABLED", "true")
}

/// The same with keys, which nobody gave out.
fn with_keys(text: &str) -> User {
    somebody(text)
        .with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .with(
            "AWS_SECRET_ACCESS_KEY",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        )
}

/// The code and the whole message of a live run.
fn said(user: &User, options: &[&str]) -> (i32, String) {
    let ended = user.opsh(["run", "p.rhai"].iter().chain(options));
    (ended.code, ended.err)
}

#[test]
fn no_region() {
    let message = "\
error: p.rhai:1:1: sts::get_caller_identity: no AWS region is set (MissingRegion)
   |
 1 | sts::get_caller_identity();
   | ^^^^^^^^^^^^^^^^^^^^^^^^
  next: set AWS_REGION, pass --region, or use --local or --dry-run
";
    assert_eq!(said(&with_keys(CALL), &[]), (1, message.into()));
}

#[test]
fn no_credentials() {
    let message = "\
error: p.rhai:1:1: sts::get_caller_identity: no AWS credentials were found (MissingCredentials)
   |
 1 | sts::get_caller_identity();
   | ^^^^^^^^^^^^^^^^^^^^^^^^
  next: set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with 'aws sso login'; --local and --dry-run need no account
";
    assert_eq!(
        said(&somebody(CALL), &["--region", "us-east-1"]),
        (1, message.into())
    );
}

#[test]
fn credentials_that_have_expired() {
    let refusal = Page {
        status: "403 Forbidden",
        ..Page::ok(
            "text/xml",
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
             <Type>Sender</Type><Code>ExpiredToken</Code>\
             <Message>The security token included in the request is expired</Message></Error>\
             <RequestId>7d5e6b5a-0000-4000-8000-000000000000</RequestId></ErrorResponse>",
        )
    };
    let endpoint = Site::start(BTreeMap::from([("/", refusal)]));
    let user = with_keys(CALL)
        .with("AWS_SESSION_TOKEN", "FwoGZXIvYXdzEXAMPLE")
        .with("AWS_ENDPOINT_URL", &endpoint.url);
    let message = "\
error: p.rhai:1:1: sts::get_caller_identity: The security token included in the request is expired (ExpiredToken)
   |
 1 | sts::get_caller_identity();
   | ^^^^^^^^^^^^^^^^^^^^^^^^
  next: renew them, e.g. with `aws sso login`, and run again
";
    assert_eq!(said(&user, &["--region", "us-east-1"]), (1, message.into()));
}

#[test]
fn an_endpoint_that_nobody_listens_at() {
    let nobody = ClosedPort::take();
    let text = "sts::get_caller_identity(#{}, #{ timeout: \"20s\" });\n";
    let endpoint = format!("http://127.0.0.1:{}", nobody.port);
    let message = format!(
        "\
error: p.rhai:1:1: sts::get_caller_identity: {endpoint}: the service cannot be reached: client error (Connect): tcp connect error: Connection refused (os error 111)
   |
 1 | sts::get_caller_identity(#{{}}, #{{ timeout: \"20s\" }});
   | ^^^^^^^^^^^^^^^^^^^^^^^^
  next: check the network, the region and AWS_ENDPOINT_URL, or use --local or --dry-run
"
    );
    let options = ["--region", "us-east-1", "--endpoint-url", &endpoint];
    assert_eq!(said(&with_keys(text), &options), (1, message));
}

#[test]
fn a_bucket_name_that_is_taken_and_what_was_made_before() {
    let text =
        "sns::create_topic(#{ name: \"news\" });\ns3::create_bucket(#{ bucket: \"test\" });\n";
    let message = "\
error: p.rhai:2:1: s3::create_bucket: The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again. (BucketAlreadyExists)
   |
 2 | s3::create_bucket(#{ bucket: \"test\" });
   | ^^^^^^^^^^^^^^^^^
";
    assert_eq!(refused(text, &["--dry-run"]), (1, message.into()));
    let (code, said) = refused(text, &["--local"]);
    let made = "made before the failure, and still there:
  sns:topic  arn:aws:sns:us-east-1:123456789012:news
  next: `opsh resume ";
    assert!(code == 1 && said.contains(made), "{said}");
}
