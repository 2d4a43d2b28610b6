//! `discord::on_message`: a bot that hears what is said.
//!
//! All listeners of a playbook share one connection. What they do not ask for (channels,
//! roles) is not answered; nor is the bot itself, or another one.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opsh_operation::suggest::did_you_mean;
use opsh_operation::{Fault, FaultKind, Map, Value};
use tracing::Level;

use super::{Event, Handler, Hub, Source, Timing};
use crate::world::discord::{Heard, Message, Named, Wanted};
use crate::world::{Cancel, Kind};

/// How many messages are answered at once.
const WORKERS: usize = 4;
/// How many wait for that; more are not answered.
const WAITING: usize = 256;
/// How long an answer may take, if nobody says.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// What a handler listens to.
#[derive(Clone)]
pub struct Listener {
    /// Channels by id or name; any, if there is none.
    pub channels: Vec<String>,
    /// Roles of who says it, by id or name; any, if there is none.
    pub roles: Vec<String>,
    /// Roles that must be mentioned, by id or name; if there is none, nobody need be.
    pub mentions: Vec<String>,
    /// Only what mentions the bot, or is said to it alone.
    pub addressed: bool,
    /// Conversations between two, too.
    pub direct: bool,
    /// What is called.
    pub handler: Handler,
}

impl Listener {
    fn hears(&self, message: &Message) -> bool {
        let any = |wanted: &[String], there: &[Named]| {
            wanted.is_empty()
                || wanted
                    .iter()
                    .any(|word| there.iter().any(|named| named.is(word)))
        };
        let direct = message.guild.is_none();
        let place = if direct {
            self.direct
        } else {
            let places: Vec<Named> = [Some(message.channel.clone()), message.parent.clone()]
                .into_iter()
                .flatten()
                .collect();
            any(&self.channels, &places)
        };
        place
            && any(&self.roles, &message.roles)
            && any(&self.mentions, &message.mentions)
            && (!self.addressed || message.to_bot || direct)
    }
}

/// The bot of a playbook.
#[derive(Default)]
pub struct Bot {
    listeners: Mutex<Vec<Listener>>,
}

impl Bot {
    /// Lets another handler listen.
    pub fn add(&self, listener: Listener) {
        self.listeners().push(listener);
    }

    fn listeners(&self) -> MutexGuard<'_, Vec<Listener>> {
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets everyone who listens handle `message`; the last result.
    fn handle(&self, hub: &Hub, message: &Message) -> Value {
        let listeners = self.listeners().clone();
        let mut last = Value::Null;
        for listener in listeners.iter().filter(|one| one.hears(message)) {
            let event = Event::new(
                &listener.handler,
                format!("discord {}", shown(&message.channel)),
                vec![told(message)],
            );
            // A failure has been logged; the bot goes on.
            last = hub.handle(&event).unwrap_or_default();
        }
        last
    }

    fn wanted(&self) -> Wanted {
        Wanted {
            direct: self.listeners().iter().any(|listener| listener.direct),
        }
    }

    /// Listens to the real Discord, until the service is to stop.
    fn listen(self: &Arc<Self>, hub: &Arc<Hub>) -> Result<(), Fault> {
        let (queue, waiting) = sync_channel(WAITING);
        let waiting = Arc::new(Mutex::new(waiting));
        let mut workers = Vec::new();
        for _ in 0..WORKERS {
            let (bot, own, waiting) = (Arc::clone(self), Arc::clone(hub), Arc::clone(&waiting));
            let work = move || bot.work(&own, &waiting);
            let worker = hub.worker("opsh-discord", work).map_err(|error| {
                Fault::new(
                    FaultKind::Failed,
                    format!("no thread can be started: {error}"),
                )
            })?;
            workers.push(worker);
        }
        let mut hear = |heard| hear(hub, &queue, heard);
        let discord = hub.world().discord();
        let ended = discord.listen(self.wanted(), &mut hear, hub.stop());
        drop(queue);
        for worker in workers {
            // One that broke off has said so.
            let _ = worker.join();
        }
        ended
    }

    /// Listens to the embedded Discord on a simulated host, until the service is to stop:
    /// each message is handled on a branch of its own.
    fn lodge(self: &Arc<Self>, hub: &Arc<Hub>) -> Result<(), Fault> {
        let mut hear = |heard| match heard {
            Heard::Message(message) => {
                let bot = Arc::clone(self);
                let handle = move |hub: &Arc<Hub>| drop(bot.handle(hub, &message));
                if let Err(error) = hub.thread("opsh-discord", handle) {
                    hub.say(Level::WARN, &format!("discord: not answered: {error}"));
                }
            }
            other => note(hub, other),
        };
        let discord = hub.world().discord();
        discord.listen(self.wanted(), &mut hear, hub.stop())
    }

