//! Clients, timeouts, and the deadline of a whole call.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_smithy_async::future::timeout::Timeout;
use aws_smithy_async::rt::sleep::{AsyncSleep, SharedAsyncSleep};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::service_config::ServiceConfigKey;
use opsh_operation::{Fault, FaultKind, Value};

use super::Reply;
use super::attempts::Noting;
use crate::Controls;

/// A configuration with the clients that were made of it: a service's is made at its first
/// call, and serves all later ones.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    config: SdkConfig,
    clients: Mutex<HashMap<(TypeId, Patience), Box<dyn Any + Send>>>,
    once: OnceLock<Session>,
}

impl Session {
    /// A session with no clients yet.
    #[must_use]
    pub fn new(config: SdkConfig) -> Self {
        let noting = config.http_client().map(Noting);
        let mut config = config.into_builder();
        config.set_http_client(noting.map(SharedHttpClient::new));
        Self::of(config.build())
    }

    fn of(config: SdkConfig) -> Self {
        Self(Arc::new(Inner {
            config,
            clients: Mutex::default(),
            once: OnceLock::new(),
        }))
    }

    /// What its clients are made of.
    #[must_use]
    pub fn config(&self) -> &SdkConfig {
        &self.0.config
    }

    /// The same, whose clients send each request once.
    #[must_use]
    pub fn once(&self) -> Self {
        let make = || {
            let config = self.config().to_builder();
            Self::of(config.retry_config(RetryConfig::disabled()).build())
        };
        self.0.once.get_or_init(make).clone()
    }

    /// A service's client, made by `make` if there is none yet.
    pub(crate) fn client<C>(&self, patience: Patience, make: fn(&SdkConfig) -> C) -> C
    where
        C: Clone + Send + 'static,
    {
        let new = || make(&configured(self.config(), patience));
        let mut clients = self
            .0
            .clients
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let known = clients
            .entry((TypeId::of::<C>(), patience))
            .or_insert_with(|| Box::new(new()));
        known.downcast_ref().cloned().unwrap_or_else(new)
    }
}

/// How long one attempt may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Patience {
    /// Question and answer are small.
    Call,
    /// A body is sent or received, as long as it flows (the SDK ends stalled streams).
    Transfer,
}

const CONNECT: Duration = Duration::from_secs(5);
const ATTEMPT: Duration = Duration::from_mins(1);

/// The client for one call, and the limit of the whole call.
pub fn open<C>(
    session: &Session,
    controls: &Controls,
    patience: Patience,
    make: fn(&SdkConfig) -> C,
) -> (C, Limit)
where
    C: Clone + Send + 'static,
{
    let sleep = session.config().sleep_impl();
    let limit = Limit(controls.timeout.zip(sleep));
    (session.client(patience, make), limit)
}

/// What a client is made of.
///
/// What the world has set, or has switched off, stays: these are defaults. Only a
/// transfer is freed of limits: a large body over a slow line is no fault.
fn configured(config: &SdkConfig, patience: Patience) -> SdkConfig {
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
    let retries = config
        .retry_config()
        .cloned()
        .unwrap_or_else(RetryConfig::standard);
    config
        .to_builder()
        .timeout_config(timeouts)
        .retry_config(retries)
        .build()
}

/// S3's client; custom endpoints rarely resolve a bucket's own host name.
pub fn s3_client(config: &SdkConfig) -> aws_sdk_s3::Client {
    let path_style = s3_endpoint(config).is_some();
    aws_sdk_s3::Client::from_conf(
        aws_sdk_s3::config::Builder::from(config)
            .force_path_style(path_style)
            .build(),
    )
}

/// S3's endpoint, if it is not AWS's own: what was said in code, else
/// `AWS_ENDPOINT_URL_S3` or its like in the profile, else the endpoint of all services.
pub fn s3_endpoint(config: &SdkConfig) -> Option<String> {
    let common = config.endpoint_url().map(str::to_owned);
    if config.get_origin("endpoint_url").is_client_config() {
        return common;
    }
    let key = ServiceConfigKey::builder()
        .service_id("S3")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url")
        .build()
        .ok();
    config
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    use aws_smithy_types::retry::RetryConfig;
    use aws_smithy_types::timeout::TimeoutConfig;
    use aws_types::SdkConfig;

    use super::{Patience, Session};

    static MADE: AtomicU32 = AtomicU32::new(0);

    /// Stands for a service's client: its number, what it may try, how long an attempt may take.
    #[derive(Debug, Clone, PartialEq)]
    struct Client(u32, u32, Option<Duration>);

    fn make(config: &SdkConfig) -> Client {
        Client(
            MADE.fetch_add(1, Ordering::SeqCst),
            config.retry_config().map_or(0, RetryConfig::max_attempts),
            config
                .timeout_config()
                .and_then(TimeoutConfig::operation_attempt_timeout),
        )
    }

    #[test]
    fn a_client_is_made_once_for_each_patience_and_each_number_of_attempts() {
        let session = Session::new(SdkConfig::builder().build());
        let minute = Some(Duration::from_mins(1));
        for _ in 0..2 {
            let call = |session: &Session| session.client(Patience::Call, make);
            assert_eq!(call(&session), Client(0, 3, minute));
            assert_eq!(
                session.clone().client(Patience::Transfer, make),
                Client(1, 3, None)
            );
            assert_eq!(call(&session.once()), Client(2, 1, minute));
        }
        assert_eq!(MADE.load(Ordering::SeqCst), 3);
    }
}
