//! The SDK's configuration from its default chain, and the runtime its futures run on.
//!
//! Nothing here happens before the first AWS call: an empty playbook starts no
//! thread and reads no file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::SdkConfig;
use futures_util::future::BoxFuture;
use opsh_aws::Session;
use opsh_operation::{Fault, FaultKind, Value};
use tokio::runtime::{Builder, Runtime};

use super::connector::TlsWhenNeeded;
use super::json_protocol::AlsoJson;
use super::{credentials, imds};
use crate::world::{Cancel, Scope};

/// To open a connection; the SDK's own default is 3.1 s.
const CONNECT: Duration = Duration::from_secs(5);
/// For one attempt, the upload of its body included.
const ATTEMPT: Duration = Duration::from_mins(2);
/// For a call with all its attempts.
const CALL: Duration = Duration::from_mins(10);
/// For finding credentials: SSO, assumed roles and instance metadata ask the network.
const CREDENTIALS: Duration = Duration::from_secs(30);

/// What the command line says about AWS; everything else is the default chain's.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--region`.
    pub region: Option<String>,
    /// `--profile`.
    pub profile: Option<String>,
    /// `--endpoint-url`.
    pub endpoint_url: Option<String>,
}

/// The door to AWS.
pub(super) struct Aws {
    overrides: Overrides,
    runtime: Mutex<Option<Arc<Runtime>>>,
    connector: OnceLock<SharedHttpClient>,
    sessions: Mutex<HashMap<Scope, Session>>,
    /// Keeps the token of instance metadata.
    imds: Mutex<Option<aws_config::imds::Client>>,
}

impl Aws {
    pub(super) fn new(overrides: Overrides) -> Self {
        Self {
            overrides,
            runtime: Mutex::new(None),
            connector: OnceLock::new(),
            sessions: Mutex::new(HashMap::new()),
            imds: Mutex::new(None),
        }
    }

    /// What the instance metadata has at `path`, below `/latest/`.
    pub(super) fn metadata(&self, path: &str, cancel: &Cancel) -> Result<String, Fault> {
        let client = self
            .imds
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert_with(|| imds::client(self.connector().clone()))
            .clone();
        let answer = self.complete(Box::pin(imds::get(client, path.to_owned())), cancel);
        if answer.as_ref().is_err_and(imds::needs_a_new_token) {
            *self.imds.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        answer
    }

    /// The session of `scope`, made at its first use.
    pub(super) fn session(&self, scope: &Scope, cancel: &Cancel) -> Result<Session, Fault> {
        let known = self
            .sessions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(scope)
            .cloned();
        if let Some(session) = known {
            return Ok(session);
        }
        let chosen = Overrides {
            region: scope.region.clone().or(self.overrides.region.clone()),
            profile: scope.profile.clone().or(self.overrides.profile.clone()),
            endpoint_url: self.overrides.endpoint_url.clone(),
        };
        let connector = self.connector().clone();
        let config = self.complete(
            Box::pin(async move {
                tokio::time::timeout(CREDENTIALS, load(chosen, connector))
                    .await
                    .unwrap_or_else(|_| {
                        Err(credentials::missing(format!(
                            "no AWS credentials were found within {} s",
                            CREDENTIALS.as_secs()
                        )))
                    })
            }),
            cancel,
        )?;
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let session = sessions
            .entry(scope.clone())
            .or_insert_with(|| Session::new(config));
        Ok(session.clone())
    }

    /// Runs `future` on the calling thread; of several, one does the I/O for all.
    pub(super) fn complete<T>(
        &self,
        future: BoxFuture<'static, Result<T, Fault>>,
        cancel: &Cancel,
    ) -> Result<T, Fault> {
        cancel.check()?;
        self.runtime()?.block_on(async {
            tokio::select! {
                done = future => done,
                fault = cancelled(cancel) => Err(fault),
            }
        })
    }

    /// One pool of connections and one TLS configuration for all clients.
    fn connector(&self) -> &SharedHttpClient {
        self.connector
            .get_or_init(|| AlsoJson::over(TlsWhenNeeded::client()))
    }

    fn runtime(&self) -> Result<Arc<Runtime>, Fault> {
        let mut runtime = self.runtime.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = &*runtime {
            return Ok(Arc::clone(runtime));
        }
        // Whoever waits for an answer does the I/O: no other thread is woken for it.
        let started = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Fault::new(FaultKind::Failed, format!("no executor: {error}")))?;
        Ok(Arc::clone(runtime.insert(Arc::new(started))))
    }
}

impl Drop for Aws {
    fn drop(&mut self) {
        // A look-up that hangs in the resolver must not keep the process alive.
        let runtime = self
            .runtime
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = runtime.take().and_then(Arc::into_inner) {
            runtime.shutdown_background();
        }
    }
}

/// Ready when cancelled.
async fn cancelled(cancel: &Cancel) -> Fault {
    loop {
        if let Err(fault) = cancel.check() {
            return fault;
        }
        tokio::time::sleep(Cancel::PATIENCE / 2).await;
    }
}

async fn load(chosen: Overrides, connector: SharedHttpClient) -> Result<SdkConfig, Fault> {
    credentials::check_profile(chosen.profile.as_deref()).await?;
    let app = AppName::new("opsh")
        .map_err(|error| Fault::new(FaultKind::Failed, format!("application name: {error}")))?;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(ATTEMPT)
        .operation_timeout(CALL)
        .build();
    // The retry mode is not set here: the chain's default is `standard`, and
    // AWS_RETRY_MODE and AWS_MAX_ATTEMPTS keep their say.
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .app_name(app)
        .timeout_config(timeouts)
        .http_client(connector.clone());
    if let Some(profile) = &chosen.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = chosen.region {
        loader = loader.region(Region::new(region));
    }
    if let Some(url) = chosen.endpoint_url {
        loader = loader.endpoint_url(url);
    }
    let config = loader.load().await;
    let provider = credentials::source(&config, chosen.profile.as_deref(), &connector).await?;
    if config.region().is_none() {
        return Err(Fault::new(FaultKind::Invalid, "no AWS region is set")
            .code("MissingRegion")
            .hint("set AWS_REGION, pass --region, or use --local or --dry-run"));
    }
    Ok(config.into_builder().credentials_provider(provider).build())
}

/// What [`super::Live::complete`] runs.
pub(super) type Call = BoxFuture<'static, Result<Value, Fault>>;