    /// Handles one message after the other, until there can be no more.
    fn work(&self, hub: &Hub, waiting: &Mutex<Receiver<Box<Message>>>) {
        loop {
            let next = waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .recv_timeout(Cancel::PATIENCE);
            match next {
                Ok(message) => drop(self.handle(hub, &message)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

/// Takes note of what comes out of the connection: at once, for it also keeps alive.
fn hear(hub: &Hub, queue: &SyncSender<Box<Message>>, heard: Heard) {
    match heard {
        Heard::Message(message) => match queue.try_send(message) {
            Ok(()) => {}
            Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) => {
                let place = shown(&message.channel);
                let words = format!("discord: too much is asked: not answered in {place}");
                hub.say(Level::WARN, &words);
            }
        },
        other => note(hub, other),
    }
}

/// Logs what happens to the connection.
fn note(hub: &Hub, heard: Heard) {
    match heard {
        Heard::Connected(name) => hub.say(Level::INFO, &format!("discord: {name} is there")),
        Heard::Resumed => hub.say(Level::INFO, "discord: connected again, nothing was missed"),
        Heard::Lost(why) => hub.say(Level::WARN, &format!("discord: {why}; connecting again")),
        Heard::Odd(what) => hub.say(Level::WARN, &format!("discord: left out: {what}")),
        Heard::Message(_) => {}
    }
}

/// [`Bot`] as a source: one for all listeners.
pub struct Connection(pub Arc<Bot>);

impl Source for Connection {
    fn label(&self) -> String {
        "discord".to_owned()
    }

    fn open(&self, hub: &Arc<Hub>) -> Result<(), Fault> {
        let token = hub.world().discord().token()?;
        hub.gate().redactor.add(&token);
        Ok(())
    }

    fn run(&self, hub: &Arc<Hub>) -> Result<(), Fault> {
        match hub.runtime().service.timing() {
            Timing::Lodged => self.0.lodge(hub),
            _ if hub.world().kind() == Kind::Live => self.0.listen(hub),
            // Nobody says anything there that is in no file of events.
            _ => {
                hub.rest();
                Ok(())
            }
        }
    }

    fn kind(&self) -> Option<&'static str> {
        Some("discord")
    }

    fn replay(&self, hub: &Arc<Hub>, event: &Value) -> Result<Value, Fault> {
        let message = planned(hub, event)?;
        Ok(message.map_or(Value::Null, |message| self.0.handle(hub, &message)))
    }
}

/// What a message of a file may say.
const MEMBERS: [&str; 9] = [
    "author", "bot", "channel", "content", "direct", "id", "mentions", "roles", "to_bot",
];

/// A message of a file; none of a bot is heard.
fn planned(hub: &Hub, event: &Value) -> Result<Option<Message>, Fault> {
    let invalid = |why: String| Fault::new(FaultKind::Invalid, format!("discord: {why}"));
    let Some(map) = event.as_map() else {
        return Err(invalid(
            r#"write {"channel": "status", "author": "ann", "content": "…"}"#.to_owned(),
        ));
    };
    if let Some(unknown) = map.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        let near = did_you_mean(unknown, MEMBERS);
        return Err(invalid(format!("unknown member '{unknown}'{near}")));
    }
    let text = |name: &str| map.get(name).and_then(Value::as_text).unwrap_or_default();
    let flag = |name: &str| map.get(name).and_then(Value::as_bool).unwrap_or(false);
    let named = |word: &str| Named {
        id: word.to_owned(),
        name: word.to_owned(),
    };
    let all = |name: &str| {
        let words = map.get(name).and_then(Value::as_list).unwrap_or_default();
        words.iter().filter_map(Value::as_text).map(named).collect()
    };
    if text("content").is_empty() || (text("channel").is_empty() && !flag("direct")) {
        return Err(invalid("a message has 'channel' and 'content'".to_owned()));
    }
    if flag("bot") {
        return Ok(None);
    }
    let now = hub.world().now();
    let id = match text("id") {
        "" => format!("message-{}", now.as_millisecond()),
        id => id.to_owned(),
    };
    let channel = match text("channel") {
        "" => "direct",
        channel => channel,
    };
    Ok(Some(Message {
        id,
        channel: named(channel),
        parent: None,
        guild: (!flag("direct")).then(|| "embedded".to_owned()),
        author: named(match text("author") {
            "" => "somebody",
            author => author,
        }),
        roles: all("roles"),
        content: text("content").to_owned(),
        to_bot: flag("to_bot"),
        mentions: all("mentions"),
        at: Some(now),
    }))
}

fn shown(named: &Named) -> &str {
    if named.name.is_empty() {
        &named.id
    } else {
        &named.name
    }
}

/// A message as a handler gets it.
fn told(message: &Message) -> Value {
    let names = |all: &[Named]| Value::List(all.iter().map(|one| shown(one).into()).collect());
    let author = Map::from([
        ("id".to_owned(), message.author.id.as_str().into()),
        ("name".to_owned(), shown(&message.author).into()),
    ]);
    Value::Map(Map::from([
        ("id".to_owned(), message.id.as_str().into()),
        ("channel".to_owned(), shown(&message.channel).into()),
        ("channel_id".to_owned(), message.channel.id.as_str().into()),
        ("author".to_owned(), author.into()),
        ("roles".to_owned(), names(&message.roles)),
        ("mentions".to_owned(), names(&message.mentions)),
        ("content".to_owned(), message.content.as_str().into()),
        ("text".to_owned(), without_mentions(&message.content).into()),
        ("direct".to_owned(), message.guild.is_none().into()),
        ("at".to_owned(), message.at.map_or(Value::Null, Value::Time)),
    ]))
}

/// The words alone: no mentions of people and roles, no spaces around.
fn without_mentions(content: &str) -> String {
    let mut words = String::with_capacity(content.len());
    let mut rest = content;
    while let Some(at) = rest.find("<@") {
        let Some(end) = rest[at..].find('>') else {
            break;
        };
        words.push_str(&rest[..at]);
        let inside = rest[at + 2..at + end].trim_start_matches(['!', '&']);
        if inside.is_empty() || !inside.chars().all(|letter| letter.is_ascii_digit()) {
            words.push_str(&rest[at..=at + end]);
        }
        rest = &rest[at + end + 1..];
    }
    words.push_str(rest);
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_are_no_words_of_a_question() {
        assert_eq!(
            without_mentions("<@9>  Tell me\n about <@&5>my server! <@x> <@!7>"),
            "Tell me about my server! <@x>"
        );
        assert_eq!(without_mentions("a <@ b"), "a <@ b");
    }
}
