//! Key pairs.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Asked, text};

#[test]
fn a_made_key_is_a_private_key_and_logs_in() {
    let mut ec2 = Asked::new();
    let made = ec2.ok("CreateKeyPair", &[("KeyName", "k"), ("KeyType", "ed25519")]);
    let private = ssh_key::PrivateKey::from_openssh(&text(&made, "keyMaterial")[0]).unwrap();
    let seen = ec2.ok(
        "DescribeKeyPairs",
        &[("KeyName.1", "k"), ("IncludePublicKey", "true")],
    );
    let public = ssh_key::PublicKey::from_openssh(&text(&seen, "publicKey")[0]).unwrap();
    assert_eq!(private.public_key().key_data(), public.key_data());
    let fingerprint = public.fingerprint(ssh_key::HashAlg::Sha256);
    assert_eq!(
        text(&seen, "keyFingerprint"),
        [STANDARD.encode(fingerprint.as_bytes())]
    );
    let id = ec2.run(&[("KeyName", "k")]);
    ec2.wait(120);
    let line = private.public_key().to_openssh().unwrap();
    let now = ec2.cloud.now;
    let host = ec2.cloud.hosts.get_mut(&id).unwrap();
    host.login("ec2-user", &line, now).unwrap();
}

#[test]
fn names_are_unique_and_missing_ones_are_named() {
    let mut ec2 = Asked::new();
    let material = STANDARD.encode(include_str!("../testdata/rsa.pub"));
    let import = [
        ("KeyName", "mine"),
        ("PublicKeyMaterial", material.as_str()),
    ];
    let made = ec2.ok("ImportKeyPair", &import);
    assert_eq!(
        text(&made, "keyFingerprint"),
        [include_str!("../testdata/rsa.md5").trim()]
    );
    assert_eq!(
        ec2.fails("ImportKeyPair", &import),
        "InvalidKeyPair.Duplicate: The keypair already exists: mine"
    );
    let bad = STANDARD.encode("ssh-rsa nonsense");
    assert_eq!(
        ec2.fails(
            "ImportKeyPair",
            &[("KeyName", "bad"), ("PublicKeyMaterial", &bad)]
        ),
        "InvalidKey.Format: Key is not in valid OpenSSH public key format"
    );
    ec2.ok("DeleteKeyPair", &[("KeyName", "mine")]);
    ec2.ok("DeleteKeyPair", &[("KeyName", "mine")]);
    assert_eq!(
        ec2.fails("DescribeKeyPairs", &[("KeyName.1", "mine")]),
        "InvalidKeyPair.NotFound: The key pair 'mine' does not exist"
    );
    assert_eq!(
        ec2.fails("CreateKeyPair", &[("KeyName", "r")]),
        "NotModelled: not modelled by the embedded cloud: a new key pair of type rsa (ed25519 is)"
    );
}
