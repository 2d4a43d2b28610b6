//! What SNS sends to web servers outside of the cloud, for who can carry it there.

use bytes::Bytes;

use crate::cloud::Cloud;
use crate::services::sns::post;
use crate::services::sns::publish::Outcome;
use crate::store::StoreError;

/// A message to a web server outside.
#[derive(Debug, Clone)]
pub struct Parcel {
    message: String,
    endpoint: String,
    /// What to send.
    pub request: http::Request<Bytes>,
}

impl Cloud {
    /// The messages that wait for a carrier; links in them lead to `url`, where the
    /// cloud's API is.
    #[must_use]
    pub fn parcels(&self, url: &str) -> Vec<Parcel> {
        self.look(|state| {
            let api = format!("https://sns.{}.amazonaws.com/", state.region);
            let waiting = state
                .sns
                .outbox
                .iter()
                .filter(|delivery| delivery.outcome == Outcome::Outside);
            waiting
                .filter_map(|delivery| {
                    let mut here = delivery.clone();
                    here.body = here.body.replace(&api, &format!("{url}/"));
                    Some(Parcel {
                        message: delivery.id.clone(),
                        endpoint: delivery.endpoint.clone(),
                        request: post::request(state, &here).ok()?,
                    })
                })
                .collect()
        })
    }

    /// Notes what came of a message.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn carried(&self, parcel: &Parcel, outcome: &Outcome) -> Result<(), StoreError> {
        self.change(|state| {
            for delivery in &mut state.sns.outbox {
                if delivery.id == parcel.message && delivery.endpoint == parcel.endpoint {
                    delivery.outcome = outcome.clone();
                }
            }
        })
    }
}
