//! An embedded Discord: what a bot says is kept in an outbox that can be read.
//!
//! It answers the requests of Discord's REST API (version 10) that a bot needs to know who it
//! is and to speak,
//! [Create Message](https://docs.discord.com/developers/resources/message#create-message)
//! with its limits; any other is refused. Channels have no ids beside their names.

use bytes::Bytes;
use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp};
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::cloud::Cloud;
use crate::state::State as Whole;
use crate::talk::Said;

/// Where it answers.
pub const HOST: &str = "discord.com";
/// The id of the bot, which is the author of all that is said.
pub const BOT: &str = "1100000000000000001";

/// What the bot is called.
pub const NAME: &str = "opsh";
/// The one server that there is.
pub const GUILD: &str = "embedded";

/// Milliseconds from the Unix epoch to Discord's.
const EPOCH: i64 = 1_420_070_400_000;
/// For how long a nonce says that a message is the same: "the past few minutes".
const SAME: SignedDuration = SignedDuration::from_mins(5);
/// The most characters of a message, of a nonce, and of all embeds together; the most embeds.
const LONGEST: usize = 2_000;
const LONGEST_NONCE: usize = 25;
const LONGEST_EMBEDS: usize = 6_000;
const MOST_EMBEDS: usize = 10;
/// The most fields of an embed.
const MOST_FIELDS: usize = 25;
/// The most characters of each text of an embed, by its place.
const TEXTS: [(&str, usize); 4] = [
    ("/title", 256),
    ("/description", 4_096),
    ("/footer/text", 2_048),
    ("/author/name", 256),
];

/// A message that the bot has sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// When it was sent.
    pub at: Timestamp,
    /// Its id.
    pub id: String,
    /// Where it was sent to.
    pub channel: String,
    /// Its text.
    pub content: String,
    /// What is laid out below it, as Discord's API has it.
    pub embeds: Vec<Value>,
    /// The id of the message that it answers.
    pub reply_to: Option<String>,
    /// Whom it may call: what of `users`, `roles`, `everyone` is not only shown.
    pub calls: Vec<String>,
    /// What the same message would have, too.
    pub nonce: Option<String>,
}

/// All that has been said.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    /// The messages of bots, oldest first.
    pub outbox: Vec<Message>,
    /// What people have said to them, oldest first.
    #[serde(default)]
    pub said: Vec<Said>,
}

/// Why a request is refused: status, code and words.
struct Refused(StatusCode, u32, String);

impl Cloud {
    /// Answers a request to Discord's API.
    pub(crate) fn visit_discord(&self, request: &http::Request<Bytes>) -> http::Response<Bytes> {
        let mut state = self.state();
        let (status, body) = match answer(&mut state, request) {
            Ok(body) => (StatusCode::OK, body),
            Err(Refused(status, code, message)) => {
                (status, json!({ "message": message, "code": code }))
            }
        };
        let (status, body) = match self.keep(&state) {
            Ok(()) => (status, body),
            Err(error) => (
                StatusCode::INTERNAL_SERVER_ERROR,
                json!({ "message": error.to_string(), "code": 0 }),
            ),
        };
        let mut response = http::Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = status;
        let json = http::HeaderValue::from_static("application/json");
        response.headers_mut().insert("content-type", json);
        response
    }
}

fn answer(state: &mut Whole, request: &http::Request<Bytes>) -> Result<Value, Refused> {
    let authorized = request
        .headers()
        .get("authorization")
        .and_then(|value| value.to_str().ok())
        .is_some_and(|value| value.starts_with("Bot "));
    if !authorized {
        let words = "401: Unauthorized".to_owned();
        return Err(Refused(StatusCode::UNAUTHORIZED, 0, words));
    }
    let path = request.uri().path();
    let channel = path
        .strip_prefix("/api/v10/channels/")
        .and_then(|rest| rest.strip_suffix("/messages"))
        .filter(|channel| !channel.is_empty() && !channel.contains('/'));
    match channel {
        Some(channel) if *request.method() == Method::POST => {
            let channel = percent_decode_str(channel).decode_utf8_lossy();
            create(state, &channel, request.body())
        }
        None if *request.method() == Method::GET && path == "/api/v10/users/@me" => {
            Ok(json!({ "id": BOT, "username": NAME, "bot": true }))
        }
        None if *request.method() == Method::GET && path == "/api/v10/users/@me/guilds" => {
            Ok(json!([{ "id": GUILD, "name": GUILD }]))
        }
        _ => Err(Refused(
            StatusCode::NOT_FOUND,
            0,
            format!(
                "not modelled by the embedded Discord: {} {path}",
                request.method()
            ),
        )),
    }
}

