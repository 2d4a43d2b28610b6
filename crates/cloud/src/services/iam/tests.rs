//! A role's life with an instance profile.
#![allow(clippy::unwrap_used)]

use super::{handle, instance_profile};
use crate::api::ApiRequest;
use crate::furnish::Options;
use crate::state::State;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}}"#;

fn call(cloud: &mut State, action: &str, params: &[(&str, &str)]) -> Result<String, String> {
    handle(cloud, &ApiRequest::query("iam", action, params))
        .map(|answer| String::from_utf8(answer.body().to_vec()).unwrap())
        .map_err(|error| error.code)
}

#[test]
fn what_still_depends_on_a_role_keeps_it() {
    let mut cloud = State::furnished(&Options::default());
    let role = ("RoleName", "web");
    let profile = ("InstanceProfileName", "web");
    let policy = (
        "PolicyArn",
        "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore",
    );
    let create = [role, ("AssumeRolePolicyDocument", TRUST)];
    let made = call(&mut cloud, "CreateRole", &create).unwrap();
    assert!(
        made.contains("<Arn>arn:aws:iam::123456789012:role/web</Arn>"),
        "{made}"
    );
    assert!(
        made.contains("<CreateDate>2026-01-01T00:00:00Z</CreateDate>"),
        "{made}"
    );
    assert_eq!(
        call(&mut cloud, "CreateRole", &create),
        Err("EntityAlreadyExists".into())
    );
    call(&mut cloud, "AttachRolePolicy", &[role, policy]).unwrap();
    call(&mut cloud, "CreateInstanceProfile", &[profile]).unwrap();
    call(&mut cloud, "AddRoleToInstanceProfile", &[profile, role]).unwrap();
    let found = instance_profile(&cloud, "arn:aws:iam::123456789012:instance-profile/web");
    assert_eq!(found.unwrap().role.as_deref(), Some("web"));
    let delete = |cloud: &mut State| call(cloud, "DeleteRole", &[role]);
    assert_eq!(delete(&mut cloud), Err("DeleteConflict".into()));
    call(
        &mut cloud,
        "RemoveRoleFromInstanceProfile",
        &[profile, role],
    )
    .unwrap();
    assert_eq!(delete(&mut cloud), Err("DeleteConflict".into()));
    call(&mut cloud, "DetachRolePolicy", &[role, policy]).unwrap();
    delete(&mut cloud).unwrap();
    assert_eq!(
        call(&mut cloud, "GetRole", &[role]),
        Err("NoSuchEntity".into())
    );
    call(&mut cloud, "DeleteInstanceProfile", &[profile]).unwrap();
}

#[test]
fn documents_come_back_encoded_and_lists_in_pages() {
    let mut cloud = State::furnished(&Options::default());
    for name in ["b", "a", "c"] {
        let create = [("RoleName", name), ("AssumeRolePolicyDocument", TRUST)];
        call(&mut cloud, "CreateRole", &create).unwrap();
    }
    let page = call(&mut cloud, "ListRoles", &[("MaxItems", "2")]).unwrap();
    let names: Vec<&str> = page
        .split("<RoleName>")
        .skip(1)
        .map(|rest| &rest[..1])
        .collect();
    assert_eq!(names, ["a", "b"]);
    assert!(
        page.contains("%7B%22Version%22%3A%222012-10-17%22"),
        "{page}"
    );
    assert!(
        page.contains("<IsTruncated>true</IsTruncated><Marker>2</Marker>"),
        "{page}"
    );
    let rest = call(
        &mut cloud,
        "ListRoles",
        &[("MaxItems", "2"), ("Marker", "2")],
    )
    .unwrap();
    assert!(rest.contains("<RoleName>c</RoleName>") && !rest.contains("<RoleName>b</RoleName>"));
}

#[test]
fn a_boundary_is_refused_by_name() {
    let mut cloud = State::furnished(&Options::default());
    let request = ApiRequest::query(
        "iam",
        "CreateRole",
        &[
            ("RoleName", "web"),
            ("AssumeRolePolicyDocument", TRUST),
            (
                "PermissionsBoundary",
                "arn:aws:iam::aws:policy/ReadOnlyAccess",
            ),
        ],
    );
    assert_eq!(
        handle(&mut cloud, &request).unwrap_err().message,
        "not modelled by the embedded cloud: iam:CreateRole parameter 'PermissionsBoundary'"
    );
}
