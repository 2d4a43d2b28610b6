//! From what a playbook says to a message of Discord's API.

use opsh_operation::{Fault, FaultKind, Map, Value};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::neutral::neutralised;
use crate::modules::{Context, given, log};

/// [Limits of messages](https://docs.discord.com/developers/resources/message#embed-object-embed-limits),
/// in characters and in pieces.
const CONTENT: usize = 2_000;
const NONCE: usize = 25;
const EMBEDS: usize = 10;
const FIELDS: usize = 25;
const TITLE: usize = 256;
const DESCRIPTION: usize = 4_096;
const FOOTER: usize = 2_048;
const NAME: usize = 256;
const VALUE: usize = 1_024;
const ALL_EMBEDS: usize = 6_000;

pub(super) fn send(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    let discord = context.world.discord();
    (context.conceal)(&discord.token()?);
    let channel = discord.channel(given::text(input, "channel"), context.cancel)?;
    post(context, &channel, &message(input)?)
}

pub(super) fn reply(context: &Context<'_>, input: &Map) -> Result<Value, Fault> {
    (context.conceal)(&context.world.discord().token()?);
    let part = |name: &str| {
        let part = input.get("message").and_then(|message| message.get(name));
        part.and_then(Value::as_text).ok_or_else(|| {
            invalid(format!(
                "'message' has no '{name}': give the message that on_message gave"
            ))
        })
    };
    let (id, channel) = (part("id")?, part("channel_id")?);
    let channel = context.world.discord().channel(channel, context.cancel)?;
    let mut message = message(input)?;
    // One that was deleted meanwhile is answered all the same.
    message["message_reference"] = json!({ "message_id": id, "fail_if_not_exists": false });
    post(context, &channel, &message)
}

fn post(context: &Context<'_>, channel: &str, message: &Json) -> Result<Value, Fault> {
    if channel.contains(['/', '?', '#']) || channel.is_empty() {
        return Err(invalid(format!("'{channel}' is no id of a channel")));
    }
    let path = format!("/channels/{channel}/messages");
    let discord = context.world.discord();
    let answer = discord.ask("POST", &path, Some(message), context.cancel)?;
    let text = |name: &str| answer[name].as_str().unwrap_or_default().into();
    Ok(Value::Map(Map::from([
        ("id".to_owned(), text("id")),
        ("channel_id".to_owned(), text("channel_id")),
    ])))
}

/// The body of the request; everything that is wrong with it at once.
fn message(input: &Map) -> Result<Json, Fault> {
    let mut checked = Checked::default();
    let content = checked.text(input.get("content"), "content", CONTENT);
    let embeds: Vec<Json> = given::list(input, "embeds")
        .iter()
        .enumerate()
        .filter_map(|(index, embed)| Some((index, embed.as_map()?)))
        .map(|(index, embed)| checked.embed(&format!("embeds[{index}]"), embed))
        .collect();
    checked.most("embeds", embeds.len(), EMBEDS, "embeds");
    let all = checked.in_embeds;
    checked.most("embeds", all, ALL_EMBEDS, "characters in all");
    if content.trim().is_empty() && embeds.is_empty() {
        let nothing = "there is nothing to say: give 'content' or 'embeds'";
        checked.problems.push(nothing.to_owned());
    }
    if !checked.problems.is_empty() {
        return Err(invalid(checked.problems.join("; ")));
    }
    let mut message = json!({
        "content": content,
        "allowed_mentions": { "parse": [], "replied_user": false },
    });
    if !embeds.is_empty() {
        message["embeds"] = embeds.into();
    }
    let nonce = given::text(input, "nonce");
    if !nonce.is_empty() {
        message["nonce"] = short(nonce).into();
        message["enforce_nonce"] = true.into();
    }
    Ok(message)
}

/// A nonce that is not longer than Discord takes; the gate's tokens are.
fn short(nonce: &str) -> String {
    if nonce.chars().count() <= NONCE {
        return nonce.to_owned();
    }
    let mut short = hex::encode(Sha256::digest(nonce));
    short.truncate(NONCE);
    short
}

/// What has been looked at so far.
#[derive(Default)]
struct Checked {
    problems: Vec<String>,
    /// Characters in the embeds.
    in_embeds: usize,
}

impl Checked {
    fn most(&mut self, place: &str, count: usize, most: usize, what: &str) {
        if count > most {
            self.problems.push(format!(
                "'{place}' has {count} {what}; Discord takes {most}"
            ));
        }
    }

    /// The text of `value`, which calls nobody.
    fn text(&mut self, value: Option<&Value>, place: &str, most: usize) -> String {
        let text = neutralised(&log::shown(value.unwrap_or(&Value::Null)));
        self.most(place, text.chars().count(), most, "characters");
        text
    }

    fn in_embed(&mut self, value: Option<&Value>, place: &str, most: usize) -> String {
        let text = self.text(value, place, most);
        self.in_embeds += text.chars().count();
        text
    }