fn create(state: &mut Whole, channel: &str, body: &[u8]) -> Result<Value, Refused> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| invalid(&format!("the body is no JSON: {error}")))?;
    let message = read(state, channel, &body)?;
    let same = |other: &&Message| {
        message.nonce.is_some()
            && other.nonce == message.nonce
            && other.channel == message.channel
            && message.at.duration_since(other.at) < SAME
    };
    if body["enforce_nonce"] == true
        && let Some(before) = state.discord.outbox.iter().rev().find(same)
    {
        return Ok(shown(before));
    }
    let answer = shown(&message);
    state.discord.outbox.push(message);
    Ok(answer)
}

fn read(state: &Whole, channel: &str, body: &Value) -> Result<Message, Refused> {
    const KNOWN: [&str; 6] = [
        "allowed_mentions",
        "content",
        "embeds",
        "enforce_nonce",
        "message_reference",
        "nonce",
    ];
    let fields = body
        .as_object()
        .ok_or_else(|| invalid("the body is no object"))?;
    if let Some(unknown) = fields.keys().find(|name| !KNOWN.contains(&name.as_str())) {
        return Err(invalid(&format!(
            "not modelled by the embedded Discord: the field '{unknown}' of a message"
        )));
    }
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let content = text(&body["content"]).unwrap_or_default();
    let embeds = body["embeds"].as_array().cloned().unwrap_or_default();
    if content.trim().is_empty() && embeds.is_empty() {
        let words = "Cannot send an empty message".to_owned();
        return Err(Refused(StatusCode::BAD_REQUEST, 50_006, words));
    }
    if content.chars().count() > LONGEST {
        return Err(invalid(&format!(
            "content: Must be {LONGEST} or fewer in length."
        )));
    }
    check_embeds(&embeds)?;
    let nonce = text(&body["nonce"]);
    if nonce
        .as_ref()
        .is_some_and(|nonce| nonce.len() > LONGEST_NONCE)
    {
        return Err(invalid(&format!(
            "nonce: Must be {LONGEST_NONCE} or fewer in length."
        )));
    }
    let calls = body["allowed_mentions"]["parse"].as_array();
    let calls = calls.map_or_else(
        || ["everyone", "roles", "users"].map(str::to_owned).to_vec(),
        |kinds| kinds.iter().filter_map(text).collect(),
    );
    Ok(Message {
        at: state.now,
        id: snowflake(state),
        channel: channel.to_owned(),
        content,
        embeds,
        reply_to: text(&body["message_reference"]["message_id"]),
        calls,
        nonce,
    })
}

/// Time first, so that ids sort by it; the rest tells those of one millisecond apart.
pub(crate) fn snowflake(state: &Whole) -> String {
    let at = (state.now.as_millisecond() - EPOCH).max(0);
    let count = (state.discord.outbox.len() + state.discord.said.len()) & 0xFFF;
    ((at << 22) | i64::try_from(count).unwrap_or_default()).to_string()
}

fn check_embeds(embeds: &[Value]) -> Result<(), Refused> {
    if embeds.len() > MOST_EMBEDS {
        return Err(invalid(&format!(
            "embeds: Must be {MOST_EMBEDS} or fewer in length."
        )));
    }
    let mut all = 0;
    for (index, embed) in embeds.iter().enumerate() {
        let mut check = |value: &Value, place: &str, most: usize| {
            let length = value.as_str().unwrap_or_default().chars().count();
            all += length;
            if length > most {
                return Err(invalid(&format!(
                    "embeds[{index}].{place}: Must be {most} or fewer in length."
                )));
            }
            Ok(())
        };
        for (place, most) in TEXTS {
            let value = embed.pointer(place).unwrap_or(&Value::Null);
            check(value, &place[1..].replace('/', "."), most)?;
        }
        let fields = embed["fields"].as_array();
        for field in fields.into_iter().flatten() {
            check(&field["name"], "fields.name", 256)?;
            check(&field["value"], "fields.value", 1_024)?;
            let empty = |value: &Value| value.as_str().unwrap_or_default().trim().is_empty();
            if empty(&field["name"]) || empty(&field["value"]) {
                return Err(invalid(&format!(
                    "embeds[{index}].fields: This field is required"
                )));
            }
        }
        if fields.is_some_and(|fields| fields.len() > MOST_FIELDS) {
            return Err(invalid(&format!(
                "embeds[{index}].fields: Must be {MOST_FIELDS} or fewer in length."
            )));
        }
    }
    if all > LONGEST_EMBEDS {
        return Err(invalid(&format!(
            "embeds: Embed size exceeds maximum size of {LONGEST_EMBEDS}"
        )));
    }
    Ok(())
}

