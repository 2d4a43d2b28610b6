//! Once each, in bounded memory.

use jiff::SignedDuration;
use opsh_snsmessage::{Answer, Refusal};

use crate::case::Case;

#[test]
fn a_message_is_taken_once_however_often_it_comes() {
    let mut case = Case::notification();
    case.deliver().expect("it is genuine");
    for minute in 0..62 {
        let refusal = case.deliver().expect_err("it has come before");
        let wanted = if minute < 60 { "once" } else { "freshness" };
        assert_eq!(refusal.check(), wanted, "after {minute} minutes");
        case.later(SignedDuration::from_mins(1));
    }
}

#[test]
fn a_message_that_could_not_be_dealt_with_may_come_again() {
    let mut case = Case::notification();
    let message = case.deliver().expect("it is genuine");
    case.release(&message);
    case.deliver().expect("it was released");
    assert!(matches!(case.deliver(), Err(Refusal::Replay(_))));
}

#[test]
fn nobody_is_told_that_a_message_was_dealt_with_before_it_was() {
    let mut case = Case::notification();
    let message = case.hand_over().expect("it is genuine");
    let refusal = case.hand_over().expect_err("it is under way");
    assert!(matches!(refusal, Refusal::UnderWay(_)), "{refusal}");
    assert_eq!((refusal.check(), refusal.passes()), ("once", true));
    case.verifier().keep(&message);
    let refusal = case.hand_over().expect_err("it has come before");
    assert!(matches!(refusal, Refusal::Replay(_)), "{refusal}");
    assert!(!refusal.passes());
}

#[test]
fn what_an_earlier_verifier_dealt_with_is_known_to_the_next() {
    let mut first = Case::notification();
    let message = first.deliver().expect("it is genuine");
    let mut next = Case::notification();
    let mut other = next.fields.clone();
    next.hand_over().expect("nobody has told it");
    next.verifier().remember("another", message.sent, next.now);
    other.insert("MessageId".to_owned(), "another".into());
    next.fields = other;
    next.sign();
    assert!(matches!(next.deliver(), Err(Refusal::Replay(_))));
    next.later(SignedDuration::from_mins(61));
    assert_eq!(
        next.deliver().expect_err("it is stale").check(),
        "freshness"
    );
}

#[test]
fn what_is_forgotten_is_refused_and_never_taken_twice() {
    let mut case = Case::notification();
    case.rules.memory = 3;
    let send = |case: &mut Case, second: u32| {
        case.set("MessageId", format!("message-{second}"));
        case.set("Timestamp", format!("2026-05-02T00:54:{second:02}.000Z"));
        case.sign();
        case.deliver().err().map(|refusal| refusal.check())
    };
    for second in 1..=6 {
        assert_eq!(send(&mut case, second), None, "{second}");
    }
    let verdicts: Vec<_> = (1..=6).map(|second| send(&mut case, second)).collect();
    let (stale, once) = (Some("freshness"), Some("once"));
    assert_eq!(verdicts, [stale, stale, stale, once, once, once]);
}

#[test]
fn a_clock_that_goes_back_revives_nothing() {
    let mut case = Case::notification();
    case.deliver().expect("it is genuine");
    let before = case.now;
    case.later(SignedDuration::from_hours(3));
    case.set("MessageId", "another");
    case.set("Timestamp", "2026-05-02T03:54:00.000Z");
    case.sign();
    case.deliver().expect("it is genuine");
    let mut first = Case::notification();
    case.fields = std::mem::take(&mut first.fields);
    case.now = before;
    assert_eq!(
        case.deliver().expect_err("it has come").check(),
        "freshness"
    );
}

#[test]
fn no_more_than_ten_certificates_are_asked_for_in_a_minute() {
    let mut case = Case::notification();
    case.answer = Ok(Answer {
        status: 404,
        body: Vec::new(),
    });
    let ask = |case: &mut Case, number: u32| {
        case.set(
            "SigningCertURL",
            format!("https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-{number}.pem"),
        );
        case.deliver().expect_err("nothing is there")
    };
    for number in 0..10 {
        assert_eq!(ask(&mut case, number), Refusal::Status(404));
    }
    assert_eq!(ask(&mut case, 10), Refusal::Haste);
    assert!(Refusal::Haste.passes(), "it may come again");
    assert_eq!(case.fetches().len(), 10);
    case.later(SignedDuration::from_secs(61));
    assert_eq!(ask(&mut case, 10), Refusal::Status(404));
}
