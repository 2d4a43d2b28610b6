//! Where the certificate of SNS comes from, and who vouches for it.

use std::sync::{Arc, Weak};
use std::time::Duration;

use opsh_operation::{Fault, FaultKind};
use opsh_snsmessage::certificate::amazon_intermediates;
use opsh_snsmessage::place::Place;
use opsh_snsmessage::{Answer, Certificates, Trust, Unreachable};

use crate::service::Hub;
use crate::world::Kind;
use crate::world::http::Request;

/// Certificates over the world's HTTP.
pub(super) struct Fetched {
    hub: Weak<Hub>,
}

impl Fetched {
    pub fn new(hub: &Arc<Hub>) -> Self {
        Self {
            hub: Arc::downgrade(hub),
        }
    }
}

impl Certificates for Fetched {
    fn fetch(&self, place: &Place) -> Result<Answer, Unreachable> {
        let hub = self.hub.upgrade();
        let hub = hub.ok_or_else(|| Unreachable("the service has ended".to_owned()))?;
        let request = Request {
            method: "GET".to_owned(),
            url: place.to_string(),
            headers: Vec::new(),
            body: Vec::new(),
            timeout: Duration::from_secs(10),
            redirects: 0,
            limit: 64 * 1024,
            download_to: None,
        };
        match hub.world().http().send(&request, hub.stop()) {
            Ok(response) => Ok(Answer {
                status: response.status,
                body: response.body,
            }),
            Err(fault) => Err(Unreachable(fault.message)),
        }
    }
}

/// Whom the service trusts: live the platform's roots, and whoever `--sns-ca` names; on the
/// embedded cloud its own authority, and nobody else.
pub(super) fn trust(hub: &Hub) -> Result<Trust, Fault> {
    let unfit = |why: String| {
        let words = format!("who vouches for SNS cannot be read: {why}");
        Fault::new(FaultKind::Failed, words)
    };
    if hub.world().kind() != Kind::Live {
        let own = opsh_cloud::services::sns::signing::AUTHORITY;
        return Trust::of_pem(own.as_bytes()).map_err(unfit);
    }
    let mut trust = Trust {
        intermediates: amazon_intermediates().map_err(unfit)?,
        ..Trust::default()
    };
    for root in rustls_native_certs::load_native_certs().certs {
        // What the platform has and nobody can read vouches for nobody.
        let _ = trust.add(&root);
    }
    if let Some(extra) = hub.authority() {
        trust
            .anchors
            .extend(Trust::of_pem(extra).map_err(unfit)?.anchors);
    }
    if trust.anchors.is_empty() {
        return Err(unfit("the platform has no certificates".to_owned())
            .hint("install the package ca-certificates"));
    }
    Ok(trust)
}
