//! Where a message can say that its certificate is.

use super::verdict;
use crate::case::Case;

/// Where a certificate of SNS is not: each with what is wrong with it.
const PLACES: &[(&str, &str)] = &[
    (
        "http://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Scheme",
    ),
    (
        "HTTPS://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Scheme",
    ),
    (
        "ftp://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Scheme",
    ),
    ("file:///etc/ssl/SimpleNotificationService-1.pem", "Scheme"),
    (
        "//sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Scheme",
    ),
    (
        " https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Scheme",
    ),
    (
        "https:/sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Scheme",
    ),
    (
        "https:\\\\sns.eu-west-1.amazonaws.com\\SimpleNotificationService-1.pem",
        "Scheme",
    ),
    ("", "Scheme"),
    (
        "https://user@sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "User",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com@evil.example/SimpleNotificationService-1.pem",
        "User",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com:x@evil.example/SimpleNotificationService-1.pem",
        "User",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com:443/SimpleNotificationService-1.pem",
        "Port",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com:8443/SimpleNotificationService-1.pem",
        "Port",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com:/SimpleNotificationService-1.pem",
        "Port",
    ),
    (
        "https://evil.example/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com.evil.example/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://evil.example.amazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://evilsns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns.eu-west-1.evilamazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns.eu-west-1.amazonaws.co/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com.cn/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com./SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns.eu-west-1amazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns.amazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns.evil.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns.s3.amazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://s3.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns-bucket.s3.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns.eu-west-1.s3.amazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://SNS.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns.EU-WEST-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com%2eevil.example/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns%2eeu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com\t/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns.eu-west-1.am\u{430}zonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns.eu\u{2010}west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns.eu-west-1\u{3002}amazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://xn--sns-eu-west-1-amazonaws-0fg.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns.xn--eu-west-1-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    ("https://127.0.0.1/SimpleNotificationService-1.pem", "Host"),
    (
        "https://169.254.169.254/SimpleNotificationService-1.pem",
        "Host",
    ),
    ("https://2130706433/SimpleNotificationService-1.pem", "Host"),
    ("https://[::1]/SimpleNotificationService-1.pem", "Host"),
    (
        "https://[::ffff:169.254.169.254]:443/SimpleNotificationService-1.pem",
        "Host",
    ),
    ("https://localhost/SimpleNotificationService-1.pem", "Host"),
    ("https:///SimpleNotificationService-1.pem", "Host"),
    ("https://", "Host"),
    (
        "https://evil.example?sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://evil.example#.sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://evil.example\\.sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://evil.example/https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Host",
    ),
    (
        "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-1.pem",
        "Region",
    ),
    (
        "https://sns.cn-north-1.amazonaws.com.cn/SimpleNotificationService-1.pem",
        "Region",
    ),
    ("https://sns.eu-west-1.amazonaws.com", "Path"),
    ("https://sns.eu-west-1.amazonaws.com/", "Path"),
    ("https://sns.eu-west-1.amazonaws.com/other.pem", "Path"),
    (
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-.pem",
        "Path",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.PEM",
        "Path",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem/",
        "Path",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem?a=b",
        "Path",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem#a",
        "Path",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com?/SimpleNotificationService-1.pem",
        "Path",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com#/SimpleNotificationService-1.pem",
        "Path",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com\\SimpleNotificationService-1.pem",
        "Path",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com//SimpleNotificationService-1.pem",
        "Path",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com/../SimpleNotificationService-1.pem",
        "Path",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1/../2.pem",
        "Path",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-%2e%2e.pem",
        "Path",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem\n",
        "Path",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem\0",
        "Path",
    ),
    (
        "https://sns.eu-west-1.amazonaws.com/?Action=GetTopicAttributes&x=SimpleNotificationService-1.pem",
        "Path",
    ),
];

#[test]
fn places_where_sns_keeps_no_certificate() {
    for (place, oddity) in PLACES {
        let mut case = Case::notification();
        case.set("SigningCertURL", *place);
        let refusal = case.deliver().expect_err("nobody goes there");
        assert_eq!(verdict(&refusal), format!("Place {oddity}"), "{place}");
        assert!(case.fetches().is_empty(), "{place}");
        let shown = refusal.to_string();
        assert!(!shown.contains('\n'), "a log line stays one: {shown}");
    }
}
