//! The HTTP client below the SDK: the system's certificates are read when one is first needed.
//!
//! Reading and parsing them takes longer than a whole start; endpoints of
//! emulators and credential services of containers are plain HTTP.

use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// One pool of connections for each of `http` and `https`.
#[derive(Debug, Clone)]
pub(super) struct TlsWhenNeeded {
    plain: SharedHttpClient,
    secure: SharedHttpClient,
}

impl TlsWhenNeeded {
    pub(super) fn client() -> SharedHttpClient {
        SharedHttpClient::new(Self {
            plain: Builder::new().build_http(),
            secure: Builder::new()
                .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
                .build_https(),
        })
    }
}

impl HttpClient for TlsWhenNeeded {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            clients: self.clone(),
            settings: settings.clone(),
            components: components.clone(),
        })
    }
}

#[derive(Debug)]
struct Connector {
    clients: TlsWhenNeeded,
    settings: HttpConnectorSettings,
    components: RuntimeComponents,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let client = if request.uri().starts_with("http:") {
            &self.clients.plain
        } else {
            &self.clients.secure
        };
        // Each client keeps its connectors by their settings: this is a look-up after the first.
        client
            .http_connector(&self.settings, &self.components)
            .call(request)
    }
}
