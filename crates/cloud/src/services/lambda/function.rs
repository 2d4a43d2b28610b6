//! What a function is, and how the API shows it.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::log::Log;
use super::permission::Statement;
use super::{conflict, name};
use crate::api::ApiError;
use crate::body::Body;
use crate::state::State as Cloud;

/// How long a function is prepared before it can be invoked, after it was made or changed.
pub const PREPARATION: SignedDuration = SignedDuration::from_secs(3);

/// A function.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// How its code is started.
    pub runtime: String,
    /// Which part of the code is called; the code itself interprets it.
    pub handler: String,
    /// The ARN of the role that it has.
    pub role: String,
    /// Its memory in MiB.
    pub memory: u32,
    /// How long a run may take, in seconds.
    pub timeout: u32,
    /// The size of its `/tmp` in MiB.
    pub storage: u32,
    /// Its environment variables.
    pub environment: BTreeMap<String, String>,
    /// What machine its code is for.
    pub architecture: String,
    /// Its code, a zip file.
    pub code: Body,
    /// Since when it can be invoked, or will be.
    pub active: Timestamp,
    /// When the last update is done.
    pub updated: Timestamp,
    /// When it was changed last.
    pub modified: Timestamp,
    /// Changes with every change.
    pub revision: String,
    /// Who else may invoke it.
    pub policy: Vec<Statement>,
    /// How many runs it may have at once, if that is reserved.
    pub reserved: Option<u32>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// What its runs have said.
    pub log: Log,
}

impl Function {
    /// Whether it can be invoked at `now`.
    #[must_use]
    pub fn is_active(&self, now: Timestamp) -> bool {
        now >= self.active
    }

    /// Refuses a change while it is made or updated.
    ///
    /// # Errors
    /// `ResourceConflictException`.
    pub fn settled(&self, cloud: &Cloud) -> Result<(), ApiError> {
        let arn = name::arn(cloud, &self.name);
        if !self.is_active(cloud.now) {
            return Err(conflict(
                "The operation cannot be performed at this time. The function is currently in \
                 the following state: Pending",
            ));
        }
        if cloud.now < self.updated {
            return Err(conflict(format!(
                "The operation cannot be performed at this time. An update is in progress for \
                 resource: {arn}"
            )));
        }
        Ok(())
    }

    /// Its code has changed, or its configuration: it is prepared anew.
    pub fn touch(&mut self, now: Timestamp, revision: String) {
        self.modified = now;
        self.updated = now.checked_add(PREPARATION).unwrap_or(now);
        self.revision = revision;
    }

    /// The configuration as the API shows it.
    #[must_use]
    pub fn shown(&self, cloud: &Cloud) -> Value {
        let mut shown = json!({
            "FunctionName": self.name,
            "FunctionArn": name::arn(cloud, &self.name),
            "Runtime": self.runtime,
            "Role": self.role,
            "Handler": self.handler,
            "CodeSize": self.code.length(),
            "Description": self.description,
            "Timeout": self.timeout,
            "MemorySize": self.memory,
            "LastModified": self.modified.strftime("%Y-%m-%dT%H:%M:%S.%3f+0000").to_string(),
            "CodeSha256": self.code_sha256(),
            "Version": "$LATEST",
            "TracingConfig": {"Mode": "PassThrough"},
            "RevisionId": self.revision,
            "PackageType": "Zip",
            "Architectures": [self.architecture],
            "EphemeralStorage": {"Size": self.storage},
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
            "LoggingConfig": {
                "LogFormat": "Text",
                "LogGroup": format!("/aws/lambda/{}", self.name),
            },
        });
        if !self.environment.is_empty() {
            shown["Environment"] = json!({"Variables": self.environment});
        }
        if self.is_active(cloud.now) {
            shown["State"] = json!("Active");
            let status = if cloud.now < self.updated {
                shown["LastUpdateStatusReason"] = json!("The function is being created.");
                shown["LastUpdateStatusReasonCode"] = json!("Creating");
                "InProgress"
            } else {
                "Successful"
            };
            shown["LastUpdateStatus"] = json!(status);
        } else {
            shown["State"] = json!("Pending");
            shown["StateReason"] = json!("The function is being created.");
            shown["StateReasonCode"] = json!("Creating");
        }
        shown
    }

    /// The digest of its code as the API shows it.
    #[must_use]
    pub fn code_sha256(&self) -> String {
        use base64::Engine as _;
        let digest = hex::decode(self.code.digest()).unwrap_or_default();
        base64::engine::general_purpose::STANDARD.encode(digest)
    }
}
