//! The SDK's errors as faults that a playbook can switch on.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use aws_types::request_id::RequestId;
use opsh_operation::{Fault, FaultKind};

const NO_CREDENTIALS: &str = "run `aws configure`, set AWS_PROFILE, or use --local or --dry-run";
const EXPIRED: &str = "renew them, e.g. with `aws sso login`, and run again";
const WRONG: &str = "check AWS_PROFILE and the keys in ~/.aws/credentials or the environment";
const UNREACHABLE: &str =
    "check the network, the region and AWS_ENDPOINT_URL, or use --local or --dry-run";

/// The fault of a failed call.
#[allow(clippy::needless_pass_by_value)] // a function for `map_err`
pub fn fault<E>(error: SdkError<E, HttpResponse>) -> Fault
where
    E: ProvideErrorMetadata + Error + Send + Sync + 'static,
{
    let request_id = error.request_id().map(str::to_owned);
    let mut fault = match &error {
        // An answer that cannot be read comes as an unknown refusal.
        SdkError::ServiceError(answer)
            if answer.raw().status().is_success() && answer.err().code().is_none() =>
        {
            garbled(answer.err(), answer.raw().status().as_u16())
        }
        SdkError::ServiceError(answer) => refused(
            answer.err().code(),
            answer.err().message(),
            answer.raw().status().as_u16(),
        ),
        SdkError::TimeoutError(_) => slow(),
        SdkError::ResponseError(answer) => garbled(&error, answer.raw().status().as_u16()),
        SdkError::DispatchFailure(failure) if failure.is_timeout() && !connecting(&error) => slow(),
        SdkError::DispatchFailure(failure) => {
            let lost = failure.is_io() || failure.is_timeout();
            let mut fault = not_sent(&error, lost);
            fault.open = lost && !connecting(&error);
            fault
        }
        _ => not_sent(&error, false),
    };
    fault.request_id = request_id;
    fault
}

