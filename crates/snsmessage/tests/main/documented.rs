//! What is signed, by the documentation's own example.

use opsh_snsmessage::message::Message;
use opsh_snsmessage::signing::signed_text;

/// <https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message-verify-message-signature.html>
#[test]
fn a_notification_is_signed_as_documented() {
    let message = Message::read(
        br#"{
            "Type": "Notification",
            "MessageId": "4d4dc071-ddbf-465d-bba8-08f81c89da64",
            "TopicArn": "arn:aws:sns:us-east-2:123456789012:s4-MySNSTopic-1G1WEFCOXTC0P",
            "Subject": "My subject",
            "Message": "Test message",
            "Timestamp": "2019-01-31T04:37:04.321Z",
            "SignatureVersion": "2", "Signature": "", "SigningCertURL": "", "UnsubscribeURL": ""
        }"#,
    )
    .expect("a message");
    assert_eq!(
        signed_text(&message),
        "Message\nTest message\n\
         MessageId\n4d4dc071-ddbf-465d-bba8-08f81c89da64\n\
         Subject\nMy subject\n\
         Timestamp\n2019-01-31T04:37:04.321Z\n\
         TopicArn\narn:aws:sns:us-east-2:123456789012:s4-MySNSTopic-1G1WEFCOXTC0P\n\
         Type\nNotification\n"
    );
    let without = Message {
        subject: None,
        ..message
    };
    assert!(!signed_text(&without).contains("Subject"));
}

#[test]
fn a_confirmation_is_signed_as_documented() {
    let message = Message::read(
        br#"{
            "Type": "SubscriptionConfirmation",
            "MessageId": "3d891288-136d-417f-bc05-901c108273ee",
            "Token": "233641",
            "TopicArn": "arn:aws:sns:us-east-2:123456789012:t",
            "Message": "My Test Message",
            "SubscribeURL": "https://sns.us-east-2.amazonaws.com/?Action=ConfirmSubscription&Token=233641",
            "Timestamp": "2019-01-31T19:25:13.719Z",
            "SignatureVersion": "1", "Signature": "", "SigningCertURL": ""
        }"#,
    )
    .expect("a message");
    assert_eq!(
        signed_text(&message),
        "Message\nMy Test Message\n\
         MessageId\n3d891288-136d-417f-bc05-901c108273ee\n\
         SubscribeURL\nhttps://sns.us-east-2.amazonaws.com/?Action=ConfirmSubscription&Token=233641\n\
         Timestamp\n2019-01-31T19:25:13.719Z\n\
         Token\n233641\n\
         TopicArn\narn:aws:sns:us-east-2:123456789012:t\n\
         Type\nSubscriptionConfirmation\n"
    );
}
