//! `on_alarm`: alarms of CloudWatch that SNS brings.
//!
//! What comes is believed only if SNS has signed it for this topic (crate
//! `opsh-snsmessage`); then the subscription is confirmed through the API, or the handler is
//! given the alarm. The answer to SNS does not wait for the handler: SNS gives up after
//! fifteen seconds, and would send the alarm again. It does wait until the message and its
//! event are on disk: before that, SNS is to send it again, after that never.
//!
//! - [`alarm`]: what an alarm is to a handler;
//! - `subscribing`: the service's URL is subscribed to the topic, and confirmed;
//! - `certificates`: where the certificate comes from, and who vouches for it.

pub mod alarm;
mod certificates;
pub mod subscribing;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use http::StatusCode;
use jiff::Timestamp;
use opsh_operation::{Fault, FaultKind, Value};
use opsh_snsmessage::{Kind, Refusal, Rules, Verified, Verifier};
use tracing::Level;

use super::http::answer::Inbox;
use super::hub::Accepted;
use super::{Event, Handler, Hub, Source};
use crate::ledger::Delivery;
pub use subscribing::Clerk;

/// The most messages that are being handled.
const UNDER_WAY: usize = 64;

/// How alarms are to come.
#[derive(Debug, Clone)]
pub struct Options {
    /// The topic's ARN.
    pub topic: String,
    /// Where SNS reaches this service; nothing is subscribed without it.
    pub url: Option<String>,
    /// Whether signatures with SHA-1 are accepted.
    pub sha1: bool,
}

/// The alarms of a topic.
pub struct Alarms {
    options: Options,
    handler: Handler,
    clerk: Clerk,
    verifier: OnceLock<Verifier>,
    under_way: Arc<AtomicUsize>,
}

impl Alarms {
    /// Alarms for `handler`; `clerk` subscribes and confirms.
    #[must_use]
    pub fn new(options: Options, handler: Handler, clerk: Clerk) -> Self {
        Self {
            options,
            handler,
            clerk,
            verifier: OnceLock::new(),
            under_way: Arc::default(),
        }
    }

    fn verifier(&self, hub: &Arc<Hub>) -> Result<&Verifier, Fault> {
        if let Some(verifier) = self.verifier.get() {
            return Ok(verifier);
        }
        let mut rules = Rules::of([self.options.topic.clone()]);
        rules.sha1 = self.options.sha1;
        let trust = certificates::trust(hub)?;
        let source = certificates::Fetched::new(hub);
        let verifier = Verifier::new(rules, trust, Box::new(source));
        let now = hub.world().now();
        for (message, sent) in hub.deliveries(&self.options.topic)? {
            verifier.remember(&message, sent, now);
        }
        Ok(self.verifier.get_or_init(|| verifier))
    }

    /// What the ledger keeps of a message, for as long as it would be fresh.
    fn delivery(message: &Verified, verifier: &Verifier) -> Delivery {
        Delivery {
            source: message.topic.clone(),
            message: message.id.clone(),
            sent: message.sent,
            expires: message
                .sent
                .checked_add(verifier.window().age)
                .unwrap_or(Timestamp::MAX),
        }
    }

    /// The event that a message is; none if the message is nothing for the handler.
    fn event(&self, hub: &Hub, message: &Verified) -> Option<Event> {
        match (message.kind, &message.token) {
            (Kind::Notification, _) => {
                let Some(alarm) = alarm::of_message(message) else {
                    let id = &message.id;
                    let words = format!("{}: the message {id} is no alarm", self.label());
                    hub.say(Level::WARN, &words);
                    return None;
                };
                Some(self.handled(alarm))
            }
            (Kind::SubscriptionConfirmation, Some(token)) => {
                Some(self.clerk.confirms(&self.options.topic, token))
            }
            _ => {
                let words = format!("{}: the topic's messages were declined", self.label());
                hub.say(Level::WARN, &words);
                None
            }
        }
    }

    fn handled(&self, alarm: Value) -> Event {
        let text = |name: &str| {
            let text = alarm.get(name).and_then(Value::as_text);
            text.unwrap_or("?").to_owned()
        };
        let label = format!("alarm {} {}", text("name"), text("state"));
        Event::new(&self.handler, label, vec![alarm])
    }

