//! One delivery, with everything around it that can be altered.

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use opsh_snsmessage::message::Message;
use opsh_snsmessage::place::Place;
use opsh_snsmessage::{
    Answer, Certificates, Refusal, Rules, Trust, Unreachable, Verified, Verifier,
};
use rcgen::KeyPair;
use serde_json::{Map, Value};

use crate::authority::{self, HOST, issue, key, leaf, signer, trust, trusted};

pub const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:alarms";
pub const ID: &str = "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324";

/// Where the certificate is.
pub fn url() -> String {
    format!("https://{HOST}/SimpleNotificationService-0123456789abcdef0123456789abcdef.pem")
}

/// A delivery; as it is made, everything about it is right.
pub struct Case {
    pub fields: Map<String, Value>,
    /// Instead of the fields' JSON.
    pub body: Option<Vec<u8>>,
    pub answer: Result<Answer, Unreachable>,
    pub now: Timestamp,
    pub rules: Rules,
    pub trust: Trust,
    pub fetched: Arc<Mutex<Vec<String>>>,
    verifier: Option<Verifier>,
}

impl Case {
    /// A notification, signed with version 2.
    pub fn notification() -> Self {
        Self::of(serde_json::json!({
            "Type": "Notification",
            "MessageId": ID,
            "TopicArn": TOPIC,
            "Subject": "ALARM: \"cpu-high\" in EU (Ireland)",
            "Message": "{\"AlarmName\":\"cpu-high\",\n\"NewStateValue\":\"ALARM\"}",
            "Timestamp": "2026-05-02T00:54:06.655Z",
            "SignatureVersion": "2",
            "SigningCertURL": url(),
            "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
        }))
    }

    /// The question whether the endpoint wants the messages.
    pub fn confirmation() -> Self {
        Self::of(serde_json::json!({
            "Type": "SubscriptionConfirmation",
            "MessageId": ID,
            "Token": "2336412f37fb687f5d51e6e241d09c805a5a57b30d712f794cc5f6a988666d92",
            "TopicArn": TOPIC,
            "Message": "You have chosen to subscribe to the topic.",
            "SubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription",
            "Timestamp": "2026-05-02T00:54:06.655Z",
            "SignatureVersion": "2",
            "SigningCertURL": url(),
        }))
    }

    fn of(fields: Value) -> Self {
        let Value::Object(fields) = fields else {
            unreachable!("it is an object")
        };
        let pem = issue(&leaf(&["sns.amazonaws.com", HOST]), key(), trusted());
        let mut case = Self {
            fields,
            body: None,
            answer: Ok(Answer {
                status: 200,
                body: pem.into_bytes(),
            }),
            now: "2026-05-02T00:54:10Z".parse().expect("a time"),
            rules: Rules::of([TOPIC.to_owned()]),
            trust: trust(),
            fetched: Arc::default(),
            verifier: None,
        };
        case.sign();
        case
    }

    pub fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.fields.insert(field.to_owned(), value.into());
    }

    pub fn text(&self, field: &str) -> &str {
        self.fields[field].as_str().expect("a text")
    }

    /// Signs the fields as they are.
    pub fn sign(&mut self) {
        self.sign_with(authority::key());
    }

    pub fn sign_with(&mut self, key: &KeyPair) {
        self.set("Signature", "");
        let message = Message::read(&self.json()).expect("what is signed is a message");
        self.set(
            "Signature",
            signer(key).sign(&message).expect("a signature"),
        );
    }

    /// Lets this be what is at the certificate's place.
    pub fn serve(&mut self, status: u16, body: impl Into<Vec<u8>>) {
        self.answer = Ok(Answer {
            status,
            body: body.into(),
        });
    }

    /// What is at the certificate's place.
    pub fn certificate(&self) -> String {
        let answer = self.answer.as_ref().expect("an answer");
        String::from_utf8(answer.body.clone()).expect("text")
    }

    pub fn json(&self) -> Vec<u8> {
        serde_json::to_vec(&self.fields).expect("JSON")
    }

    pub fn later(&mut self, by: SignedDuration) {
        self.now += by;
    }

    /// Lets its verifier prove another message first, by the certificate that this one names.
    pub fn acquaint(&mut self, genuine: Self) {
        let fields = std::mem::replace(&mut self.fields, genuine.fields);
        let now = std::mem::replace(&mut self.now, genuine.now);
        let body = self.body.take();
        self.set("MessageId", "22b80b92-fdea-4c2c-8f9d-000000000000");
        self.sign();
        self.deliver().expect("it is genuine");
        (self.fields, self.now, self.body) = (fields, now, body);
        self.fetched.lock().expect("nobody panicked").clear();
    }

    /// Delivers it, always to the same verifier, and deals with it.
    pub fn deliver(&mut self) -> Result<Verified, Refusal> {
        let taken = self.hand_over()?;
        self.verifier().keep(&taken);
        Ok(taken)
    }

    /// Delivers it, always to the same verifier.
    pub fn hand_over(&mut self) -> Result<Verified, Refusal> {
        let verifier = self.verifier.get_or_insert_with(|| {
            let source = Source {
                answer: self.answer.clone(),
                fetched: Arc::clone(&self.fetched),
            };
            Verifier::new(self.rules.clone(), self.trust.clone(), Box::new(source))
        });
        let body = match &self.body {
            Some(body) => body.clone(),
            None => serde_json::to_vec(&self.fields).expect("JSON"),
        };
        verifier.verify(&body, self.now)
    }

    pub fn release(&self, message: &Verified) {
        self.verifier().release(message);
    }

    /// What it was delivered to.
    pub fn verifier(&self) -> &Verifier {
        self.verifier.as_ref().expect("a delivery")
    }

    /// Which certificates were fetched.
    pub fn fetches(&self) -> Vec<String> {
        self.fetched.lock().expect("nobody panicked").clone()
    }
}

struct Source {
    answer: Result<Answer, Unreachable>,
    fetched: Arc<Mutex<Vec<String>>>,
}

impl Certificates for Source {
    fn fetch(&self, place: &Place) -> Result<Answer, Unreachable> {
        self.fetched
            .lock()
            .expect("nobody panicked")
            .push(place.to_string());
        self.answer.clone()
    }
}
