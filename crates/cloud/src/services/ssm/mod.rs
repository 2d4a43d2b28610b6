//! Systems Manager: the parameter store.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::Digest as _;

use crate::api::cbor::time;
use crate::api::{ApiError, ApiRequest, ApiResponse};
use crate::furnish::{AL2023_ARM64, AL2023_X86_64, UBUNTU_X86_64};
use crate::state::State as Cloud;

mod change;

/// What there is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    parameters: BTreeMap<String, Parameter>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Parameter {
    kind: String,
    value: String,
    version: i64,
    modified: Timestamp,
    description: Option<String>,
    data_type: String,
    tags: BTreeMap<String, String>,
}

/// The public parameters that name the furnished images.
///
/// Sources: EC2 user guide, "Reference the latest AMIs using Systems Manager public
/// parameters"; Ubuntu on AWS, "Find Ubuntu images on AWS".
const PUBLIC: [(&str, &str); 3] = [
    (
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64",
        AL2023_ARM64,
    ),
    (
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64",
        AL2023_X86_64,
    ),
    (
        "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id",
        UBUNTU_X86_64,
    ),
];

/// Furnishes a new account.
pub fn furnish(cloud: &mut Cloud) {
    for (name, value) in PUBLIC {
        cloud.ssm.parameters.insert(
            name.to_owned(),
            Parameter {
                kind: "String".to_owned(),
                value: value.to_owned(),
                version: 1,
                modified: cloud.now,
                description: None,
                data_type: "aws:ec2:image".to_owned(),
                tags: BTreeMap::new(),
            },
        );
    }
}

/// Answers a request.
///
/// # Errors
/// The service's own refusals.
pub fn handle(cloud: &mut Cloud, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    match request.action.as_str() {
        "GetParameter" => get(cloud, request),
        "GetParameters" => get_many(cloud, request),
        "GetParametersByPath" => by_path(cloud, request),
        "DescribeParameters" => describe(cloud, request),
        "PutParameter" => change::put(cloud, request),
        "DeleteParameter" => change::delete(cloud, request),
        "DeleteParameters" => change::delete_many(cloud, request),
        "AddTagsToResource" => change::tag(cloud, request),
        "RemoveTagsFromResource" => change::untag(cloud, request),
        "ListTagsForResource" => change::tags(cloud, request),
        other => Err(ApiError::not_modelled(format_args!("ssm:{other}"))),
    }
}

fn text<'r>(request: &'r ApiRequest, name: &str) -> Result<&'r str, ApiError> {
    request.json[name].as_str().ok_or_else(|| {
        ApiError::new(
            "ValidationException",
            format!("1 validation error detected: Value null at '{name}' failed to satisfy constraint: Member must not be null"),
        )
    })
}

fn texts(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .map(|all| all.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default()
}

fn not_found(name: &str) -> ApiError {
    ApiError::new("ParameterNotFound", format!("Parameter {name} not found."))
}

fn arn(cloud: &Cloud, name: &str) -> String {
    let owner = if name.starts_with("/aws/service/") {
        ""
    } else {
        &cloud.account
    };
    let slash = if name.starts_with('/') { "" } else { "/" };
    format!(
        "arn:aws:ssm:{}:{owner}:parameter{slash}{name}",
        cloud.region
    )
}

/// A parameter by name, `name:version` or ARN.
fn find<'c>(cloud: &'c Cloud, wanted: &str) -> Option<(&'c String, &'c Parameter)> {
    let wanted = wanted
        .split_once(":parameter")
        .filter(|_| wanted.starts_with("arn:"))
        .map_or(wanted, |(_, name)| name);
    let (name, version) = match wanted.rsplit_once(':') {
        Some((name, version)) if version.parse::<i64>().is_ok() => (name, version.parse().ok()),
        _ => (wanted, None),
    };
    let (name, parameter) = cloud.ssm.parameters.get_key_value(name)?;
    version
        .is_none_or(|version: i64| version == parameter.version)
        .then_some((name, parameter))
}

