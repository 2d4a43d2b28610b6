//! Access logs: a line for each request, delivered to the balancer's bucket every five
//! minutes, compressed.
//!
//! <https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html>

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};

use super::Event;
use super::balancer::{Balancer, existing};
use crate::api::ApiError;
use crate::events;
use crate::services::s3;
use crate::state;

/// Who puts the logs into the bucket.
const PRINCIPAL: &str = "logdelivery.elasticloadbalancing.amazonaws.com";
/// Seconds from delivery to delivery.
const EVERY: i64 = 300;

/// A request as the log tells it.
#[derive(Debug, Default)]
pub struct Entry<'a> {
    /// The visitor's address.
    pub client: &'a str,
    /// The target's address, port, status and group, if one answered.
    pub target: Option<(String, u16, &'a str)>,
    /// The target's status.
    pub target_status: Option<u16>,
    /// What the visitor got.
    pub status: u16,
    /// The request's size.
    pub received: usize,
    /// The answer's size.
    pub sent: usize,
    /// Method, URL and protocol.
    pub line: String,
    /// The visitor's program.
    pub agent: String,
    /// The request's trace.
    pub trace: String,
    /// What the listener did: `forward`, `redirect`, `fixed-response`.
    pub action: &'a str,
    /// Where a redirect went.
    pub redirect: String,
}

/// Where the logs of a balancer go, if they go anywhere.
fn place(balancer: &Balancer) -> Option<(String, String)> {
    let attribute = |key: &str| balancer.attributes.get(key).cloned().unwrap_or_default();
    (attribute("access_logs.s3.enabled") == "true").then(|| {
        (
            attribute("access_logs.s3.bucket"),
            attribute("access_logs.s3.prefix"),
        )
    })
}

fn folder(cloud: &state::State, prefix: &str) -> String {
    let prefix = if prefix.is_empty() {
        String::new()
    } else {
        format!("{prefix}/")
    };
    format!("{prefix}AWSLogs/{}", cloud.account)
}

/// Tries the bucket, as AWS does when logs are switched on, by a test file.
///
/// # Errors
/// `InvalidConfigurationRequest`: no such bucket, or its policy does not let the logs in.
pub fn begin(cloud: &mut state::State, arn: &str) -> Result<(), ApiError> {
    let Some((bucket, prefix)) = place(existing(cloud, arn)?) else {
        return Ok(());
    };
    let key = format!("{}/ELBAccessLogTestFile", folder(cloud, &prefix));
    let body = format!("Enable AccessLog for ELB: {arn} at {}", cloud.now);
    s3::deliver(cloud, PRINCIPAL, &bucket, &key, "text/plain", body.into()).map_err(|error| {
        let why = if error.code == "AccessDenied" {
            format!("Access Denied for bucket: {bucket}. Please check S3bucket permission")
        } else {
            format!("{}: {bucket}", error.message)
        };
        ApiError::new("InvalidConfigurationRequest", why)
    })
}

/// Notes a request; the first one plans the delivery.
pub fn note(cloud: &mut state::State, balancer: &Balancer, entry: &Entry<'_>) {
    if place(balancer).is_none() {
        return;
    }
    let line = line(cloud.now, balancer, entry);
    let boundary = (cloud.now.as_second().div_euclid(EVERY) + 1) * EVERY;
    let Some(balancer) = cloud.elbv2.balancers.get_mut(&balancer.arn) else {
        return;
    };
    balancer.log.push(line);
    if balancer.log.len() == 1
        && let Ok(at) = Timestamp::from_second(boundary)
    {
        let event = Event::Deliver {
            balancer: balancer.arn.clone(),
        };
        cloud.events.plan(at, events::Event::Elbv2(event));
    }
}

fn line(now: Timestamp, balancer: &Balancer, entry: &Entry<'_>) -> String {
    let stamp = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string();
    // What the balancer and its target took: there is no wire here to measure.
    let took = SignedDuration::from_millis(2);
    let (target, group) = match &entry.target {
        Some((address, port, group)) => (format!("{address}:{port}"), *group),
        None => ("-".to_owned(), "-"),
    };
    // A phase that did not come about has no time.
    let times = match (&entry.target, entry.target_status) {
        (Some(_), Some(_)) => "0.000 0.001 0.000",
        (Some(_), None) => "0.000 -1 -1",
        (None, _) => "-1 -1 -1",
    };
    let target_status = entry
        .target_status
        .map_or_else(|| "-".to_owned(), |status| status.to_string());
    let or_dash = |text: &str| {
        if text.is_empty() {
            "-".to_owned()
        } else {
            text.replace('"', "%22")
        }
    };
    // The fields for TLS, rewriting and authentication are there, empty: listeners are plain.
    format!(
        "http {time} {elb} {client}:{port} {target} {times} {status} {target_status} {received} {sent} \
         \"{request}\" \"{agent}\" - - {group} \"{trace}\" \"-\" \"-\" 0 {created} \"{action}\" \
         \"{redirect}\" \"-\" \"{target}\" \"{target_status}\" \"-\" \"-\" TID_{connection} \
         \"-\" \"-\" \"-\" {node}",
        time = stamp(now + took),
        elb = balancer.dimension(),
        client = entry.client,
        port = 49_152 + balancer.log.len() % 16_384,
        status = entry.status,
        received = entry.received,
        sent = entry.sent,
        request = or_dash(&entry.line),
        agent = or_dash(&entry.agent),
        trace = or_dash(&entry.trace),
        created = stamp(now),
        action = entry.action,
        redirect = or_dash(&entry.redirect),
        connection = balancer.id,
        node = balancer.address(),
    )
}

/// Puts what was noted into the bucket; what cannot be delivered is lost, as with AWS.
pub fn deliver(cloud: &mut state::State, arn: &str) {
    let Some(balancer) = cloud.elbv2.balancers.get_mut(arn) else {
        return;
    };
    let lines = std::mem::take(&mut balancer.log);
    let balancer = balancer.clone();
    let Some((bucket, prefix)) = place(&balancer) else {
        return;
    };
    let mut text = lines.join("\n");
    text.push('\n');
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let packed = encoder
        .write_all(text.as_bytes())
        .and_then(|()| encoder.finish());
    let Ok(packed) = packed else {
        return;
    };
    let (region, account) = (&cloud.region, &cloud.account);
    let day = cloud.now.strftime("%Y/%m/%d").to_string();
    let end = cloud.now.strftime("%Y%m%dT%H%MZ").to_string();
    let name = format!(
        "{account}_elasticloadbalancing_{region}_app.{}.{}_{end}_{}",
        balancer.name,
        balancer.id,
        balancer.address()
    );
    let folder = format!(
        "{}/elasticloadbalancing/{region}/{day}",
        folder(cloud, &prefix)
    );
    let unique = hex::encode(cloud.ids.bytes::<4>());
    let key = format!("{folder}/{name}_{unique}.log.gz");
    // The bucket may be gone or closed by now.
    let _ = s3::deliver(
        cloud,
        PRINCIPAL,
        &bucket,
        &key,
        "application/octet-stream",
        Bytes::from(packed),
    );
}