fn invalid(words: &str) -> Refused {
    Refused(
        StatusCode::BAD_REQUEST,
        50_035,
        format!("Invalid Form Body: {words}"),
    )
}

/// A message as the API shows it, as far as anybody looks.
fn shown(message: &Message) -> Value {
    json!({
        "id": message.id,
        "channel_id": message.channel,
        "author": { "id": BOT, "username": NAME, "bot": true },
        "content": message.content,
        "embeds": message.embeds,
        "timestamp": message.at.to_string(),
        "nonce": message.nonce,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::furnish::Options;

    fn post(cloud: &Cloud, path: &str, body: &Value) -> (u16, Value) {
        let request = http::Request::post(format!("https://discord.com{path}"))
            .header("authorization", "Bot token")
            .body(Bytes::from(body.to_string()))
            .unwrap();
        let answer = cloud.visit(request).unwrap();
        let body = serde_json::from_slice(answer.body()).unwrap();
        (answer.status().as_u16(), body)
    }

    const STATUS: &str = "/api/v10/channels/status/messages";

    #[test]
    fn what_is_said_is_kept_once_a_nonce() {
        let cloud = Cloud::furnished(&Options::default());
        let message = json!({
            "content": "hello", "nonce": "n", "enforce_nonce": true,
            "allowed_mentions": { "parse": [] },
            "message_reference": { "message_id": "17" },
        });
        let (status, first) = post(&cloud, STATUS, &message);
        assert_eq!((status, &first["content"]), (200, &json!("hello")));
        let (_, again) = post(&cloud, STATUS, &message);
        assert_eq!(again["id"], first["id"]);
        let (_, elsewhere) = post(&cloud, &STATUS.replace("status", "other"), &message);
        assert_ne!(elsewhere["id"], first["id"]);
        let outbox = cloud.look(|state| state.discord.outbox.clone());
        assert_eq!(outbox.len(), 2);
        assert_eq!(outbox[0].reply_to.as_deref(), Some("17"));
        assert_eq!(outbox[0].calls, Vec::<String>::new());
    }

    #[test]
    fn what_discord_refuses_is_refused() {
        let cloud = Cloud::furnished(&Options::default());
        for (body, words) in [
            (json!({}), "Cannot send an empty message"),
            (
                json!({ "content": "x".repeat(2_001) }),
                "content: Must be 2000",
            ),
            (
                json!({ "content": "x", "nonce": "x".repeat(26) }),
                "nonce: Must be 25",
            ),
            (json!({ "content": "x", "tts": true }), "the field 'tts'"),
            (
                json!({ "embeds": vec![json!({}); 11] }),
                "embeds: Must be 10",
            ),
            (
                json!({ "embeds": [{ "title": "x".repeat(257) }] }),
                "embeds[0].title: Must be 256",
            ),
            (
                json!({ "embeds": [{ "fields": [{ "name": "a", "value": " " }] }] }),
                "embeds[0].fields: This field is required",
            ),
            (
                json!({ "embeds": vec![json!({ "description": "x".repeat(3_001) }); 2] }),
                "exceeds maximum size of 6000",
            ),
        ] {
            let (status, answer) = post(&cloud, STATUS, &body);
            let message = answer["message"].as_str().unwrap();
            assert_eq!(status, 400, "{message}");
            assert!(message.contains(words), "{message}");
        }
        let (status, answer) = post(&cloud, "/api/v10/guilds/1/channels", &json!({}));
        assert_eq!(status, 404);
        assert_eq!(
            answer["message"],
            "not modelled by the embedded Discord: POST /api/v10/guilds/1/channels"
        );
        let nobody = http::Request::post(format!("https://discord.com{STATUS}"));
        let answer = cloud.visit(nobody.body(Bytes::new()).unwrap()).unwrap();
        assert_eq!(answer.status(), 401);
        assert!(cloud.look(|state| state.discord.outbox.is_empty()));
    }
}
