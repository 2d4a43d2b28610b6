//! Who the caller is to AWS: the profile, its credentials, and what is wrong with them.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use aws_config::profile::ProfileFileCredentialsProvider;
#[allow(deprecated)] // its other name is in a crate that nothing else here needs
use aws_config::profile::profile_file::ProfileFiles;
use aws_config::provider_config::ProviderConfig;
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{
    ProvideCredentials, SharedCredentialsProvider, future::ProvideCredentials as Provided,
};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_types::SdkConfig;
use aws_types::os_shim_internal::{Env, Fs};
use opsh_operation::{Fault, FaultKind, suggest};

/// Refuses a profile that no file has: the SDK would look for credentials
/// elsewhere, and act for somebody else than was asked for.
pub(super) async fn check_profile(asked: Option<&str>) -> Result<(), Fault> {
    let variable = std::env::var("AWS_PROFILE").ok();
    let Some(name) = asked
        .or(variable.as_deref())
        .filter(|name| !name.is_empty())
    else {
        return Ok(());
    };
    #[allow(deprecated)] // as above
    let files = ProfileFiles::default();
    let profiles = aws_config::profile::load(
        &Fs::real(),
        &Env::real(),
        &files,
        Some(Cow::Owned(name.to_owned())),
    )
    .await
    .map_err(|error| {
        Fault::new(
            FaultKind::Invalid,
            format!(
                "the AWS configuration cannot be read: {}",
                innermost(&error)
            ),
        )
        .hint("repair ~/.aws/config or ~/.aws/credentials")
    })?;
    if profiles.get_profile(name).is_some() || name == "default" {
        return Ok(());
    }
    let near = suggest::did_you_mean(name, profiles.profiles());
    Err(Fault::new(
        FaultKind::Credentials,
        format!("there is no AWS profile '{name}'{near}"),
    )
    .code("UnknownProfile")
    .hint("profiles are in ~/.aws/config and ~/.aws/credentials; 'aws configure list-profiles' lists them"))
}

/// Where the credentials of `config` come from: a profile that was asked for
/// by name alone, otherwise the default chain.
///
/// The SDK's chain would let `AWS_ACCESS_KEY_ID` win over `--profile`; here, as
/// with the AWS CLI, what was said explicitly wins over the environment.
pub(super) async fn source(
    config: &SdkConfig,
    profile: Option<&str>,
    connector: &SharedHttpClient,
) -> Result<SharedCredentialsProvider, Fault> {
    let provider = match profile {
        Some(name) => {
            let mut network = ProviderConfig::without_region()
                .with_region(config.region().cloned())
                .with_http_client(connector.clone());
            if let Some(sleep) = config.sleep_impl() {
                network = network.with_sleep_impl(sleep);
            }
            SharedCredentialsProvider::new(
                ProfileFileCredentialsProvider::builder()
                    .configure(&network)
                    .profile_name(name)
                    .build(),
            )
        }
        None => config.credentials_provider().ok_or_else(|| {
            missing("the configuration has no source of AWS credentials".to_owned())
        })?,
    };
    let first = provider
        .provide_credentials()
        .await
        .map_err(|error| fault(&error, profile))?;
    Ok(SharedCredentialsProvider::new(Remembered {
        first: Mutex::new(Some(first)),
        rest: provider,
    }))
}

/// A fault that names the ways out.
pub(super) fn missing(message: String) -> Fault {
    Fault::new(FaultKind::Credentials, message)
        .code("MissingCredentials")
        .hint(
            "set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in with \
             'aws sso login'; --local and --dry-run need no account",
        )
}

fn fault(error: &CredentialsError, profile: Option<&str>) -> Fault {
    let whose = profile.map_or(String::new(), |name| format!(" for the profile '{name}'"));
    // The chain ends with the instance metadata service: whatever that says
    // where there is none, nothing before it had credentials.
    let from_metadata = DisplayErrorContext(error).to_string().contains("IMDS");
    if from_metadata || matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
        return missing(format!("no AWS credentials were found{whose}"));
    }
    missing(format!(
        "the AWS credentials{whose} cannot be used: {}",
        innermost(error)
    ))
}

/// The cause at the end of the chain: the outer messages only say where the SDK was looking.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

/// Gives the credentials of the first look-up once more, so that checking them
/// beforehand does not double the calls to SSO or STS.
#[derive(Debug)]
struct Remembered {
    first: Mutex<Option<Credentials>>,
    rest: SharedCredentialsProvider,
}

impl ProvideCredentials for Remembered {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        let first = self
            .first
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        match first {
            Some(credentials) => Provided::ready(Ok(credentials)),
            None => self.rest.provide_credentials(),
        }
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.rest.fallback_on_interrupt()
    }
}
