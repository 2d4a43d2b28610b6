//! The instance metadata service, version 2, by the SDK's own client.
//!
//! `AWS_EC2_METADATA_SERVICE_ENDPOINT` and the other settings of the SDK say where it is.

use std::time::Duration;

use aws_config::imds::Client;
use aws_config::imds::client::error::ImdsError;
use aws_config::provider_config::ProviderConfig;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::error::display::DisplayErrorContext;
use opsh_operation::{Fault, FaultKind};

/// It answers at once or, where there is none, never.
const TIMEOUT: Duration = Duration::from_secs(1);
/// One that is restarting is asked again.
const ATTEMPTS: u32 = 3;
/// Switches it off for every program that uses the SDK.
const DISABLED: &str = "AWS_EC2_METADATA_DISABLED";

/// A client that keeps its token for as long as it is good.
pub(super) fn client(connector: SharedHttpClient) -> Client {
    let config = ProviderConfig::without_region().with_http_client(connector);
    Client::builder()
        .configure(&config)
        .connect_timeout(TIMEOUT)
        .read_timeout(TIMEOUT)
        .max_attempts(ATTEMPTS)
        .build()
}

/// What the metadata has at `path`, below `/latest/`.
pub(super) async fn get(client: Client, path: String) -> Result<String, Fault> {
    if std::env::var(DISABLED).is_ok_and(|value| value.eq_ignore_ascii_case("true")) {
        return Err(Fault::new(
            FaultKind::Denied,
            format!("instance metadata is not to be asked: {DISABLED} is set"),
        )
        .hint(format!("unset {DISABLED}")));
    }
    let full = format!("/latest/{path}");
    if http::uri::PathAndQuery::try_from(full.as_str()).is_err() {
        return Err(Fault::new(
            FaultKind::Invalid,
            format!("'{path}' is not a path of instance metadata"),
        ));
    }
    client
        .get(full)
        .await
        .map(String::from)
        .map_err(|error| fault(&path, &error))
}

/// Whether a fault says that the token, which the client keeps, is not good any more.
pub(super) fn needs_a_new_token(fault: &Fault) -> bool {
    fault.code.as_deref() == Some("401")
}

fn fault(path: &str, error: &ImdsError) -> Fault {
    if let ImdsError::ErrorResponse(answer) = error {
        return refused(path, answer.response().status().as_u16());
    }
    let words = DisplayErrorContext(error).to_string();
    if words.contains("forbidden") || words.contains("Forbidden") {
        return refused(path, 403);
    }
    Fault::new(
        FaultKind::Unreachable,
        "the instance metadata service does not answer: this is not an EC2 instance, or a \
         container too many hops away from it",
    )
    .code("NotAnInstance")
    .hint(
        "run it on an instance (in a container with http_put_response_hop_limit 2), or set \
         AWS_EC2_METADATA_SERVICE_ENDPOINT",
    )
}

fn refused(path: &str, status: u16) -> Fault {
    let fault = match status {
        404 => Fault::new(
            FaultKind::NotFound,
            format!("the metadata of this instance has no '{path}'"),
        ),
        401 => Fault::new(
            FaultKind::Denied,
            "the instance metadata service does not accept the token that it gave",
        )
        .hint("ask again: a new token is fetched"),
        403 => Fault::new(
            FaultKind::Denied,
            "the instance metadata service refuses to answer: it is switched off for this instance",
        )
        .hint("allow it: aws ec2 modify-instance-metadata-options --http-endpoint enabled"),
        status => Fault::new(
            FaultKind::Failed,
            format!("the instance metadata service answered '{path}' with status {status}"),
        ),
    };
    fault.code(status.to_string())
}
