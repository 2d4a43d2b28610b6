//! An authority of the tests' own, and what it makes out.

use std::sync::LazyLock;

use opsh_snsmessage::Trust;
use opsh_snsmessage::signer::Signer;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, date_time_ymd,
};

/// The host of the tests' topic.
pub const HOST: &str = "sns.eu-west-1.amazonaws.com";

type Root = CertifiedIssuer<'static, KeyPair>;

static TRUSTED: LazyLock<Root> = LazyLock::new(|| root("Trusted"));
static FOREIGN: LazyLock<Root> = LazyLock::new(|| root("Foreign"));
static KEY: LazyLock<KeyPair> = LazyLock::new(rsa);
static OTHER_KEY: LazyLock<KeyPair> = LazyLock::new(rsa);

/// The key that signs the messages.
pub fn key() -> &'static KeyPair {
    &KEY
}

/// A key like it that is somebody else's.
pub fn other_key() -> &'static KeyPair {
    &OTHER_KEY
}

/// The authority that is trusted.
pub fn trusted() -> &'static Root {
    &TRUSTED
}

/// One that is not.
pub fn foreign() -> &'static Root {
    &FOREIGN
}

/// Trust in the one and not in the other.
pub fn trust() -> Trust {
    Trust::of_pem(trusted().pem().as_bytes()).expect("the root is a certificate")
}

/// Signs with a key.
pub fn signer(key: &KeyPair) -> Signer {
    Signer::read(&key.serialize_der()).expect("an RSA key")
}

fn rsa() -> KeyPair {
    KeyPair::generate_for(&PKCS_RSA_SHA256).expect("a key")
}

fn root(name: &str) -> Root {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key");
    CertifiedIssuer::self_signed(authority(name), key).expect("a root")
}

/// What a certificate of an authority says.
pub fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::KeyCertSign,
        KeyUsagePurpose::DigitalSignature,
    ];
    params
}

/// What a certificate of SNS says: its names, from 2026 to 2027.
pub fn leaf(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = CertificateParams::new(names).expect("names of hosts");
    params
        .distinguished_name
        .push(DnType::CommonName, "sns.amazonaws.com");
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2027, 1, 1);
    params
}

/// Makes a certificate out, as PEM.
pub fn issue(params: &CertificateParams, key: &KeyPair, by: &Root) -> String {
    params.signed_by(key, by).expect("a certificate").pem()
}
