//! The certificate that a signature is checked with: whose it is, and who vouches for it.
//!
//! SNS serves its certificate alone, without those between it and the root. Those of
//! Amazon are public and few; they are built in ([`amazon_intermediates`]), so that
//! nothing else has to be fetched, and prove themselves against the root like any other.

use std::fmt::Display;

use jiff::Timestamp;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, Error, KeyUsage, anchor_from_trusted_cert};

use crate::place::Place;
use crate::refusal::Refusal;
use crate::signing::Key;

/// The most certificates that are read of one file.
const LONGEST: usize = 8;

/// Amazon RSA 2048 M01 to M04, from <https://www.amazontrust.com/repository/>.
const AMAZON: &[u8] = include_bytes!("amazon/intermediates.pem");

/// Whose word counts.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The roots.
    pub anchors: Vec<TrustAnchor<'static>>,
    /// Certificates that may lead from a leaf to a root, besides those that come with it.
    pub intermediates: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// Trusts the authorities in a file of PEM, and nobody else.
    ///
    /// # Errors
    /// No PEM, no certificate in it, or one that cannot be an authority.
    pub fn of_pem(pem: &[u8]) -> Result<Self, String> {
        let mut trust = Self::default();
        for certificate in pem_certificates(pem)? {
            trust.add(&certificate)?;
        }
        if trust.anchors.is_empty() {
            return Err("there is no certificate in it".to_owned());
        }
        Ok(trust)
    }

    /// Trusts one more authority.
    ///
    /// # Errors
    /// The certificate cannot be read.
    pub fn add(&mut self, root: &CertificateDer<'_>) -> Result<(), String> {
        let anchor = anchor_from_trusted_cert(root).map_err(|error| error.to_string())?;
        self.anchors.push(anchor.to_owned());
        Ok(())
    }
}

/// The authorities between Amazon's roots and the certificates of SNS.
///
/// # Errors
/// None: a test reads them.
pub fn amazon_intermediates() -> Result<Vec<CertificateDer<'static>>, String> {
    pem_certificates(AMAZON)
}

/// A certificate of SNS as it was fetched, with those that came with it.
#[derive(Debug, Clone)]
pub struct Chain {
    certificates: Vec<CertificateDer<'static>>,
}

impl Chain {
    /// Reads a file of PEM whose first certificate is the one that signs.
    ///
    /// # Errors
    /// [`Refusal::Certificate`].
    pub fn read(pem: &[u8]) -> Result<Self, Refusal> {
        let certificates = pem_certificates(pem).map_err(Refusal::Certificate)?;
        match certificates.len() {
            0 => Err(unread("there is none in the file")),
            1..=LONGEST => Ok(Self { certificates }),
            more => Err(unread(format_args!("{more} are in the file"))),
        }
    }

    /// The key that signs, if the certificate is SNS's and descends from a root at this time.
    ///
    /// # Errors
    /// What is wrong with the certificate, or with one above it.
    pub fn key(&self, place: &Place, trust: &Trust, now: Timestamp) -> Result<Key, Refusal> {
        let (leaf, others) = self
            .certificates
            .split_first()
            .ok_or_else(|| unread("there is none in the file"))?;
        let leaf = EndEntityCert::try_from(leaf).map_err(unread)?;
        let between: Vec<CertificateDer> =
            others.iter().chain(&trust.intermediates).cloned().collect();
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        leaf.verify_for_usage(
            ALL_VERIFICATION_ALGS,
            &trust.anchors,
            &between,
            UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds)),
            KeyUsage::server_auth(),
            None,
            None,
        )
        .map_err(distrusted)?;
        let made_out = place.names().into_iter().any(|name| {
            ServerName::try_from(name)
                .is_ok_and(|name| leaf.verify_is_valid_for_subject_name(&name).is_ok())
        });
        if !made_out {
            let names: Vec<&str> = leaf.valid_dns_names().collect();
            return Err(Refusal::Name(names.join(", ")));
        }
        Key::read(&leaf.subject_public_key_info())
    }
}

fn pem_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(pem)
        .take(LONGEST + 1)
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())
}

fn unread(why: impl Display) -> Refusal {
    Refusal::Certificate(why.to_string())
}

fn distrusted(error: Error) -> Refusal {
    match error {
        Error::CertExpired { .. } => Refusal::Expired,
        Error::CertNotValidYet { .. } => Refusal::Early,
        other => Refusal::Chain(other.to_string()),
    }
}
