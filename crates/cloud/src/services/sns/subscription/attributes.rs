//! Attributes of subscriptions.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Named, existing};
use crate::api::ApiError;
use crate::document::{Document, some};
use crate::services::sns::invalid;
use crate::state;

/// Checks an attribute.
///
/// # Errors
/// One that does not exist, cannot have the value, or is not modelled.
pub fn check(name: &str, value: &str) -> Result<(), ApiError> {
    match name {
        "RawMessageDelivery" if matches!(value, "true" | "false") => Ok(()),
        "RawMessageDelivery" => Err(invalid(format_args!(
            "Attributes Reason: RawMessageDelivery: Invalid value [{value}]. Must be true or false."
        ))),
        "DeliveryPolicy"
        | "FilterPolicy"
        | "FilterPolicyScope"
        | "RedrivePolicy"
        | "SubscriptionRoleArn"
        | "ReplayPolicy" => Err(ApiError::not_modelled(format_args!(
            "subscription attribute '{name}'"
        ))),
        _ => Err(invalid("AttributeName")),
    }
}

/// All attributes of a subscription.
///
/// # Errors
/// `NotFound`.
pub fn get_subscription_attributes(
    cloud: &mut state::State,
    input: &Named,
) -> Result<Document, ApiError> {
    let owner = cloud.account.clone();
    let subscription = existing(cloud, input.arn())?;
    let mut attributes = BTreeMap::from([
        ("SubscriptionArn", subscription.arn.clone()),
        ("TopicArn", subscription.topic.clone()),
        ("Owner", owner),
        ("Protocol", subscription.protocol.name().to_owned()),
        ("Endpoint", subscription.endpoint.clone()),
        (
            "PendingConfirmation",
            (!subscription.is_confirmed()).to_string(),
        ),
        ("ConfirmationWasAuthenticated", "false".to_owned()),
        ("RawMessageDelivery", "false".to_owned()),
    ]);
    for (name, value) in &subscription.attributes {
        attributes.insert(name, value.clone());
    }
    Ok(Document::fields([(
        "Attributes",
        some(Document::entries(attributes)),
    )]))
}

/// The parameters of `SetSubscriptionAttributes`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Set {
    subscription_arn: String,
    attribute_name: String,
    #[serde(default)]
    attribute_value: String,
}

/// Sets one attribute.
///
/// # Errors
/// `NotFound`; attributes that cannot be set.
pub fn set_subscription_attributes(
    cloud: &mut state::State,
    input: Set,
) -> Result<Document, ApiError> {
    check(&input.attribute_name, &input.attribute_value)?;
    existing(cloud, &input.subscription_arn)?
        .attributes
        .insert(input.attribute_name, input.attribute_value);
    Ok(Document::empty())
}