fn garbled(error: &(dyn Error + 'static), status: u16) -> Fault {
    let mut fault = Fault::new(
        FaultKind::Failed,
        format!(
            "the answer (HTTP {status}) cannot be understood: {}",
            reasons(error)
        ),
    );
    fault.retryable = status >= 500;
    fault.open()
}

fn slow() -> Fault {
    let mut fault = Fault::new(FaultKind::Timeout, "the service did not answer in time").open();
    fault.retryable = true;
    fault.hint(UNREACHABLE)
}

/// Whether it failed before there was a connection: then nothing was sent.
///
/// The connector's types are private; their texts are what tells.
pub(super) fn connecting(error: &(dyn Error + 'static)) -> bool {
    chain(error).iter().any(|cause| {
        let text = cause.to_string();
        ["(Connect)", "dns error", "connect error", "connect timeout"]
            .iter()
            .any(|sign| text.contains(sign))
    })
}

/// What failed before an answer came: credentials, the connection, or the request itself.
fn not_sent(error: &(dyn Error + 'static), io: bool) -> Fault {
    let chain = chain(error);
    let credentials = chain
        .iter()
        .find_map(|cause| cause.downcast_ref::<CredentialsError>());
    if let Some(cause) = credentials {
        return match cause {
            CredentialsError::CredentialsNotLoaded(_) => {
                Fault::new(FaultKind::Credentials, "no AWS credentials were found")
            }
            other => Fault::new(
                FaultKind::Credentials,
                format!("no AWS credentials could be loaded: {}", reasons(other)),
            ),
        }
        .hint(NO_CREDENTIALS);
    }
    if io {
        let mut fault = Fault::new(
            FaultKind::Unreachable,
            format!("the service cannot be reached: {}", reasons(error)),
        )
        .hint(UNREACHABLE);
        fault.retryable = true;
        return fault;
    }
    let text = reasons(error);
    if text.contains("no identity resolver") {
        return Fault::new(FaultKind::Credentials, "no AWS credentials were found")
            .hint(NO_CREDENTIALS);
    }
    Fault::new(
        FaultKind::Invalid,
        format!("the request cannot be sent: {text}"),
    )
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> Vec<&'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| (*cause).source()).collect()
}

/// The causes below `error` that say more than the one before, joined by colons.
fn reasons(error: &(dyn Error + 'static)) -> String {
    let mut texts: Vec<String> = Vec::new();
    for cause in chain(error) {
        let text = cause.to_string();
        let vague = [
            "dispatch failure",
            "failed to construct request",
            "other",
            "io error",
        ];
        if !vague.contains(&text.as_str()) && !texts.iter().any(|seen| seen.contains(&text)) {
            texts.push(text);
        }
    }
    if texts.is_empty() {
        return error.to_string();
    }
    texts.join(": ")
}

/// A service's refusal.
fn refused(code: Option<&str>, message: Option<&str>, status: u16) -> Fault {
    // Answers to HEAD have no body, hence no code.
    let code = code.unwrap_or(match status {
        301 | 307 => "PermanentRedirect",
        401 | 403 => "Forbidden",
        404 => "NotFound",
        409 => "Conflict",
        412 => "PreconditionFailed",
        503 => "ServiceUnavailable",
        _ => "Unknown",
    });
    let kind = kind_of(code, message.unwrap_or_default());
    let text = match message {
        Some(message) if !message.is_empty() => format!("{message} ({code})"),
        _ => format!("the service answered {code} (HTTP {status})"),
    };
    let mut fault = Fault::new(kind, text).code(code);
    fault.retryable = kind == FaultKind::Throttled || status >= 500 && status != 501;
    // An error inside the service says nothing of what was done before it.
    fault.open = kind == FaultKind::Failed && status >= 500 && status != 501;
    fault.hint = hint_for(kind, code).map(str::to_owned);
    fault
}

fn hint_for(kind: FaultKind, code: &str) -> Option<&'static str> {
    match kind {
        FaultKind::Credentials if code.contains("Expired") => Some(EXPIRED),
        FaultKind::Credentials => Some(WRONG),
        FaultKind::NotModelled => {
            Some("the embedded cloud refuses what it does not model; run it live")
        }
        FaultKind::Denied => {
            Some("the policies of the caller, or of the resource, do not allow it")
        }
        _ if code == "PermanentRedirect" || code == "AuthorizationHeaderMalformed" => {
            Some("the bucket is in another region: give the control `region`")
        }
        _ => None,
    }
}

/// Codes that say by their name alone that there is no room.
const CAPACITY: [&str; 4] = [
    "TooManyBuckets",
    "TooManyLoadBalancers",
    "TooManyTargets",
    "MaxSpotInstanceCountExceeded",
];

/// The kind of a service's code. Exact names come before patterns.
pub fn kind_of(code: &str, message: &str) -> FaultKind {
    const DENIED: [&str; 8] = [
        "AccessDenied",
        "AccessDeniedException",
        "UnauthorizedOperation",
        "AuthorizationError",
        "AuthorizationErrorException",
        "Forbidden",
        "AllAccessDisabled",
        "OperationNotPermitted",
    ];
    const CREDENTIALS: [&str; 11] = [
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "AuthFailure",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "InvalidToken",
        "RequestExpired",
    ];
    const EXISTS: [&str; 5] = [
        "BucketAlreadyOwnedByYou",
        "EntityAlreadyExists",
        "EntityAlreadyExistsException",
        "ParameterAlreadyExists",
        "TagAlreadyExists",
    ];
    const DEPENDENCY: [&str; 9] = [
        "DependencyViolation",
        "BucketNotEmpty",
        "ResourceInUse",
        "ResourceInUseFault",
        "DeleteConflict",
        "DeleteConflictException",
        "VolumeInUse",
        "ScalingActivityInProgress",
        "ScalingActivityInProgressFault",
    ];
    const THROTTLED: [&str; 5] = [
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "SlowDown",
        "PriorRequestNotComplete",
        "BandwidthLimitExceeded",
    ];
    if code == "NotModelled" {
        return FaultKind::NotModelled;
    }
    let capacity_codes = code.starts_with("Insufficient") && code.contains("Capacity");
    match code {
        _ if THROTTLED.contains(&code) || code.contains("Throttl") => FaultKind::Throttled,
        _ if CREDENTIALS.contains(&code) => FaultKind::Credentials,
        _ if DENIED.contains(&code) => FaultKind::Denied,
        _ if DEPENDENCY.contains(&code)
            || code.ends_with(".InUse")
            || code.ends_with("InUseException") =>
        {
            FaultKind::Dependency
        }
        _ if EXISTS.contains(&code)
            || code.contains("AlreadyExist")
            || code.contains("Duplicate") =>
        {
            FaultKind::AlreadyExists
        }
        _ if code.contains("NotFound")
            || code.ends_with("NonExistentQueue")
            || code.ends_with("DoesNotExist")
            || code.starts_with("NoSuch")
            || code.ends_with(".Malformed") && message.contains("does not exist") =>
        {
            FaultKind::NotFound
        }
        // Lambda and Scheduler have one code for what is there and for what is in the way.
        "ResourceConflictException" | "ConflictException" if message.contains("already exist") => {
            FaultKind::AlreadyExists
        }
        "ResourceConflictException" | "ConflictException" => FaultKind::Dependency,
        // Auto Scaling has no code of its own for what does not exist.
        "ValidationError"
            if message.contains("not found") || message.contains("does not exist") =>
        {
            FaultKind::NotFound
        }
        // What DetachVolume says of a volume that is attached to nothing.
        "IncorrectState" if message.contains("is in the 'available' state") => FaultKind::NotFound,
        _ if capacity_codes || code.contains("LimitExceeded") || code.contains("QuotaExceeded") => {
            FaultKind::Capacity
        }
        _ if CAPACITY.contains(&code) => FaultKind::Capacity,
        _ if code.starts_with("Invalid")
            || code == "ReceiptHandleIsInvalid"
            || code.starts_with("Missing")
            || code.starts_with("Malformed")
            || code.starts_with("Validation") =>
        {
            FaultKind::Invalid
        }
        _ => FaultKind::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_kinds() {
        let table = [
            ("InvalidInstanceID.NotFound", FaultKind::NotFound),
            ("NoSuchBucket", FaultKind::NotFound),
            ("LoadBalancerNotFound", FaultKind::NotFound),
            (
                "AWS.SimpleQueueService.NonExistentQueue",
                FaultKind::NotFound,
            ),
            ("QueueAlreadyExists", FaultKind::AlreadyExists),
            ("ReceiptHandleIsInvalid", FaultKind::Invalid),
            ("BucketAlreadyOwnedByYou", FaultKind::AlreadyExists),
            ("BucketAlreadyExists", FaultKind::AlreadyExists),
            ("InvalidGroup.Duplicate", FaultKind::AlreadyExists),
            ("DuplicateLoadBalancerName", FaultKind::AlreadyExists),
            ("InvalidPermission.Duplicate", FaultKind::AlreadyExists),
            ("DependencyViolation", FaultKind::Dependency),
            ("BucketNotEmpty", FaultKind::Dependency),
            ("InvalidSnapshot.InUse", FaultKind::Dependency),
            ("UnauthorizedOperation", FaultKind::Denied),
            ("ExpiredToken", FaultKind::Credentials),
            ("AuthFailure", FaultKind::Credentials),
            ("Throttling", FaultKind::Throttled),
            ("RequestLimitExceeded", FaultKind::Throttled),
            ("InsufficientInstanceCapacity", FaultKind::Capacity),
            ("VcpuLimitExceeded", FaultKind::Capacity),
            ("NotModelled", FaultKind::NotModelled),
            ("InvalidParameterValue", FaultKind::Invalid),
            ("InternalError", FaultKind::Failed),
            ("ResourceConflictException", FaultKind::Dependency),
        ];
        for (code, kind) in table {
            assert_eq!(kind_of(code, ""), kind, "{code}");
        }
        assert_eq!(
            kind_of("ResourceConflictException", "Function already exist: f"),
            FaultKind::AlreadyExists
        );
    }

    #[test]
    fn an_answer_without_a_body_is_told_by_its_status() {
        let fault = refused(None, None, 404);
        assert_eq!(fault.kind, FaultKind::NotFound);
        assert_eq!(fault.message, "the service answered NotFound (HTTP 404)");
    }

    #[test]
    fn expired_credentials_say_the_next_step() {
        let fault = refused(Some("ExpiredToken"), Some("The token has expired."), 400);
        assert_eq!(fault.message, "The token has expired. (ExpiredToken)");
        assert_eq!(fault.hint.as_deref(), Some(EXPIRED));
    }

    #[test]
    fn server_errors_may_work_later_and_missing_models_may_not() {
        assert!(refused(Some("InternalError"), None, 500).retryable);
        assert!(!refused(Some("NotModelled"), None, 501).retryable);
    }
}
