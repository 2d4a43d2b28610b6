//! The SDK's configuration for the embedded cloud.

use std::time::{Duration, SystemTime};

use aws_config::identity::IdentityCache;
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{AsyncSleep, Sleep};
use aws_smithy_async::time::TimeSource;
use aws_smithy_runtime_api::client::behavior_version::BehaviorVersion;
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
use opsh_cloud::clock::Clock;
use opsh_cloud::furnish::{ACCESS_KEY, SECRET_KEY};

use super::doors::Doors;

/// How long a call takes in virtual time, so that what happens one after the
/// other has different times.
const LATENCY: Duration = Duration::from_millis(100);

/// Clients that talk to the cloud behind `doors`: no sockets, no real time, no jitter.
pub(super) fn config(doors: &impl Doors, region: Option<&str>) -> SdkConfig {
    let clock = VirtualTime(doors.clock().clone());
    let credentials = Credentials::new(ACCESS_KEY, SECRET_KEY, None, None, "embedded cloud");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(
            region.map_or_else(|| doors.region(), str::to_owned),
        ))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .identity_cache(IdentityCache::no_cache())
        .http_client(InProcess {
            doors: doors.clone(),
        })
        .sleep_impl(clock.clone())
        .time_source(clock)
        .disable_clock_skew_correction(true)
        .retry_config(RetryConfig::standard().with_use_static_exponential_base(true))
        .timeout_config(TimeoutConfig::disabled())
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
        .build()
}

/// The virtual clock as the SDK wants it.
#[derive(Debug, Clone)]
struct VirtualTime(Clock);

impl TimeSource for VirtualTime {
    fn now(&self) -> SystemTime {
        SystemTime::from(self.0.now())
    }
}

impl AsyncSleep for VirtualTime {
    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(self.0.timer(duration))
    }
}

/// The HTTP client: a call of a function.
#[derive(Debug, Clone)]
struct InProcess<D> {
    doors: D,
}

impl<D: Doors> HttpClient for InProcess<D> {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl<D: Doors> HttpConnector for InProcess<D> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let doors = self.doors.clone();
        HttpConnectorFuture::new(async move {
            let request = plain(request).await?;
            doors.clock().timer(LATENCY).await;
            match doors.aws(request).await {
                Ok(response) => dressed(response),
                Err(broken) => Err(ConnectorError::io(broken.into())),
            }
        })
    }
}

/// The request with its body collected, however it streams.
async fn plain(request: HttpRequest) -> Result<::http::Request<bytes::Bytes>, ConnectorError> {
    let request = request
        .try_into_http1x()
        .map_err(|error| ConnectorError::user(error.into()))?;
    let (parts, body) = request.into_parts();
    let body = ByteStream::new(body)
        .collect()
        .await
        .map_err(|error| ConnectorError::user(error.into()))?
        .into_bytes();
    Ok(::http::Request::from_parts(parts, body))
}

fn dressed(response: ::http::Response<bytes::Bytes>) -> Result<HttpResponse, ConnectorError> {
    response.map(SdkBody::from).try_into().map_err(
        |error: aws_smithy_runtime_api::http::HttpError| ConnectorError::other(error.into(), None),
    )
}
