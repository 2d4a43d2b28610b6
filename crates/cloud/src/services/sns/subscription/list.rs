//! Lists of subscriptions.

use serde::Deserialize;

use super::Subscription;
use crate::api::ApiError;
use crate::document::{Document, maybe, some};
use crate::services::sns::{page, topic};
use crate::state;

/// The parameters of `ListSubscriptions`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct All {
    next_token: Option<String>,
}

/// All subscriptions.
///
/// # Errors
/// A token that no answer gave.
pub fn list_subscriptions(cloud: &mut state::State, input: &All) -> Result<Document, ApiError> {
    let found = cloud.sns.subscriptions.iter().collect();
    listed(cloud, found, input.next_token.as_deref())
}

/// The parameters of `ListSubscriptionsByTopic`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ByTopic {
    topic_arn: String,
    next_token: Option<String>,
}

/// The subscriptions of a topic.
///
/// # Errors
/// `NotFound`; a token that no answer gave.
pub fn list_subscriptions_by_topic(
    cloud: &mut state::State,
    input: &ByTopic,
) -> Result<Document, ApiError> {
    topic::existing(cloud, &input.topic_arn)?;
    let found = cloud
        .sns
        .subscriptions
        .iter()
        .filter(|subscription| subscription.topic == input.topic_arn)
        .collect();
    listed(cloud, found, input.next_token.as_deref())
}

fn listed(
    cloud: &state::State,
    found: Vec<&Subscription>,
    token: Option<&str>,
) -> Result<Document, ApiError> {
    let (found, token) = page(found, token)?;
    let members = found.into_iter().map(|subscription| {
        Document::fields([
            ("SubscriptionArn", some(subscription.shown_arn())),
            ("Owner", some(&cloud.account)),
            ("Protocol", some(subscription.protocol.name())),
            ("Endpoint", some(&subscription.endpoint)),
            ("TopicArn", some(&subscription.topic)),
        ])
    });
    Ok(Document::fields([
        ("Subscriptions", Some(Document::list(members))),
        ("NextToken", maybe(token.as_ref())),
    ]))
}
