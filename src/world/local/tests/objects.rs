//! Objects of S3: stored, public, presigned.

use std::time::Duration;

use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{BucketVersioningStatus, VersioningConfiguration};

use serde_json::json;

use super::{cancel, elapsed, get, local, run, s3, status, with_object};
use crate::world::World as _;

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
fn what_was_there_before_versions_were_kept_is_the_version_null() {
    let local = local();
    let client = s3(&local);
    let version = async || {
        let head = client.head_object().bucket("site").key("a b.txt");
        let head = head.send().await.unwrap();
        head.version_id().map(str::to_owned)
    };
    run(&local, async {
        with_object(&client).await;
        assert_eq!(version().await, None);
        let keeps = VersioningConfiguration::builder()
            .status(BucketVersioningStatus::Enabled)
            .build();
        let put = client.put_bucket_versioning().bucket("site");
        put.versioning_configuration(keeps).send().await.unwrap();
        assert_eq!(version().await.as_deref(), Some("null"));
        let delete = client.delete_object().bucket("site").key("a b.txt");
        delete.version_id("null").send().await.unwrap();
        client.delete_bucket().bucket("site").send().await.unwrap();
    });
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
