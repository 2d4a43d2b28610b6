//! The SDK's own clients on the embedded cloud.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;
use jiff::Timestamp;
use opsh_cloud::furnish::Options;
use opsh_operation::FaultKind;

use super::{Fixtures, Local};
use crate::world::http::Request;
use crate::world::{Cancel, Scope, World as _};

mod faults;
mod functions;
mod machines;
mod objects;

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
    Client::new(local.aws(&Scope::default(), &cancel()).unwrap().config())
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
