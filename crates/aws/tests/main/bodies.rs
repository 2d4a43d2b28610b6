//! Bodies from and to values and files, URLs, uploads in parts.

use opsh_aws::Controls;
use opsh_operation::{FaultKind, Value};

use crate::support::{Service, object};

fn bucket() -> (&'static str, Value) {
    ("bucket", "pics".into())
}

fn key() -> (&'static str, Value) {
    ("key", "a b.jpg".into())
}

#[tokio::test]
async fn a_body_comes_as_bytes_or_into_a_file() {
    let service = Service::new(&[(200, "hello")]);
    let result = service
        .call("s3::get_object", &[bucket(), key()])
        .await
        .unwrap();
    assert_eq!(result.get("body"), Some(&Value::Bytes(b"hello".to_vec())));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image.jpg");
    let to_file = ("to_file", path.to_str().unwrap().into());
    let result = service
        .call("s3::get_object", &[bucket(), key(), to_file])
        .await
        .unwrap();
    assert_eq!(result.get("body"), None);
    assert_eq!(result.get("file"), Some(&path.to_str().unwrap().into()));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "hello");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_body_is_sent_from_text_or_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("page.html");
    std::fs::write(&path, "<h1>hello</h1>").unwrap();
    let file = object(&[("file", path.to_str().unwrap().into())]);
    for (body, text) in [("plain".into(), "plain"), (file, "<h1>hello</h1>")] {
        let service = Service::new(&[(200, "")]);
        service
            .call("s3::put_object", &[bucket(), key(), ("body", body)])
            .await
            .unwrap();
        let asked = &service.asked()[0];
        assert!(String::from_utf8_lossy(&asked.body).contains(text));
        assert_eq!(
            asked.uri,
            "https://pics.s3.us-east-1.amazonaws.com/a%20b.jpg?x-id=PutObject"
        );
    }
}

#[tokio::test]
async fn a_missing_file_is_named() {
    let service = Service::new(&[(200, "")]);
    let body = ("body", object(&[("file", "/nowhere/a.jpg".into())]));
    let fault = service
        .call("s3::put_object", &[bucket(), key(), body])
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Failed);
    assert!(
        fault
            .message
            .starts_with("cannot read the file '/nowhere/a.jpg': "),
        "{}",
        fault.message
    );
}

#[tokio::test]
async fn a_custom_endpoint_gets_the_bucket_in_the_path() {
    let service = Service::new(&[(404, "")]);
    let config = service
        .config()
        .into_builder()
        .endpoint_url("http://127.0.0.1:5000")
        .build();
    let fault = crate::support::call(config, "s3::head_bucket", &[bucket()], Controls::default())
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::NotFound);
    assert_eq!(service.asked()[0].uri, "http://127.0.0.1:5000/pics/");
}

#[tokio::test]
async fn a_presigned_url_depends_on_the_worlds_clock_alone() {
    let service = Service::new(&[(200, "")]);
    let sign = || async {
        service
            .call(
                "s3::presign_get_object",
                &[bucket(), key(), ("expires_in", "15m".into())],
            )
            .await
            .unwrap()
    };
    let first = sign().await;
    assert_eq!(first, sign().await);
    let url = first.get("url").unwrap().as_text().unwrap();
    assert!(url.contains("X-Amz-Expires=900"), "{url}");
    assert!(url.contains("X-Amz-Date=20270115T080000Z"), "{url}");
    assert_eq!(
        first.get("expires").unwrap().to_json(),
        "2027-01-15T08:15:00Z"
    );
    assert!(service.asked().is_empty());
}

fn large_file(folder: &tempfile::TempDir) -> Value {
    let path = folder.path().join("large");
    let file = std::fs::File::create(&path).unwrap();
    file.set_len(33 * 1024 * 1024).unwrap();
    path.to_str().unwrap().into()
}

const BEGUN: &str =
    "<InitiateMultipartUploadResult><UploadId>up</UploadId></InitiateMultipartUploadResult>";
const MADE: &str =
    "<CompleteMultipartUploadResult><ETag>\"whole\"</ETag></CompleteMultipartUploadResult>";

#[tokio::test]
async fn a_large_file_goes_in_parts() {
    let folder = tempfile::tempdir().unwrap();
    let service = Service::new(&[(200, BEGUN), (200, ""), (200, ""), (200, ""), (200, MADE)]);
    let result = service
        .call(
            "s3::upload_file",
            &[bucket(), key(), ("file", large_file(&folder))],
        )
        .await
        .unwrap();
    assert_eq!(
        result.to_json().to_string(),
        r#"{"e_tag":"\"whole\"","parts":3,"size":34603008}"#
    );
    let asked = service.asked();
    let methods: Vec<&str> = asked.iter().map(|asked| asked.method.as_str()).collect();
    assert_eq!(methods, ["POST", "PUT", "PUT", "PUT", "POST"]);
    assert!(asked[4].text().contains("<PartNumber>3</PartNumber>"));
}

#[tokio::test]
async fn a_failed_upload_leaves_no_parts() {
    let folder = tempfile::tempdir().unwrap();
    let refused = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
    let service = Service::new(&[(200, BEGUN), (403, refused)]);
    let fault = service
        .call(
            "s3::upload_file",
            &[bucket(), key(), ("file", large_file(&folder))],
        )
        .await
        .unwrap_err();
    assert_eq!(fault.kind, FaultKind::Denied);
    let last = service.asked().pop().unwrap();
    assert_eq!(last.method, "DELETE");
    assert!(last.uri.contains("uploadId=up"), "{}", last.uri);
}
