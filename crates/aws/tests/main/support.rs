//! A service that answers from a script, and a clock that sleeping moves.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::client::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SdkConfig;
use aws_types::region::Region;
use opsh_aws::Controls;
use opsh_operation::{Fault, Map, Value};

/// What the service was asked.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub uri: String,
    pub body: Vec<u8>,
}

impl Asked {
    /// The body as text, percent-decoded.
    pub fn text(&self) -> String {
        let mut bytes = Vec::new();
        let mut rest = self.body.iter();
        while let Some(&byte) = rest.next() {
            if byte == b'%' {
                let digits: Vec<u8> = rest.by_ref().take(2).copied().collect();
                let digits = String::from_utf8(digits).unwrap();
                bytes.push(u8::from_str_radix(&digits, 16).unwrap());
            } else {
                bytes.push(byte);
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// One answer: status and body; the last one repeats.
pub type Answer = (u16, String);

/// A configuration whose service answers from a script.
#[derive(Debug, Clone)]
pub struct Service {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    clock: Clock,
}

impl Service {
    pub fn new(answers: &[(u16, &str)]) -> Self {
        let answers = answers
            .iter()
            .map(|(status, body)| (*status, (*body).to_owned()))
            .collect();
        Self {
            answers: Arc::new(Mutex::new(answers)),
            asked: Arc::default(),
            clock: Clock::default(),
        }
    }

    pub fn config(&self) -> SdkConfig {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        self.anonymous()
            .into_builder()
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .build()
    }

    /// Without credentials.
    pub fn anonymous(&self) -> SdkConfig {
        SdkConfig::builder()
            .behavior_version(aws_config::BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .http_client(self.clone())
            .sleep_impl(self.clock.clone())
            .time_source(self.clock.clone())
            .timeout_config(TimeoutConfig::disabled())
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build()
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How far the clock went.
    pub fn elapsed(&self) -> Duration {
        *self.clock.0.lock().unwrap()
    }

    pub async fn call(&self, name: &str, input: &[(&str, Value)]) -> Result<Value, Fault> {
        self.call_with(name, input, Controls::default()).await
    }

    pub async fn call_with(
        &self,
        name: &str,
        input: &[(&str, Value)],
        controls: Controls,
    ) -> Result<Value, Fault> {
        call(self.config(), name, input, controls).await
    }
}

/// Calls the binding `name`, after checking the input as the gate does.
pub async fn call(
    config: SdkConfig,
    name: &str,
    input: &[(&str, Value)],
    controls: Controls,
) -> Result<Value, Fault> {
    let binding = opsh_aws::bindings()
        .iter()
        .find(|binding| binding.operation.full_name() == name)
        .unwrap_or_else(|| panic!("no binding {name}"));
    let input = map(input);
    let report = opsh_operation::validate::input(binding.operation.input, &input);
    assert_eq!(report.errors, [], "{name}");
    (binding.call)(&opsh_aws::Session::new(config), input, controls).await
}

pub fn map(entries: &[(&str, Value)]) -> Map {
    entries
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

pub fn object(entries: &[(&str, Value)]) -> Value {
    Value::Map(map(entries))
}

impl HttpClient for Service {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Service {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let this = self.clone();
        HttpConnectorFuture::new(async move {
            let body = std::mem::replace(request.body_mut(), SdkBody::empty());
            let body = ByteStream::new(body)
                .collect()
                .await
                .map_err(|error| ConnectorError::io(error.into()))?;
            this.asked.lock().unwrap().push(Asked {
                method: request.method().to_owned(),
                uri: request.uri().to_owned(),
                body: body.to_vec(),
            });
            let mut answers = this.answers.lock().unwrap();
            let (status, body) = if answers.len() > 1 {
                answers.pop_front().unwrap()
            } else {
                answers.front().cloned().unwrap()
            };
            if status == 0 {
                return Err(ConnectorError::io(body.into()));
            }
            let mut response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(body));
            response.headers_mut().insert("x-amz-request-id", "req-1");
            response.headers_mut().insert("etag", "\"tag\"");
            Ok(response)
        })
    }
}

/// Time that only sleeping moves.
#[derive(Debug, Clone, Default)]
pub struct Clock(Arc<Mutex<Duration>>);

impl TimeSource for Clock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_hours(500_000) + *self.0.lock().unwrap()
    }
}

impl AsyncSleep for Clock {
    fn sleep(&self, duration: Duration) -> Sleep {
        let clock = self.0.clone();
        Sleep::new(async move { *clock.lock().unwrap() += duration })
    }
}