/// A secure string is shown as it would be stored unless its decryption is asked for.
fn shown(cloud: &Cloud, name: &str, parameter: &Parameter, decrypt: bool) -> Value {
    let value = if parameter.kind == "SecureString" && !decrypt {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(&parameter.value))
    } else {
        parameter.value.clone()
    };
    json!({
        "Name": name,
        "Type": parameter.kind,
        "Value": value,
        "Version": parameter.version,
        "LastModifiedDate": time(parameter.modified),
        "ARN": arn(cloud, name),
        "DataType": parameter.data_type,
    })
}

fn get(cloud: &Cloud, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["Name", "WithDecryption"])?;
    let wanted = text(request, "Name")?;
    let decrypt = request.json["WithDecryption"] == true;
    let (name, parameter) = find(cloud, wanted).ok_or_else(|| not_found(wanted))?;
    Ok(request.value(&json!({"Parameter": shown(cloud, name, parameter, decrypt)})))
}

fn get_many(cloud: &Cloud, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["Names", "WithDecryption"])?;
    let decrypt = request.json["WithDecryption"] == true;
    let (mut found, mut missing) = (BTreeMap::new(), Vec::new());
    for wanted in texts(&request.json["Names"]) {
        match find(cloud, wanted) {
            Some((name, parameter)) => {
                found.insert(name, shown(cloud, name, parameter, decrypt));
            }
            None => missing.push(wanted),
        }
    }
    let found: Vec<_> = found.into_values().collect();
    Ok(request.value(&json!({"Parameters": found, "InvalidParameters": missing})))
}

/// One page of what `keep` lets through, in order of names; the token is the last name.
fn page<'c>(
    cloud: &'c Cloud,
    request: &ApiRequest,
    least: usize,
    keep: impl Fn(&str, &Parameter) -> bool,
) -> (Vec<(&'c String, &'c Parameter)>, Option<String>) {
    let after = request.json["NextToken"].as_str().unwrap_or_default();
    let most = request.json["MaxResults"]
        .as_u64()
        .and_then(|most| usize::try_from(most).ok())
        .map_or(least, |most| most.clamp(1, 50));
    let mut found: Vec<_> = cloud
        .ssm
        .parameters
        .iter()
        .filter(|(name, parameter)| name.as_str() > after && keep(name, parameter))
        .take(most + 1)
        .collect();
    let more = found.len() > most;
    found.truncate(most);
    let token = found
        .last()
        .filter(|_| more)
        .map(|(name, _)| (*name).clone());
    (found, token)
}

fn by_path(cloud: &Cloud, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&[
        "Path",
        "Recursive",
        "WithDecryption",
        "MaxResults",
        "NextToken",
    ])?;
    let path = format!("{}/", text(request, "Path")?.trim_end_matches('/'));
    let decrypt = request.json["WithDecryption"] == true;
    let recursive = request.json["Recursive"] == true;
    let (found, token) = page(cloud, request, 10, |name, _| {
        name.strip_prefix(&path)
            .is_some_and(|rest| recursive || !rest.contains('/'))
    });
    let found: Vec<_> = found
        .into_iter()
        .map(|(name, parameter)| shown(cloud, name, parameter, decrypt))
        .collect();
    let mut answer = json!({"Parameters": found});
    if let Some(token) = token {
        answer["NextToken"] = json!(token);
    }
    Ok(request.value(&answer))
}

