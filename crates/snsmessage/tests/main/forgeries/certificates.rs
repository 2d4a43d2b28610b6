//! Certificates that prove nothing, though they are where SNS keeps its own.

use opsh_snsmessage::Unreachable;
use rcgen::{
    CertificateParams, ExtendedKeyUsagePurpose, KeyPair, PKCS_ECDSA_P256_SHA256, date_time_ymd,
};

use super::Alter::By;
use super::{Forgery, refused};
use crate::authority::{HOST, foreign, issue, key, leaf, trusted};
use crate::case::{Case, url};

const ANSWERS: &[Forgery] = &[
    (
        "nobody",
        By(|case| case.answer = Err(Unreachable("refused".into()))),
        "Unreachable",
    ),
    (
        "a redirection",
        By(|case| case.serve(302, case.certificate())),
        "Redirected 302",
    ),
    (
        "a lasting redirection",
        By(|case| case.serve(308, "")),
        "Redirected 308",
    ),
    (
        "not there",
        By(|case| case.serve(404, case.certificate())),
        "Status 404",
    ),
    ("a failure", By(|case| case.serve(503, "")), "Status 503"),
    (
        "another success",
        By(|case| case.serve(206, case.certificate())),
        "Status 206",
    ),
    ("empty", By(|case| case.serve(200, "")), "Certificate"),
    (
        "a page",
        By(|case| case.serve(200, "<html></html>")),
        "Certificate",
    ),
    (
        "a huge file",
        By(|case| case.serve(200, "x".repeat(65_537))),
        "Certificate",
    ),
    (
        "cut off",
        By(|case| case.serve(200, &case.certificate()[..400])),
        "Certificate",
    ),
    (
        "no DER in it",
        By(|case| case.serve(200, NO_DER)),
        "Certificate",
    ),
    (
        "a key alone",
        By(|case| case.serve(200, key().public_key_pem())),
        "Certificate",
    ),
    (
        "nine in one",
        By(|case| case.serve(200, case.certificate().repeat(9))),
        "Certificate",
    ),
];

const CHAINS: &[Forgery] = &[
    (
        "another authority",
        By(|case| case.serve(200, strange())),
        "Chain",
    ),
    (
        "it comes along",
        By(|case| case.serve(200, strange() + &foreign().pem())),
        "Chain",
    ),
    (
        "signed by itself",
        By(|case| case.serve(200, by_itself())),
        "Chain",
    ),
    (
        "the root itself",
        By(|case| case.serve(200, trusted().pem())),
        "Chain",
    ),
    (
        "nobody is trusted",
        By(|case| case.trust.anchors.clear()),
        "Chain",
    ),
    (
        "altered",
        By(|case| case.serve(200, altered(case.certificate()))),
        "Chain",
    ),
    (
        "for programs only",
        By(|case| served(case, for_programs)),
        "Chain",
    ),
    (
        "expired",
        By(|case| served(case, |params| params.not_after = date_time_ymd(2026, 5, 1))),
        "Expired",
    ),
    (
        "not valid yet",
        By(|case| served(case, |params| params.not_before = date_time_ymd(2026, 5, 3))),
        "Early",
    ),
    (
        "another kind of key",
        By(|case| case.serve(200, of_curves())),
        "Key",
    ),
];

const NAMES: &[Forgery] = &[
    ("another", By(|case| named(case, &["evil.example"])), "Name"),
    (
        "another region's",
        By(|case| named(case, &["sns.us-east-1.amazonaws.com"])),
        "Name",
    ),
    (
        "another service's",
        By(|case| named(case, &["s3.eu-west-1.amazonaws.com"])),
        "Name",
    ),
    (
        "one before the name",
        By(|case| named(case, &["evil.sns.amazonaws.com"])),
        "Name",
    ),
    (
        "one behind the name",
        By(|case| named(case, &["sns.amazonaws.com.evil.example"])),
        "Name",
    ),
    ("the common name only", By(|case| named(case, &[])), "Name"),
];

const NO_DER: &str = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";

fn right() -> CertificateParams {
    leaf(&["sns.amazonaws.com", HOST])
}

fn served(case: &mut Case, alter: fn(&mut CertificateParams)) {
    let mut params = right();
    alter(&mut params);
    case.serve(200, issue(&params, key(), trusted()));
}

fn named(case: &mut Case, names: &[&str]) {
    case.serve(200, issue(&leaf(names), key(), trusted()));
}

fn strange() -> String {
    issue(&right(), key(), foreign())
}

fn by_itself() -> String {
    right().self_signed(key()).expect("a certificate").pem()
}

fn for_programs(params: &mut CertificateParams) {
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
}

fn of_curves() -> String {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
    issue(&right(), &key, trusted())
}

/// Another letter near the end, in the authority's signature.
fn altered(pem: String) -> String {
    let place = pem.trim_end().rfind("-----END").expect("an end") - 12;
    let other = if pem.as_bytes()[place] == b'A' {
        "B"
    } else {
        "A"
    };
    let mut pem = pem;
    pem.replace_range(place..=place, other);
    pem
}

#[test]
fn answers_that_are_no_certificate() {
    refused(Case::notification, ANSWERS, &[url()]);
}

#[test]
fn certificates_that_nobody_vouches_for() {
    refused(Case::notification, CHAINS, &[url()]);
}

#[test]
fn certificates_of_others() {
    refused(Case::notification, NAMES, &[url()]);
}
