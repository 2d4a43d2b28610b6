//! Clients, timeouts, and the deadline of a whole call.

use std::time::Duration;

use aws_smithy_async::future::timeout::Timeout;
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep};
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use opsh_operation::{Fault, FaultKind, Value};

use super::Reply;
use crate::Controls;

/// How long one attempt may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Question and answer are small.
    Call,
    /// A body is sent or received, as long as it flows (the SDK ends stalled streams).
    Transfer,
}

const CONNECT: Duration = Duration::from_secs(5);
const ATTEMPT: Duration = Duration::from_mins(1);

/// The configuration of one call's client, and the limit of the whole call.
///
/// What the world has set, or has switched off, stays: these are defaults. Only a
/// transfer is freed of limits: a large body over a slow line is no fault.
pub fn open(config: SdkConfig, controls: &Controls, patience: Patience) -> (SdkConfig, Limit) {
    let mut timeouts = config
        .timeout_config()
        .cloned()
        .unwrap_or_else(|| TimeoutConfig::builder().build());
    if patience == Patience::Transfer {
        timeouts = timeouts
            .into_builder()
            .disable_operation_attempt_timeout()
            .disable_operation_timeout()
            .build();
    }
    let defaults = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT);
    timeouts.take_defaults_from(&defaults.build());
    let limit = Limit(controls.timeout.zip(config.sleep_impl()));
    let retries = config
        .retry_config()
        .cloned()
        .unwrap_or_else(RetryConfig::standard);
    let session = config
        .into_builder()
        .timeout_config(timeouts)
        .retry_config(retries)
        .build();
    (session, limit)
}

/// S3's client; custom endpoints rarely resolve a bucket's own host name.
pub fn s3_client(session: &SdkConfig) -> aws_sdk_s3::Client {
    let path_style = s3_endpoint(session).is_some();
    aws_sdk_s3::Client::from_conf(
        aws_sdk_s3::config::Builder::from(session)
            .force_path_style(path_style)
            .build(),
    )
}

/// S3's endpoint, if it is not AWS's own: what was said in code, else
/// `AWS_ENDPOINT_URL_S3` or its like in the profile, else the endpoint of all services.
pub fn s3_endpoint(session: &SdkConfig) -> Option<String> {
    let common = session.endpoint_url().map(str::to_owned);
    if session.get_origin("endpoint_url").is_client_config() {
        return common;
    }
    let key = ServiceConfigKey::builder()
        .service_id("S3")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok();
    session
        .service_config()
        .zip(key)
        .and_then(|(config, key)| config.load_config(key))
        .or(common)
}

/// How long a call with its retries and pages may take, on the world's clock.
pub struct Limit(Option<(Duration, SharedAsyncSleep)>);

impl Limit {
    /// `reply`, ended when the time is over.
    pub fn run(self, reply: Reply) -> Reply {
        let Some((limit, sleep)) = self.0 else {
            return reply;
        };
        Box::pin(async move {
            Timeout::new(reply, sleep.sleep(limit))
                .await
                .unwrap_or_else(|_| Err(late(limit)))
        })
    }
}

fn late(limit: Duration) -> Fault {
    let text = span(limit);
    let mut fault = Fault::new(FaultKind::Timeout, format!("no answer within {text}"))
        .hint("give it more time with the control `timeout`, e.g. #{ timeout: \"5m\" }");
    fault.retryable = true;
    fault.details.insert("seconds".into(), seconds(limit));
    fault
}

/// A duration as people write it, e.g. `1m 30s`.
pub fn span(duration: Duration) -> String {
    jiff::SignedDuration::try_from(duration)
        .map_or_else(|_| format!("{duration:?}"), |span| format!("{span:#}"))
}

/// Whole seconds.
pub fn seconds(duration: Duration) -> Value {
    Value::Int(i64::try_from(duration.as_secs()).unwrap_or(i64::MAX))
}