    fn embed(&mut self, place: &str, embed: &Map) -> Json {
        let mut json = json!({});
        for (name, most) in [("title", TITLE), ("description", DESCRIPTION)] {
            let text = self.in_embed(embed.get(name), &format!("{place}.{name}"), most);
            if !text.is_empty() {
                json[name] = text.into();
            }
        }
        let footer = self.in_embed(embed.get("footer"), &format!("{place}.footer"), FOOTER);
        if !footer.is_empty() {
            json["footer"] = json!({ "text": footer });
        }
        match given::text(embed, "url") {
            "" => {}
            url if url.starts_with("https://") || url.starts_with("http://") => {
                json["url"] = url.into();
            }
            url => self
                .problems
                .push(format!("'{place}.url' is no http or https URL: {url}")),
        }
        match color(given::text(embed, "color")) {
            Ok(None) => {}
            Ok(Some(color)) => json["color"] = color.into(),
            Err(text) => self.problems.push(format!(
                "'{place}.color' is no color like \"#2ecc71\": {text}"
            )),
        }
        match embed.get("timestamp") {
            Some(Value::Time(time)) => json["timestamp"] = time.to_string().into(),
            Some(Value::Text(text)) => json["timestamp"] = text.as_str().into(),
            _ => {}
        }
        let fields = given::list(embed, "fields");
        self.most(&format!("{place}.fields"), fields.len(), FIELDS, "fields");
        let fields: Vec<Json> = fields
            .iter()
            .enumerate()
            .filter_map(|(index, field)| Some((index, field.as_map()?)))
            .map(|(index, field)| self.field(&format!("{place}.fields[{index}]"), field))
            .collect();
        if !fields.is_empty() {
            json["fields"] = fields.into();
        }
        json
    }

    fn field(&mut self, place: &str, field: &Map) -> Json {
        let mut part = |name: &str, most| {
            let text = self.in_embed(field.get(name), &format!("{place}.{name}"), most);
            // Discord refuses what is empty.
            if text.trim().is_empty() {
                "–".to_owned()
            } else {
                text
            }
        };
        json!({
            "name": part("name", NAME),
            "value": part("value", VALUE),
            "inline": given::flag(field, "inline", true),
        })
    }
}

/// `#2ecc71` as a number.
fn color(text: &str) -> Result<Option<u32>, &str> {
    if text.is_empty() {
        return Ok(None);
    }
    text.strip_prefix('#')
        .filter(|digits| digits.len() == 6)
        .and_then(|digits| u32::from_str_radix(digits, 16).ok())
        .map(Some)
        .ok_or(text)
}

fn invalid(message: String) -> Fault {
    Fault::new(FaultKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn map<const N: usize>(entries: [(&str, Value); N]) -> Map {
        let entries = entries.map(|(name, value)| (name.to_owned(), value));
        Map::from(entries)
    }

    #[test]
    fn a_message_calls_nobody_and_is_sent_once() {
        let field = map([("name", "CPU".into()), ("value", 12.5.into())]);
        let empty = map([
            ("name", "Public".into()),
            ("value", Value::Null),
            ("inline", false.into()),
        ]);
        let embed = map([
            ("title", "web-1".into()),
            ("color", "#2ecc71".into()),
            ("footer", "by opsh".into()),
            ("fields", Value::List(vec![field.into(), empty.into()])),
        ]);
        let input = map([
            ("content", "hello @everyone <@7>".into()),
            ("embeds", Value::List(vec![embed.into()])),
            ("nonce", format!("opsh-{}", "a".repeat(32)).into()),
        ]);
        let body = message(&input).unwrap();
        assert_eq!(body["nonce"].as_str().unwrap().len(), NONCE);
        let mut body = body;
        body["nonce"] = "n".into();
        assert_eq!(
            body,
            json!({
                "content": "hello @\u{200b}everyone <\u{200b}@7>",
                "allowed_mentions": { "parse": [], "replied_user": false },
                "embeds": [{
                    "title": "web-1",
                    "color": 0x2e_cc71,
                    "footer": { "text": "by opsh" },
                    "fields": [
                        { "name": "CPU", "value": "12.5", "inline": true },
                        { "name": "Public", "value": "–", "inline": false },
                    ],
                }],
                "nonce": "n",
                "enforce_nonce": true,
            })
        );
    }

    #[test]
    fn all_that_discord_would_refuse_is_told_at_once() {
        let embed = map([
            ("title", "x".repeat(257).into()),
            ("color", "green".into()),
            ("url", "javascript:alert(1)".into()),
        ]);
        let input = map([
            ("content", "é".repeat(2_001).into()),
            ("embeds", Value::List(vec![embed.into()])),
        ]);
        assert_eq!(
            message(&input).unwrap_err().message,
            "'content' has 2001 characters; Discord takes 2000; \
             'embeds[0].title' has 257 characters; Discord takes 256; \
             'embeds[0].url' is no http or https URL: javascript:alert(1); \
             'embeds[0].color' is no color like \"#2ecc71\": green"
        );
        assert_eq!(
            message(&Map::new()).unwrap_err().message,
            "there is nothing to say: give 'content' or 'embeds'"
        );
    }
}
