//! Brings SNS's messages to web servers on this machine.
//!
//! Whoever subscribed `http://127.0.0.1:9000/` to a topic of a simulated cloud means a
//! program of his own. Nothing is sent any farther than loopback.

use std::time::Duration;

use opsh_cloud::Cloud;
use opsh_cloud::services::sns::publish::Outcome;

/// How long SNS waits for an endpoint's answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Who carries the messages of one cloud.
pub(super) struct Postman {
    cloud: Cloud,
    url: String,
    agent: ureq::Agent,
}

impl Postman {
    /// For a cloud whose API is at `url`.
    pub fn new(cloud: Cloud, url: String) -> Self {
        let agent = ureq::Agent::config_builder()
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        Self { cloud, url, agent }
    }

    /// Brings what waits.
    pub fn walk(&self) {
        for parcel in self.cloud.parcels(&self.url) {
            if !is_near(parcel.request.uri()) {
                continue;
            }
            let sent = self
                .agent
                .run(parcel.request.clone().map(|body| body.to_vec()));
            let outcome = match sent {
                Ok(answer) => Outcome::Answered(answer.status().as_u16()),
                Err(error) => Outcome::Failed(error.to_string()),
            };
            // Where it cannot be kept it is sent again: better twice than never.
            let _ = self.cloud.carried(&parcel, &outcome);
        }
    }
}

/// Whether a URL leads to this machine.
fn is_near(uri: &http::Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    uri.scheme_str() == Some("http")
        && (host == "localhost"
            || host
                .trim_matches(['[', ']'])
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback()))
}
