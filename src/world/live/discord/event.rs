//! What the gateway says, as far as a bot needs it.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::names::{Channel, Guild, Names, OfRole};
use crate::world::discord::{Heard, Message, Named};

/// A frame; what it carries is read when its kind is known.
#[derive(Deserialize)]
struct Frame {
    op: u8,
    #[serde(default)]
    t: Option<String>,
    #[serde(default)]
    d: Json,
}

#[derive(Deserialize)]
struct Ready {
    user: User,
}

#[derive(Deserialize)]
struct User {
    id: String,
    username: String,
    #[serde(default)]
    global_name: Option<String>,
    #[serde(default)]
    bot: bool,
}

#[derive(Deserialize)]
struct Member {
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    nick: Option<String>,
}

#[derive(Deserialize)]
struct Id {
    id: String,
}

#[derive(Deserialize)]
struct Created {
    id: String,
    channel_id: String,
    #[serde(default)]
    guild_id: Option<String>,
    author: User,
    #[serde(default)]
    member: Option<Member>,
    #[serde(default)]
    content: String,
    #[serde(default)]
    mentions: Vec<Id>,
    #[serde(default)]
    mention_roles: Vec<String>,
    #[serde(default)]
    timestamp: Option<String>,
    #[serde(default)]
    webhook_id: Option<String>,
    #[serde(rename = "type", default)]
    kind: u8,
}

/// Kinds of messages that people write: ordinary ones and replies; others are the system's.
const WRITTEN: [u8; 2] = [0, 19];
/// A dispatched event.
const DISPATCH: u8 = 0;
/// The greeting.
const HELLO: u8 = 10;

/// Understands frames, one after the other.
#[derive(Default)]
pub(super) struct Reader {
    names: Names,
    own: String,
    greeted: bool,
}

impl Reader {
    /// Whether the last frame was the greeting with which a connection begins.
    pub fn was_greeted(&self) -> bool {
        self.greeted
    }

    /// What `frame` says to a bot, if anything.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(&mut self, frame: &str) -> Result<Option<Heard>, String> {
        self.greeted = false;
        let frame: Frame = serde_json::from_str(frame).map_err(|error| error.to_string())?;
        self.greeted = frame.op == HELLO;
        let (DISPATCH, Some(kind), data) = (frame.op, frame.t, frame.d) else {
            return Ok(None);
        };
        let kind = kind.as_str();
        match kind {
            "READY" => {
                let ready: Ready = read(kind, data)?;
                self.own = ready.user.id;
                return Ok(Some(Heard::Connected(ready.user.username)));
            }
            "RESUMED" => return Ok(Some(Heard::Resumed)),
            "GUILD_CREATE" => self.names.guild(read::<Guild>(kind, data)?),
            "CHANNEL_CREATE" | "CHANNEL_UPDATE" => self.names.channel(read(kind, data)?),
            "THREAD_CREATE" | "THREAD_UPDATE" => {
                self.names.thread(read::<Channel>(kind, data)?);
            }
            "GUILD_ROLE_CREATE" | "GUILD_ROLE_UPDATE" => {
                self.names.role(read::<OfRole>(kind, data)?);
            }
            "MESSAGE_CREATE" => return Ok(self.message(read(kind, data)?)),
            _ => {}
        }
        Ok(None)
    }

    /// A message of a person; those of bots, this one among them, are nobody's question.
    fn message(&self, created: Created) -> Option<Heard> {
        let machine = created.author.bot || created.webhook_id.is_some();
        if machine || created.author.id == self.own || !WRITTEN.contains(&created.kind) {
            return None;
        }
        let member = created.member.unwrap_or(Member {
            roles: Vec::new(),
            nick: None,
        });
        let (channel, parent) = self.names.place(&created.channel_id);
        let author = created.author;
        Some(Heard::Message(Box::new(Message {
            id: created.id,
            channel,
            parent,
            guild: created.guild_id,
            author: Named {
                id: author.id,
                name: member
                    .nick
                    .or(author.global_name)
                    .unwrap_or(author.username),
            },
            roles: self.names.roles(&member.roles),
            content: created.content,
            to_bot: created
                .mentions
                .iter()
                .any(|mention| mention.id == self.own),
            mentions: self.names.roles(&created.mention_roles),
            at: created.timestamp.and_then(|text| text.parse().ok()),
        })))
    }
}

