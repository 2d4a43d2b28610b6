//! All there is in the embedded cloud, as plain data that is saved and copied.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::discord;
use crate::errands::Errand;
use crate::events::Events;
use crate::hosts::Hosts;
use crate::ids::Ids;
use crate::services::{
    autoscaling, cloudwatch, ec2, elbv2, iam, lambda, s3, scheduler, sns, sqs, ssm,
};

/// The state of the whole cloud. Services get it mutably, one request at a time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    /// The account, twelve digits.
    pub account: String,
    /// The one region that there is, e.g. `us-east-1`.
    pub region: String,
    /// The virtual time.
    pub now: Timestamp,
    /// Where ids and other made-up values come from.
    pub ids: Ids,
    /// Where the ids of requests come from, so that reading changes no other id.
    pub requests: Ids,
    /// What happens later.
    pub events: Events,
    /// EC2.
    pub ec2: ec2::State,
    /// `CloudWatch`.
    pub cloudwatch: cloudwatch::State,
    /// SNS.
    pub sns: sns::State,
    /// SQS.
    #[serde(default)]
    pub sqs: sqs::State,
    /// Auto Scaling.
    pub autoscaling: autoscaling::State,
    /// Elastic Load Balancing v2.
    pub elbv2: elbv2::State,
    /// S3.
    pub s3: s3::State,
    /// IAM.
    pub iam: iam::State,
    /// Systems Manager.
    pub ssm: ssm::State,
    /// Lambda.
    #[serde(default)]
    pub lambda: lambda::State,
    /// `EventBridge` Scheduler.
    #[serde(default)]
    pub scheduler: scheduler::State,
    /// The embedded Discord.
    #[serde(default)]
    pub discord: discord::State,
    /// The simulated machines, by instance id.
    pub hosts: Hosts,
    /// What tenants are going to be asked.
    #[serde(skip)]
    pub(crate) errands: Vec<Errand>,
    /// The ports of the caller's machine that tenants answer at, and for whom.
    #[serde(skip)]
    pub(crate) doors: BTreeMap<u16, Ipv4Addr>,
}
