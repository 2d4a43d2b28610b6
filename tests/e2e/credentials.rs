//! What is said where AWS cannot be asked for want of credentials, region or an endpoint.

use std::fs;

use crate::support::opsh::User;

/// Somebody with profiles, far from any instance's metadata.
fn user() -> User {
    let user = User::new().with("AWS_EC2_METADATA_DISABLED", "true");
    let folder = user.home().join(".aws");
    fs::create_dir(&folder).unwrap();
    let config = "[profile prod]\nregion = eu-west-1\n[profile empty]\nregion = eu-west-1\n";
    fs::write(folder.join("config"), config).unwrap();
    let keys = "[prod]\naws_access_key_id = a\naws_secret_access_key = b\n";
    fs::write(folder.join("credentials"), keys).unwrap();
    fs::write(user.home().join("who.rhai"), "sts::get_caller_identity()").unwrap();
    user
}

/// The message and the next step, without the excerpt between them.
fn said(user: &User, arguments: &[&str]) -> (String, String) {
    let ended = user.opsh(["run", "who.rhai"].iter().chain(arguments));
    assert_eq!(ended.code, 1, "{}", ended.err);
    let line = |start: &str| {
        let line = ended
            .err
            .lines()
            .find_map(|line| line.trim().strip_prefix(start));
        line.unwrap_or_else(|| panic!("{}", ended.err)).to_owned()
    };
    (
        line("error: who.rhai:1:1: sts::get_caller_identity: "),
        line("next: "),
    )
}

#[test]
fn absent_credentials_name_the_ways_out() {
    let ways = "set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with \
                'aws sso login'; --local and --dry-run need no account";
    assert_eq!(
        said(&user(), &[]),
        (
            "no AWS credentials were found (MissingCredentials)".into(),
            ways.into()
        )
    );
    let with_keys = user()
        .with("AWS_ACCESS_KEY_ID", "other")
        .with("AWS_SECRET_ACCESS_KEY", "other");
    assert_eq!(
        said(&with_keys, &["--profile", "empty"]),
        (
            "no AWS credentials were found for the profile 'empty' (MissingCredentials)".into(),
            ways.into()
        )
    );
}

#[test]
fn an_unknown_profile_is_not_replaced_by_another_identity() {
    let with_keys = user()
        .with("AWS_ACCESS_KEY_ID", "other")
        .with("AWS_SECRET_ACCESS_KEY", "other")
        .with("AWS_REGION", "us-east-1");
    let expected = "there is no AWS profile 'prdo'; did you mean 'prod'? (UnknownProfile)";
    assert_eq!(said(&with_keys, &["--profile", "prdo"]).0, expected);
    assert_eq!(
        said(&with_keys.with("AWS_PROFILE", "prdo"), &[]).0,
        expected
    );
}

#[test]
fn an_absent_region_names_the_ways_out() {
    let with_keys = user()
        .with("AWS_ACCESS_KEY_ID", "a")
        .with("AWS_SECRET_ACCESS_KEY", "b");
    assert_eq!(
        said(&with_keys, &[]),
        (
            "no AWS region is set (MissingRegion)".into(),
            "set AWS_REGION, pass --region, or use --local or --dry-run".into()
        )
    );
}

#[test]
fn an_unreachable_endpoint_is_named_as_such() {
    let (message, _) = said(
        &user(),
        &["--profile", "prod", "--endpoint-url", "http://127.0.0.1:1"],
    );
    assert!(
        message.starts_with("http://127.0.0.1:1: the service cannot be reached: "),
        "{message}"
    );
}