    /// A place among those that are being handled, if there is one.
    fn place(&self) -> Option<Handling> {
        let count = Arc::clone(&self.under_way);
        if count.fetch_add(1, Ordering::SeqCst) >= UNDER_WAY {
            count.fetch_sub(1, Ordering::SeqCst);
            return None;
        }
        Some(Handling(count))
    }

    /// Lets an event be handled on a thread of its own.
    fn start(&self, hub: &Arc<Hub>, event: Accepted, place: Handling) {
        let started = hub.thread("alarm", move |hub| {
            // A failure has been logged already; SNS is not to send it again.
            let _ = hub.handle_accepted(event);
            drop(place);
        });
        if let Err(error) = started {
            let words = format!(
                "{}: there is no thread ({error}); the next process of the service handles it",
                self.label()
            );
            hub.say(Level::ERROR, &words);
        }
    }
}

/// A message that is being handled; counted as long as it lives.
struct Handling(Arc<AtomicUsize>);

impl Drop for Handling {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Inbox for Alarms {
    fn take(&self, hub: &Arc<Hub>, body: &[u8]) -> (StatusCode, String) {
        let verifier = match self.verifier(hub) {
            Ok(verifier) => verifier,
            Err(fault) => {
                hub.say(Level::ERROR, &format!("{}: {fault}", self.label()));
                return (StatusCode::SERVICE_UNAVAILABLE, String::new());
            }
        };
        let message = match verifier.verify(body, hub.world().now()) {
            Ok(message) => message,
            Err(Refusal::Replay(_)) => return (StatusCode::OK, "it has come before".to_owned()),
            Err(refusal) => {
                let check = refusal.check();
                let words = format!("{}: refused ({check}): {refusal}", self.label());
                hub.say(Level::WARN, &words);
                let status = match refusal {
                    _ if refusal.passes() => StatusCode::SERVICE_UNAVAILABLE,
                    Refusal::Size { .. } => StatusCode::PAYLOAD_TOO_LARGE,
                    _ => StatusCode::FORBIDDEN,
                };
                // Whoever forges learns which check it was, and nothing else.
                return (status, check.to_owned());
            }
        };
        let Some(event) = self.event(hub, &message) else {
            verifier.keep(&message);
            return (StatusCode::OK, String::new());
        };
        let again = |words: &str| {
            verifier.release(&message);
            (StatusCode::SERVICE_UNAVAILABLE, words.to_owned())
        };
        let Some(place) = self.place() else {
            return again("busy");
        };
        let Ok(accepted) = hub.accept(event, &Self::delivery(&message, verifier)) else {
            return again("not recorded");
        };
        verifier.keep(&message);
        self.start(hub, accepted, place);
        (StatusCode::OK, String::new())
    }
}

impl Source for Alarms {
    fn label(&self) -> String {
        let topic = &self.options.topic;
        format!("on_alarm {}", topic.rsplit(':').next().unwrap_or(topic))
    }

    fn open(&self, hub: &Arc<Hub>) -> Result<(), Fault> {
        let sources = hub.runtime().service.sources();
        if !sources
            .iter()
            .any(|source| source.kind() == Some("request"))
        {
            let words = format!("{}: nothing listens that SNS could reach", self.label());
            return Err(Fault::new(FaultKind::Invalid, words)
                .hint("add a server: serve(#{ port: 8080, routes: #{ … } })"));
        }
        // Whoever is trusted must be readable before anybody comes.
        self.verifier(hub).map(|_| ())
    }

    fn run(&self, hub: &Arc<Hub>) -> Result<(), Fault> {
        if let Some(url) = &self.options.url {
            let Options { topic, sha1, .. } = &self.options;
            hub.handle(&self.clerk.subscribes(topic, url, *sha1))
                .map_err(|_| {
                    let words = format!("{url} is not subscribed to {topic}");
                    Fault::new(FaultKind::Failed, words)
                })?;
        }
        hub.rest();
        Ok(())
    }

    fn kind(&self) -> Option<&'static str> {
        Some("alarm")
    }

    fn replay(&self, hub: &Arc<Hub>, event: &Value) -> Result<Value, Fault> {
        let alarm = alarm::of_file(event, hub.world().now())
            .map_err(|why| Fault::new(FaultKind::Invalid, format!("the alarm: {why}")))?;
        Ok(hub.handle(&self.handled(alarm)).unwrap_or(Value::Null))
    }
}
