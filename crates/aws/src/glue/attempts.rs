//! What became of a write's attempts.
//!
//! The SDK sends a request again whose answer was lost, and tells of the last attempt only.
//! If that was refused, the first may have been done all the same: so each is noted where
//! it passes, at the HTTP client that all clients of a session have.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::{
    RuntimeComponents, RuntimeComponentsBuilder,
};
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::config_bag::ConfigBag;
use opsh_operation::FaultKind;

use super::Reply;
use super::faults::{connecting, kind_of};

/// The header that is the same in all attempts of a request.
const INVOCATION: &str = "amz-sdk-invocation-id";

thread_local! {
    /// Where the attempts of the call that is being polled are noted.
    static NOTED: RefCell<Option<Attempts>> = const { RefCell::new(None) };
}

/// The attempts of a call.
#[derive(Debug, Clone, Default)]
pub struct Attempts(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    open: AtomicBool,
    /// The requests that were answered with success.
    answered: Mutex<BTreeSet<String>>,
}

impl Attempts {
    /// `reply`, with its attempts noted here.
    #[must_use]
    pub fn of(&self, mut reply: Reply) -> Reply {
        let attempts = self.clone();
        Box::pin(poll_fn(move |context| {
            let outer = NOTED.replace(Some(attempts.clone()));
            let polled = reply.as_mut().poll(context);
            NOTED.set(outer);
            polled
        }))
    }

    /// Whether one ended without an answer that says that nothing was done.
    #[must_use]
    pub fn are_open(&self) -> bool {
        self.0.open.load(Ordering::SeqCst)
    }

    fn note_open(&self) {
        self.0.open.store(true, Ordering::SeqCst);
    }

