//! What a new account holds: the facts that the services agree on.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::events::Events;
use crate::hosts::Hosts;
use crate::ids::Ids;
use crate::services::{
    autoscaling, cloudwatch, ec2, elbv2, iam, lambda, s3, scheduler, sns, sqs, ssm,
};
use crate::state::State;

/// The image of Amazon Linux 2023 for `x86_64`.
pub const AL2023_X86_64: &str = "ami-0a1b2c3d4e5f60001";
/// The image of Amazon Linux 2023 for `arm64`.
pub const AL2023_ARM64: &str = "ami-0a1b2c3d4e5f60002";
/// The image of Ubuntu 24.04 for `x86_64`.
pub const UBUNTU_X86_64: &str = "ami-0a1b2c3d4e5f60003";

/// The address from which the caller comes (RFC 5737, TEST-NET-2).
pub const CALLER_ADDRESS: &str = "198.51.100.7";

/// The access key id that the world's clients use; an example of AWS's documentation.
pub const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
/// Its secret, with which presigned URLs are checked; public, too.
pub const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// Names of buckets that belong to somebody else, as short names do.
const TAKEN_BUCKETS: [&str; 8] = [
    "backup", "data", "images", "logs", "opsh", "taken", "test", "website",
];

/// Who calls: the ARN of the account's one user.
#[must_use]
pub fn caller(account: &str) -> String {
    format!("arn:aws:iam::{account}:user/{}", iam::USER)
}

/// How a new cloud is furnished.
#[derive(Debug, Clone)]
pub struct Options {
    /// All ids and other made-up values follow from it.
    pub seed: u64,
    /// The one region that there is.
    pub region: String,
    /// The account, twelve digits.
    pub account: String,
    /// The virtual time at which it begins.
    pub start: Timestamp,
}

impl Default for Options {
    /// Seed 0, `us-east-1`, account 123456789012, the first second of 2026.
    fn default() -> Self {
        Self {
            seed: 0,
            region: "us-east-1".to_owned(),
            account: "123456789012".to_owned(),
            start: Timestamp::from_second(1_767_225_600).unwrap_or_default(),
        }
    }
}

impl State {
    /// A new account.
    #[must_use]
    pub fn furnished(options: &Options) -> Self {
        let mut state = Self {
            account: options.account.clone(),
            region: options.region.clone(),
            now: options.start,
            ids: Ids::new(options.seed),
            requests: Ids::new(options.seed ^ u64::from_be_bytes(*b"requests")),
            events: Events::default(),
            ec2: ec2::State::default(),
            cloudwatch: cloudwatch::State::default(),
            sns: sns::State::default(),
            sqs: sqs::State::default(),
            autoscaling: autoscaling::State::default(),
            elbv2: elbv2::State::default(),
            s3: s3::State::default(),
            iam: iam::State::default(),
            ssm: ssm::State::default(),
            lambda: lambda::State::default(),
            scheduler: scheduler::State::default(),
            discord: crate::discord::State::default(),
            hosts: Hosts::default(),
            errands: Vec::new(),
            doors: BTreeMap::new(),
        };
        state.s3.taken = TAKEN_BUCKETS.map(str::to_owned).into();
        ec2::furnish(&mut state);
        cloudwatch::furnish(&mut state);
        ssm::furnish(&mut state);
        state
    }
}
