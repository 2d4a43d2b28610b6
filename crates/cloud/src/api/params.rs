//! Reading a request's parameters, and refusing those that nobody models.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::Value;

use super::{ApiError, ApiRequest, Protocol};

impl ApiRequest {
    /// A request of the query protocol (or EC2's), for tests.
    #[must_use]
    pub fn query(service: &str, action: &str, params: &[(&str, &str)]) -> Self {
        let protocol = if service == "ec2" {
            Protocol::Ec2
        } else {
            Protocol::Query
        };
        let params = params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        Self::bare(service, action, protocol, params, Value::Null)
    }

    /// A request of `rpc-v2-cbor` with a decoded body, for tests.
    #[must_use]
    pub fn cbor(service: &str, action: &str, body: Value) -> Self {
        Self::bare(service, action, Protocol::Cbor, BTreeMap::new(), body)
    }

    fn bare(
        service: &str,
        action: &str,
        protocol: Protocol,
        params: BTreeMap<String, String>,
        json: Value,
    ) -> Self {
        Self {
            service: service.to_owned(),
            action: action.to_owned(),
            region: "us-east-1".to_owned(),
            protocol,
            request_id: "00000000-0000-4000-8000-000000000000".to_owned(),
            params,
            json,
            http: http::Request::new(Bytes::new()),
        }
    }

    /// One parameter of the query protocols.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params.get(name).map(String::as_str)
    }

    /// One parameter that must be there.
    ///
    /// # Errors
    /// `MissingParameter`.
    pub fn required(&self, name: &str) -> Result<&str, ApiError> {
        self.param(name).ok_or_else(|| {
            ApiError::new(
                "MissingParameter",
                format!("The request must contain the parameter {name}"),
            )
        })
    }

    /// A whole number.
    ///
    /// # Errors
    /// `InvalidParameterValue`.
    pub fn integer(&self, name: &str) -> Result<Option<i64>, ApiError> {
        self.parsed(name)
    }

    /// `true` or `false`.
    ///
    /// # Errors
    /// `InvalidParameterValue`.
    pub fn boolean(&self, name: &str) -> Result<Option<bool>, ApiError> {
        self.parsed(name)
    }

    fn parsed<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, ApiError> {
        self.param(name)
            .map(|text| {
                text.parse().map_err(|_| {
                    ApiError::new(
                        "InvalidParameterValue",
                        format!("Invalid value '{text}' for {name}"),
                    )
                })
            })
            .transpose()
    }

    /// A list of plain values in order: `InstanceId.1`, `InstanceId.2`, or
    /// `Names.member.1`.
    #[must_use]
    pub fn list(&self, name: &str) -> Vec<&str> {
        self.items(name)
            .into_iter()
            .filter_map(|prefix| self.param(&prefix))
            .collect()
    }

    /// The prefixes of a list's items in order: `Filter.1`, `Filter.2`, or
    /// `Tags.member.1`.
    #[must_use]
    pub fn items(&self, name: &str) -> Vec<String> {
        let mut found: Vec<(u32, String)> = Vec::new();
        for key in self.params.keys() {
            let Some(rest) = key
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('.'))
            else {
                continue;
            };
            let (infix, rest) = match rest.split_once('.') {
                Some((word, rest)) if word.parse::<u32>().is_err() => (format!("{word}."), rest),
                _ => (String::new(), rest),
            };
            let digits = rest.split('.').next().unwrap_or_default();
            if let Ok(index) = digits.parse() {
                found.push((index, format!("{name}.{infix}{digits}")));
            }
        }
        found.sort();
        found.dedup();
        found.into_iter().map(|(_, prefix)| prefix).collect()
    }

    /// Refuses the parameters that are not in `modelled`.
    ///
    /// A name stands for itself and all below it; list positions are left out:
    /// `Filter` allows `Filter.1.Value.2`, and `BlockDeviceMapping.Ebs.VolumeSize`
    /// allows `BlockDeviceMapping.1.Ebs.VolumeSize`. `member` and `entry` count as
    /// positions. For JSON and CBOR the names are those of the body's members.
    ///
    /// # Errors
    /// [`ApiError::not_modelled`] with the service, the action and the parameter.
    pub fn only(&self, modelled: &[&str]) -> Result<(), ApiError> {
        let mut names: Vec<String> = self
            .params
            .keys()
            .map(|key| without_positions(key))
            .collect();
        leaves(&self.json, String::new(), &mut names);
        for name in names {
            let known = modelled.iter().any(|allowed| {
                name.strip_prefix(allowed)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            });
            if !known {
                return Err(ApiError::not_modelled(format_args!(
                    "{}:{} parameter '{name}'",
                    self.service, self.action
                )));
            }
        }
        Ok(())
    }
}

fn without_positions(key: &str) -> String {
    key.split('.')
        .filter(|part| part.parse::<u32>().is_err() && !matches!(*part, "member" | "entry"))
        .collect::<Vec<_>>()
        .join(".")
}

fn leaves(value: &Value, path: String, names: &mut Vec<String>) {
    match value {
        Value::Object(members) if !members.is_empty() || path.is_empty() => {
            for (name, member) in members {
                let below = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                leaves(member, below, names);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                leaves(item, path.clone(), names);
            }
        }
        _ if path.is_empty() => {}
        _ => names.push(path),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::ApiRequest;

    #[test]
    fn lists_are_read_in_the_order_of_their_numbers() {
        let request = ApiRequest::query(
            "ec2",
            "DescribeInstances",
            &[
                ("InstanceId.10", "c"),
                ("InstanceId.2", "b"),
                ("InstanceId.1", "a"),
            ],
        );
        assert_eq!(request.list("InstanceId"), ["a", "b", "c"]);
        let request = ApiRequest::query(
            "autoscaling",
            "CreateOrUpdateTags",
            &[("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "v")],
        );
        assert_eq!(request.items("Tags"), ["Tags.member.1"]);
    }

    #[test]
    fn what_is_not_modelled_is_refused_by_name() {
        let request = ApiRequest::query(
            "ec2",
            "RunInstances",
            &[
                ("BlockDeviceMapping.1.Ebs.KmsKeyId", "x"),
                ("ImageId", "ami-1"),
            ],
        );
        assert_eq!(
            request
                .only(&["ImageId", "BlockDeviceMapping.Ebs.VolumeSize"])
                .unwrap_err()
                .message,
            "not modelled by the embedded cloud: \
             ec2:RunInstances parameter 'BlockDeviceMapping.Ebs.KmsKeyId'"
        );
        assert!(request.only(&["ImageId", "BlockDeviceMapping"]).is_ok());
        let request = ApiRequest::cbor(
            "cloudwatch",
            "PutMetricAlarm",
            json!({"AlarmName": "a", "Metrics": [{"Id": "m", "Label": ""}]}),
        );
        assert_eq!(
            request
                .only(&["AlarmName", "Metrics.Id"])
                .unwrap_err()
                .message,
            "not modelled by the embedded cloud: \
             cloudwatch:PutMetricAlarm parameter 'Metrics.Label'"
        );
    }
}
