//! Messages to web servers: a POST, tried again while nobody takes it.
//!
//! A host or a balancer of this cloud is reached as from the internet. What is outside
//! of it waits in the outbox for whoever carries it there ([`Outcome::Outside`]).
//!
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-http-https-endpoint-as-subscriber.html>,
//! <https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html>: the
//! default policy tries three more times, 20 seconds apart; an answer of 4xx other than
//! 429 is final.

use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderValue;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use jiff::SignedDuration;

use super::Event;
use super::publish::{Delivery, Kind, Outcome};
use super::subscription::Protocol;
use crate::course::Course;
use crate::errands::{Errand, Purpose};
use crate::events;
use crate::hosts::Unreachable;
use crate::login::address_of;
use crate::router;
use crate::services::ec2::{self, Reach};
use crate::services::elbv2;
use crate::state;
use crate::tenants;

/// From where SNS sends (RFC 5737, TEST-NET-1).
const SENDER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 53);

/// How often a message is sent again.
const RETRIES: u32 = 3;

/// For how long an answer is waited for.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How long it waits before that.
const PAUSE: SignedDuration = SignedDuration::from_secs(20);

/// Sends what has been put into the outbox from position `first` on and is for web servers.
pub fn send(cloud: &mut state::State, first: usize) {
    for index in first..cloud.sns.outbox.len() {
        attempt(cloud, index, RETRIES);
    }
}

/// Sends a message again.
pub fn again(cloud: &mut state::State, message: &str, endpoint: &str, left: u32) {
    let found = cloud
        .sns
        .outbox
        .iter()
        .position(|delivery| delivery.id == message && delivery.endpoint == endpoint);
    if let Some(index) = found {
        attempt(cloud, index, left);
    }
}

fn attempt(cloud: &mut state::State, index: usize, left: u32) {
    let Some(delivery) = cloud.sns.outbox.get(index) else {
        return;
    };
    if !matches!(delivery.protocol, Some(Protocol::Http | Protocol::Https)) {
        return;
    }
    let post = Post {
        message: delivery.id.clone(),
        endpoint: delivery.endpoint.clone(),
        left,
    };
    let request = match request(cloud, delivery) {
        Ok(request) => request,
        Err(error) => return settle(cloud, &post, Outcome::Failed(error.to_string())),
    };
    match carry(cloud, &request) {
        None => settle(cloud, &post, Outcome::Outside),
        Some(Ok(Course::Answer(answer))) => conclude(cloud, &post, Ok(answer)),
        Some(Err(why)) => conclude(cloud, &post, Err(why)),
        Some(Ok(Course::Ask(asked))) => {
            settle(cloud, &post, Outcome::UnderWay);
            cloud.errands.push(Errand {
                asked: *asked,
                patience: TIMEOUT,
                purpose: Purpose::Delivery(post),
            });
        }
    }
}

/// Which message goes where, and how often it may be sent again.
#[derive(Debug, Clone)]
pub struct Post {
    message: String,
    endpoint: String,
    left: u32,
}

/// Takes in what a web server answered.
pub fn conclude(
    cloud: &mut state::State,
    post: &Post,
    answer: Result<http::Response<Bytes>, Unreachable>,
) {
    let host = || {
        let uri = post.endpoint.parse::<http::Uri>().unwrap_or_default();
        uri.host().unwrap_or_default().to_owned()
    };
    let outcome = match answer {
        Ok(response) => Outcome::Answered(response.status().as_u16()),
        Err(Unreachable::Refused) => Outcome::Failed(format!("connection refused by {}", host())),
        Err(Unreachable::Silent) => Outcome::Failed(format!("no answer from {}", host())),
    };
    settle(cloud, post, outcome);
}

/// Notes what came of a message, and plans to send it again if nobody took it.
fn settle(cloud: &mut state::State, post: &Post, outcome: Outcome) {
    let in_vain = match &outcome {
        Outcome::Answered(status) => *status >= 500 || *status == 429,
        Outcome::Failed(_) => true,
        Outcome::Delivered | Outcome::Outside | Outcome::UnderWay => false,
    };
    let delivery = cloud
        .sns
        .outbox
        .iter_mut()
        .find(|delivery| delivery.id == post.message && delivery.endpoint == post.endpoint);
    if let Some(delivery) = delivery {
        delivery.outcome = outcome;
    }
    if in_vain && post.left > 0 {
        let retry = Event::Retry {
            message: post.message.clone(),
            endpoint: post.endpoint.clone(),
            left: post.left - 1,
        };
        let at = cloud.now + PAUSE;
        cloud.events.plan(at, events::Event::Sns(retry));
    }
}

/// The POST that brings a message.
///
/// # Errors
/// The endpoint is no URL.
pub fn request(
    cloud: &state::State,
    delivery: &Delivery,
) -> Result<http::Request<Bytes>, http::Error> {
    let kind = match delivery.kind {
        Kind::Notification => "Notification",
        Kind::SubscriptionConfirmation => "SubscriptionConfirmation",
    };
    let subscription = cloud.sns.subscriptions.iter().find(|subscription| {
        subscription.topic == delivery.topic
            && subscription.endpoint == delivery.endpoint
            && subscription.is_confirmed()
    });
    let mut request = http::Request::post(&delivery.endpoint)
        .header(CONTENT_TYPE, "text/plain; charset=UTF-8")
        .header(USER_AGENT, "Amazon Simple Notification Service Agent")
        .header("x-amz-sns-message-type", kind)
        .header("x-amz-sns-message-id", &delivery.id)
        .header("x-amz-sns-topic-arn", &delivery.topic);
    if let Some(subscription) = subscription {
        request = request.header("x-amz-sns-subscription-arn", &subscription.arn);
        let raw = subscription.attributes.get("RawMessageDelivery");
        if raw.is_some_and(|value| value == "true") {
            request = request.header("x-amz-sns-rawdelivery", "true");
        }
    }
    let mut request = request.body(Bytes::from(delivery.body.clone()))?;
    let host = request.uri().authority().map(ToString::to_string);
    if let Some(host) = host.and_then(|host| HeaderValue::from_str(&host).ok()) {
        request.headers_mut().insert(HOST, host);
    }
    Ok(request)
}

/// Brings a request to whom it is for, if that is somebody here.
fn carry(
    cloud: &mut state::State,
    request: &http::Request<Bytes>,
) -> Option<Result<Course, Unreachable>> {
    let host = router::host(request);
    if let Some(course) = elbv2::visit(cloud, request, &SENDER.to_string()) {
        return Some(course);
    }
    if let Some(asked) = tenants::at_caller(cloud, &host, request, SENDER) {
        return Some(Ok(Course::Ask(Box::new(asked))));
    }
    match address_of(&host) {
        Some(address) if !address.is_loopback() => Some(knock(cloud, address, request)),
        _ => None,
    }
}

fn knock(
    cloud: &mut state::State,
    address: Ipv4Addr,
    request: &http::Request<Bytes>,
) -> Result<Course, Unreachable> {
    let uri = request.uri();
    let usual = if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    let port = uri.port_u16().unwrap_or(usual);
    let Reach::Instance(id) = ec2::reachable(cloud, address, port, SENDER) else {
        return Err(Unreachable::Silent);
    };
    if address.is_private() {
        return Err(Unreachable::Silent);
    }
    let now = cloud.now;
    let machine = cloud.hosts.get_mut(&id).ok_or(Unreachable::Silent)?;
    let reply = machine.serve(port, request, &SENDER.to_string(), now)?;
    Ok(Course::at_machine(&id, reply))
}