/// The account's own parameters: public ones are not described.
fn describe(cloud: &Cloud, request: &ApiRequest) -> Result<ApiResponse, ApiError> {
    request.only(&["ParameterFilters", "MaxResults", "NextToken"])?;
    let filters = request.json["ParameterFilters"].as_array();
    let mut wanted: Vec<(&str, Vec<&str>)> = Vec::new();
    for filter in filters.into_iter().flatten() {
        let key = filter["Key"].as_str().unwrap_or_default();
        let option = filter["Option"].as_str().unwrap_or("Equals");
        let modelled = matches!(key, "Name" | "Type") && option == "Equals"
            || key == "Name" && option == "BeginsWith";
        if !modelled {
            return Err(ApiError::not_modelled(format_args!(
                "ssm:DescribeParameters filter '{key}' with option '{option}'"
            )));
        }
        let how = if option == "BeginsWith" {
            "Prefix"
        } else {
            key
        };
        wanted.push((how, texts(&filter["Values"])));
    }
    let (found, token) = page(cloud, request, 50, |name, parameter| {
        !name.starts_with("/aws/service/")
            && wanted.iter().all(|(how, values)| match *how {
                "Prefix" => values.iter().any(|value| name.starts_with(value)),
                "Type" => values.contains(&parameter.kind.as_str()),
                _ => values.contains(&name),
            })
    });
    let found: Vec<_> = found
        .into_iter()
        .map(|(name, parameter)| {
            let mut entry = json!({
                "Name": name,
                "ARN": arn(cloud, name),
                "Type": parameter.kind,
                "LastModifiedDate": time(parameter.modified),
                "LastModifiedUser": crate::furnish::caller(&cloud.account),
                "Version": parameter.version,
                "Tier": "Standard",
                "Policies": [],
                "DataType": parameter.data_type,
            });
            if let Some(description) = &parameter.description {
                entry["Description"] = json!(description);
            }
            entry
        })
        .collect();
    let mut answer = json!({"Parameters": found});
    if let Some(token) = token {
        answer["NextToken"] = json!(token);
    }
    Ok(request.value(&answer))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::handle;
    use crate::api::{ApiRequest, Protocol};
    use crate::furnish::{AL2023_X86_64, Options};
    use crate::state::State;

    fn call(cloud: &mut State, action: &str, body: Value) -> Result<Value, String> {
        let request = ApiRequest {
            protocol: Protocol::Json,
            ..ApiRequest::cbor("ssm", action, body)
        };
        handle(cloud, &request)
            .map(|answer| serde_json::from_slice(answer.body()).unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_public_parameter_names_the_furnished_image() {
        let mut cloud = State::furnished(&Options::default());
        let name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64";
        let answer = call(&mut cloud, "GetParameter", json!({"Name": name})).unwrap();
        assert_eq!(answer["Parameter"]["Value"], AL2023_X86_64);
        assert_eq!(answer["Parameter"]["LastModifiedDate"], 1_767_225_600.0);
        assert_eq!(
            call(&mut cloud, "GetParameter", json!({"Name": "/none"})),
            Err("ParameterNotFound: Parameter /none not found.".to_owned())
        );
    }

    #[test]
    fn a_parameter_is_written_read_and_removed() {
        let mut cloud = State::furnished(&Options::default());
        let put = json!({"Name": "/app/db", "Value": "s3cret", "Type": "SecureString"});
        assert_eq!(
            call(&mut cloud, "PutParameter", put.clone()).unwrap()["Version"],
            1
        );
        let again = call(&mut cloud, "PutParameter", put).unwrap_err();
        assert!(again.starts_with("ParameterAlreadyExists"), "{again}");
        let read = |cloud: &mut State, decrypt: bool| {
            let ask = json!({"Path": "/app", "WithDecryption": decrypt});
            call(cloud, "GetParametersByPath", ask).unwrap()["Parameters"][0]["Value"].clone()
        };
        assert_eq!(read(&mut cloud, true), "s3cret");
        assert_ne!(read(&mut cloud, false), "s3cret");
        call(&mut cloud, "DeleteParameter", json!({"Name": "/app/db"})).unwrap();
        let described = call(&mut cloud, "DescribeParameters", json!({})).unwrap();
        assert_eq!(described, json!({"Parameters": []}));
    }

    #[test]
    fn unknown_members_are_refused() {
        let mut cloud = State::furnished(&Options::default());
        let put = json!({"Name": "a", "Value": "b", "Type": "String", "KeyId": "k"});
        assert_eq!(
            call(&mut cloud, "PutParameter", put).unwrap_err(),
            "NotModelled: not modelled by the embedded cloud: ssm:PutParameter parameter 'KeyId'"
        );
    }
}
