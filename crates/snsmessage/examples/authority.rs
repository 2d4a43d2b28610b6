//! Makes what the embedded cloud's SNS signs with: an authority, a certificate, its key.
//!
//!     cargo run --manifest-path crates/snsmessage/Cargo.toml --example authority -- FOLDER
//!
//! The authority's own key is thrown away: nothing else can ever be made out by it.

use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, date_time_ymd,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).map(PathBuf::from);
    let folder = folder.ok_or("where to? say a folder")?;

    let mut root = CertificateParams::default();
    let name = "SNS of the embedded cloud of opsh";
    root.distinguished_name.push(DnType::CommonName, name);
    root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    root.not_before = date_time_ymd(2000, 1, 1);
    root.not_after = date_time_ymd(2999, 1, 1);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate()?)?;

    let names = ["sns.amazonaws.com", "sns-us-gov-west-1.amazonaws.com"];
    let mut leaf = CertificateParams::new(names.map(str::to_owned))?;
    leaf.distinguished_name.push(DnType::CommonName, names[0]);
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    leaf.not_before = date_time_ymd(2000, 1, 1);
    leaf.not_after = date_time_ymd(2999, 1, 1);
    let key = KeyPair::generate_for(&PKCS_RSA_SHA256)?;
    let leaf = leaf.signed_by(&key, &root)?;

    std::fs::write(folder.join("authority.pem"), root.pem())?;
    std::fs::write(folder.join("certificate.pem"), leaf.pem())?;
    std::fs::write(folder.join("key.der"), key.serialize_der())?;
    Ok(())
}
