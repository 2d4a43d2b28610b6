//! The error a playbook can switch on.

use crate::value::{Map, Value};

/// What went wrong, coarsely enough to branch on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The call was refused before it was sent: wrong parameters.
    Invalid,
    /// Refused by `--allow`/`--deny`.
    Policy,
    /// The thing does not exist.
    NotFound,
    /// The thing exists already, or its name is taken.
    AlreadyExists,
    /// Something else still depends on the thing.
    Dependency,
    /// The account may not do this.
    Denied,
    /// No credentials, expired ones, or wrong ones.
    Credentials,
    /// Asked too often.
    Throttled,
    /// A quota is used up or the cloud has no capacity.
    Capacity,
    /// Nothing answered.
    Unreachable,
    /// An answer took too long.
    Timeout,
    /// A host's key is unknown or has changed.
    HostKey,
    /// The embedded cloud does not model this.
    NotModelled,
    /// The run's deadline has passed.
    Deadline,
    /// The run was interrupted.
    Interrupted,
    /// A limit of the playbook sandbox was reached.
    Limit,
    /// Everything else.
    Failed,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [Self; 17] = [
        Self::Invalid,
        Self::Policy,
        Self::NotFound,
        Self::AlreadyExists,
        Self::Dependency,
        Self::Denied,
        Self::Credentials,
        Self::Throttled,
        Self::Capacity,
        Self::Unreachable,
        Self::Timeout,
        Self::HostKey,
        Self::NotModelled,
        Self::Deadline,
        Self::Interrupted,
        Self::Limit,
        Self::Failed,
    ];

    /// The kind whose [`FaultKind::word`] this is.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The word in the error map, e.g. `not_found`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Policy => "policy",
            Self::NotFound => "not_found",
            Self::AlreadyExists => "already_exists",
            Self::Dependency => "dependency",
            Self::Denied => "denied",
            Self::Credentials => "credentials",
            Self::Throttled => "throttled",
            Self::Capacity => "capacity",
            Self::Unreachable => "unreachable",
            Self::Timeout => "timeout",
            Self::HostKey => "host_key",
            Self::NotModelled => "not_modelled",
            Self::Deadline => "deadline",
            Self::Interrupted => "interrupted",
            Self::Limit => "limit",
            Self::Failed => "failed",
        }
    }

    /// What it means, in one sentence.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Invalid => "The call was refused before it was sent: wrong parameters.",
            Self::Policy => "Refused by `--allow`/`--deny`.",
            Self::NotFound => "The thing does not exist.",
            Self::AlreadyExists => "The thing exists already, or its name is taken.",
            Self::Dependency => "Something else still depends on the thing.",
            Self::Denied => "The account may not do this.",
            Self::Credentials => "No credentials, expired ones, or wrong ones.",
            Self::Throttled => "Asked too often.",
            Self::Capacity => "A quota is used up or the cloud has no capacity.",
            Self::Unreachable => "Nothing answered.",
            Self::Timeout => "An answer took too long.",
            Self::HostKey => "A host's key is unknown or has changed.",
            Self::NotModelled => "The embedded cloud does not model this.",
            Self::Deadline => "The run's deadline has passed.",
            Self::Interrupted => "The run was interrupted.",
            Self::Limit => "A limit of the playbook sandbox was reached.",
            Self::Failed => "Everything else.",
        }
    }
}

/// An operation's failure.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// What went wrong, coarsely.
    pub kind: FaultKind,
    /// The service's own code, e.g. `InvalidInstanceID.NotFound`.
    pub code: Option<String>,
    /// What went wrong, for people.
    pub message: String,
    /// The service, e.g. `ec2`; empty until the gate fills it in.
    pub service: String,
    /// The operation, e.g. `ec2::run_instances`; empty until the gate fills it in.
    pub operation: String,
    /// The service's id of the failed request.
    pub request_id: Option<String>,
    /// Whether the same call may work later.
    pub retryable: bool,
    /// Whether it is unknown if the work was done: the request had left, and no
    /// answer came that says.
    pub open: bool,
    /// What to do next.
    pub hint: Option<String>,
    /// What there is to know beyond that, e.g. an SSH command's output.
    pub details: Map,
}

impl Fault {
    /// A failure of `kind` with a message for people.
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            code: None,
            message: message.into(),
            service: String::new(),
            operation: String::new(),
            request_id: None,
            retryable: false,
            open: false,
            hint: None,
            details: Map::new(),
        }
    }

    /// The same with the next step for people.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same where the work may have been done all the same.
    #[must_use]
    pub fn open(mut self) -> Self {
        self.open = true;
        self
    }

    /// The same with the service's code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// The map that a playbook catches.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut map = self.details.clone();
        map.insert("kind".into(), self.kind.word().into());
        map.insert("code".into(), self.code.clone().into());
        map.insert("message".into(), self.message.clone().into());
        map.insert("service".into(), self.service.clone().into());
        map.insert("operation".into(), self.operation.clone().into());
        map.insert("request_id".into(), self.request_id.clone().into());
        map.insert("retryable".into(), self.retryable.into());
        map.insert("hint".into(), self.hint.clone().into());
        Value::Map(map)
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
