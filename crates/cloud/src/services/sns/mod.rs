//! SNS: topics, who listens to them, and what was delivered.
//!
//! - [`topic`]: topics and their attributes;
//! - [`subscription`]: subscriptions, pending until confirmed where the endpoint must agree;
//! - [`publish`]: messages, and the outbox that shows what was delivered to whom;
//! - [`post`]: messages to web servers, and [`signing`] of them;
//! - [`tags`]: tags of topics.
//!
//! Facts: <https://docs.aws.amazon.com/sns/latest/api/welcome.html>.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::state;

pub mod policy;
pub mod post;
pub mod publish;
pub mod signing;
pub mod subscription;
pub mod tags;
pub mod topic;

/// What there is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    /// The topics by ARN.
    pub topics: BTreeMap<String, topic::Topic>,
    /// The subscriptions in the order in which they were made.
    pub subscriptions: Vec<subscription::Subscription>,
    /// What was delivered, oldest first.
    pub outbox: Vec<publish::Delivery>,
}

/// What happens later.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum Event {
    /// A message that a web server did not take is sent again.
    Retry {
        /// The message's id.
        message: String,
        /// Where it goes.
        endpoint: String,
        /// How many more times after this.
        left: u32,
    },
}

/// Answers a request.
///
/// # Errors
/// The service's own refusals.
pub fn handle(cloud: &mut state::State, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    let result = match request.action.as_str() {
        "CreateTopic" => topic::create_topic(cloud, request.read()?),
        "DeleteTopic" => topic::delete_topic(cloud, &request.read()?),
        "ListTopics" => topic::list_topics(cloud, &request.read()?),
        "GetTopicAttributes" => topic::get_topic_attributes(cloud, &request.read()?),
        "SetTopicAttributes" => topic::set_topic_attributes(cloud, request.read()?),
        "Subscribe" => subscription::subscribe(cloud, request.read()?),
        "ConfirmSubscription" => subscription::confirm_subscription(cloud, &request.read()?),
        "Unsubscribe" => subscription::unsubscribe(cloud, &request.read()?),
        "GetSubscriptionAttributes" => {
            subscription::attributes::get_subscription_attributes(cloud, &request.read()?)
        }
        "SetSubscriptionAttributes" => {
            subscription::attributes::set_subscription_attributes(cloud, request.read()?)
        }
        "ListSubscriptions" => subscription::list::list_subscriptions(cloud, &request.read()?),
        "ListSubscriptionsByTopic" => {
            subscription::list::list_subscriptions_by_topic(cloud, &request.read()?)
        }
        "Publish" => publish::publish(cloud, request.read()?),
        "TagResource" => tags::tag_resource(cloud, request.read()?),
        "UntagResource" => tags::untag_resource(cloud, &request.read()?),
        "ListTagsForResource" => tags::list_tags_for_resource(cloud, &request.read()?),
        other => Err(ApiError::not_modelled(format_args!("sns:{other}"))),
    }?;
    Ok(request.says(&result))
}

/// Lets a planned event happen.
pub fn happen(cloud: &mut state::State, event: Event) {
    match event {
        Event::Retry {
            message,
            endpoint,
            left,
        } => post::again(cloud, &message, &endpoint, left),
    }
}

/// A refusal of a parameter.
fn invalid(why: impl std::fmt::Display) -> ApiError {
    ApiError::new("InvalidParameter", format!("Invalid parameter: {why}"))
}

/// A refusal because something is not there.
fn not_found(what: &str) -> ApiError {
    ApiError::new("NotFound", format!("{what} does not exist")).with_status(404)
}

/// The items from `token` on, a hundred a page, and the token of the next page.
fn page<T>(items: Vec<T>, token: Option<&str>) -> Result<(Vec<T>, Option<String>), ApiError> {
    const SIZE: usize = 100;
    let start: usize = token
        .map_or(Ok(0), str::parse)
        .map_err(|_| invalid("NextToken"))?;
    let next = start.saturating_add(SIZE);
    let token = (next < items.len()).then(|| next.to_string());
    Ok((items.into_iter().skip(start).take(SIZE).collect(), token))
}

#[cfg(test)]
mod tests;
