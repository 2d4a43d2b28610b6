//! Attributes of balancers, listeners and target groups.
//!
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html>,
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ListenerAttribute.html>,
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html>

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{access_log, balancer, group, listener, validation};
use crate::api::ApiError;
use crate::document::{Document, some};
use crate::state;

/// An attribute: its key, its value where none is set, and whether other values change
/// something that the embedded cloud does not model.
type Known = (&'static str, &'static str, bool);

const BALANCER: &[Known] = &[
    ("access_logs.s3.bucket", "", false),
    ("access_logs.s3.enabled", "false", false),
    ("access_logs.s3.prefix", "", false),
    ("client_keep_alive.seconds", "3600", false),
    ("connection_logs.s3.bucket", "", false),
    ("connection_logs.s3.enabled", "false", true),
    ("connection_logs.s3.prefix", "", false),
    ("deletion_protection.enabled", "false", false),
    ("health_check_logs.s3.bucket", "", false),
    ("health_check_logs.s3.enabled", "false", true),
    ("health_check_logs.s3.prefix", "", false),
    ("idle_timeout.timeout_seconds", "60", false),
    ("ipv6.deny_all_igw_traffic", "false", true),
    ("load_balancing.cross_zone.enabled", "true", true),
    ("routing.http.desync_mitigation_mode", "defensive", false),
    (
        "routing.http.drop_invalid_header_fields.enabled",
        "false",
        false,
    ),
    ("routing.http.preserve_host_header.enabled", "false", false),
    (
        "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
        "false",
        true,
    ),
    ("routing.http.xff_client_port.enabled", "false", true),
    ("routing.http.xff_header_processing.mode", "append", true),
    ("routing.http2.enabled", "true", false),
    ("waf.fail_open.enabled", "false", false),
    ("zonal_shift.config.enabled", "false", false),
];

const LISTENER: &[Known] = &[
    (
        "routing.http.response.access_control_allow_credentials.header_value",
        "",
        true,
    ),
    (
        "routing.http.response.access_control_allow_headers.header_value",
        "",
        true,
    ),
    (
        "routing.http.response.access_control_allow_methods.header_value",
        "",
        true,
    ),
    (
        "routing.http.response.access_control_allow_origin.header_value",
        "",
        true,
    ),
    (
        "routing.http.response.access_control_expose_headers.header_value",
        "",
        true,
    ),
    (
        "routing.http.response.access_control_max_age.header_value",
        "",
        true,
    ),
    (
        "routing.http.response.content_security_policy.header_value",
        "",
        true,
    ),
    ("routing.http.response.server.enabled", "true", true),
    (
        "routing.http.response.strict_transport_security.header_value",
        "",
        true,
    ),
    (
        "routing.http.response.x_content_type_options.header_value",
        "",
        true,
    ),
    (
        "routing.http.response.x_frame_options.header_value",
        "",
        true,
    ),
];

const GROUP: &[Known] = &[
    ("deregistration_delay.timeout_seconds", "300", false),
    ("load_balancing.algorithm.anomaly_mitigation", "off", true),
    ("load_balancing.algorithm.type", "round_robin", true),
    (
        "load_balancing.cross_zone.enabled",
        "use_load_balancer_configuration",
        true,
    ),
    ("slow_start.duration_seconds", "0", true),
    ("stickiness.app_cookie.cookie_name", "", false),
    ("stickiness.app_cookie.duration_seconds", "86400", false),
    ("stickiness.enabled", "false", true),
    ("stickiness.lb_cookie.duration_seconds", "86400", false),
    ("stickiness.type", "lb_cookie", false),
    (
        "target_group_health.dns_failover.minimum_healthy_targets.count",
        "1",
        true,
    ),
    (
        "target_group_health.dns_failover.minimum_healthy_targets.percentage",
        "off",
        true,
    ),
    (
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count",
        "1",
        true,
    ),
    (
        "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage",
        "off",
        true,
    ),
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Attribute {
    key: String,
    #[serde(default)]
    value: String,
}

fn check(known: &[Known], attributes: &[Attribute]) -> Result<(), ApiError> {
    for Attribute { key, value } in attributes {
        let Some((_, standard, only)) = known.iter().find(|(name, ..)| name == key) else {
            return Err(validation(format_args!(
                "Attribute key '{key}' is not recognized"
            )));
        };
        if *only && value != standard {
            return Err(ApiError::not_modelled(format_args!(
                "attribute {key}={value}"
            )));
        }
        let good = if value == standard {
            true
        } else if key.ends_with(".enabled") {
            matches!(value.as_str(), "true" | "false")
        } else if key.ends_with("_seconds") || key.ends_with(".seconds") {
            value.parse::<u32>().is_ok()
        } else {
            true
        };
        let range = match key.as_str() {
            "idle_timeout.timeout_seconds" => Some(1..=4000),
            "deregistration_delay.timeout_seconds" => Some(0..=3600),
            _ => None,
        };
        let within =
            range.is_none_or(|range| value.parse().is_ok_and(|value| range.contains(&value)));
        if !good || !within {
            return Err(validation(format_args!(
                "Attribute value '{value}' of key '{key}' is not valid"
            )));
        }
    }
    Ok(())
}

fn answer(known: &[Known], set: &BTreeMap<String, String>) -> Document {
    let members = known.iter().map(|(key, standard, _)| {
        let value = set.get(*key).map_or(*standard, String::as_str);
        Document::fields([("Key", some(*key)), ("Value", some(value))])
    });
    Document::fields([("Attributes", Some(Document::list(members)))])
}

/// All attributes of a balancer.
///
/// # Errors
/// `LoadBalancerNotFound`.
pub fn of_balancer(cloud: &mut state::State, input: balancer::Named) -> Result<Document, ApiError> {
    let balancer = balancer::existing(cloud, input.arn())?;
    Ok(answer(BALANCER, &balancer.attributes))
}

/// The parameters of `ModifyLoadBalancerAttributes`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyBalancer {
    load_balancer_arn: String,
    attributes: Vec<Attribute>,
}