fn read<T: DeserializeOwned>(kind: &str, data: Json) -> Result<T, String> {
    serde_json::from_value(data).map_err(|error| format!("{kind}: {error}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    fn dispatch(kind: &str, data: &Value) -> String {
        json!({ "op": 0, "s": 1, "t": kind, "d": data }).to_string()
    }

    fn reader() -> Reader {
        let mut reader = Reader::default();
        let ready = json!({ "user": { "id": "9", "username": "opsh" }, "new": "field" });
        let heard = reader.read(&dispatch("READY", &ready)).unwrap();
        assert_eq!(heard, Some(Heard::Connected("opsh".to_owned())));
        let guild = json!({
            "id": "1",
            "channels": [{ "id": "17", "name": "status", "parent_id": "3" }],
            "threads": [{ "id": "18", "name": "a thread", "parent_id": "17" }],
            "roles": [{ "id": "5", "name": "Engineering" }],
        });
        assert_eq!(reader.read(&dispatch("GUILD_CREATE", &guild)), Ok(None));
        reader
    }

    fn message(changes: &Value) -> String {
        let mut data = json!({
            "id": "100", "channel_id": "17", "guild_id": "1", "type": 0,
            "author": { "id": "7", "username": "ann" },
            "member": { "roles": ["5"], "nick": "Ann" },
            "content": "<@9> is it up?", "mentions": [{ "id": "9" }], "mention_roles": ["5"],
            "timestamp": "2026-01-01T00:00:00.000000+00:00",
        });
        for (name, value) in changes.as_object().unwrap() {
            data[name] = value.clone();
        }
        dispatch("MESSAGE_CREATE", &data)
    }

    #[test]
    fn a_question_comes_with_the_names_of_everything() {
        let heard = reader().read(&message(&json!({}))).unwrap();
        let named = |id: &str, name: &str| Named {
            id: id.to_owned(),
            name: name.to_owned(),
        };
        let expected = Message {
            id: "100".to_owned(),
            channel: named("17", "status"),
            parent: None,
            guild: Some("1".to_owned()),
            author: named("7", "Ann"),
            roles: vec![named("5", "Engineering")],
            content: "<@9> is it up?".to_owned(),
            to_bot: true,
            mentions: vec![named("5", "Engineering")],
            at: "2026-01-01T00:00:00Z".parse().ok(),
        };
        assert_eq!(heard, Some(Heard::Message(Box::new(expected))));
        let Some(Heard::Message(thread)) = reader()
            .read(&message(&json!({ "channel_id": "18" })))
            .unwrap()
        else {
            panic!("no message");
        };
        assert_eq!(thread.channel, named("18", "a thread"));
        assert_eq!(thread.parent, Some(named("17", "status")));
    }

    #[test]
    fn machines_and_the_system_ask_nothing() {
        for changes in [
            json!({ "author": { "id": "9", "username": "opsh" } }),
            json!({ "author": { "id": "8", "username": "other", "bot": true } }),
            json!({ "webhook_id": "4" }),
            json!({ "type": 7 }),
        ] {
            assert_eq!(reader().read(&message(&changes)), Ok(None), "{changes}");
        }
    }

    #[test]
    fn what_is_malformed_is_named_and_what_is_unknown_left_alone() {
        let mut reader = reader();
        assert!(reader.read("{\"op\":0,").is_err());
        let wrong = reader.read(&message(&json!({ "author": 7 }))).unwrap_err();
        assert!(wrong.starts_with("MESSAGE_CREATE: "), "{wrong}");
        assert_eq!(reader.read(&dispatch("NEW_EVENT", &json!({}))), Ok(None));
        assert_eq!(reader.read("{\"op\":11}"), Ok(None));
    }
}