    fn answered<T>(&self, work: impl FnOnce(&mut BTreeSet<String>) -> T) -> T {
        let answered = &self.0.answered;
        work(&mut answered.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An attempt under way; if it is dropped like that, it is open.
struct Attempt {
    attempts: Attempts,
    invocation: String,
    settled: bool,
}

impl Attempt {
    /// The attempt that `request` is, if it is noted.
    fn of(request: &HttpRequest) -> Option<Self> {
        let attempts = NOTED.with_borrow(Clone::clone)?;
        let invocation = request.headers().get(INVOCATION).unwrap_or_default();
        // It is sent again: its success could not be read.
        if attempts.answered(|answered| answered.contains(invocation)) {
            attempts.note_open();
        }
        Some(Self {
            attempts,
            invocation: invocation.to_owned(),
            settled: false,
        })
    }

    async fn end(mut self, answer: HttpConnectorFuture) -> Result<HttpResponse, ConnectorError> {
        let answer = answer.await;
        let (settled, answer) = match answer {
            Err(error) => {
                let sent = (error.is_io() || error.is_timeout()) && !connecting(&error);
                (!sent, Err(error))
            }
            Ok(response) => {
                let status = response.status();
                if status.is_success() {
                    let invocation = std::mem::take(&mut self.invocation);
                    self.attempts
                        .answered(|answered| answered.insert(invocation));
                }
                match status.as_u16() {
                    501 => (true, Ok(response)),
                    503 => with_code(response).await?,
                    status => (status < 500, Ok(response)),
                }
            }
        };
        self.settled = settled;
        answer
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        if !self.settled {
            self.attempts.note_open();
        }
    }
}

/// Whether a service that is not available says why, such as that it is asked too often:
/// then it has done nothing. And its answer, read.
async fn with_code(
    mut response: HttpResponse,
) -> Result<(bool, Result<HttpResponse, ConnectorError>), ConnectorError> {
    let body = ByteStream::new(response.take_body()).collect().await;
    let body = body.map_err(|error| ConnectorError::io(error.into()))?;
    let body = body.into_bytes();
    let settled = code(&String::from_utf8_lossy(&body))
        .is_some_and(|code| kind_of(code, "") != FaultKind::Failed);
    *response.body_mut() = SdkBody::from(body);
    Ok((settled, Ok(response)))
}

/// The code of a refusal in XML; services that speak JSON refuse with other statuses.
fn code(body: &str) -> Option<&str> {
    let (_, rest) = body.split_once("<Code>")?;
    rest.split_once("</Code>").map(|(code, _)| code)
}

/// An HTTP client that notes the attempts of calls that are watched.
#[derive(Debug)]
pub struct Noting(pub SharedHttpClient);

impl HttpClient for Noting {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(NotingConnector(self.0.http_connector(settings, components)))
    }

    fn validate_base_client_config(
        &self,
        components: &RuntimeComponentsBuilder,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        HttpClient::validate_base_client_config(&self.0, components, config)
    }

    fn validate_final_config(
        &self,
        components: &RuntimeComponents,
        config: &ConfigBag,
    ) -> Result<(), BoxError> {
        HttpClient::validate_final_config(&self.0, components, config)
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.0.connector_metadata()
    }
}

#[derive(Debug)]
struct NotingConnector(SharedHttpConnector);

impl HttpConnector for NotingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let attempt = Attempt::of(&request);
        let answer = self.0.call(request);
        match attempt {
            None => answer,
            Some(attempt) => HttpConnectorFuture::new(attempt.end(answer)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Answers(fn() -> Result<HttpResponse, ConnectorError>);

    impl HttpConnector for Answers {
        fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
            HttpConnectorFuture::ready((self.0)())
        }
    }

    fn answer(status: u16, body: &'static str) -> Result<HttpResponse, ConnectorError> {
        let status = status
            .try_into()
            .map_err(|_| ConnectorError::user("no status".into()))?;
        Ok(HttpResponse::new(status, SdkBody::from(body)))
    }

    /// Whether a call is open that has had these answers, one for each of its attempts.
    fn are_open(answers: &[fn() -> Result<HttpResponse, ConnectorError>]) -> bool {
        let attempts = Attempts::default();
        for answer in answers {
            let connector = NotingConnector(SharedHttpConnector::new(Answers(*answer)));
            let reply: Reply = Box::pin(async move {
                let mut request = HttpRequest::new(SdkBody::empty());
                request.headers_mut().insert(INVOCATION, "one");
                drop(connector.call(request).await);
                Ok(opsh_operation::Value::Null)
            });
            let noted = futures_util::FutureExt::now_or_never(attempts.of(reply));
            assert!(noted.is_some(), "it waits");
        }
        attempts.are_open()
    }

    #[test]
    fn what_no_answer_settles_is_open() {
        const THROTTLED: &str = "<Error><Code>SlowDown</Code></Error>";
        let lost = || Err(ConnectorError::io("reset".into()));
        let throttled = || answer(503, THROTTLED);
        assert!(are_open(&[lost, throttled]));
        assert!(are_open(&[|| answer(500, ""), || answer(400, "")]));
        assert!(are_open(&[|| answer(503, ""), || answer(400, "")]));
        assert!(are_open(&[|| answer(200, "{"), || answer(400, "")]));
        assert!(are_open(&[|| Err(ConnectorError::timeout("late".into()))]));
        assert!(!are_open(&[throttled, || answer(200, "")]));
        assert!(!are_open(&[|| answer(501, ""), || answer(400, "")]));
        let unreachable = || Err(ConnectorError::io("client error (Connect)".into()));
        assert!(!are_open(&[unreachable, throttled]));
    }

    #[test]
    fn what_is_given_up_is_open() {
        let attempts = Attempts::default();
        let connector = NotingConnector(SharedHttpConnector::new(Silence));
        let request = HttpRequest::new(SdkBody::empty());
        let reply = async move {
            drop(connector.call(request).await);
            Ok(opsh_operation::Value::Null)
        };
        let waits = futures_util::FutureExt::now_or_never(attempts.of(Box::pin(reply)));
        assert!(waits.is_none());
        assert!(attempts.are_open());
    }

    #[derive(Debug)]
    struct Silence;

    impl HttpConnector for Silence {
        fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
            HttpConnectorFuture::new(std::future::pending())
        }
    }
}
