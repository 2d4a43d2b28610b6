//! Images that are none, through the playbook that shows one.

use std::collections::BTreeMap;

use super::super::shipped;
use crate::support::opsh::User;
use crate::support::site::{Page, Site};

const PROMISED: u64 = 2 * 1024 * 1024 * 1024;

/// A site with images of all kinds but the right one.
fn site() -> Site {
    let large = Page {
        announced: Some(PROMISED),
        ..Page::ok("image/jpeg", [0xff, 0xd8, 0xff, 0xe0])
    };
    Site::start(BTreeMap::from([
        (
            "/page.jpg",
            Page::ok("image/jpeg", "<!doctype html><p>Not here"),
        ),
        ("/empty.jpg", Page::ok("image/jpeg", "")),
        ("/large.jpg", large),
    ]))
}

/// The code and all that is said, without what every run says before, and with
/// names for what differs from machine to machine.
fn said(site: &Site, path: &str) -> (i32, String) {
    let url = format!("{}{path}", site.url);
    let playbook = shipped("newwebserver");
    let ended = User::new().opsh([
        "run",
        &playbook,
        "--local",
        "-q",
        &format!("image_url={url}"),
    ]);
    let err = ended
        .err
        .replace(&site.url, "SITE")
        .replace(&playbook, "newwebserver.rhai");
    (ended.code, err)
}

/// What the playbook says of an image that it refuses.
fn refused(what: &str) -> (i32, String) {
    let message = format!(
        "\
error: newwebserver.rhai:41:69: {what}
    |
 41 |     if problem.kind != \"unreachable\" && problem.kind != \"timeout\" {{ throw problem; }}
    |                                                                     ^^^^^
  next: give another image_url=…
"
    );
    (1, message)
}

#[test]
fn a_page_in_place_of_an_image() {
    assert_eq!(
        said(&site(), "/page.jpg"),
        refused("SITE/page.jpg is text/html, not an image")
    );
}

#[test]
fn nothing_in_place_of_an_image() {
    assert_eq!(
        said(&site(), "/empty.jpg"),
        refused("SITE/empty.jpg is empty")
    );
}

#[test]
fn an_image_that_is_not_there() {
    assert_eq!(
        said(&site(), "/none.jpg"),
        refused("SITE/none.jpg answered 404")
    );
}

#[test]
fn an_image_of_two_gigabytes_is_refused_unread() {
    let site = site();
    let message = "\
error: stdlib/web.rhai:172:18: http::get: SITE/large.jpg: the body is larger than the limit of 10485760 bytes
     |
 172 |     let answer = http::get(url, #{ limit: limit, timeout: \"30s\" });
     |                  ^^^^^^^^^
  next: raise 'limit' if a body of that size is expected
";
    assert_eq!(said(&site, "/large.jpg"), (1, message.into()));
    // What the kernel buffers on the way is no reading.
    assert!(site.sent() < PROMISED / 20, "{} bytes", site.sent());
}