/// Sets attributes of a balancer.
///
/// # Errors
/// `LoadBalancerNotFound`; unknown keys, bad values, what is not modelled.
pub fn modify_balancer(
    cloud: &mut state::State,
    input: ModifyBalancer,
) -> Result<Document, ApiError> {
    balancer::existing(cloud, &input.load_balancer_arn)?;
    check(BALANCER, &input.attributes)?;
    let arn = &input.load_balancer_arn;
    let before = balancer::existing(cloud, arn)?.attributes.clone();
    let mut after = before.clone();
    for attribute in input.attributes {
        after.insert(attribute.key, attribute.value);
    }
    let shown = answer(BALANCER, &after);
    let logs = |set: &BTreeMap<String, String>| -> Vec<Option<String>> {
        ["enabled", "bucket", "prefix"]
            .map(|name| set.get(&format!("access_logs.s3.{name}")).cloned())
            .to_vec()
    };
    let logged_elsewhere = logs(&before) != logs(&after);
    if let Some(balancer) = cloud.elbv2.balancers.get_mut(arn) {
        balancer.attributes = after;
    }
    if logged_elsewhere && let Err(refusal) = access_log::begin(cloud, arn) {
        if let Some(balancer) = cloud.elbv2.balancers.get_mut(arn) {
            balancer.attributes = before;
        }
        return Err(refusal);
    }
    Ok(shown)
}

/// The parameter of `DescribeListenerAttributes`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct OfListener {
    listener_arn: String,
}

/// All attributes of a listener: as they are at first, for others are not modelled.
///
/// # Errors
/// `ListenerNotFound`.
pub fn of_listener(cloud: &mut state::State, input: OfListener) -> Result<Document, ApiError> {
    listener::existing(cloud, &input.listener_arn)?;
    Ok(answer(LISTENER, &BTreeMap::new()))
}

/// The parameters of `ModifyListenerAttributes`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyListener {
    listener_arn: String,
    attributes: Vec<Attribute>,
}

/// Sets attributes of a listener to what they are.
///
/// # Errors
/// `ListenerNotFound`; unknown keys, what is not modelled.
pub fn modify_listener(
    cloud: &mut state::State,
    input: ModifyListener,
) -> Result<Document, ApiError> {
    listener::existing(cloud, &input.listener_arn)?;
    check(LISTENER, &input.attributes)?;
    Ok(answer(LISTENER, &BTreeMap::new()))
}

/// All attributes of a target group.
///
/// # Errors
/// `TargetGroupNotFound`.
pub fn of_group(cloud: &mut state::State, input: group::Named) -> Result<Document, ApiError> {
    let group = group::existing(cloud, input.arn())?;
    Ok(answer(GROUP, &group.attributes))
}

/// The parameters of `ModifyTargetGroupAttributes`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ModifyGroup {
    target_group_arn: String,
    attributes: Vec<Attribute>,
}

/// Sets attributes of a target group.
///
/// # Errors
/// `TargetGroupNotFound`; unknown keys, bad values, what is not modelled.
pub fn modify_group(cloud: &mut state::State, input: ModifyGroup) -> Result<Document, ApiError> {
    group::existing(cloud, &input.target_group_arn)?;
    check(GROUP, &input.attributes)?;
    let mut shown = Document::empty();
    if let Some(group) = cloud.elbv2.groups.get_mut(&input.target_group_arn) {
        for attribute in input.attributes {
            group.attributes.insert(attribute.key, attribute.value);
        }
        shown = answer(GROUP, &group.attributes);
    }
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_in_order_and_their_defaults_pass_their_own_check() {
        for table in [BALANCER, LISTENER, GROUP] {
            assert!(table.is_sorted_by(|a, b| a.0 < b.0));
            let defaults: Vec<Attribute> = table
                .iter()
                .map(|(key, value, _)| Attribute {
                    key: (*key).to_owned(),
                    value: (*value).to_owned(),
                })
                .collect();
            assert_eq!(check(table, &defaults), Ok(()));
        }
    }
}
