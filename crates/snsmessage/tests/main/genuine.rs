//! What SNS sends is believed.

use jiff::{SignedDuration, Timestamp};
use opsh_snsmessage::certificate::{Chain, amazon_intermediates};
use opsh_snsmessage::place::Place;
use opsh_snsmessage::{Kind, Refusal, Trust};

use crate::authority::{authority, issue, key, leaf, trusted};
use crate::case::{Case, ID, TOPIC, url};

#[test]
fn a_notification_is_believed_with_one_connection() {
    let mut case = Case::notification();
    let message = case.deliver().expect("it is genuine");
    assert_eq!(message.kind, Kind::Notification);
    assert_eq!(message.id, ID);
    assert_eq!(message.topic, TOPIC);
    assert_eq!(message.text, case.text("Message"));
    assert_eq!(message.subject.as_deref(), Some(case.text("Subject")));
    assert_eq!(message.token, None);
    assert_eq!(case.fetches(), [url()]);
}

#[test]
fn a_notification_without_a_subject_is_believed() {
    let mut case = Case::notification();
    case.fields.remove("Subject");
    case.sign();
    assert_eq!(case.deliver().expect("it is genuine").subject, None);
    let mut case = Case::notification();
    case.set("Subject", ());
    case.sign();
    assert_eq!(case.deliver().expect("it is genuine").subject, None);
}

#[test]
fn a_confirmation_gives_its_token_and_no_url() {
    let mut case = Case::confirmation();
    let message = case.deliver().expect("it is genuine");
    assert_eq!(message.kind, Kind::SubscriptionConfirmation);
    assert_eq!(message.token.as_deref(), Some(case.text("Token")));
    let mut case = Case::confirmation();
    case.set("Type", "UnsubscribeConfirmation");
    case.sign();
    let message = case.deliver().expect("it is genuine");
    assert_eq!(message.kind, Kind::UnsubscribeConfirmation);
}

#[test]
fn version_1_is_believed_where_it_was_asked_for() {
    let mut case = Case::notification();
    case.rules.sha1 = true;
    case.set("SignatureVersion", "1");
    case.sign();
    case.deliver().expect("it is genuine");
}

#[test]
fn the_certificate_is_fetched_once_for_many_messages() {
    let mut case = Case::notification();
    for number in 0..5 {
        case.set("MessageId", format!("message-{number}"));
        case.sign();
        case.deliver().expect("it is genuine");
        case.later(SignedDuration::from_mins(2));
    }
    assert_eq!(case.fetches().len(), 1);
}

#[test]
fn a_kept_certificate_that_expires_is_fetched_again_and_refused() {
    let mut case = Case::notification();
    case.deliver().expect("it is genuine");
    case.now = "2027-01-01T00:00:01Z".parse().expect("a time");
    case.set("MessageId", "later");
    case.set("Timestamp", "2027-01-01T00:00:00.000Z");
    case.sign();
    assert_eq!(case.deliver(), Err(Refusal::Expired));
    assert_eq!(case.fetches().len(), 2);
}

#[test]
fn a_chain_may_come_with_the_certificate_or_be_at_hand() {
    let key_between = rcgen::KeyPair::generate().expect("a key");
    let between = rcgen::CertifiedIssuer::signed_by(authority("Between"), key_between, trusted())
        .expect("a certificate");
    let leaf = leaf(&["sns.amazonaws.com"])
        .signed_by(key(), &between)
        .expect("a certificate")
        .pem();
    let mut with = Case::notification();
    with.serve(200, format!("{leaf}{}", between.pem()));
    with.deliver().expect("the chain is complete");
    let mut alone = Case::notification();
    alone.serve(200, leaf.clone());
    assert!(matches!(alone.deliver(), Err(Refusal::Chain(_))));
    let mut at_hand = Case::notification();
    at_hand.trust.intermediates.push(between.der().clone());
    at_hand.serve(200, leaf);
    at_hand.deliver().expect("the chain is at hand");
}

#[test]
fn regions_sign_under_their_own_names() {
    for (region, suffix, name) in [
        ("eu-west-1", "", "sns.amazonaws.com"),
        ("eu-west-1", "", "sns.eu-west-1.amazonaws.com"),
        (
            "ap-southeast-3",
            "",
            "sns-signing.ap-southeast-3.amazonaws.com",
        ),
        ("us-gov-east-1", "", "sns-us-gov-west-1.amazonaws.com"),
        ("cn-north-1", ".cn", "sns-cn-north-1.amazonaws.com.cn"),
    ] {
        let mut case = Case::notification();
        let topic = format!("arn:aws:sns:{region}:123456789012:alarms");
        case.rules.topics = [topic.clone()].into();
        case.set("TopicArn", topic);
        case.set(
            "SigningCertURL",
            format!("https://sns.{region}.amazonaws.com{suffix}/SimpleNotificationService-1a.pem"),
        );
        case.sign();
        case.serve(200, issue(&leaf(&[name]), key(), trusted()));
        case.deliver()
            .unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
    }
}

/// A certificate as SNS served it in October 2026, alone, with what is built in and the root.
#[test]
fn a_certificate_of_sns_itself_descends_from_amazons_root() {
    let mut trust = Trust::of_pem(include_bytes!("../data/amazon-root-1.pem")).expect("a root");
    trust.intermediates = amazon_intermediates().expect("certificates");
    assert_eq!(trust.intermediates.len(), 4);
    let chain = Chain::read(include_bytes!("../data/af-south-1.pem")).expect("a certificate");
    let place = |region: &str| {
        Place::read(
            &format!("https://sns.{region}.amazonaws.com/SimpleNotificationService-5416.pem"),
            &format!("arn:aws:sns:{region}:123456789012:alarms"),
        )
        .expect("a place of SNS")
    };
    let now: Timestamp = "2026-10-02T18:00:00Z".parse().expect("a time");
    chain
        .key(&place("af-south-1"), &trust, now)
        .expect("it is SNS's");
    let elsewhere = chain.key(&place("eu-west-1"), &trust, now).err();
    assert!(matches!(elsewhere, Some(Refusal::Name(_))), "{elsewhere:?}");
    let year = SignedDuration::from_hours(365 * 24);
    let late = chain.key(&place("af-south-1"), &trust, now + year).err();
    assert_eq!(late, Some(Refusal::Expired));
    trust.intermediates.clear();
    let alone = chain.key(&place("af-south-1"), &trust, now).err();
    assert!(matches!(alone, Some(Refusal::Chain(_))), "{alone:?}");
}
