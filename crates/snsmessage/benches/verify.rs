//! How many messages a second are proved on one core, beside the bare check of a signature.
//!
//!     cargo bench --manifest-path crates/snsmessage/Cargo.toml

use std::hint::black_box;
use std::time::{Duration, Instant};

use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use opsh_snsmessage::message::Message;
use opsh_snsmessage::place::Place;
use opsh_snsmessage::signer::Signer;
use opsh_snsmessage::signing::signed_text;
use opsh_snsmessage::{Answer, Certificates, Rules, Trust, Unreachable, Verifier};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_RSA_SHA256,
    PublicKeyData,
};

const MESSAGES: usize = 2_000;
const ROUNDS: usize = 50;
const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:alarms";
/// As long as what an alarm of CloudWatch says.
const ALARM: &str = include_str!("alarm.json");

struct Fixed(String);

impl Certificates for Fixed {
    fn fetch(&self, _: &Place) -> Result<Answer, Unreachable> {
        Ok(Answer {
            status: 200,
            body: self.0.clone().into_bytes(),
        })
    }
}

fn main() {
    let now: Timestamp = "2026-05-02T00:54:10Z".parse().expect("a time");
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root =
        CertifiedIssuer::self_signed(root, KeyPair::generate().expect("a key")).expect("a root");
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a key");
    let leaf = CertificateParams::new(vec!["sns.amazonaws.com".to_owned()])
        .and_then(|params| params.signed_by(&key, &root))
        .expect("a certificate");
    let signer = Signer::read(&key.serialize_der()).expect("a key");
    let bodies: Vec<Vec<u8>> = (0..MESSAGES).map(|number| body(&signer, number)).collect();
    let trust = Trust::of_pem(root.pem().as_bytes()).expect("a root");
    let bare = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.subject_public_key_info())
        .expect("a key");
    let pairs: Vec<(String, Vec<u8>)> = bodies
        .iter()
        .map(|body| {
            let message = Message::read(body).expect("a message");
            let signature = STANDARD.decode(&message.signature).expect("base64");
            (signed_text(&message), signature)
        })
        .collect();

    // In turns, and the best of each: what else the machine does meets both.
    let (mut alone, mut whole) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        alone = alone.min(time(|| {
            for (text, signature) in &pairs {
                bare.verify_sig(black_box(text.as_bytes()), signature)
                    .expect("it is genuine");
            }
        }));
        let rules = Rules::of([TOPIC.to_owned()]);
        let verifier = Verifier::new(rules, trust.clone(), Box::new(Fixed(leaf.pem())));
        whole = whole.min(time(|| {
            for body in &bodies {
                black_box(verifier.verify(body, now)).expect("it is genuine");
            }
        }));
    }

    println!(
        "{} bytes a message, {MESSAGES} messages, one core",
        bodies[0].len()
    );
    println!("the signature alone: {:>8.0} a second", rate(alone));
    println!("the whole message:   {:>8.0} a second", rate(whole));
    println!(
        "the whole takes {:.2} times the signature",
        whole.as_secs_f64() / alone.as_secs_f64()
    );
}

fn body(signer: &Signer, number: usize) -> Vec<u8> {
    let mut fields = serde_json::json!({
        "Type": "Notification",
        "MessageId": format!("22b80b92-fdea-4c2c-8f9d-{number:012}"),
        "TopicArn": TOPIC,
        "Subject": "ALARM: \"cpu-high\" in EU (Ireland)",
        "Message": ALARM,
        "Timestamp": "2026-05-02T00:54:06.655Z",
        "SignatureVersion": "2",
        "Signature": "",
        "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem",
        "UnsubscribeURL": "https://sns.eu-west-1.amazonaws.com/?Action=Unsubscribe",
    });
    let message = Message::read(fields.to_string().as_bytes()).expect("a message");
    fields["Signature"] = signer.sign(&message).expect("a signature").into();
    fields.to_string().into_bytes()
}

fn time(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

#[allow(clippy::cast_precision_loss)]
fn rate(took: Duration) -> f64 {
    MESSAGES as f64 / took.as_secs_f64()
}
